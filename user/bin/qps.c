/* SPDX-License-Identifier: MIT */
/*
 * qps: the processes and their four quarters. For each slot: the sub-ID of the quarter, how many
 * spaces and handles refer to it, its resident pages and its page-table pages. A quarter has one
 * colour wherever it appears, and is bold if several processes have it. A - is an empty slot, an r
 * behind the sub-ID a view without the right to write.
 */
#include "command.h"

#include <quartet.h>

static void print_slot(const struct info_slot *slot) {
    if (slot->sub_id == 0) {
        printf(" %4s%11s", "-", "");
        return;
    }
    const char *bold = slot->processes > 1 ? command_colour(1) : "";
    printf(" %s%s%4lu%s%3lu%5lu%2lu%s", bold, command_colour(31 + (int)(slot->sub_id % 6)),
           (unsigned long)slot->sub_id, slot->view & RIGHT_WRITE ? " " : "r",
           (unsigned long)slot->references, (unsigned long)slot->resident,
           (unsigned long)slot->tables, command_colour(0));
}

int main(int argc, char **argv) {
    struct info_process info = {.pid = 0};
    int option;
    if ((option = getopt(argc, argv, "h")) != -1 || optind < argc) {
        return command_usage("qps", option);
    }
    printf("%s%4s %-8s", command_colour(1), "PID", "NAME");
    for (int slot = 0; slot < (int)SLOT_COUNT; slot++) {
        printf(" SLOT%d ref  res t", slot);
    }
    puts(command_colour(0));
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof info) >= 0; info.pid++) {
        printf("%4lu %-8.8s", (unsigned long)info.pid, info.name);
        for (int slot = 0; slot < (int)SLOT_COUNT; slot++) {
            print_slot(&info.slot[slot]);
        }
        putchar('\n');
    }
    return command_end("qps", EXIT_SUCCESS);
}
