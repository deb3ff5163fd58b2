/* SPDX-License-Identifier: MIT */
/*
 * The real-time clock (MC146818) as a device that interrupts on demand: line 8, edges, 1024 a second
 * while it is on and register C is read after each. The caller has its ports.
 */
#ifndef DEVICES_CLOCK_H
#define DEVICES_CLOCK_H

#include "user/lib/port.h"

#define CLOCK_LINE 8
#define CLOCK_PORT 0x70 /* which register; the next port is that register */

enum clock_register { CLOCK_A = 0x0A, CLOCK_B = 0x0B, CLOCK_C = 0x0C };
#define B_PERIODIC 0x40u
#define A_RATE_1024 0x06u

static inline uint8_t clock_read(uint8_t number) {
    port_write8(CLOCK_PORT, number);
    return port_read8(CLOCK_PORT + 1);
}

static inline void clock_write(uint8_t number, uint8_t value) {
    port_write8(CLOCK_PORT, number);
    port_write8(CLOCK_PORT + 1, value);
}

static inline void clock_served(void) { clock_read(CLOCK_C); }

static inline void clock_start(void) {
    clock_write(CLOCK_A, (clock_read(CLOCK_A) & 0xF0) | A_RATE_1024);
    clock_write(CLOCK_B, clock_read(CLOCK_B) | B_PERIODIC);
    clock_served();
}

static inline void clock_stop(void) {
    clock_write(CLOCK_B, clock_read(CLOCK_B) & (uint8_t)~B_PERIODIC);
    clock_served();
}

#endif
