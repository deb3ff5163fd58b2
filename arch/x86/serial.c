/* SPDX-License-Identifier: MIT */
/*
 * The first serial port (16550, 115200 8N1), polled: output; and input for the monitor alone, as else
 * that is its driver's (docs/devices.md). A newline goes out with a carriage return, as terminals
 * want it. Guarded as console.c says.
 */
#include "arch/arch.h"
#include "arch/x86/console.h"
#include "arch/x86/registers.h"

#define PORT 0x3F8
#define DATA (PORT + 0)
#define INTERRUPT_ENABLE (PORT + 1)
#define FIFO_CONTROL (PORT + 2) /* written; read: why there was an interrupt */
#define LINE_CONTROL (PORT + 3)
#define MODEM_CONTROL (PORT + 4)
#define LINE_STATUS (PORT + 5)
#define SCRATCH (PORT + 7)

#define STATUS_INPUT 0x01
#define STATUS_EMPTY 0x20   /* the output FIFO has drained */
#define STATUS_IDLE 0x40    /* and its last bit is on the line */
#define POLL_LIMIT 1000000u /* then the byte is lost: a dead line must not stop the kernel */

static bool present;
static u32 fifo_depth; /* bytes that may follow each other once the FIFO is empty */
static u32 fifo_room;
static char previous;

void x86_serial_initialise(void) {
    port_write8(SCRATCH, 0x5A);
    present = port_read8(SCRATCH) == 0x5A;
    if (!present) {
        return;
    }
    port_write8(INTERRUPT_ENABLE, 0);
    port_write8(LINE_CONTROL, 0x80); /* the next two are the divisor: 115200 / 1 */
    port_write8(DATA, 1);
    port_write8(INTERRUPT_ENABLE, 0);
    port_write8(LINE_CONTROL, 0x03);
    port_write8(FIFO_CONTROL, 0x07); /* on, both cleared, interrupt at the first byte */
    port_write8(MODEM_CONTROL, 0x0B);
    fifo_depth = (port_read8(FIFO_CONTROL) & 0xC0) == 0xC0 ? 16 : 1;
}

static void wait_for(u8 status) {
    for (u32 i = 0; i < POLL_LIMIT && !(port_read8(LINE_STATUS) & status); i++) {
        arch_relax();
    }
}

static void write_byte(char byte) {
    if (fifo_room == 0) {
        wait_for(STATUS_EMPTY);
        fifo_room = fifo_depth;
    }
    port_write8(DATA, (u8)byte);
    fifo_room--;
}

void x86_serial_write(const char *text, size_t length) {
    if (!present) {
        return;
    }
    fifo_room = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' && previous != '\r') {
            write_byte('\r');
        }
        write_byte(text[i]);
        previous = text[i];
    }
}

void x86_serial_drain(void) {
    if (present) {
        wait_for(STATUS_IDLE);
    }
}

/* Whoever had it meanwhile has left it on, at whatever it had to wait for. */
void x86_serial_resume(void) {
    if (present) {
        port_write8(INTERRUPT_ENABLE, 0);
    }
}

/* ---- For the monitor ------------------------------------------------------------------------- */

static u8 kept_enable; /* what the port's driver waits for */

bool arch_serial_present(void) { return present; }

void x86_serial_seize(void) {
    kept_enable = port_read8(INTERRUPT_ENABLE);
    port_write8(INTERRUPT_ENABLE, 0);
    previous = 0;
}

/* What the driver waits for and has come meanwhile interrupts as soon as it is enabled. */
void x86_serial_give_back(void) {
    x86_serial_drain();
    port_write8(INTERRUPT_ENABLE, kept_enable);
}

char arch_serial_read(void) {
    while (!(port_read8(LINE_STATUS) & STATUS_INPUT)) {
        arch_relax();
    }
    return (char)port_read8(DATA);
}

void arch_serial_write(const char *text, size_t length) { x86_serial_write(text, length); }
