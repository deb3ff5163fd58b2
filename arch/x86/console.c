/* SPDX-License-Identifier: MIT */
/*
 * arch_console_write: each byte to the serial port and to the screen, wherever there is one.
 * Callers hold LOCK_CONSOLE, or are panicking, or run before there is a second CPU; nothing is
 * locked here. Read next: serial.c, screen.c; kernel/device/console.c, which
 * says when the devices are the kernel's.
 */
#include "arch/x86/console.h"

#include "arch/arch.h"

void arch_console_write(const char *text, size_t length) {
    static bool ready;
    if (!ready) {
        ready = true;
        x86_serial_initialise();
        x86_screen_initialise();
    }
    x86_serial_write(text, length);
    x86_screen_write(text, length);
}

void arch_console_resume(void) {
    x86_serial_resume();
    x86_screen_resume();
}
