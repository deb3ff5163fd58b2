/* SPDX-License-Identifier: MIT */
/* rmdir DIRECTORY...: remove empty directories. */
#include "command.h"

#define USAGE "rmdir DIRECTORY..."

int main(int argc, char **argv) {
    int option, status = EXIT_SUCCESS;
    if ((option = getopt(argc, argv, "h")) != -1) {
        return command_usage(USAGE, option);
    }
    if (optind == argc) {
        return command_usage(USAGE, 0);
    }
    for (int i = optind; i < argc; i++) {
        if (rmdir(argv[i]) != 0) {
            status |= command_fail("rmdir", argv[i]);
        }
    }
    return status;
}
