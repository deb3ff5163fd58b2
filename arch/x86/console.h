/* SPDX-License-Identifier: MIT */
/*
 * The debug console: serial port and screen, output only. It works from the first instruction in C
 * on, whenever no process drives the devices.
 */
#ifndef ARCH_X86_CONSOLE_H
#define ARCH_X86_CONSOLE_H

#include "kernel/base/types.h"

/* serial.c, screen.c: absent devices are noticed, and skipped. */
void x86_serial_initialise(void);
void x86_serial_resume(void); /* a process has driven it meanwhile */
void x86_serial_write(const char *text, size_t length);
void x86_serial_drain(void); /* returns when all is on the line */
void x86_screen_use(const struct info_framebuffer *picture); /* once, before anything is written */
/* Whoever drives the port now hears nothing of it until it is given back. It must be there. */
void x86_serial_seize(void);
void x86_serial_give_back(void);
void x86_screen_initialise(void);
void x86_screen_resume(void);
void x86_screen_write(const char *text, size_t length);

#endif
