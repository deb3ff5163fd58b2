/* SPDX-License-Identifier: MIT */
/*
 * What the programs have in common that hammer many CPUs (stress, stale, snapshot, locks): time,
 * random numbers, the wait for something that another CPU does, one verdict for all who take part,
 * and the kernel's counters of address translation. Nothing here needs a lock.
 */
#ifndef MANY_H
#define MANY_H

#include <stdarg.h>

#include "user/bin/command.h"
#include "user/demos/demo.h"

#define SPINS 200u /* of many_wait before it lets others run: some microseconds */

/* ---- Time and chance ------------------------------------------------------------------------- */

static inline uint64_t many_milliseconds(void) {
    uint64_t now = 0;
    clock_now(&now);
    return now / 1000000;
}

static inline uint32_t many_random(uint32_t *state, uint32_t limit) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % limit;
}

static inline struct info_machine many_machine(void) {
    struct info_machine machine;
    memset(&machine, 0, sizeof(machine));
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof(machine));
    return machine;
}

/* ---- Words that several CPUs look at --------------------------------------------------------- */

static inline uint32_t word_get(const uint32_t *word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void word_put(uint32_t *word, uint32_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* One turn of a loop that waits for another thread; *TURNS counts them. It spins at first, so that
 * the wait is short where the other one runs at the same time, and then lets others run. */
static inline void many_wait(uint32_t *turns) {
    if (++*turns % SPINS == 0) {
        thread_yield();
    }
    __builtin_ia32_pause();
}

/* ---- The verdict ----------------------------------------------------------------------------- */

/* The first failure of all who share it; all zero: none. */
struct verdict {
    uint32_t failed; /* atomic: 1 while the sentence is written, then 2 */
    char sentence[200];
};

__attribute__((format(printf, 2, 3))) static inline void verdict_fail(struct verdict *verdict,
                                                                      const char *format, ...) {
    uint32_t none = 0;
    if (!__atomic_compare_exchange_n(&verdict->failed, &none, 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->sentence, sizeof(verdict->sentence), format, arguments);
    va_end(arguments);
    word_put(&verdict->failed, 2);
}

static inline bool verdict_failed(const struct verdict *verdict) {
    return word_get(&verdict->failed) != 0;
}

/* Print the failure, if there is one; the status to exit with. */
static inline int verdict_end(const struct verdict *verdict, const char *name) {
    fflush(stdout);
    if (!verdict_failed(verdict)) {
        return EXIT_SUCCESS;
    }
    printf("%s: FAIL: %s\n", name, verdict->sentence);
    fflush(stdout);
    return EXIT_FAILURE;
}

/* ---- Counters -------------------------------------------------------------------------------- */

static inline unsigned long long many_shootdowns(const struct info_translation *translation) {
    unsigned long long sum = 0;
    for (uint32_t cause = 0; cause < CAUSE_COUNT; cause++) {
        sum += translation->shootdowns[cause];
    }
    return sum;
}

/* What the kernel has done between two looks at its counters. */
static inline void many_print_counters(const struct info_machine *from,
                                       const struct info_machine *to) {
    static const char *const causes[CAUSE_COUNT] = {"unmap",     "protect",    "copy",
                                                    "page copy", "table copy", "split", "supply"};
    const struct info_translation *old = &from->translation, *now = &to->translation;
    printf("  page faults %llu, spurious %llu, switches %llu, steals %llu, waits for locks %llu\n",
           (unsigned long long)(to->page_faults - from->page_faults),
           (unsigned long long)(to->spurious_faults - from->spurious_faults),
           (unsigned long long)(to->switches - from->switches),
           (unsigned long long)(to->steals - from->steals),
           (unsigned long long)(to->lock_waits - from->lock_waits));
    printf("  shootdowns %llu:", many_shootdowns(now) - many_shootdowns(old));
    for (uint32_t cause = 0; cause < CAUSE_COUNT; cause++) {
        printf("%s %s %llu", cause > 0 ? "," : "", causes[cause],
               (unsigned long long)(now->shootdowns[cause] - old->shootdowns[cause]));
    }
    printf("\n  interrupts sent %llu, saved %llu; catch-ups %llu\n",
           (unsigned long long)(now->interrupts_sent - old->interrupts_sent),
           (unsigned long long)(now->interrupts_saved - old->interrupts_saved),
           (unsigned long long)(now->catch_ups - old->catch_ups));
    printf("  loads kept %llu, flushed %llu, skipped %llu; digits evicted %llu\n",
           (unsigned long long)(now->loads_kept - old->loads_kept),
           (unsigned long long)(now->loads_flushed - old->loads_flushed),
           (unsigned long long)(now->loads_skipped - old->loads_skipped),
           (unsigned long long)(now->digits_evicted - old->digits_evicted));
}

#endif
