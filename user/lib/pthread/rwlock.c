/* SPDX-License-Identifier: MIT */
/*
 * POSIX reader-writer locks: two numbers under a mutex, and a condition for whoever has to wait.
 * Readers come in whenever no writer is inside, so a thread may take the lock for reading more than
 * once; the price is that readers without a pause keep writers out.
 */
#include <errno.h>
#include <pthread.h>

#include "user/lib/internal.h"

static struct quartet_mutex *mutex_of(pthread_rwlock_t *lock) {
    return (struct quartet_mutex *)&lock->mutex;
}

static struct quartet_condition *condition_of(pthread_rwlock_t *lock) {
    return (struct quartet_condition *)&lock->sequence;
}

/* Take it if it is free for that; the mutex is held. */
static bool take(pthread_rwlock_t *lock, bool write) {
    if (lock->writer != 0 || (write && lock->readers > 0) || lock->readers == UINT32_MAX)
        return false;
    if (write)
        lock->writer = quartet_thread_self();
    else
        lock->readers++;
    return true;
}

static int lock_until(pthread_rwlock_t *lock, bool write, uint64_t deadline) {
    bool in_time = true;
    int error = 0;
    quartet_mutex_lock(mutex_of(lock));
    while (error == 0 && !take(lock, write)) {
        if (lock->writer == quartet_thread_self())
            error = EDEADLK;
        else if (!in_time)
            error = ETIMEDOUT;
        else
            in_time = condition_wait_until(condition_of(lock), mutex_of(lock), deadline);
    }
    quartet_mutex_unlock(mutex_of(lock));
    return error;
}

static int lock_try(pthread_rwlock_t *lock, bool write) {
    quartet_mutex_lock(mutex_of(lock));
    bool taken = take(lock, write);
    quartet_mutex_unlock(mutex_of(lock));
    return taken ? 0 : EBUSY;
}

static int lock_timed(pthread_rwlock_t *lock, bool write, const struct timespec *until) {
    uint64_t deadline;
    if (lock_try(lock, write) == 0)
        return 0;
    return deadline_make(until, &deadline) ? lock_until(lock, write, deadline) : EINVAL;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock) {
    return lock_until(lock, false, DEADLINE_NEVER);
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock) { return lock_until(lock, true, DEADLINE_NEVER); }

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock) { return lock_try(lock, false); }

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock) { return lock_try(lock, true); }

int pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *until) {
    return lock_timed(lock, false, until);
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *until) {
    return lock_timed(lock, true, until);
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock) {
    int error = 0;
    quartet_mutex_lock(mutex_of(lock));
    if (lock->writer == quartet_thread_self())
        lock->writer = 0;
    else if (lock->writer == 0 && lock->readers > 0)
        lock->readers--;
    else
        error = EPERM;
    /* With the mutex held: whoever takes the lock next may destroy it. */
    if (error == 0 && lock->readers == 0)
        quartet_condition_broadcast(condition_of(lock));
    quartet_mutex_unlock(mutex_of(lock));
    return error;
}

int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes) {
    (void)attributes;
    *lock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock) {
    quartet_mutex_lock(mutex_of(lock));
    bool busy = lock->readers > 0 || lock->writer != 0;
    quartet_mutex_unlock(mutex_of(lock));
    return busy ? EBUSY : 0;
}

int pthread_rwlockattr_init(pthread_rwlockattr_t *attributes) {
    *attributes = (pthread_rwlockattr_t){0};
    return 0;
}

int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attributes) {
    (void)attributes;
    return 0;
}

int pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attributes, int shared) {
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    attributes->process_shared = shared;
    return 0;
}

int pthread_rwlockattr_getpshared(const pthread_rwlockattr_t *attributes, int *shared) {
    *shared = attributes->process_shared;
    return 0;
}
