/* SPDX-License-Identifier: MIT */
/*
 * Locks in terms of the futex, which the kernel keys by (sub-ID, offset): the same code serves
 * threads of one process and processes that share a quarter. Nothing here knows where its memory
 * lies. A process that dies with a lock held leaves it held.
 */
#include "internal.h"

#define WAKE_ALL UINT32_MAX

enum { MUTEX_FREE, MUTEX_HELD, MUTEX_CONTENDED };

static void word_wake(uint32_t *word, uint32_t count) { futex_wake((uintptr_t)word, count); }

bool quartet_mutex_try(struct quartet_mutex *mutex) {
    uint32_t expected = MUTEX_FREE;
    return __atomic_compare_exchange_n(&mutex->state, &expected, MUTEX_HELD, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Whoever had to wait takes the mutex as contended: others may sleep still, and its unlock must
 * wake. */
static bool mutex_lock_contended(struct quartet_mutex *mutex, uint64_t deadline) {
    while (__atomic_exchange_n(&mutex->state, MUTEX_CONTENDED, __ATOMIC_ACQUIRE) != MUTEX_FREE)
        if (!deadline_wait(&mutex->state, MUTEX_CONTENDED, deadline))
            return false;
    return true;
}

bool mutex_lock_until(struct quartet_mutex *mutex, uint64_t deadline) {
    return quartet_mutex_try(mutex) || mutex_lock_contended(mutex, deadline);
}

void quartet_mutex_lock(struct quartet_mutex *mutex) {
    if (!quartet_mutex_try(mutex))
        mutex_lock_contended(mutex, DEADLINE_NEVER);
}

void quartet_mutex_unlock(struct quartet_mutex *mutex) {
    if (__atomic_exchange_n(&mutex->state, MUTEX_FREE, __ATOMIC_RELEASE) == MUTEX_CONTENDED)
        word_wake(&mutex->state, 1);
}

/* The sequence is read with the mutex held, so a signal after the unlock makes the wait return at
 * once. */
bool condition_wait_until(struct quartet_condition *condition, struct quartet_mutex *mutex,
                          uint64_t deadline) {
    uint32_t sequence = __atomic_load_n(&condition->sequence, __ATOMIC_RELAXED);
    quartet_mutex_unlock(mutex);
    bool in_time = deadline_wait(&condition->sequence, sequence, deadline);
    mutex_lock_contended(mutex, DEADLINE_NEVER);
    return in_time;
}

void quartet_condition_wait(struct quartet_condition *condition, struct quartet_mutex *mutex) {
    condition_wait_until(condition, mutex, DEADLINE_NEVER);
}

void quartet_condition_signal(struct quartet_condition *condition) {
    __atomic_add_fetch(&condition->sequence, 1, __ATOMIC_RELEASE);
    word_wake(&condition->sequence, 1);
}

void quartet_condition_broadcast(struct quartet_condition *condition) {
    __atomic_add_fetch(&condition->sequence, 1, __ATOMIC_RELEASE);
    word_wake(&condition->sequence, WAKE_ALL);
}

/* The last to arrive resets the count before it opens the round: whoever leaves may come back at
 * once. */
bool quartet_barrier_wait(struct quartet_barrier *barrier) {
    uint32_t round = __atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == barrier->count) {
        __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&barrier->round, round + 1, __ATOMIC_RELEASE);
        word_wake(&barrier->round, WAKE_ALL);
        return true;
    }
    while (__atomic_load_n(&barrier->round, __ATOMIC_ACQUIRE) == round)
        deadline_wait(&barrier->round, round, DEADLINE_NEVER);
    return false;
}
