/* SPDX-License-Identifier: MIT */
/*
 * Timers of notifications: all that run stand in one heap by deadline. The tick of any CPU looks at
 * its first element, without the lock if there is none; a bounded number is served at one tick, the
 * rest at the next. Lock: LOCK_TIMERS, which comes before LOCK_NOTIFICATION. A running timer has no
 * reference to its notification: whoever drops the last one takes the timers out of the heap first.
 */
#include "arch/arch.h"
#include "kernel/base/cache.h"
#include "kernel/base/heap.h"
#include "kernel/ipc/notification.h"

#define TIMERS_AT_ONCE 32u

struct notification_timer {
    struct heap_node node; /* key: the deadline */
    struct list link;      /* in notification->timers */
    struct notification *notification;
    u32 bits;
    u64 period; /* nanoseconds; 0: once */
};

static struct cache timer_cache = CACHE("timer", sizeof(struct notification_timer), 8);
static struct spinlock timers_lock = SPINLOCK(LOCK_TIMERS, "timers");
static struct heap timers; /* timers_lock */

/* The functions from here on: lock held. */

static void timer_start(struct notification_timer *timer, u64 deadline, u64 period) {
    timer->node.key = deadline;
    timer->period = period;
    heap_insert(&timers, &timer->node);
}

/* End TIMER, which is in the heap no longer. */
static void timer_free(struct notification_timer *timer) {
    struct notification *notification = timer->notification;
    list_remove(&timer->link);
    notification->timer_count--;
    cache_free(&timer_cache, timer);
    notification_signaller_removed(notification);
}

static struct notification_timer *timer_find(struct notification *notification, u32 bits) {
    LIST_FOR_EACH(link, &notification->timers) {
        struct notification_timer *timer = LIST_ENTRY(link, struct notification_timer, link);
        if (timer->bits == bits) {
            return timer;
        }
    }
    return NULL;
}

/* One more timer, not in the heap yet. */
static int timer_create(struct notification *notification, u32 bits,
                        struct notification_timer **result) {
    if (notification->timer_count >= NOTIFICATION_TIMERS) {
        return E_LIMIT;
    }
    struct notification_timer *timer = cache_allocate(&timer_cache);
    if (timer == NULL) {
        return E_NOMEM;
    }
    timer->notification = notification;
    timer->bits = bits;
    list_append(&notification->timers, &timer->link);
    notification->timer_count++;
    notification_signaller_added(notification);
    *result = timer;
    return E_OK;
}

/* The time of TIMER has come. A period that was missed altogether is not made up for. */
static void timer_fire(struct notification_timer *timer, u64 now) {
    heap_remove(&timers, &timer->node);
    notification_signal(timer->notification, timer->bits);
    if (timer->period == 0) {
        timer_free(timer);
        return;
    }
    u64 next = timer->node.key + timer->period;
    timer_start(timer, next > now ? next : now + timer->period, timer->period);
}

/* From here on: lock not held. */

int notification_timer_set(struct notification *notification, u32 bits, u64 delay, u64 period) {
    int error = E_OK;
    u64 now = arch_clock();
    spinlock_acquire(&timers_lock);
    struct notification_timer *timer = timer_find(notification, bits);
    if (timer != NULL) {
        heap_remove(&timers, &timer->node);
    } else if (delay != 0) {
        error = timer_create(notification, bits, &timer);
    }
    if (timer != NULL && delay != 0) {
        timer_start(timer, now + delay, period);
    } else if (timer != NULL) {
        timer_free(timer);
    }
    spinlock_release(&timers_lock);
    return error;
}

void notification_timers_end(struct notification *notification) {
    spinlock_acquire(&timers_lock);
    while (!list_empty(&notification->timers)) {
        struct notification_timer *timer =
            LIST_FIRST(&notification->timers, struct notification_timer, link);
        heap_remove(&timers, &timer->node);
        timer_free(timer);
    }
    spinlock_release(&timers_lock);
}

void notification_timers_run(u64 now) {
    if (__atomic_load_n(&timers.first, __ATOMIC_RELAXED) == NULL) {
        return; /* one that is being set is not due yet */
    }
    spinlock_acquire(&timers_lock);
    for (u32 i = 0; i < TIMERS_AT_ONCE && timers.first && timers.first->key <= now; i++) {
        timer_fire(CONTAINER_OF(timers.first, struct notification_timer, node), now);
    }
    spinlock_release(&timers_lock);
}
