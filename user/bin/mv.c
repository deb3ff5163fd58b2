/* SPDX-License-Identifier: MIT */
/* mv SOURCE... TARGET: rename, or move into a directory. */
#include "command.h"

#include <stdbool.h>
#include <sys/stat.h>

#define USAGE "mv SOURCE... TARGET"
#define PATH_SIZE 1024

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int move_into(const char *source, const char *directory) {
    char target[PATH_SIZE];
    const char *slash = strrchr(source, '/');
    if (snprintf(target, sizeof target, "%s/%s", directory, slash != NULL ? slash + 1 : source) >=
        (int)sizeof target) {
        errno = ENAMETOOLONG;
        return command_fail("mv", source);
    }
    return rename(source, target) == 0 ? EXIT_SUCCESS : command_fail("mv", source);
}

int main(int argc, char **argv) {
    int option, status = EXIT_SUCCESS;
    if ((option = getopt(argc, argv, "h")) != -1) {
        return command_usage(USAGE, option);
    }
    if (argc - optind < 2) {
        return command_usage(USAGE, 0);
    }
    const char *target = argv[argc - 1];
    if (is_directory(target)) {
        for (int i = optind; i < argc - 1; i++) {
            status |= move_into(argv[i], target);
        }
        return status;
    }
    errno = ENOTDIR;
    if (argc - optind > 2 || rename(argv[optind], target) != 0) {
        return command_fail("mv", argc - optind > 2 ? target : argv[optind]);
    }
    return EXIT_SUCCESS;
}
