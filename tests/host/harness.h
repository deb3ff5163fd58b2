/* SPDX-License-Identifier: MIT */
/*
 * What every host test uses: isolated tests, a booted machine, processes that are nothing but a
 * space, allocation failures on demand, and a trace of the last operations for the moment when
 * something breaks.
 *
 * Each TEST runs in a child process, so that it boots a fresh kernel and a failure (panic, broken
 * rule of the simulated machine, sanitizer report) ends that test alone. NOFORK=1 runs them in
 * place, for a debugger. Read next: arch/sim/sim.h, world.h.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/sim/sim.h"
#include "kernel/base/cache.h"

void test_isolated(const char *name, void (*body)(void), const char *expected_failure);

/* TEST(name) { ... } defines the cmocka test NAME. TEST_FAILS passes only if its body fails with a
 * message that contains TEXT: it shows that a check is able to fail. */
#define TEST_WRAPPED(name, text)                 \
    static void name##_body(void);               \
    static void name(void **state) {             \
        (void)state;                             \
        test_isolated(#name, name##_body, text); \
    }                                            \
    static void name##_body(void)
#define TEST(name) TEST_WRAPPED(name, NULL)
#define TEST_FAILS(name, text) TEST_WRAPPED(name, text)

#define CHECK(condition, ...)                                          \
    do {                                                               \
        if (!(condition)) {                                            \
            check_failed(__FILE__, __LINE__, #condition, __VA_ARGS__); \
        }                                                              \
    } while (0)
#define CHECK_EQUAL(left, right)                                                                \
    do {                                                                                        \
        unsigned long long left_ = (unsigned long long)(left);                                  \
        unsigned long long right_ = (unsigned long long)(right);                                \
        if (left_ != right_) {                                                                  \
            check_failed(__FILE__, __LINE__, #left " == " #right, "%#llx against %#llx", left_, \
                         right_);                                                               \
        }                                                                                       \
    } while (0)
_Noreturn void check_failed(const char *file, int line, const char *condition, const char *format,
                            ...) PRINTF_LIKE(4, 5);

/* Remember an operation; the last ones are printed when the test fails. */
void trace(const char *format, ...) PRINTF_LIKE(1, 2);

/* The seed of this run: SEED= in the environment (a number, or `random`), or FALLBACK. Printed when the test fails. */
u64 test_seed(u64 fallback);

/* ---- The machine ----------------------------------------------------------------------------- */

extern const struct sim_memory memory_usual; /* 64 MiB low with a hole, 64 MiB high */
extern const struct sim_memory memory_small; /* 4 MiB, all low */

/* How many CPUs the next machine_boot gives; 1. */
extern u32 machine_cpus;
/* Boot: simulated RAM, frame allocator, root budget, CPUs with interrupts off; CPU 0 runs. */
void machine_boot(const struct sim_memory *memory);
struct boot_info *machine_boot_info(void); /* what machine_boot gave to frame_initialise */

/* Tests of the kernel's own panics: the text to expect. */
#define PANIC "panic: "

/* What allocated frames are full of: this word again and again; 0: bytes that are no entries. */
extern u64 frame_rubbish;

/* ---- Allocation failures --------------------------------------------------------------------- */

/* Every frame, object and budget charge counts as one allocation. */
u64 allocation_count(void);
/* Let allocation number N from now on (1: the next) fail; 0: none. */
void allocation_fail(u64 n);
bool allocation_has_failed(void); /* since the last allocation_fail */
/* Let one in ONE_IN fail by chance; 0: none. */
void allocation_fail_randomly(u32 one_in);

/* Objects of all caches, told to the test; may be null. */
extern void (*object_taken)(const struct cache *cache, void *object);
extern void (*object_freed)(const struct cache *cache, void *object);

/* ---- Interleaving ---------------------------------------------------------------------------- */

extern void (*preemption_hook)(void); /* runs in sched_preemption_point; may be null */
u64 preemption_count(void);

#endif
