/* SPDX-License-Identifier: MIT */
/*
 * POSIX barriers and spin locks. A barrier is struct quartet_barrier, and the number of threads that
 * have not yet left: one of them may destroy it as soon as it is through, and the others must not
 * look at what is gone.
 */
#include <errno.h>
#include <pthread.h>

#include "user/lib/internal.h"

int pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes,
                         unsigned count) {
    (void)attributes;
    if (count == 0)
        return EINVAL;
    *barrier = (pthread_barrier_t){.count = count};
    return 0;
}

int pthread_barrier_wait(pthread_barrier_t *barrier) {
    __atomic_add_fetch(&barrier->inside, 1, __ATOMIC_RELAXED);
    bool last = quartet_barrier_wait((struct quartet_barrier *)barrier);
    __atomic_sub_fetch(&barrier->inside, 1, __ATOMIC_RELEASE);
    return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

int pthread_barrier_destroy(pthread_barrier_t *barrier) {
    if (__atomic_load_n(&barrier->arrived, __ATOMIC_ACQUIRE) != 0)
        return EBUSY;
    while (__atomic_load_n(&barrier->inside, __ATOMIC_ACQUIRE) != 0)
        thread_sleep(100); /* not a yield: they may have a lower priority */
    return 0;
}

int pthread_barrierattr_init(pthread_barrierattr_t *attributes) {
    *attributes = (pthread_barrierattr_t){0};
    return 0;
}

int pthread_barrierattr_destroy(pthread_barrierattr_t *attributes) {
    (void)attributes;
    return 0;
}

int pthread_barrierattr_setpshared(pthread_barrierattr_t *attributes, int shared) {
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED)
        return EINVAL;
    attributes->process_shared = shared;
    return 0;
}

int pthread_barrierattr_getpshared(const pthread_barrierattr_t *attributes, int *shared) {
    *shared = attributes->process_shared;
    return 0;
}

/* ---- Spin locks: they let others run after a while, for the holder may be one of them ---------- */

#define SPINS 100u

int pthread_spin_init(pthread_spinlock_t *lock, int shared) {
    (void)shared;
    *lock = (pthread_spinlock_t){0};
    return 0;
}

int pthread_spin_trylock(pthread_spinlock_t *lock) {
    uint32_t none = 0;
    return __atomic_compare_exchange_n(&lock->owner, &none, quartet_thread_self(), false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
               ? 0
               : EBUSY;
}

int pthread_spin_lock(pthread_spinlock_t *lock) {
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == quartet_thread_self())
        return EDEADLK;
    for (uint32_t turns = 1; pthread_spin_trylock(lock) != 0; turns++) {
        if (turns % SPINS == 0)
            thread_sleep(1); /* not a yield: the holder may have a lower priority */
        __builtin_ia32_pause();
    }
    return 0;
}

int pthread_spin_unlock(pthread_spinlock_t *lock) {
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != quartet_thread_self())
        return EPERM;
    __atomic_store_n(&lock->owner, 0, __ATOMIC_RELEASE);
    return 0;
}

int pthread_spin_destroy(pthread_spinlock_t *lock) {
    return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != 0 ? EBUSY : 0;
}
