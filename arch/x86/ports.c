/* SPDX-License-Identifier: MIT */
/*
 * Which I/O ports user mode may use: the bitmap in this CPU's TSS, a bit for each port, 1: no. The
 * processor finds it by an offset in the TSS at each IN and OUT, so that one store turns all of it
 * off: an offset beyond the segment's end. This CPU only, interrupts off. The portable part, who
 * may use what, is kernel/device/ports.c.
 */
#include <string.h>

#include "arch/arch.h"
#include "kernel/base/cpu.h"

_Static_assert(X86_PORT_BITMAP == ARCH_PORTS / 8 + 1, "a bit for each port, and a byte");

/* What the kernel itself goes on using. The first serial port and the screen's controller are not
 * here: it shares them with their driver (docs/devices.md). */
static const struct port_range own_ports[] = {
    {0x20, 2},  {0xA0, 2}, {0x4D0, 2}, /* 8259s, and the modes of their lines */
    {0x40, 4},  {0x61, 1},             /* PIT */
    {0xE9, 1},  {0xF4, 4},             /* what tells an emulator the status */
    {0x604, 2},                        /* power off */
};

bool arch_ports_free(const struct port_range *range) {
    for (u32 i = 0; i < ARRAY_LENGTH(own_ports); i++) {
        const struct port_range *own = &own_ports[i];
        if (range->first < own->first + own->count && own->first < range->first + range->count) {
            return false;
        }
    }
    return true;
}

void arch_ports_fill(const struct port_range *ranges, u32 count) {
    u8 *denied = arch_cpu()->arch.ports_denied;
    memset(denied, 0xFF, X86_PORT_BITMAP);
    for (u32 i = 0; i < count; i++) {
        for (u32 port = ranges[i].first; port < ranges[i].first + ranges[i].count; port++) {
            denied[port / 8] &= (u8) ~(1u << port % 8);
        }
    }
}

void arch_ports_allow(bool allow) {
    struct arch_cpu *cpu = &arch_cpu()->arch;
    uword offset = (uword)cpu->ports_denied - (uword)&cpu->tss;
    cpu->tss.io_map = allow ? (u16)offset : X86_PORTS_NONE;
}
