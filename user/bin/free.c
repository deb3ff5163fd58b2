/* SPDX-License-Identifier: MIT */
/* free: the machine's memory, in KiB, and what page faults have done with it. */
#include "command.h"

#include <quartet.h>

#define FRAME_KIB (PAGE_SIZE / 1024)

static void print_events(const char *name, uint64_t count, const char *meaning) {
    printf("%-16s %9lu  %s\n", name, (unsigned long)count, meaning);
}

int main(int argc, char **argv) {
    struct info_machine machine;
    int option;
    if ((option = getopt(argc, argv, "h")) != -1 || optind < argc) {
        return command_usage("free", option);
    }
    long result = system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine);
    if (result < 0) {
        fprintf(stderr, "free: %s\n", quartet_error_text(result));
        return EXIT_FAILURE;
    }
    printf("%-8s %12s %12s %12s %12s\n", "", "total", "used", "free", "high");
    printf("%-8s %12lu %12lu %12lu %12lu\n\n", "KiB", (unsigned long)machine.frames * FRAME_KIB,
           (unsigned long)(machine.frames - machine.frames_free) * FRAME_KIB,
           (unsigned long)machine.frames_free * FRAME_KIB,
           (unsigned long)machine.frames_high * FRAME_KIB);
    print_events("page faults", machine.page_faults, "of which:");
    print_events("  zero fills", machine.zero_fills, "pages given out, all zeros");
    print_events("  large fills", machine.large_fills, "2 MiB pages given out");
    print_events("  page copies", machine.page_copies, "copied on write");
    print_events("  page reclaims", machine.page_reclaims,
                 "written to by the last holder: no copy");
    print_events("  table copies", machine.table_copies, "page tables that ceased to be shared");
    print_events("  table reclaims", machine.table_reclaims,
                 "tables of which this was the last holder");
    print_events("  spurious", machine.spurious_faults, "allowed by now");
    return command_end("free", EXIT_SUCCESS);
}
