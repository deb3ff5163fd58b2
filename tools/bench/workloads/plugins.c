/* SPDX-License-Identifier: MIT */
/*
 * plugins [PLUGINS [ROUNDS]]: a host whose PLUGINS (8) SHARE its text and a buffer in slot 2, and have
 * private data and stack. In each round the buffer passes through all of them in turn; each keeps state
 * in pages of its own.
 */
#include "mark.h"
#include "user/demos/demo.h"

#define PLUGINS_MOST 32u
#define BUFFER_PAGES 32u
#define OWN_PAGES 8u
#define WORDS (PAGE_SIZE / sizeof(uint32_t))

struct shared {
    uint32_t turn; /* number of the step that may run */
    uint32_t unused[WORDS - 1];
    uint32_t page[BUFFER_PAGES][WORDS];
};

static struct shared *shared;
static uint32_t plugins = 8, rounds = 60;
static uint32_t own[OWN_PAGES][WORDS];

static void turn_wait(uint32_t turn) {
    for (uint32_t seen; (seen = __atomic_load_n(&shared->turn, __ATOMIC_ACQUIRE)) != turn;) {
        futex_wait((uintptr_t)&shared->turn, seen, FUTEX_FOREVER);
    }
}

static void turn_pass(void) {
    __atomic_add_fetch(&shared->turn, 1, __ATOMIC_RELEASE);
    futex_wake((uintptr_t)&shared->turn, UINT32_MAX);
}

static int plugin(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument;
    for (uint32_t round = 0; round < rounds; round++) {
        turn_wait(round * (plugins + 1) + number);
        for (uint32_t i = 0; i < BUFFER_PAGES; i++) {
            shared->page[i][number]++;
            own[i % OWN_PAGES][round]++;
        }
        turn_pass();
    }
    return own[0][0] == BUFFER_PAGES / OWN_PAGES ? 0 : 1;
}

int main(int argc, char **argv) {
    long child[PLUGINS_MOST];
    int failed = 0;
    plugins = argc > 1 ? (uint32_t)atoi(argv[1]) : plugins;
    rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : rounds;
    if (plugins < 1 || plugins > PLUGINS_MOST || rounds > WORDS) {
        return 2;
    }
    demo_fresh_area(SLOT_SHARED, sizeof(struct shared));
    shared = demo_pointer(SLOT_SHARED, 0);
    shared->turn = 0;
    MARK(MARK_BEGIN);
    uint32_t plan = PLAN(PLAN_SHARE, PLAN_COPY, PLAN_SHARE, PLAN_COPY);
    for (uint32_t i = 0; i < plugins; i++) {
        child[i] = demo_must("quartet_clone", quartet_clone(plan, plugin, (void *)(uintptr_t)i));
    }
    for (uint32_t round = 0; round < rounds; round++) {
        turn_wait(round * (plugins + 1) + plugins);
        for (uint32_t i = 0; i < BUFFER_PAGES; i++) {
            failed += shared->page[i][0] != round + 1;
        }
        turn_pass();
    }
    for (uint32_t i = 0; i < plugins; i++) {
        failed += demo_wait(child[i]) != 0;
    }
    MARK(MARK_END);
    return failed || own[0][0] != 0 ? 1 : 0; /* the host's own data is as it was */
}
