/* SPDX-License-Identifier: MIT */
/*
 * POSIX mutexes: struct quartet_mutex with a type. Only the types that must know their owner keep
 * it, by thread ID, which is unique on the machine: so a mutex in a slot that processes share works
 * between them. There are no robust mutexes: who dies with one leaves it held.
 */
#include <errno.h>
#include <pthread.h>

#include "user/lib/internal.h"

static struct quartet_mutex *lock_of(pthread_mutex_t *mutex) {
    return (struct quartet_mutex *)&mutex->state;
}

/* Only the owner writes its own ID, so who reads it is the owner. */
static bool is_mine(const pthread_mutex_t *mutex) {
    return __atomic_load_n(&mutex->owner, __ATOMIC_RELAXED) == quartet_thread_self();
}

static void owner_set(pthread_mutex_t *mutex, uint32_t owner) {
    __atomic_store_n(&mutex->owner, owner, __ATOMIC_RELAXED);
}

/* A mutex with a type that the caller holds already: what lock and trylock return. */
static int lock_again(pthread_mutex_t *mutex, int otherwise) {
    if (mutex->type != PTHREAD_MUTEX_RECURSIVE)
        return otherwise;
    if (mutex->depth == UINT32_MAX)
        return EAGAIN;
    mutex->depth++;
    return 0;
}

static int lock_until(pthread_mutex_t *mutex, uint64_t deadline) {
    bool typed = mutex->type != PTHREAD_MUTEX_NORMAL;
    if (typed && is_mine(mutex))
        return lock_again(mutex, EDEADLK);
    if (!mutex_lock_until(lock_of(mutex), deadline))
        return ETIMEDOUT;
    if (typed)
        owner_set(mutex, quartet_thread_self());
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex) { return lock_until(mutex, DEADLINE_NEVER); }

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *until) {
    uint64_t deadline;
    int error = pthread_mutex_trylock(mutex);
    if (error != EBUSY)
        return error;
    return deadline_make(until, &deadline) ? lock_until(mutex, deadline) : EINVAL;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex) {
    bool typed = mutex->type != PTHREAD_MUTEX_NORMAL;
    if (typed && is_mine(mutex))
        return lock_again(mutex, EBUSY);
    if (!quartet_mutex_try(lock_of(mutex)))
        return EBUSY;
    if (typed)
        owner_set(mutex, quartet_thread_self());
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex) {
    if (mutex->type != PTHREAD_MUTEX_NORMAL) {
        if (!is_mine(mutex))
            return EPERM;
        if (mutex->depth > 0) {
            mutex->depth--;
            return 0;
        }
        owner_set(mutex, 0);
    }
    quartet_mutex_unlock(lock_of(mutex));
    return 0;
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
    *mutex = (pthread_mutex_t){.type = attributes != NULL ? (uint32_t)attributes->type
                                                          : PTHREAD_MUTEX_DEFAULT};
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex) {
    return __atomic_load_n(&mutex->state, __ATOMIC_ACQUIRE) != 0 ? EBUSY : 0;
}

/* ---- Attributes ------------------------------------------------------------------------------ */

int pthread_mutexattr_init(pthread_mutexattr_t *attributes) {
    *attributes = (pthread_mutexattr_t){.type = PTHREAD_MUTEX_DEFAULT};
    return 0;
}

int pthread_mutexattr_destroy(pthread_mutexattr_t *attributes) {
    attributes->type = -1;
    return 0;
}

int pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type) {
    if (type < PTHREAD_MUTEX_NORMAL || type > PTHREAD_MUTEX_ERRORCHECK)
        return EINVAL;
    attributes->type = type;
    return 0;
}

int pthread_mutexattr_gettype(const pthread_mutexattr_t *attributes, int *type) {
    *type = attributes->type;
    return 0;
}

int pthread_mutexattr_setpshared(pthread_mutexattr_t *attributes, int shared) {
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    attributes->process_shared = shared;
    return 0;
}

int pthread_mutexattr_getpshared(const pthread_mutexattr_t *attributes, int *shared) {
    *shared = attributes->process_shared;
    return 0;
}
