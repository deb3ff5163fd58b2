/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines and I/O ports of a machine that has no devices: lines that a test raises, and
 * ports that nothing answers; no serial line, so no monitor.
 */
#include "arch/sim/sim.h"
#include "debug/monitor/monitor.h"

static bool unmasked[ARCH_LINES];

enum arch_line arch_line_kind(u32 line) {
    return line >= ARCH_LINES ? ARCH_LINE_ABSENT
           : line == 0        ? ARCH_LINE_KERNEL
           : line < 8         ? ARCH_LINE_EDGE
                              : ARCH_LINE_LEVEL;
}

void arch_line_mask(u32 line) { unmasked[line] = false; }
void arch_line_unmask(u32 line) { unmasked[line] = true; }

bool sim_line_raise(u32 line) {
    bool comes = unmasked[line];
    if (comes) {
        kernel_line_interrupt(line);
    }
    return comes;
}

bool arch_ports_free(const struct port_range *range) { return range->count != 0; }
void arch_ports_fill(const struct port_range *ranges, u32 count) { (void)ranges, (void)count; }
void arch_ports_allow(bool allow) { (void)allow; }

physical_t arch_physical_limit(void) { return (physical_t)1 << 36; }
bool arch_device_used(physical_t start, physical_t end) {
    (void)start, (void)end;
    return false;
}

int monitor_enter(void) { return E_NOTFOUND; }
