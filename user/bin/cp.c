/* SPDX-License-Identifier: MIT */
/* cp [-r] SOURCE... TARGET: copy files; with -r directories and all in them. */
#include "command.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#define USAGE "cp [-r] SOURCE... TARGET"
#define PATH_SIZE 1024

static bool recursive;

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* DIRECTORY/NAME into PATH (PATH_SIZE bytes). */
static int path_join(char *path, const char *directory, const char *name) {
    size_t length = strlen(directory);
    const char *slash = length > 0 && directory[length - 1] == '/' ? "" : "/";
    if (snprintf(path, PATH_SIZE, "%s%s%s", directory, slash, name) >= PATH_SIZE) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

static int copy_bytes(int from, int to, const char *source, const char *target) {
    static char buffer[16 * 1024];
    ssize_t length;
    while ((length = read(from, buffer, sizeof buffer)) > 0) {
        if (command_write(to, buffer, (size_t)length) != 0) {
            return command_fail("cp", target);
        }
    }
    return length < 0 ? command_fail("cp", source) : EXIT_SUCCESS;
}

static bool is_same(int file, const char *path) {
    struct stat one, other;
    return fstat(file, &one) == 0 && stat(path, &other) == 0 && one.st_ino == other.st_ino;
}

static int copy_file(const char *source, const char *target, mode_t mode) {
    int from = open(source, O_RDONLY);
    if (from < 0) {
        return command_fail("cp", source);
    }
    if (is_same(from, target)) {
        fprintf(stderr, "cp: %s: is the same file as %s\n", source, target);
        close(from);
        return EXIT_FAILURE;
    }
    int to = open(target, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777);
    int status = to < 0 ? command_fail("cp", target) : copy_bytes(from, to, source, target);
    close(from);
    if (to >= 0) {
        close(to);
    }
    return status;
}

static int copy(const char *source, const char *target);

/* What stands in SOURCE, each after the other. */
static int copy_entries(DIR *directory, const char *source, const char *target) {
    char from[PATH_SIZE], to[PATH_SIZE];
    int status = EXIT_SUCCESS;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (path_join(from, source, entry->d_name) != 0 ||
            path_join(to, target, entry->d_name) != 0) {
            status |= command_fail("cp", entry->d_name);
        } else {
            status |= copy(from, to);
        }
    }
    return status;
}

static int copy_directory(const char *source, const char *target) {
    size_t length = strlen(source);
    if (strncmp(source, target, length) == 0 && (target[length] == '/' || target[length] == '\0')) {
        fprintf(stderr, "cp: %s: cannot be copied into itself\n", source);
        return EXIT_FAILURE;
    }
    if (mkdir(target, 0777) != 0 && !is_directory(target)) {
        return command_fail("cp", target);
    }
    DIR *directory = opendir(source);
    if (directory == NULL) {
        return command_fail("cp", source);
    }
    int status = copy_entries(directory, source, target);
    closedir(directory);
    return status;
}

static int copy(const char *source, const char *target) {
    struct stat status;
    if (stat(source, &status) != 0) {
        return command_fail("cp", source);
    }
    if (!S_ISDIR(status.st_mode)) {
        return copy_file(source, target, status.st_mode);
    }
    errno = EISDIR;
    return recursive ? copy_directory(source, target) : command_fail("cp", source);
}

static int copy_into(const char *source, const char *directory) {
    char target[PATH_SIZE];
    const char *slash = strrchr(source, '/');
    if (path_join(target, directory, slash != NULL ? slash + 1 : source) != 0) {
        return command_fail("cp", source);
    }
    return copy(source, target);
}

int main(int argc, char **argv) {
    int option, status = EXIT_SUCCESS;
    while ((option = getopt(argc, argv, "rh")) != -1) {
        if (option != 'r') {
            return command_usage(USAGE, option);
        }
        recursive = true;
    }
    const char *target = argv[argc - 1];
    if (argc - optind < 2) {
        return command_usage(USAGE, 0);
    }
    if (argc - optind == 2 && !is_directory(target)) {
        return copy(argv[optind], target);
    }
    if (!is_directory(target)) {
        errno = ENOTDIR;
        return command_fail("cp", target);
    }
    for (int i = optind; i < argc - 1; i++) {
        status |= copy_into(argv[i], target);
    }
    return status;
}
