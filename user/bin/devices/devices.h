/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `devices` share: claims, ports, and the real-time clock (clock.h).
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "user/bin/devices/clock.h"
#include "user/bin/many.h"

#define MILLISECOND 1000u
#define CLOCK_BIT 0x10u

void claim(bool holds, const char *sentence);

int ports_grant_or_exit(uint32_t first, uint32_t count); /* for the caller; the handle */

/* interrupts.c, ports.c, memory.c */
void check_interrupts(void);
void check_interrupt_deaths(void);
void check_level(void);
void check_ports(void);
void check_memory(void);

#endif
