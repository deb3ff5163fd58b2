/* SPDX-License-Identifier: MIT */
/* Threads of the library: their own variables, its locks, and the heap under them. */
#include <stdlib.h>
#include <unistd.h>

#include "user/bin/libcheck/libcheck.h"

static __thread int per_thread = 42;
static __thread char per_thread_zero[100];
static struct quartet_mutex mutex;
static struct quartet_condition condition;
static struct quartet_barrier barrier;
static volatile int counter, stage, firsts;

static int add_many(void *rounds) {
    for (int i = 0; i < *(int *)rounds; i++) {
        quartet_mutex_lock(&mutex);
        int seen = counter;
        if (i % 64 == 0)
            thread_yield();
        counter = seen + 1;
        quartet_mutex_unlock(&mutex);
    }
    per_thread++;
    errno = 7;
    if (quartet_barrier_wait(&barrier))
        __atomic_add_fetch(&firsts, 1, __ATOMIC_RELAXED);
    return per_thread + per_thread_zero[99];
}

void check_threads(void) {
    struct quartet_thread *threads[3];
    int rounds = 1000, result = 0;
    barrier.count = 4;
    errno = 5;
    for (int i = 0; i < 3; i++)
        CHECK((threads[i] = quartet_thread_start(add_many, &rounds)) != NULL);
    CHECK(add_many(&rounds) == 43);
    for (int i = 0; i < 3; i++) {
        quartet_thread_join(threads[i], &result);
        CHECK(result == 43);
    }
    CHECK(counter == 4 * rounds);
    CHECK(firsts == 1);
    barrier.count = 1;
    for (int i = 0; i < 300; i++) { /* stacks come back */
        struct quartet_thread *thread = quartet_thread_start(add_many, &(int){0});
        if (thread == NULL) {
            CHECK(thread != NULL);
            break;
        }
        quartet_thread_join(thread, NULL);
    }
}

static int errno_private(void *unused) {
    (void)unused;
    int before = errno;
    errno = 99;
    return before;
}

static int wait_stage(void *unused) {
    (void)unused;
    quartet_mutex_lock(&mutex);
    while (stage == 0)
        quartet_condition_wait(&condition, &mutex);
    stage = 2;
    quartet_mutex_unlock(&mutex);
    quartet_condition_broadcast(&condition);
    return 0;
}

static int print_and_allocate(void *unused) {
    (void)unused;
    char *blocks[16];
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 16; i++) {
            blocks[i] = malloc(16u + 100u * (unsigned)i);
            if (blocks[i] == NULL)
                return 1;
            memset(blocks[i], i, 16u + 100u * (unsigned)i);
        }
        for (int i = 0; i < 16; i++) {
            if (blocks[i][15] != i)
                return 2;
            free(blocks[i]);
        }
        if (round % 16 == 0)
            thread_yield();
    }
    return 0;
}

void check_waiting(void) {
    int result = -1;
    errno = 5;
    quartet_thread_join(quartet_thread_start(errno_private, NULL), &result);
    CHECK(result == 0 && errno == 5);

    struct quartet_thread *thread = quartet_thread_start(wait_stage, NULL);
    usleep(2000);
    quartet_mutex_lock(&mutex);
    stage = 1;
    quartet_condition_signal(&condition);
    while (stage != 2)
        quartet_condition_wait(&condition, &mutex);
    quartet_mutex_unlock(&mutex);
    quartet_thread_join(thread, NULL);

    struct quartet_thread *several[4];
    for (int i = 0; i < 4; i++)
        several[i] = quartet_thread_start(print_and_allocate, NULL);
    for (int i = 0; i < 4; i++) {
        quartet_thread_join(several[i], &result);
        CHECK(result == 0);
    }
}
