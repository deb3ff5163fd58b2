/* SPDX-License-Identifier: MIT */
/*
 * The end. Emulators first, because they can hand a status to whoever started them; then the ports
 * by which they switch off; a machine that knows none of it halts.
 */
#include "arch/arch.h"
#include "arch/x86/console.h"
#include "arch/x86/registers.h"

#define PORT_DEBUG_CONSOLE 0xE9 /* QEMU debugcon, Bochs port_e9_hack */
#define PORT_DEBUG_EXIT 0xF4    /* QEMU isa-debug-exit */

static void debug_write(const char *text) {
    while (*text != 0) {
        port_write8(PORT_DEBUG_CONSOLE, (u8)*text++);
    }
}

/* STATUS is 0..65535; as far as the host sees it, at most 127 (isa-debug-exit doubles it). */
static void debug_write_status(u32 status) {
    char text[12];
    u32 at = sizeof(text) - 1;
    text[at] = 0;
    do {
        text[--at] = (char)('0' + status % 10);
        status /= 10;
    } while (status != 0);
    debug_write("exit ");
    debug_write(text + at);
    debug_write("\n");
}

_Noreturn void arch_power_off(int status) {
    arch_stop_other_cpus(); /* their output would end up in the midst of it */
    x86_serial_drain();
    debug_write_status((u32)status & 0xFFFF);
    port_write32(PORT_DEBUG_EXIT, (u32)status & 0x7F);
    port_write16(0x604, 0x2000);  /* ACPI of QEMU's machines */
    port_write16(0xB004, 0x2000); /* ACPI of Bochs */
    for (const char *word = "Shutdown"; *word != 0; word++) {
        port_write8(0x8900, (u8)*word); /* Bochs without ACPI */
    }
    arch_halt();
}

#define PORT_KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET 0xFE
#define PORT_RESET_CONTROL 0xCF9
#define RESET_PREPARE 0x02
#define RESET_NOW 0x06
#define RESET_SPINS 100000u

static void reset_wait(void) {
    for (u32 i = 0; i < RESET_SPINS; i++) {
        arch_relax();
    }
}

/* The keyboard controller's line to the processor, then the chip set's register. */
_Noreturn void arch_reboot(void) {
    arch_stop_other_cpus();
    x86_serial_drain();
    port_write8(PORT_KEYBOARD_COMMAND, KEYBOARD_RESET);
    reset_wait();
    port_write8(PORT_RESET_CONTROL, RESET_PREPARE);
    port_write8(PORT_RESET_CONTROL, RESET_NOW);
    reset_wait();
    arch_halt();
}

_Noreturn void arch_halt(void) {
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
