/* SPDX-License-Identifier: MIT */
/*
 * The two 8259 interrupt controllers. Where there is no IO-APIC (io_apic.c) they raise keyboard and
 * serial port, and the tick where there is no local APIC either; else they stay remapped and
 * masked. All lines are off until somebody enables them. Boot CPU only, interrupts off.
 */
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"

#define FIRST_COMMAND 0x20
#define FIRST_DATA 0x21
#define SECOND_COMMAND 0xA0
#define SECOND_DATA 0xA1

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

/* An interrupt that went away before the CPU took it arrives as the last line of its controller,
 * and is not in service there. The first controller has served a real one then, the cascade. */
static bool spurious(u16 command, u32 line) {
    if (line % 8 != 7) {
        return false;
    }
    port_write8(command, READ_IN_SERVICE);
    return (port_read8(command) & 0x80) == 0;
}

bool x86_pic_acknowledge(u32 line) {
    bool real = !spurious(line < 8 ? FIRST_COMMAND : SECOND_COMMAND, line);
    if (line >= 8) {
        if (real) {
            port_write8(SECOND_COMMAND, END_OF_INTERRUPT);
        }
        port_write8(FIRST_COMMAND, END_OF_INTERRUPT);
    } else if (real) {
        port_write8(FIRST_COMMAND, END_OF_INTERRUPT);
    }
    return real;
}
