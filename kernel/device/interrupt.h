/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines as objects. A line has one owner at a time; what comes on it becomes a signal:
 *
 *     irq_create ──> masked, bound to nothing
 *     irq_bind   ──> open ──interrupt──> delivered: the notification is signalled
 *                      ^                    │ level: masked at once
 *                      │                    │ edge: open; if another one comes: masked, and kept
 *                      └──────irq_ack───────┘ (an edge that was kept is delivered now)
 *     last close ──> masked, free for the next owner
 *
 * So a line interrupts at most twice before its driver has run, whatever the device does; no edge
 * is lost, whether a driver acknowledges before or after it has looked at the device; and a level
 * that is still there when it acknowledges comes again.
 *
 * All lines of a machine go to the boot CPU. Lock: LOCK_INTERRUPTS guards the lines and, with them,
 * the controllers (arch_line_*). Read next: interrupt.c, ipc/notification.h.
 */
#ifndef KERNEL_INTERRUPT_H
#define KERNEL_INTERRUPT_H

#include "kernel/base/types.h"

struct interrupt;
struct notification;

/* Own LINE: E_NOTFOUND (there is none), E_BUSY (the kernel's, or somebody's). One reference. */
int interrupt_create(u32 line, struct interrupt **result);
void interrupt_reference(struct interrupt *interrupt);
void interrupt_release(struct interrupt *interrupt); /* no lock held */
u32 interrupt_line(const struct interrupt *interrupt);

/* Signal BITS of NOTIFICATION from now on, and nothing that it signalled before; null: nobody, and
 * the line is masked. Takes a reference of its own. */
void interrupt_bind(struct interrupt *interrupt, struct notification *notification, u32 bits);

/* What was delivered has been dealt with. 0, or E_NOTFOUND: it is bound to nothing. */
int interrupt_acknowledge(struct interrupt *interrupt);

#endif
