/* SPDX-License-Identifier: MIT */
/*
 * devices: what interrupts, I/O ports and device memory promise to a process that has them by handle, tried on the
 * machine's real-time clock, each claim checked. It needs the right to devices (map on the machine's
 * handle), which the shell has only with the word `devices` on the kernel's command line:
 *
 *     make exec APPEND=devices CMD=devices
 *
 * Ends with status 1 if a claim does not hold. Read devices/devices.h next.
 */
#include "user/bin/devices/devices.h"

#define USAGE "devices [level]"

static int failed;
void claim(bool holds, const char *sentence) { failed += demo_claim(holds, sentence); }

int main(int argc, char **argv) {
    struct handle_stat stat;
    int option = getopt(argc, argv, "h");
    if (option != -1 || argc > 2 || (argc == 2 && strcmp(argv[1], "level") != 0)) {
        return command_usage(USAGE, option);
    }
    if (handle_stat(HANDLE_SYSTEM, &stat) != 0 || (stat.rights & RIGHT_MAP) == 0) {
        fprintf(stderr, "devices: no right to devices: boot with APPEND=devices\n");
        return EXIT_FAILURE;
    }
    if (argc == 2) {
        check_level();
        return command_end("devices", failed > 0);
    }
    check_ports();
    check_memory();
    check_interrupts();
    check_interrupt_deaths();
    return command_end("devices", failed > 0);
}
