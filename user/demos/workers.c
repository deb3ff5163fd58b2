/* SPDX-License-Identifier: MIT */
/*
 * workers [COUNT]: a sum by COUNT (default 8) processes that share slot 2 and nothing else. The
 * parent puts numbers there; each worker, a COPY of it in all other slots, adds up its part and
 * then adds that to a total that they all share, under a mutex that stands beside it. The sum must
 * be right, and data that a worker changes elsewhere must stay its own.
 */
#include "demo.h"

#define NUMBERS 65536u

struct shared {
    struct quartet_mutex mutex;
    uint32_t finished;
    uint64_t total;
    uint32_t numbers[NUMBERS];
};

#define SHARED ((struct shared *)demo_pointer(SLOT_SHARED, 0))

static uint32_t workers = 8;
static volatile int private_mark;

static int worker(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument;
    uint64_t sum = 0;
    for (uint32_t i = number; i < NUMBERS; i += workers) {
        sum += SHARED->numbers[i];
    }
    private_mark = (int)number + 1;
    quartet_mutex_lock(&SHARED->mutex);
    SHARED->total += sum;
    SHARED->finished++;
    quartet_mutex_unlock(&SHARED->mutex);
    return 0;
}

int main(int argc, char **argv) {
    long child[64];
    uint64_t expected = 0;
    int failed = 0;
    if (argc > 1) {
        workers = (uint32_t)strtoul(argv[1], NULL, 10);
    }
    if (workers < 1 || workers > 64) {
        fprintf(stderr, "usage: workers [COUNT]   COUNT from 1 to 64\n");
        return 2;
    }
    demo_fresh_area(SLOT_SHARED, (sizeof(struct shared) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1));
    for (uint32_t i = 0; i < NUMBERS; i++) {
        SHARED->numbers[i] = i * 2654435761u;
        expected += SHARED->numbers[i];
    }
    uint32_t plan = PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY);
    for (uint32_t i = 0; i < workers; i++) {
        child[i] = demo_must("quartet_clone", quartet_clone(plan, worker, (void *)(uintptr_t)i));
    }
    for (uint32_t i = 0; i < workers; i++) {
        failed += demo_wait(child[i]) != 0;
    }
    printf("  %u workers, total %llu\n", (unsigned)workers, (unsigned long long)SHARED->total);
    failed += demo_claim(SHARED->finished == workers, "every worker added its part");
    failed += demo_claim(SHARED->total == expected, "the total in the shared slot is right");
    failed += demo_claim(private_mark == 0, "what the workers wrote in slot 1 stayed theirs");
    return failed ? 1 : 0;
}
