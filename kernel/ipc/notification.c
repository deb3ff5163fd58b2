/* SPDX-License-Identifier: MIT */
/*
 * Notifications: bits, who waits for them, and who may still signal; see notification.h. All is
 * guarded by the notification's lock. A waiting thread has in thread->notification_bits what it
 * waits for; whoever wakes it puts there what it gets, before it can run. One that was killed, or
 * whose time ran out, before it could be woken leaves the bits to others.
 */
#include "kernel/ipc/notification.h"

#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"

static struct cache notification_cache = CACHE("notification", sizeof(struct notification), 8);

int notification_create(struct budget *budget, struct notification **result) {
    if (budget_charge(budget, BUDGET_FRAMES, 1) != E_OK) {
        return E_LIMIT;
    }
    struct notification *notification = cache_allocate(&notification_cache);
    if (notification == NULL) {
        budget_refund(budget, BUDGET_FRAMES, 1);
        return E_NOMEM;
    }
    notification->references = 1;
    notification->budget = budget;
    budget_reference(budget);
    spinlock_init(&notification->lock, LOCK_NOTIFICATION, 0, "notification");
    list_init(&notification->waiters);
    list_init(&notification->timers);
    *result = notification;
    return E_OK;
}

void notification_reference(struct notification *notification) {
    atomic_increment(&notification->references);
}

void notification_release(struct notification *notification) {
    if (atomic_decrement(&notification->references) > 0) {
        return;
    }
    notification_timers_end(notification);
    ASSERT(notification->signallers == 0 && list_empty(&notification->waiters),
           "a notification with %u signallers, or with waiters, has lost its last reference",
           notification->signallers);
    struct budget *budget = notification->budget;
    cache_free(&notification_cache, notification);
    budget_refund(budget, BUDGET_FRAMES, 1);
    budget_release(budget);
}

void notification_signaller_added(struct notification *notification) {
    spinlock_acquire(&notification->lock);
    notification->signallers++;
    spinlock_release(&notification->lock);
}

void notification_signaller_removed(struct notification *notification) {
    struct list *waiters = &notification->waiters;
    spinlock_acquire(&notification->lock);
    ASSERT(notification->signallers > 0, "a notification loses a signaller that it never had");
    if (--notification->signallers == 0) {
        while (!list_empty(waiters)) {
            sched_wake(LIST_FIRST(waiters, struct thread, queue), E_DEAD);
        }
    }
    spinlock_release(&notification->lock);
}

/* Take of MASK what is set. Lock held. */
static u32 bits_take(struct notification *notification, u32 mask) {
    u32 taken = notification->bits & mask;
    notification->bits &= ~taken;
    return taken;
}

/* If bits are set that THREAD waits for, let it go on with them. Lock held. */
static void waiter_serve(struct notification *notification, struct thread *thread) {
    u32 taken = bits_take(notification, thread->notification_bits);
    if (taken != 0) {
        thread->notification_bits = taken;
        if (!sched_wake(thread, E_OK)) {
            notification->bits |= taken;
        }
    }
}

void notification_signal(struct notification *notification, u32 bits) {
    struct list *waiters = &notification->waiters, *next;
    spinlock_acquire(&notification->lock);
    notification->bits |= bits;
    for (struct list *link = waiters->next; link != waiters && notification->bits != 0;
         link = next) {
        next = link->next;
        waiter_serve(notification, LIST_ENTRY(link, struct thread, queue));
    }
    spinlock_release(&notification->lock);
}

static bool waiters_full(const struct notification *notification) {
    u32 count = 0;
    LIST_FOR_EACH(link, &notification->waiters) {
        count++;
    }
    return count >= NOTIFICATION_WAITERS;
}

/* Why the caller must not wait, or 0. Lock held. */
static int wait_refused(const struct notification *notification, u64 deadline) {
    if (notification->signallers == 0) {
        return E_DEAD;
    }
    if (deadline == 0) {
        return E_AGAIN;
    }
    return waiters_full(notification) ? E_LIMIT : E_OK;
}

int notification_wait(struct notification *notification, u32 mask, u64 deadline) {
    struct thread *thread = thread_current();
    spinlock_acquire(&notification->lock);
    u32 taken = bits_take(notification, mask);
    int refused = taken != 0 ? E_OK : wait_refused(notification, deadline);
    if (taken != 0 || refused != E_OK) {
        spinlock_release(&notification->lock);
        return taken != 0 ? (int)taken : -refused;
    }
    thread->notification_bits = mask;
    int result = sched_wait(&notification->waiters, &notification->lock, deadline, true);
    return result == E_OK ? (int)thread->notification_bits : -result;
}
