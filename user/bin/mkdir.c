/* SPDX-License-Identifier: MIT */
/* mkdir [-p] DIRECTORY...: make directories; with -p also those above, and none need be new. */
#include "command.h"

#include <stdbool.h>
#include <sys/stat.h>

#define USAGE "mkdir [-p] DIRECTORY..."

static bool exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int make_with_parents(char *path) {
    for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && !exists(path)) {
            return command_fail("mkdir", path);
        }
    }
    return mkdir(path, 0777) == 0 || exists(path) ? EXIT_SUCCESS : command_fail("mkdir", path);
}

int main(int argc, char **argv) {
    bool parents = false;
    int option, status = EXIT_SUCCESS;
    while ((option = getopt(argc, argv, "ph")) != -1) {
        if (option != 'p') {
            return command_usage(USAGE, option);
        }
        parents = true;
    }
    if (optind == argc) {
        return command_usage(USAGE, 0);
    }
    for (int i = optind; i < argc; i++) {
        if (parents) {
            status |= make_with_parents(argv[i]);
        } else if (mkdir(argv[i], 0777) != 0) {
            status |= command_fail("mkdir", argv[i]);
        }
    }
    return status;
}
