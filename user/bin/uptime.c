/* SPDX-License-Identifier: MIT */
/* uptime: how long the machine is up, what runs on it, which processor features are used. */
#include "command.h"

#include <quartet.h>

int main(int argc, char **argv) {
    struct info_machine machine;
    int option;
    if ((option = getopt(argc, argv, "h")) != -1 || optind < argc) {
        return command_usage("uptime", option);
    }
    long result = system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine);
    if (result < 0) {
        fprintf(stderr, "uptime: %s\n", quartet_error_text(result));
        return EXIT_FAILURE;
    }
    unsigned long tenths = (unsigned long)(machine.uptime / 100000000u);
    printf(
        "up %lu:%02lu:%02lu.%lu, %lu CPU%s, %lu processes, %lu threads, %lu spaces, %lu quarters\n",
        tenths / 36000, tenths / 600 % 60, tenths / 10 % 60, tenths % 10,
        (unsigned long)machine.cpus, machine.cpus == 1 ? "" : "s", (unsigned long)machine.processes,
        (unsigned long)machine.threads, (unsigned long)machine.spaces,
        (unsigned long)machine.quarters);
    printf("%s: %s\n", machine.arch, machine.features);
    return command_end("uptime", EXIT_SUCCESS);
}
