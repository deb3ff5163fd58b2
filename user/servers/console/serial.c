/* SPDX-License-Identifier: MIT */
/*
 * The first serial port (16550). Input by interrupt. Output goes into the FIFO as long as it takes
 * bytes; when it does not at once, the writer waits for the interrupt that says so. A line that
 * takes nothing for long loses what is written: nobody may hang on it.
 *
 * serial_write is called under the console's lock, serial_interrupt by the thread that waits for
 * interrupts, which takes no lock. What both touch is the enable register: a signal that is lost to
 * that costs the writer one time-out.
 */
#include "user/lib/port.h"
#include "user/servers/console/console.h"
#include "user/servers/console/handles.h"

#define DATA (SERIAL_PORT + 0)
#define INTERRUPT_ENABLE (SERIAL_PORT + 1)
#define FIFO_CONTROL (SERIAL_PORT + 2) /* written; read: why there was an interrupt */
#define LINE_CONTROL (SERIAL_PORT + 3)
#define MODEM_CONTROL (SERIAL_PORT + 4)
#define LINE_STATUS (SERIAL_PORT + 5)
#define SCRATCH (SERIAL_PORT + 7)

#define ENABLE_INPUT 0x01
#define ENABLE_OUTPUT 0x02 /* when the output FIFO has drained */
#define STATUS_INPUT 0x01
#define STATUS_EMPTY 0x20 /* the output FIFO has drained */
#define FIFO_ON 0x01
#define FIFO_BOTH 0xC0 /* both bits: there are FIFOs */

#define MONITOR_KEY ('\\' & 0x1F) /* ^\, here and at once: what follows it is typed to the monitor */

#define SPINS 50u         /* looks at the status before a wait */
#define WAIT 20000u       /* microseconds */
#define WAITS 50u         /* then the line is dead */
#define RECEIVE_LIMIT 256 /* bytes for one interrupt: an absent port reads as always ready */

static bool present, dead;
static uint32_t fifo_depth, fifo_room;

void serial_start(void) {
    if (ioport_grant(CONSOLE_SERIAL_PORTS) < 0) {
        return;
    }
    port_write8(SCRATCH, 0x5A);
    present = port_read8(SCRATCH) == 0x5A;
    if (!present) {
        return;
    }
    /* Rate and format are as the kernel has set them; its last bytes may still be on their way. */
    port_write8(FIFO_CONTROL, FIFO_ON);
    fifo_depth = (port_read8(FIFO_CONTROL) & FIFO_BOTH) == FIFO_BOTH ? 16 : 1;
    port_write8(MODEM_CONTROL, 0x0B);
    irq_bind(CONSOLE_SERIAL_LINE, console_events, EVENT_SERIAL);
    port_write8(INTERRUPT_ENABLE, ENABLE_INPUT);
}

static bool drained(void) { return port_read8(LINE_STATUS) & STATUS_EMPTY; }

static bool drained_soon(void) {
    for (uint32_t i = 0; i < SPINS; i++) {
        if (drained()) {
            return true;
        }
    }
    return false;
}

/* Wait until the FIFO takes bytes; false: it does not. */
static bool room_wait(void) {
    for (uint32_t i = 0; !drained_soon(); i++) {
        if (dead || i == WAITS) {
            dead = true;
            return false;
        }
        port_write8(INTERRUPT_ENABLE, ENABLE_INPUT | ENABLE_OUTPUT);
        notification_wait(console_events, EVENT_DRAINED, WAIT);
    }
    dead = false;
    return true;
}

void serial_write(const char *bytes, uint32_t length) {
    fifo_room = 0;
    for (uint32_t i = 0; present && i < length; i++) {
        if (fifo_room == 0) {
            if (!room_wait()) {
                return;
            }
            fifo_room = fifo_depth;
        }
        port_write8(DATA, (uint8_t)bytes[i]);
        fifo_room--;
    }
}

void serial_interrupt(void) {
    if (!present) {
        return;
    }
    port_read8(FIFO_CONTROL); /* why: that it has been asked lets the next one come */
    for (int i = 0; i < RECEIVE_LIMIT && (port_read8(LINE_STATUS) & STATUS_INPUT); i++) {
        char key = (char)port_read8(DATA);
        if (key != MONITOR_KEY || !output_monitor()) {
            keys_add(key);
        }
    }
    if ((port_read8(INTERRUPT_ENABLE) & ENABLE_OUTPUT) && drained()) {
        port_write8(INTERRUPT_ENABLE, ENABLE_INPUT);
        notification_signal(console_events, EVENT_DRAINED);
    }
    irq_ack(CONSOLE_SERIAL_LINE);
}
