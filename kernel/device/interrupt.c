/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines: see interrupt.h for what happens to one. The objects are a table, one for each
 * line, so nothing is allocated. A line is owned from interrupt_create until its last reference has
 * gone and interrupt_end has masked it. Lock: lines_lock, taken in the interrupt as well.
 */
#include "kernel/device/interrupt.h"

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/spinlock.h"
#include "kernel/ipc/notification.h"

struct interrupt {
    u32 references; /* atomic: handles, calls under way */
    /* lines_lock: */
    bool owned;
    bool level;                        /* else edges */
    bool delivered;                    /* and not acknowledged */
    bool kept;                         /* another edge has come since; the line is masked */
    struct notification *notification; /* counted, as a signaller too; null: bound to nothing */
    u32 bits;
};

static struct spinlock lines_lock = SPINLOCK(LOCK_INTERRUPTS, "interrupt lines");
static struct interrupt lines[ARCH_LINES];

u32 interrupt_line(const struct interrupt *interrupt) { return (u32)(interrupt - lines); }

int interrupt_create(u32 line, struct interrupt **result) {
    enum arch_line kind = arch_line_kind(line);
    if (kind == ARCH_LINE_ABSENT) {
        return E_NOTFOUND;
    }
    if (kind == ARCH_LINE_KERNEL) {
        return E_BUSY;
    }
    struct interrupt *interrupt = &lines[line];
    spinlock_acquire(&lines_lock);
    bool free = !interrupt->owned;
    if (free) {
        *interrupt =
            (struct interrupt){.references = 1, .owned = true, .level = kind == ARCH_LINE_LEVEL};
        *result = interrupt;
    }
    spinlock_release(&lines_lock);
    return free ? E_OK : E_BUSY;
}

void interrupt_reference(struct interrupt *interrupt) { atomic_increment(&interrupt->references); }

/* What INTERRUPT was bound to, with its reference. It is masked, and all that came is forgotten.
 * Lock held. */
static struct notification *unbind(struct interrupt *interrupt) {
    struct notification *notification = interrupt->notification;
    arch_line_mask(interrupt_line(interrupt));
    interrupt->delivered = interrupt->kept = false;
    interrupt->notification = NULL;
    return notification;
}

/* NOTIFICATION, which may be null, is bound no longer. Lock not held. */
static void notification_leave(struct notification *notification) {
    if (notification != NULL) {
        notification_signaller_removed(notification);
        notification_release(notification);
    }
}

void interrupt_release(struct interrupt *interrupt) {
    if (atomic_decrement(&interrupt->references) > 0) {
        return;
    }
    spinlock_acquire(&lines_lock);
    struct notification *old = unbind(interrupt);
    interrupt->owned = false;
    spinlock_release(&lines_lock);
    notification_leave(old);
}

void interrupt_bind(struct interrupt *interrupt, struct notification *notification, u32 bits) {
    if (notification != NULL) {
        notification_reference(notification);
        notification_signaller_added(notification);
    }
    spinlock_acquire(&lines_lock);
    struct notification *old = unbind(interrupt);
    interrupt->notification = notification;
    interrupt->bits = bits;
    if (notification != NULL) {
        arch_line_unmask(interrupt_line(interrupt));
    }
    spinlock_release(&lines_lock);
    notification_leave(old);
}

int interrupt_acknowledge(struct interrupt *interrupt) {
    spinlock_acquire(&lines_lock);
    int error = interrupt->notification == NULL ? E_NOTFOUND : E_OK;
    if (interrupt->delivered) {
        if (interrupt->level || interrupt->kept) {
            arch_line_unmask(interrupt_line(interrupt));
        }
        if (interrupt->kept) {
            notification_signal(interrupt->notification, interrupt->bits);
        }
        interrupt->delivered = interrupt->kept;
        interrupt->kept = false;
    }
    spinlock_release(&lines_lock);
    return error;
}

void kernel_line_interrupt(u32 line) {
    struct interrupt *interrupt = &lines[line];
    spinlock_acquire(&lines_lock);
    bool first = interrupt->notification != NULL && !interrupt->delivered;
    if (!first || interrupt->level) {
        arch_line_mask(line);
    }
    if (first) {
        interrupt->delivered = true;
        notification_signal(interrupt->notification, interrupt->bits);
    } else {
        interrupt->kept = interrupt->delivered && !interrupt->level;
    }
    spinlock_release(&lines_lock);
}
