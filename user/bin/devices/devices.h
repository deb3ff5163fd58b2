/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `devices` share: claims, and the real-time clock as a device that interrupts on
 * demand: line 8, edges, 1024 a second while it is on and register C is read after each.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "user/bin/many.h"
#include "user/lib/port.h"

#define MILLISECOND 1000u
#define CLOCK_LINE 8
#define CLOCK_PORT 0x70 /* which register; the next port is that register */
#define CLOCK_BIT 0x10u

void claim(bool holds, const char *sentence);

int ports_grant_or_exit(uint32_t first, uint32_t count); /* for the caller; the handle */

/* clock.c. The caller has its ports. */
void clock_start(void);
void clock_stop(void);
void clock_served(void); /* let it interrupt again */

/* interrupts.c, ports.c, memory.c */
void check_interrupts(void);
void check_interrupt_deaths(void);
void check_level(void);
void check_ports(void);
void check_memory(void);

#endif
