/* SPDX-License-Identifier: MIT */
/* The tools of stress.h. */
#include "stress.h"

long stress_must(const char *what, long result) {
    if (result < 0) {
        stress_fail("%s: %s", what, quartet_error_text(result));
    }
    return result;
}

long stress_start(uint32_t plan, void (*function)(uint32_t), uint32_t argument) {
    long child = process_clone(plan, 0, 0, 0);
    if (child == 0) {
        function(argument);
        process_exit(0);
    }
    return stress_must("process_clone", child);
}

void stress_end(long child, uint32_t expected, const char *what) {
    struct process_status status = {0};
    if (child < 0) {
        return;
    }
    if (stress_must("process_wait", process_wait((int)child, 0, &status)) >= 0 &&
        status.status != expected) {
        stress_fail("%s: a child ended with status %#lx, not %#lx", what,
                    (unsigned long)status.status, (unsigned long)expected);
    }
    handle_close((int)child);
}

void area_open(uint32_t length) {
    stress_must("quarter_map", quarter_map(QUARTET_SLOT(2), 0, length, RW));
}

void area_close(void) {
    stress_must("quarter_unmap", quarter_unmap(QUARTET_SLOT(2), 0, QUARTER_SIZE));
}
