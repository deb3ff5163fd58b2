/* SPDX-License-Identifier: MIT */
/* services: the servers that init has started, and what became of them. */
#include "command.h"

#include <quartet.h>

#include "user/lib/protocol.h"

static void print(const struct service_state *state) {
    static const char *const phases[] = {"?", "running", "waits", "given up", "left out"};
    char pid[16] = "-";
    if (state->pid != 0) {
        snprintf(pid, sizeof pid, "%lu", (unsigned long)state->pid);
    }
    printf("%-10.16s %6s %8lu  %s\n", state->name, pid, (unsigned long)state->restarts,
           state->phase < sizeof phases / sizeof phases[0] ? phases[state->phase] : phases[0]);
}

int main(int argc, char **argv) {
    struct service_state state;
    int option, found;
    if ((option = getopt(argc, argv, "h")) != -1 || optind < argc) {
        return command_usage("services", option);
    }
    printf("%s%-10s %6s %8s  %s%s\n", command_colour(1), "NAME", "PID", "RESTARTS", "STATE",
           command_colour(0));
    for (uint32_t i = 0; (found = quartet_service_state(i, &state)) > 0; i++) {
        print(&state);
    }
    return found < 0 ? command_fail("services", "names") : command_end("services", EXIT_SUCCESS);
}
