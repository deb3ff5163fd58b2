/* SPDX-License-Identifier: MIT */
/* trace COMMAND...: run a command and have the kernel print every system call that it and its
 * children make. */
#include "run.h"

#define USAGE "trace COMMAND [ARGUMENT]..."

int main(int argc, char **argv) {
    if (argc < 2 || argv[1][0] == '-') {
        return command_usage(USAGE, argc < 2 ? 0 : argv[1][1]);
    }
    struct quartet_spawn spawn = {.plan = PLAN_SPAWN, .traced = true};
    pid_t child = run_start("trace", &spawn, argv + 1);
    return child < 0 ? run_failed() : run_wait(child);
}
