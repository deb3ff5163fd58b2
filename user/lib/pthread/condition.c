/* SPDX-License-Identifier: MIT */
/*
 * POSIX condition variables: struct quartet_condition with a POSIX mutex. Once a waiter sleeps, it
 * does not touch the condition again, so that it may be destroyed after a broadcast. All clocks
 * count alike, so it makes no difference which one a condition has.
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "user/lib/internal.h"

static struct quartet_condition *condition_of(pthread_cond_t *condition) {
    return (struct quartet_condition *)&condition->sequence;
}

/* The mutex is let go wholly, however often a recursive one is held. */
static int wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t deadline) {
    bool typed = mutex->type != PTHREAD_MUTEX_NORMAL;
    uint32_t self = typed ? quartet_thread_self() : 0, depth = mutex->depth;
    if (typed) {
        if (__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) != self)
            return EPERM;
        mutex->depth = 0;
        __atomic_store_n(&mutex->owner, 0, __ATOMIC_RELAXED);
    }
    bool in_time = condition_wait_until(condition_of(condition),
                                        (struct quartet_mutex *)&mutex->state, deadline);
    if (typed) {
        __atomic_store_n(&mutex->owner, self, __ATOMIC_RELAXED);
        mutex->depth = depth;
    }
    return in_time ? 0 : ETIMEDOUT;
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    return wait_until(condition, mutex, DEADLINE_NEVER);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until) {
    uint64_t deadline;
    return deadline_make(until, &deadline) ? wait_until(condition, mutex, deadline) : EINVAL;
}

int pthread_cond_signal(pthread_cond_t *condition) {
    quartet_condition_signal(condition_of(condition));
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t *condition) {
    quartet_condition_broadcast(condition_of(condition));
    return 0;
}

int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes) {
    (void)attributes;
    *condition = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition) {
    (void)condition;
    return 0;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

int pthread_condattr_init(pthread_condattr_t *attributes) {
    *attributes = (pthread_condattr_t){.clock = CLOCK_REALTIME};
    return 0;
}

int pthread_condattr_destroy(pthread_condattr_t *attributes) {
    attributes->clock = -1;
    return 0;
}

int pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
        return EINVAL;
    attributes->clock = (int)clock;
    return 0;
}

int pthread_condattr_getclock(const pthread_condattr_t *restrict attributes,
                              clockid_t *restrict clock) {
    *clock = (clockid_t)attributes->clock;
    return 0;
}

int pthread_condattr_setpshared(pthread_condattr_t *attributes, int shared) {
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    attributes->process_shared = shared;
    return 0;
}

int pthread_condattr_getpshared(const pthread_condattr_t *attributes, int *shared) {
    *shared = attributes->process_shared;
    return 0;
}
