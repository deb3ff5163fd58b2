/* SPDX-License-Identifier: MIT */
/*
 * The debug console: serial port and screen out, serial port and keyboard in. Output works from the
 * first instruction in C on; input from x86_console_input_initialise on.
 */
#ifndef ARCH_X86_CONSOLE_H
#define ARCH_X86_CONSOLE_H

#include "kernel/base/types.h"

/* Let both input devices raise their interrupts (the controllers decide if they get through). */
void x86_console_input_initialise(void);

void x86_serial_interrupt(void);   /* IRQ 4 */
void x86_keyboard_interrupt(void); /* IRQ 1 */

/* serial.c, screen.c: absent devices are noticed, and skipped. */
void x86_serial_initialise(void);
void x86_serial_write(const char *text, size_t length);
void x86_serial_input_initialise(void);
void x86_serial_drain(void); /* returns when all is on the line */
void x86_screen_initialise(void);
void x86_screen_write(const char *text, size_t length);
void x86_keyboard_initialise(void);

#endif
