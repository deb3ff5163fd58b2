/* SPDX-License-Identifier: MIT */
/* echo [-n] [WORD...]: print the words; with -n without a newline. Nothing else is an option. */
#include "command.h"

int main(int argc, char **argv) {
    int first = argc > 1 && strcmp(argv[1], "-n") == 0 ? 2 : 1;
    for (int i = first; i < argc; i++) {
        printf(i > first ? " %s" : "%s", argv[i]);
    }
    if (first == 1) {
        putchar('\n');
    }
    return command_end("echo", EXIT_SUCCESS);
}
