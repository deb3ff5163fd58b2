/* SPDX-License-Identifier: MIT */
/* env [NAME=VALUE]... [COMMAND...]: print the environment, or run a command in a changed one. */
#include "command.h"

#define USAGE "env [NAME=VALUE]... [COMMAND [ARGUMENT]...]"

int main(int argc, char **argv) {
    extern char **environ;
    int i = 1;
    if (argc > 1 && argv[1][0] == '-') {
        return command_usage(USAGE, argv[1][1]);
    }
    for (char *equals; i < argc && (equals = strchr(argv[i], '=')) != NULL; i++) {
        *equals = '\0';
        if (setenv(argv[i], equals + 1, 1) != 0) {
            return command_fail("env", argv[i]);
        }
    }
    if (i < argc) {
        execvp(argv[i], argv + i);
        int status = errno == ENOENT ? 127 : 126;
        command_fail("env", argv[i]);
        return status;
    }
    for (char **entry = environ; *entry != NULL; entry++) {
        puts(*entry);
    }
    return command_end("env", EXIT_SUCCESS);
}
