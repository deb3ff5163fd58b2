/* SPDX-License-Identifier: MIT */
/*
 * The two 8259 interrupt controllers. Where there is no IO-APIC (io_apic.c) they raise keyboard and
 * serial port, and the tick where there is no local APIC either; else they stay remapped and
 * masked. All lines are off until somebody enables them. Locks: as io_apic.c says.
 */
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"

#define FIRST_COMMAND 0x20
#define FIRST_DATA 0x21
#define SECOND_COMMAND 0xA0
#define SECOND_DATA 0xA1

#define MODES 0x4D0 /* a bit for each line: level, else edge */
#define MODES_ALWAYS_EDGE 0x2107u

#define INITIALISE 0x11 /* edges, two controllers, a fourth word follows */
#define MODE_8086 0x01
#define END_OF_INTERRUPT 0x20
#define READ_IN_SERVICE 0x0B

static u16 disabled; /* a bit for each line */

static void masks_write(void) {
    port_write8(FIRST_DATA, (u8)disabled);
    port_write8(SECOND_DATA, (u8)(disabled >> 8));
}

void x86_pic_initialise(void) {
    port_write8(FIRST_COMMAND, INITIALISE);
    port_write8(SECOND_COMMAND, INITIALISE);
    port_write8(FIRST_DATA, VECTOR_PIC);
    port_write8(SECOND_DATA, VECTOR_PIC + 8);
    port_write8(FIRST_DATA, 1 << PIC_CASCADE);
    port_write8(SECOND_DATA, PIC_CASCADE);
    port_write8(FIRST_DATA, MODE_8086);
    port_write8(SECOND_DATA, MODE_8086);
    disabled = 0xFFFF;
    masks_write();
}

void x86_pic_enable(u32 line) {
    disabled &= (u16) ~(1u << line);
    if (line >= 8) {
        disabled &= (u16) ~(1u << PIC_CASCADE);
    }
    masks_write();
}

void x86_pic_disable(u32 line) {
    disabled |= (u16)(1u << line);
    masks_write();
}

/* Lines of which the ISA bus allows edges only. Where one of them is set there is no such register.
 */
static bool modes_exist(u32 modes) { return (modes & MODES_ALWAYS_EDGE) == 0; }

static u32 modes_read(void) { return port_read8(MODES) | (u32)port_read8(MODES + 1) << 8; }

bool x86_pic_level(u32 line) {
    u32 modes = modes_read();
    return modes_exist(modes) && (modes & 1u << line) != 0;
}

void x86_pic_set_level(u32 line) {
    u32 modes = modes_read();
    if (modes_exist(modes) && modes_exist(1u << line)) {
        modes |= 1u << line;
        port_write8(MODES, (u8)modes);
        port_write8(MODES + 1, (u8)(modes >> 8));
    }
}

/* An interrupt that went away before the CPU took it arrives as the last line of its controller,
 * and is not in service there. The first controller has served a real one then, the cascade, which
 * is acknowledged here. */
bool x86_pic_spurious(u32 line) {
    if (line % 8 != 7) {
        return false;
    }
    u16 command = line < 8 ? FIRST_COMMAND : SECOND_COMMAND;
    port_write8(command, READ_IN_SERVICE);
    if (port_read8(command) & 0x80) {
        return false;
    }
    if (line >= 8) {
        port_write8(FIRST_COMMAND, END_OF_INTERRUPT);
    }
    return true;
}

void x86_pic_acknowledge(u32 line) {
    if (line >= 8) {
        port_write8(SECOND_COMMAND, END_OF_INTERRUPT);
    }
    port_write8(FIRST_COMMAND, END_OF_INTERRUPT);
}
