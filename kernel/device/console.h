/* SPDX-License-Identifier: MIT */
/*
 * Who has the console: serial line and screen.
 *
 *     boot ──> the kernel writes to the devices itself, polled, under the console's lock
 *     console_take ──> a driver has them. What the kernel has to say is kept in a ring, and the
 *                      driver is signalled: it takes the bytes by console_read and writes them where
 *                      they fit, between what its own clients write. So lines stay whole.
 *     the driver's last close, or a panic ──> the kernel writes what is kept, and goes on by itself
 *
 * console_read gives bytes without forgetting them: the next call does. So what a driver was about
 * to write when it died is written again rather than not at all.
 *
 * Lock: LOCK_CONSOLE, a leaf; a panic takes none. A signal needs locks that come before it, so it is
 * sent after the release, or, if the one who printed holds other locks, at the next tick.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include "kernel/base/types.h"

struct notification;

/* For print.c: take the lock unless there is a panic; write; let go and signal. */
bool console_lock(void);
void console_put(const char *text, size_t length);
void console_unlock(bool locked);

/* The calling process drives the console from now on, and BITS of NOTIFICATION say that there is
 * something to read. E_BUSY: another one does. One reference. */
int console_take(struct notification *notification, u32 bits);
void console_reference(void);
void console_release(void); /* no lock held */

/* Forget what the last call gave, and give up to SIZE more bytes; how many. */
u32 console_read(char *bytes, u32 size);

/* A thread that is about to print, with no lock held: wait, not for long, until there is room. */
void console_wait_for_room(void);

/* The machine goes off: let the driver write what is kept, wait for that, but not for long; then the
 * kernel has the console again. A thread, no lock held. */
void console_settle(void);

/* While the monitor (debug/monitor) has the serial line, all goes there at once, and no lock is
 * taken: a CPU that stands still may hold it. */
void console_seize(bool on);

void console_tick(void); /* at each tick: the signal that could not be sent */

/* The one object behind every handle of OBJECT_CONSOLE. */
extern u8 console_object;

#endif
