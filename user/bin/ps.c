/* SPDX-License-Identifier: MIT */
/* ps: the processes. Memory is what its four quarters hold, shared or not. */
#include "command.h"

#include <quartet.h>

static const char *const states[] = {"run", "wait", "stop", "end"};

static void print(const struct info_process *info) {
    unsigned long pages = 0, milliseconds = (unsigned long)(info->cpu_time / 1000000u);
    for (int slot = 0; slot < (int)SLOT_COUNT; slot++) {
        pages += info->slot[slot].resident;
    }
    printf("%5lu %6lu %3lu %-5s %4lu %7lu %6lu.%03lu  %s\n", (unsigned long)info->pid,
           (unsigned long)info->parent, (unsigned long)info->threads,
           info->state < 4 ? states[info->state] : "?", (unsigned long)info->priority,
           pages * (PAGE_SIZE / 1024), milliseconds / 1000, milliseconds % 1000, info->name);
}

int main(int argc, char **argv) {
    struct info_process info = {.pid = 0};
    int option;
    if ((option = getopt(argc, argv, "h")) != -1 || optind < argc) {
        return command_usage("ps", option);
    }
    printf("%s%5s %6s %3s %-5s %4s %7s %10s  %s%s\n", command_colour(1), "PID", "PARENT", "THR",
           "STATE", "PRIO", "KIB", "CPU", "NAME", command_colour(0));
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof info) >= 0; info.pid++) {
        print(&info);
    }
    return command_end("ps", EXIT_SUCCESS);
}
