/* SPDX-License-Identifier: MIT */
/*
 * rm [-r] [-f] FILE...: remove files; with -r directories and all in them, with -f without
 * complaint about what is not there. A directory is emptied entry by entry, and opened anew for
 * each, because an index in it means another entry once one is gone.
 */
#include "command.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define USAGE "rm [-r] [-f] FILE..."
#define PATH_SIZE 1024

static bool recursive, force;

static int remove_path(char *path);

/* Append the first entry of the directory PATH to it. 1: done, 0: it is empty, -1: with errno. */
static int append_first_entry(char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return -1;
    }
    struct dirent *entry = readdir(directory);
    while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)) {
        entry = readdir(directory);
    }
    int result = entry != NULL;
    size_t length = strlen(path);
    if (entry != NULL && snprintf(path + length, PATH_SIZE - length, "/%s", entry->d_name) >=
                             (int)(PATH_SIZE - length)) {
        path[length] = '\0';
        errno = ENAMETOOLONG;
        result = -1;
    }
    closedir(directory);
    return result;
}

static int remove_directory(char *path) {
    size_t length = strlen(path);
    int result;
    while ((result = append_first_entry(path)) == 1) {
        int status = remove_path(path);
        path[length] = '\0';
        if (status != EXIT_SUCCESS) {
            return status;
        }
    }
    return result == 0 && rmdir(path) == 0 ? EXIT_SUCCESS : command_fail("rm", path);
}

static int remove_path(char *path) {
    struct stat status;
    if (stat(path, &status) != 0) {
        return force && errno == ENOENT ? EXIT_SUCCESS : command_fail("rm", path);
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return recursive ? remove_directory(path) : command_fail("rm", path);
    }
    return unlink(path) == 0 ? EXIT_SUCCESS : command_fail("rm", path);
}

int main(int argc, char **argv) {
    static char path[PATH_SIZE];
    int option, status = EXIT_SUCCESS;
    while ((option = getopt(argc, argv, "rfh")) != -1) {
        switch (option) {
        case 'r':
            recursive = true;
            break;
        case 'f':
            force = true;
            break;
        default:
            return command_usage(USAGE, option);
        }
    }
    if (optind == argc && !force) {
        return command_usage(USAGE, 0);
    }
    for (int i = optind; i < argc; i++) {
        if (snprintf(path, sizeof path, "%s", argv[i]) >= (int)sizeof path) {
            errno = ENAMETOOLONG;
            status |= command_fail("rm", argv[i]);
        } else {
            status |= remove_path(path);
        }
    }
    return status;
}
