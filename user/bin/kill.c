/* SPDX-License-Identifier: MIT */
/*
 * kill [-NUMBER] PID...: end processes. There are no signals to catch: the number only becomes part
 * of the status, which the shell shows as 128 and NUMBER.
 */
#include "command.h"

#include <signal.h>

#define USAGE "kill [-NUMBER] PID..."

int main(int argc, char **argv) {
    long number = SIGTERM, pid;
    int i = 1, status = EXIT_SUCCESS;
    if (argc > 1 && argv[1][0] == '-') {
        if (command_number(argv[1] + 1, 1, NSIG - 1, &number) != 0) {
            return command_usage(USAGE, argv[1][1]);
        }
        i = 2;
    }
    if (i == argc) {
        return command_usage(USAGE, 0);
    }
    for (; i < argc; i++) {
        if (command_number(argv[i], 1, 0x7FFFFFFF, &pid) != 0) {
            fprintf(stderr, "kill: %s: not a process ID\n", argv[i]);
            status = EXIT_USAGE;
        } else if (kill((pid_t)pid, (int)number) != 0) {
            status |= command_fail("kill", argv[i]);
        }
    }
    return status;
}
