/* SPDX-License-Identifier: MIT */
/* cat [FILE...]: copy the files, or the input (also for -), to the output. */
#include "command.h"

#include <fcntl.h>

#define USAGE "cat [FILE...]"

static char buffer[16 * 1024];

static int copy(int file, const char *name) {
    ssize_t length;
    while ((length = read(file, buffer, sizeof buffer)) > 0) {
        if (command_write(STDOUT_FILENO, buffer, (size_t)length) != 0) {
            if (errno != EPIPE) {
                command_fail("cat", "write");
            }
            exit(EXIT_FAILURE);
        }
    }
    return length < 0 ? command_fail("cat", name) : EXIT_SUCCESS;
}

static int copy_named(const char *name) {
    int file = open(name, O_RDONLY);
    if (file < 0) {
        return command_fail("cat", name);
    }
    int status = copy(file, name);
    close(file);
    return status;
}

int main(int argc, char **argv) {
    int option, status = EXIT_SUCCESS;
    if ((option = getopt(argc, argv, "h")) != -1) {
        return command_usage(USAGE, option);
    }
    if (optind == argc) {
        return copy(STDIN_FILENO, "input");
    }
    for (int i = optind; i < argc; i++) {
        status |= strcmp(argv[i], "-") == 0 ? copy(STDIN_FILENO, "input") : copy_named(argv[i]);
    }
    return status;
}
