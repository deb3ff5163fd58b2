/* SPDX-License-Identifier: MIT */
/*
 * The row about pagers: one absent page, asked of a pager in another process, which answers with a
 * copy of a page of its own. Two switches, a message with a handle, and the supply.
 */
#include "user/bin/bench/bench.h"

#define PAGES 64u

static int store; /* with all rights: a quarter that has PAGES pages */

static void serve(int endpoint) {
    struct message message = {0};
    long result = ipc_receive(endpoint, &message);
    while (result >= 0) {
        message.label = PAGER_COPY;
        message.word[0] = message.word[1]; /* the same offset in the store */
        message.word[1] = 1;
        message.word[2] = 0;
        message.handle[0] = store;
        message.handle_count = 1;
        result = ipc_reply_receive(endpoint, &message);
    }
}

static int store_create(void) {
    int quarter = (int)checked("quarter_create", quarter_create(2));
    static const char page[PAGE_SIZE] = "a page";
    checked("quarter_map", quarter_map(quarter, 0, PAGES * PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    for (uint32_t i = 0; i < PAGES; i++) {
        checked("quarter_supply", quarter_supply(quarter, i * PAGE_SIZE, page, PAGE_SIZE));
    }
    return quarter;
}

/* From the second page on: the first one also brings the page table. */
static struct result measure_reads(void) {
    struct result result = result_none();
    (void)*(volatile char *)(uintptr_t)AREA;
    for (uint32_t i = 1; i < PAGES; i++) {
        uint64_t from = ticks();
        (void)*(volatile char *)(uintptr_t)(AREA + i * PAGE_SIZE);
        uint64_t to = ticks();
        if (i > WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    return result;
}

void bench_pager_fault(void) {
    int endpoint = (int)checked("endpoint_create", endpoint_create());
    int session = (int)checked("endpoint_session", endpoint_session(endpoint, 1));
    store = store_create();
    int child = (int)checked("process_clone", process_clone(PLAN_FORK, 0, 0, 0));
    if (child == 0) {
        serve(endpoint);
        process_exit(0);
    }
    handle_close(endpoint); /* who receives for a pager cannot ask it */
    area_renew();
    checked("quarter_map", quarter_map(QUARTET_SLOT(2), 0, PAGES * PAGE_SIZE,
                                       RIGHT_READ | RIGHT_WRITE | MAP_PAGED));
    checked("quarter_pager", quarter_pager(QUARTET_SLOT(2), session));
    report("pager_fault", measure_reads(), 1);
    handle_close(session);
    handle_close(store);
    area_renew();
    checked("process_kill", process_kill(child, 9));
    child_wait(child);
}
