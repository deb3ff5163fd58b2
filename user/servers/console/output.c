/* SPDX-License-Identifier: MIT */
/*
 * What goes to the serial line and the screen: what clients write, and what the kernel has to say
 * (kernel/device/console.h), which comes between two writes, on a line of its own. When
 * console_write returns, all bytes are in the serial port's FIFO: whoever switches the machine off
 * afterwards lets that drain. Without the devices, because another process has them, it goes to the
 * debug console. Under the console's lock.
 */
#include "user/servers/console/console.h"

static int console = -1; /* what console_take gave */
static bool line_started;

void output_start(void) {
    console = (int)console_take(HANDLE_SYSTEM, console_events, EVENT_KERNEL);
    if (console >= 0) {
        serial_start();
        screen_start();
    }
}

bool output_monitor(void) { return console >= 0 && monitor_enter(console) == 0; }

static void output_flush(const char *text, uint32_t length) {
    if (console >= 0) {
        serial_write(text, length);
        screen_write(text, length);
    } else {
        debug_write(HANDLE_SYSTEM, text, length);
    }
}

/* \n becomes \r\n. */
static void write_lines(const char *text, uint32_t length) {
    static char output[512];
    uint32_t used = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (used > sizeof output - 2) {
            output_flush(output, used);
            used = 0;
        }
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) {
            output[used++] = '\r';
        }
        output[used++] = text[i];
    }
    output_flush(output, used);
    line_started = length > 0 ? text[length - 1] != '\n' : line_started;
}

void output_kernel(void) {
    static char text[512];
    bool first = true;
    long length;
    while (console >= 0 && (length = console_read(console, text, sizeof text)) > 0) {
        if (first && line_started) {
            write_lines("\n", 1);
        }
        first = false;
        write_lines(text, (uint32_t)length);
    }
}

void console_write(const char *text, uint32_t length) {
    output_kernel();
    write_lines(text, length);
}
