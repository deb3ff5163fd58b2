/* SPDX-License-Identifier: MIT */
/*
 * Lock-step: two that alternate on one word, by plain atomics, by the futex, by mutex and
 * condition, by a barrier; as threads, and as processes that SHARE slot 2. Whoever misses a
 * wake-up, or sees an old value, comes out of step. Then more threads on one counter.
 */
#include "stress.h"

#define TURNS 40u

struct step {
    uint32_t turn; /* whose it is: turn % 2 */
    struct quartet_mutex mutex;
    struct quartet_condition changed;
    struct quartet_barrier barrier;
    uint32_t kind;
    uint32_t sum; /* changed by whose turn it is */
};
#define STEP ((struct step *)demo_pointer(2, 0))

/* ---- Waiting for the turn -------------------------------------------------------------------- */

static void wait_atomics(uint32_t turn) {
    uint32_t turns = 0;
    while (word_get(&STEP->turn) != turn && !stress_failed()) {
        many_wait(&turns);
    }
}

static void wait_futex(uint32_t turn) {
    for (uint32_t seen; (seen = word_get(&STEP->turn)) != turn && !stress_failed();) {
        futex_wait((uintptr_t)&STEP->turn, seen, FUTEX_FOREVER);
    }
}

static void wait_condition(uint32_t turn) {
    quartet_mutex_lock(&STEP->mutex);
    while (STEP->turn != turn) {
        quartet_condition_wait(&STEP->changed, &STEP->mutex);
    }
    quartet_mutex_unlock(&STEP->mutex);
}

static void pass_on(uint32_t turn) {
    if (STEP->kind == 2) {
        quartet_mutex_lock(&STEP->mutex);
        STEP->turn = turn;
        quartet_mutex_unlock(&STEP->mutex);
        quartet_condition_signal(&STEP->changed);
    } else {
        word_put(&STEP->turn, turn);
        if (STEP->kind == 1) {
            futex_wake((uintptr_t)&STEP->turn, 1);
        }
    }
}

static void (*const waits[])(uint32_t turn) = {wait_atomics, wait_futex, wait_condition};

static void step_take(uint32_t turn) {
    uint32_t sum = *(volatile uint32_t *)&STEP->sum;
    if (sum != turn) {
        stress_fail("lock-step by kind %lu: turn %lu finds %lu", (unsigned long)STEP->kind,
                    (unsigned long)turn, (unsigned long)sum);
    }
    *(volatile uint32_t *)&STEP->sum = sum + 1;
}

/* With the barrier both meet after every turn, and one of them works. */
static void step_run(uint32_t side) {
    for (uint32_t turn = 0; turn < TURNS && !stress_failed(); turn++) {
        if (STEP->kind == 3) {
            quartet_barrier_wait(&STEP->barrier);
        }
        if (turn % 2 != side) {
            continue;
        }
        if (STEP->kind < 3) {
            waits[STEP->kind](turn);
        }
        step_take(turn);
        if (STEP->kind < 3) {
            pass_on(turn + 1);
        }
    }
}

static int step_thread(void *unused) {
    (void)unused;
    step_run(1);
    return 0;
}

/* ---- Two --------------------------------------------------------------------------------------
 */

static void lockstep_threads(void) {
    struct quartet_thread *thread = quartet_thread_start(step_thread, NULL);
    if (stress_must("quartet_thread_start", thread == NULL ? -E_NOMEM : 0) < 0) {
        return;
    }
    step_run(0);
    quartet_thread_join(thread, NULL);
}

void stress_lockstep(void) {
    area_open(PAGE_SIZE);
    STEP->kind = chance(4);
    STEP->barrier.count = 2;
    if (chance(2) == 0) {
        lockstep_threads();
    } else {
        long child = stress_start(chance(2) == 0 ? FORK_SHARING : PLAN_RFORK, step_run, 1);
        step_run(0);
        stress_end(child, 0, "lock-step");
    }
    if (STEP->sum != TURNS) {
        stress_fail("lock-step by kind %lu ends at %lu", (unsigned long)STEP->kind,
                    (unsigned long)STEP->sum);
    }
    area_close();
}

/* ---- Several --------------------------------------------------------------------------------- */

#define COUNTERS 5u
#define INCREMENTS 100u

static struct quartet_mutex count_mutex;
static volatile uint32_t count_guarded;
static uint32_t count_atomic;

static int count_thread(void *argument) {
    for (uint32_t i = 0; i < INCREMENTS; i++) {
        quartet_mutex_lock(&count_mutex);
        uint32_t seen = count_guarded;
        if (i % 32 == 0) {
            thread_yield();
        }
        count_guarded = seen + 1;
        quartet_mutex_unlock(&count_mutex);
        __atomic_add_fetch(&count_atomic, 1, __ATOMIC_RELAXED);
    }
    return (int)(uintptr_t)argument;
}

void stress_threads(void) {
    struct quartet_thread *thread[COUNTERS];
    count_guarded = count_atomic = 0;
    for (uint32_t i = 0; i < COUNTERS; i++) {
        thread[i] = quartet_thread_start(count_thread, (void *)(uintptr_t)(i + 10));
        stress_must("quartet_thread_start", thread[i] == NULL ? -E_NOMEM : 0);
    }
    for (uint32_t i = 0; i < COUNTERS && thread[i] != NULL; i++) {
        int result = 0;
        quartet_thread_join(thread[i], &result);
        if (result != (int)i + 10) {
            stress_fail("threads: thread %lu returned %d", (unsigned long)i, result);
        }
    }
    if (count_guarded != COUNTERS * INCREMENTS || count_atomic != COUNTERS * INCREMENTS) {
        stress_fail("threads: counted %lu with the mutex, %lu with atomics, not %lu",
                    (unsigned long)count_guarded, (unsigned long)count_atomic,
                    (unsigned long)(COUNTERS * INCREMENTS));
    }
}
