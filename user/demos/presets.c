/* SPDX-License-Identifier: MIT */
/*
 * presets: the classical calls as points in the space of plans. The same work, a child that adds to
 * a counter in slot 1 (data) and to one in slot 2 (shared memory), and changes a variable on its
 * stack, runs under
 *
 *     fork      COPY  COPY  COPY  COPY     nothing that the child does is seen
 *     thread    SHARE SHARE SHARE SHARE    everything is
 *     rfork     SHARE SHARE SHARE COPY     all but the stack is (Plan 9's RFMEM)
 *     spawn     NONE  NONE  FRESH NONE     a new program: the child is this program from its start,
 *                                          given as its work to exit with a status (as after vfork
 *                                          and exec)
 */
#include "demo.h"

static volatile int data_counter;
#define SHARED_COUNTER ((volatile int *)demo_pointer(SLOT_SHARED, 0))

static int work(void *argument) {
    volatile int *on_stack = argument;
    data_counter++;
    (*SHARED_COUNTER)++;
    (*on_stack)++;
    return 7;
}

/* Run the work under PLAN and compare which of the three places changed for the parent. */
static int preset_check(const char *name, uint32_t plan, int data, int shared, int stack) {
    char claim[96];
    volatile int on_stack = 0;
    data_counter = *SHARED_COUNTER = 0;
    long child = demo_must(name, quartet_clone(plan, work, (void *)&on_stack));
    int right = demo_wait(child) == 7;
    right &= data_counter == data && *SHARED_COUNTER == shared && on_stack == stack;
    snprintf(claim, sizeof(claim), "%-6s parent sees: data %s, shared memory %s, stack %s", name,
             data ? "changed" : "kept", shared ? "changed" : "kept", stack ? "changed" : "kept");
    return demo_claim(right, claim);
}

static int spawn_check(char *self) {
    char *arguments[] = {self, "child", NULL};
    struct quartet_spawn spawn = {.program = {.path = "/bin/presets", .argv = arguments},
                                  .plan = PLAN_SPAWN};
    data_counter = *SHARED_COUNTER = 0;
    int child = quartet_spawn(&spawn);
    if (child < 0) {
        return demo_claim(0, "spawn  the program starts");
    }
    int right = demo_wait(child) == 42 && data_counter == 0 && *SHARED_COUNTER == 0;
    return demo_claim(right,
                      "spawn  parent sees: data kept, shared memory kept; nothing was copied");
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        struct quarter_stat stat; /* spawn gave slot 2 FRESH: an empty quarter */
        return quarter_stat(QUARTET_SLOT(SLOT_SHARED), &stat) == 0 && stat.resident == 0 ? 42 : 1;
    }
    demo_fresh_area(SLOT_SHARED, PAGE_SIZE);
    int failed = preset_check("fork", PLAN_FORK, 0, 0, 0);
    failed += preset_check("thread", PLAN_THREAD, 1, 1, 1);
    failed += preset_check("rfork", PLAN_RFORK, 1, 1, 0);
    failed += spawn_check(argv[0]);
    return failed ? 1 : 0;
}
