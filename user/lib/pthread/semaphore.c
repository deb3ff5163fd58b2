/* SPDX-License-Identifier: MIT */
/*
 * Semaphores in one word: the value, and in the top bit that somebody may wait. sem_post() changes
 * the word once and does not look at it again, because a thread that it lets through may destroy
 * the semaphore. The bit stays once it is set; all it costs is a call of the kernel at each post.
 */
#include <errno.h>
#include <semaphore.h>

#include "user/lib/internal.h"

#define WAITED 0x80000000u
#define VALUE 0x7FFFFFFFu

static int fail(int error) {
    errno = error;
    return -1;
}

int sem_init(sem_t *semaphore, int shared, unsigned value) {
    (void)shared;
    if (value > SEM_VALUE_MAX)
        return fail(EINVAL);
    *semaphore = (sem_t){value};
    return 0;
}

int sem_destroy(sem_t *semaphore) {
    (void)semaphore;
    return 0;
}

/* Take one; if there is none, *WORD is what the semaphore has instead. */
static bool take(sem_t *semaphore, uint32_t *word) {
    *word = __atomic_load_n(&semaphore->word, __ATOMIC_RELAXED);
    while ((*word & VALUE) > 0)
        if (__atomic_compare_exchange_n(&semaphore->word, word, *word - 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

int sem_trywait(sem_t *semaphore) {
    uint32_t word;
    return take(semaphore, &word) ? 0 : fail(EAGAIN);
}

static int wait_until(sem_t *semaphore, uint64_t deadline) {
    uint32_t word;
    bool in_time = true;
    while (!take(semaphore, &word)) {
        if (!in_time)
            return fail(ETIMEDOUT);
        if (word == WAITED || __atomic_compare_exchange_n(&semaphore->word, &word, WAITED, false,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            in_time = deadline_wait(&semaphore->word, WAITED, deadline);
    }
    return 0;
}

int sem_wait(sem_t *semaphore) { return wait_until(semaphore, DEADLINE_NEVER); }

int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
    uint64_t deadline;
    if (sem_trywait(semaphore) == 0)
        return 0;
    return deadline_make(until, &deadline) ? wait_until(semaphore, deadline) : fail(EINVAL);
}

int sem_post(sem_t *semaphore) {
    uint32_t word = __atomic_load_n(&semaphore->word, __ATOMIC_RELAXED);
    do {
        if ((word & VALUE) == SEM_VALUE_MAX)
            return fail(EOVERFLOW);
    } while (!__atomic_compare_exchange_n(&semaphore->word, &word, word + 1, false,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (word & WAITED)
        futex_wake((uintptr_t)&semaphore->word, 1);
    return 0;
}

int sem_getvalue(sem_t *semaphore, int *value) {
    *value = (int)(__atomic_load_n(&semaphore->word, __ATOMIC_RELAXED) & VALUE);
    return 0;
}
