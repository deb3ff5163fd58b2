/* SPDX-License-Identifier: MIT */
/* The heap, regions of each slot, and what a clone shares of them by each kind of plan. */
#include <stdlib.h>

#include "user/bin/libcheck/libcheck.h"

void check_memory(void) {
    char *large = malloc(5u << 20);
    CHECK(large != NULL);
    memset(large, 1, 5u << 20);
    free(large);
    void *volatile too_large = malloc(1u << 30); /* volatile: compilers assume that malloc works */
    CHECK(too_large == NULL && errno == ENOMEM);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        char *region = quartet_map(slot, 3u << 20), *small = quartet_map(slot, 1);
        CHECK(region != NULL && small != NULL && SLOT_OF((uintptr_t)region) == slot);
        if (region == NULL || small == NULL)
            continue;
        CHECK(region[(3u << 20) - 1] == 0);
        region[0] = small[0] = 1;
        CHECK(quartet_unmap(region, 3u << 20) == 0 && quartet_unmap(small, 1) == 0);
    }
}

/* ---- Clones ---------------------------------------------------------------------------------- */

static volatile int counter;

static int child_sets(void *argument) {
    *(int *)argument = 17;
    counter = 18;
    return 19;
}

static void check_clone(uint32_t plan, bool stack_shared, bool data_shared) {
    struct process_status status;
    volatile int on_stack = 0;
    counter = 0;
    long child = quartet_clone(plan, child_sets, (void *)&on_stack);
    CHECK(child > 0);
    CHECK(process_wait((int)child, 0, &status) == 0 && status.status == 19);
    CHECK(on_stack == (stack_shared ? 17 : 0));
    CHECK(counter == (data_shared ? 18 : 0));
    handle_close((int)child);
}

void check_plans(void) {
    char text[PLAN_TEXT_SIZE];
    CHECK(quartet_plan_parse("fork") == (int)PLAN_FORK);
    CHECK(quartet_plan_parse("s,c,fresh,n") ==
          (int)PLAN(PLAN_SHARE, PLAN_COPY, PLAN_FRESH, PLAN_NONE));
    CHECK(quartet_plan_parse("s,c,f") < 0 && quartet_plan_parse("s,c,f,n,s") < 0);
    CHECK(quartet_plan_parse("") < 0 && quartet_plan_parse("s,,f,n") < 0 &&
          quartet_plan_parse("x,s,s,s") < 0);
    for (uint32_t plan = 0; plan < 256; plan++)
        if (quartet_plan_parse(quartet_plan_format(plan, text)) != (int)plan)
            CHECK(plan == 256);
    check_clone(PLAN_FORK, false, false);
    check_clone(PLAN_THREAD, true, true);
    check_clone(PLAN_RFORK, false, true);
    CHECK(quartet_clone(PLAN_SPAWN, child_sets, NULL) == -E_INVALID);
}
