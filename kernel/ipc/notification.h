/* SPDX-License-Identifier: MIT */
/*
 * Notifications: a word of bits that are set without waiting, and that threads wait for.
 *
 *     notification_signal ─┐               ┌─> waits for 0b0110, takes 0b0010
 *     a timer ─────────────┼──> bits ──────┤
 *     an interrupt line ───┘    0b1010     └─> waits for 0b1000, takes 0b1000
 *
 * A signal that comes twice before it is taken is one signal: nothing is queued, so a flood costs
 * no memory. A bit is given to the thread that has waited longest for it, together with all others
 * that it waits for. Rights of a handle: write to signal, read to wait and to set timers.
 *
 * notification_signal may be called from interrupts, and with any locks held whose class comes
 * before LOCK_NOTIFICATION (kernel/base/spinlock.h): process table, handles, spaces, quarters,
 * endpoints, futexes, interrupt lines, timers. Not under a run queue's lock, a cache's, the frame
 * allocator's or the console's. It takes the notification's lock and, if somebody is to be woken, a
 * run queue's; it does not sleep, switch, allocate or free. The caller has a reference.
 *
 * Read next: notification.c, notification_timer.c; device/interrupt.c for lines.
 */
#ifndef KERNEL_NOTIFICATION_H
#define KERNEL_NOTIFICATION_H

#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"

struct budget;

struct notification {
    u32 references;        /* atomic: handles, calls under way, interrupt lines */
    struct budget *budget; /* immutable; counted: it pays for a page */
    struct spinlock lock;
    /* lock: */
    u32 bits;            /* signalled, not taken */
    u32 signallers;      /* handles with RIGHT_WRITE, in tables and messages; lines; timers */
    struct list waiters; /* of thread->queue, oldest first */
    /* LOCK_TIMERS: */
    struct list timers; /* of notification_timer.link: running */
    u32 timer_count;
};

/* So many threads may wait for one: a signal looks at each of them with interrupts off. */
#define NOTIFICATION_WAITERS 64u
/* So many timers may run for one: with them it still fits the page that it is charged for. */
#define NOTIFICATION_TIMERS 8u

/* One with one reference, charged to BUDGET, and nobody who could signal: its first handle can. 0,
 * E_NOMEM or E_LIMIT. */
int notification_create(struct budget *budget, struct notification **result);
void notification_reference(struct notification *notification);
void notification_release(struct notification *notification); /* no lock held */

/* Whoever may signal from now on, or no longer; the caller keeps its reference meanwhile. With the
 * last one gone those who wait learn that nothing will come: E_DEAD. Under the same locks as
 * notification_signal. */
void notification_signaller_added(struct notification *notification);
void notification_signaller_removed(struct notification *notification);

/* BITS are some that a notification can have: else E_INVALID. */
static inline int notification_bits_check(u32 bits) {
    return bits != 0 && (bits & ~NOTIFICATION_BITS) == 0 ? E_OK : E_INVALID;
}

void notification_signal(struct notification *notification, u32 bits);

/* Take those of MASK that are set, or wait until some are: they, or -E_AGAIN (DEADLINE is 0),
 * -E_TIMEOUT, -E_KILLED, -E_DEAD, -E_LIMIT (NOTIFICATION_WAITERS). No lock held. */
int notification_wait(struct notification *notification, u32 mask, u64 deadline);

/* Signal BITS in DELAY nanoseconds, and every PERIOD after that unless it is 0. There is one timer
 * for each value of BITS: the last call counts; DELAY 0 stops it. 0, E_NOMEM or E_LIMIT. */
int notification_timer_set(struct notification *notification, u32 bits, u64 delay, u64 period);

/* It has lost its last reference: stop what runs. */
void notification_timers_end(struct notification *notification);

/* At each tick of each CPU, no lock held: signal for those whose time has come. */
void notification_timers_run(u64 now);

#endif
