/* SPDX-License-Identifier: MIT */
/*
 * The devices that init gives the console server (init/table.c), by handle: nothing else of the
 * machine can it reach. One that the machine lacks may be missing. And a quarter that init keeps for
 * the next instance.
 */
#ifndef CONSOLE_HANDLES_H
#define CONSOLE_HANDLES_H

enum console_handle {
    CONSOLE_SERIAL_PORTS = 32, /* of the first serial port */
    CONSOLE_SERIAL_LINE,
    CONSOLE_KEYBOARD_DATA, /* one port */
    CONSOLE_KEYBOARD_STATUS,
    CONSOLE_KEYBOARD_LINE,
    CONSOLE_SCREEN_PORTS,
    CONSOLE_SCREEN_MEMORY,
    CONSOLE_FRAMEBUFFER, /* its pages; where it is in them, INFO_FRAMEBUFFER says */
    CONSOLE_KEPT,        /* foreground.c */
};

#define CONSOLE_KEPT_SIZE 4096u

#define SERIAL_PORT 0x3F8
#define SERIAL_PORTS 8
#define SERIAL_LINE 4
#define KEYBOARD_DATA 0x60
#define KEYBOARD_STATUS 0x64
#define KEYBOARD_LINE 1

#endif
