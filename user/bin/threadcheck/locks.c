/* SPDX-License-Identifier: MIT */
/* Mutexes, conditions, reader-writer locks, barriers, spin locks, semaphores within a process. */
#include <limits.h>

#include "user/bin/threadcheck/threadcheck.h"

#define ROUNDS 2000
#define THREADS 4

/* Run FUNCTION in several threads at once. */
static void crowd(void *(*function)(void *)) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, function, (void *)(uintptr_t)i) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- Mutexes --------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int counter;

static void *try_result(void *lock) { return (void *)(uintptr_t)pthread_mutex_trylock(lock); }
static void *unlock_result(void *lock) { return (void *)(uintptr_t)pthread_mutex_unlock(lock); }

static void *count_up(void *argument) {
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        int seen = counter;
        if (i % 64 == 0)
            sched_yield();
        counter = seen + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static pthread_mutex_t typed_mutex(int type) {
    pthread_mutexattr_t attributes;
    pthread_mutex_t made;
    int found = -1;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_settype(&attributes, type) == 0);
    CHECK(pthread_mutexattr_gettype(&attributes, &found) == 0 && found == type);
    CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutex_init(&made, &attributes) == 0);
    CHECK(pthread_mutexattr_destroy(&attributes) == 0);
    return made;
}

static void check_times(pthread_mutex_t *held) {
    struct timespec until = time_in(30), past = time_in(-1000), wrong = {0, 1000000000};
    CHECK(pthread_mutex_timedlock(held, &until) == ETIMEDOUT && time_has_passed(&until));
    CHECK(pthread_mutex_timedlock(held, &past) == ETIMEDOUT);
    CHECK(pthread_mutex_timedlock(held, &wrong) == EINVAL);
}

void check_mutexes(void) {
    counter = 0;
    crowd(count_up);
    CHECK(counter == THREADS * ROUNDS);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_trylock(&mutex) == EBUSY);
    CHECK(pthread_mutex_destroy(&mutex) == EBUSY);
    check_times(&mutex);
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_trylock(&mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_mutex_destroy(&mutex) == 0);

    pthread_mutex_t recursive = typed_mutex(PTHREAD_MUTEX_RECURSIVE);
    CHECK(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_trylock(&recursive) == 0 &&
          pthread_mutex_lock(&recursive) == 0);
    CHECK(elsewhere(try_result, &recursive) == (void *)EBUSY);
    CHECK(elsewhere(unlock_result, &recursive) == (void *)EPERM);
    CHECK(pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0);
    CHECK(elsewhere(try_result, &recursive) == (void *)EBUSY);
    CHECK(pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == EPERM);

    pthread_mutex_t checked = typed_mutex(PTHREAD_MUTEX_ERRORCHECK);
    CHECK(pthread_mutex_unlock(&checked) == EPERM);
    CHECK(pthread_mutex_lock(&checked) == 0 && pthread_mutex_lock(&checked) == EDEADLK &&
          pthread_mutex_trylock(&checked) == EBUSY);
    CHECK(elsewhere(unlock_result, &checked) == (void *)EPERM);
    CHECK(pthread_mutex_unlock(&checked) == 0);
    CHECK(pthread_mutexattr_settype(&(pthread_mutexattr_t){0}, 9) == EINVAL);
}

/* ---- Conditions ------------------------------------------------------------------------------ */

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER, other = PTHREAD_COND_INITIALIZER;
static volatile int places, waiting, released;

/* A queue of one place: the even threads fill it, the odd ones empty it. */
static void *pass_on(void *number) {
    bool fill = (uintptr_t)number % 2 == 0;
    for (int i = 0; i < ROUNDS / 4; i++) {
        pthread_mutex_lock(&mutex);
        while (places == (fill ? 1 : 0))
            pthread_cond_wait(fill ? &other : &condition, &mutex);
        places = fill ? 1 : 0;
        counter++;
        pthread_cond_signal(fill ? &condition : &other);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *wait_for_all(void *argument) {
    (void)argument;
    pthread_mutex_lock(&mutex);
    waiting++;
    while (!released)
        pthread_cond_wait(&condition, &mutex);
    waiting--;
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void *release_all(void *argument) {
    (void)argument;
    for (bool done = false; !done; usleep(1000)) {
        pthread_mutex_lock(&mutex);
        done = waiting == THREADS;
        released = done;
        pthread_mutex_unlock(&mutex);
    }
    pthread_cond_broadcast(&condition);
    return NULL;
}

static void check_timedwait(void) {
    struct timespec until = time_in(30), wrong = {0, -1};
    pthread_mutex_t checked = typed_mutex(PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_t recursive = typed_mutex(PTHREAD_MUTEX_RECURSIVE);
    CHECK(pthread_cond_timedwait(&condition, &checked, &until) == EPERM);
    pthread_mutex_lock(&checked);
    int error = 0;
    while (error == 0)
        error = pthread_cond_timedwait(&condition, &checked, &until);
    CHECK(error == ETIMEDOUT && time_has_passed(&until));
    CHECK(pthread_cond_timedwait(&condition, &checked, &wrong) == EINVAL);
    CHECK(pthread_mutex_unlock(&checked) == 0); /* it is held again */
    pthread_mutex_lock(&recursive);
    pthread_mutex_lock(&recursive);
    CHECK(pthread_cond_timedwait(&condition, &recursive, &until) == ETIMEDOUT);
    CHECK(pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0);
}

void check_conditions(void) {
    pthread_condattr_t attributes;
    clockid_t clock = 0;
    pthread_t thread;
    counter = 0;
    crowd(pass_on);
    CHECK(counter == THREADS * (ROUNDS / 4) && places == 0);
    CHECK(pthread_create(&thread, NULL, release_all, NULL) == 0);
    crowd(wait_for_all);
    CHECK(pthread_join(thread, NULL) == 0 && waiting == 0);
    check_timedwait();
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_condattr_getclock(&attributes, &clock) == 0 && clock == CLOCK_MONOTONIC);
    CHECK(pthread_cond_init(&other, &attributes) == 0 && pthread_cond_destroy(&other) == 0);
}

/* ---- Reader-writer locks --------------------------------------------------------------------- */

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile int first_copy, second_copy;

static void *read_and_write(void *number) {
    for (int i = 0; i < ROUNDS / 4; i++) {
        bool write = (i + (int)(uintptr_t)number) % 4 == 0;
        CHECK((write ? pthread_rwlock_wrlock : pthread_rwlock_rdlock)(&rwlock) == 0);
        int seen = first_copy;
        if (i % 32 == 0)
            sched_yield();
        if (write)
            first_copy = second_copy = seen + 1;
        else if (seen != second_copy)
            CHECK(!"a reader saw half of a write");
        CHECK(pthread_rwlock_unlock(&rwlock) == 0);
    }
    return NULL;
}

static void *try_read(void *lock) {
    int error = pthread_rwlock_tryrdlock(lock);
    if (error == 0)
        pthread_rwlock_unlock(lock);
    return (void *)(uintptr_t)error;
}

static void *try_write(void *lock) { return (void *)(uintptr_t)pthread_rwlock_trywrlock(lock); }

static void *timed_read(void *lock) {
    struct timespec until = time_in(20);
    return (void *)(uintptr_t)pthread_rwlock_timedrdlock(lock, &until);
}

void check_rwlocks(void) {
    struct timespec until = time_in(20);
    crowd(read_and_write);
    CHECK(first_copy == THREADS * (ROUNDS / 4) / 4 && second_copy == first_copy);
    CHECK(pthread_rwlock_unlock(&rwlock) == EPERM);
    CHECK(pthread_rwlock_rdlock(&rwlock) == 0 && pthread_rwlock_rdlock(&rwlock) == 0);
    CHECK(elsewhere(try_read, &rwlock) == (void *)0);
    CHECK(elsewhere(try_write, &rwlock) == (void *)EBUSY);
    CHECK(pthread_rwlock_timedwrlock(&rwlock, &until) == ETIMEDOUT && time_has_passed(&until));
    CHECK(pthread_rwlock_destroy(&rwlock) == EBUSY);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_wrlock(&rwlock) == EDEADLK &&
          pthread_rwlock_rdlock(&rwlock) == EDEADLK);
    CHECK(elsewhere(try_read, &rwlock) == (void *)EBUSY);
    CHECK(elsewhere(timed_read, &rwlock) == (void *)ETIMEDOUT);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0 && pthread_rwlock_destroy(&rwlock) == 0);
}

/* ---- Barriers and spin locks ----------------------------------------------------------------- */

static pthread_barrier_t barrier;
static volatile int serials, meetings[THREADS];
static pthread_spinlock_t spin;

static void *meet(void *number) {
    for (int round = 1; round <= 100; round++) {
        meetings[(uintptr_t)number] = round;
        int result = pthread_barrier_wait(&barrier);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
        for (int i = 0; i < THREADS; i++)
            if (meetings[i] < round || meetings[i] > round + 1)
                CHECK(!"the barrier let somebody through alone");
    }
    return NULL;
}

/* Whoever is last destroys the barrier, and takes its place for other things. */
static void *meet_once(void *number) {
    (void)number;
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
        CHECK(pthread_barrier_destroy(&barrier) == 0);
        memset(&barrier, 0, sizeof(barrier));
    }
    return NULL;
}

static void *spin_up(void *argument) {
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_spin_lock(&spin);
        counter = counter + 1;
        pthread_spin_unlock(&spin);
    }
    return NULL;
}

static void *spin_try(void *lock) { return (void *)(uintptr_t)pthread_spin_trylock(lock); }

void check_meetings(void) {
    CHECK(pthread_barrier_init(&barrier, NULL, 0) == EINVAL);
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    crowd(meet);
    CHECK(serials == 100 && pthread_barrier_destroy(&barrier) == 0);
    for (int i = 0; i < 20; i++) {
        CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
        crowd(meet_once);
    }
    counter = 0;
    CHECK(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0);
    crowd(spin_up);
    CHECK(counter == THREADS * ROUNDS);
    CHECK(pthread_spin_unlock(&spin) == EPERM);
    CHECK(pthread_spin_lock(&spin) == 0 && pthread_spin_lock(&spin) == EDEADLK &&
          elsewhere(spin_try, &spin) == (void *)EBUSY);
    CHECK(pthread_spin_destroy(&spin) == EBUSY && pthread_spin_unlock(&spin) == 0 &&
          pthread_spin_destroy(&spin) == 0);
}

/* ---- Semaphores ------------------------------------------------------------------------------ */

static sem_t tokens, done;

static void *take_and_give(void *argument) {
    (void)argument;
    for (int i = 0; i < ROUNDS / 4; i++) {
        sem_wait(&tokens);
        int inside = __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
        if (inside > 2)
            CHECK(!"more inside than the semaphore lets in");
        if (i % 16 == 0)
            sched_yield();
        __atomic_sub_fetch(&counter, 1, __ATOMIC_RELAXED);
        sem_post(&tokens);
    }
    sem_post(&done);
    return NULL;
}

void check_semaphores(void) {
    struct timespec until = time_in(20), wrong = {0, -1};
    int value = -1;
    counter = 0;
    CHECK(sem_init(&tokens, 0, 2) == 0 && sem_init(&done, 0, 0) == 0);
    crowd(take_and_give);
    CHECK(sem_getvalue(&tokens, &value) == 0 && value == 2);
    CHECK(sem_getvalue(&done, &value) == 0 && value == THREADS);
    for (int i = 0; i < THREADS; i++)
        CHECK(sem_trywait(&done) == 0);
    CHECK(sem_trywait(&done) == -1 && errno == EAGAIN);
    CHECK(sem_timedwait(&done, &until) == -1 && errno == ETIMEDOUT && time_has_passed(&until));
    CHECK(sem_timedwait(&done, &wrong) == -1 && errno == EINVAL);
    CHECK(sem_init(&done, 0, (unsigned)SEM_VALUE_MAX + 1) == -1 && errno == EINVAL);
    CHECK(sem_init(&done, 0, SEM_VALUE_MAX) == 0 && sem_post(&done) == -1 && errno == EOVERFLOW);
    CHECK(sem_destroy(&done) == 0 && sem_destroy(&tokens) == 0);
}
