/* SPDX-License-Identifier: MIT */
/*
 * forks [REQUESTS]: a server that forks for each request (all four quarters COPY). It holds 256 pages of
 * data; a child reads a quarter of them and writes 16. Four children are alive at a time and take
 * turns; between rounds the server writes some pages too.
 */
#include "mark.h"
#include "user/demos/demo.h"

#define PAGES 256u
#define ALIVE 4u
#define WORDS (PAGE_SIZE / sizeof(uint32_t))

static uint32_t (*data)[WORDS];

static int handle(void *argument) {
    uint32_t request = (uint32_t)(uintptr_t)argument, sum = 0, written = 0;
    for (uint32_t i = 0; i < PAGES / 4; i++) {
        uint32_t page = (request * 31 + i * 4) % PAGES;
        sum += data[page][0] == page;
        if (i % 4 == 0) {
            data[page][1] = request;
            written++;
        }
        if (i % 16 == 15) {
            thread_yield();
        }
    }
    return sum == PAGES / 4 && written == PAGES / 16 ? 0 : 1;
}

int main(int argc, char **argv) {
    uint32_t requests = argc > 1 ? (uint32_t)atoi(argv[1]) : 64;
    int failed = 0;
    data = quartet_map(SLOT_DATA, PAGES * PAGE_SIZE);
    if (!data) {
        return 2;
    }
    for (uint32_t i = 0; i < PAGES; i++) {
        data[i][0] = i;
    }
    MARK(MARK_BEGIN);
    for (uint32_t first = 0; first < requests; first += ALIVE) {
        long child[ALIVE];
        for (uint32_t i = 0; i < ALIVE; i++) {
            void *request = (void *)(uintptr_t)(first + i);
            child[i] = demo_must("quartet_clone", quartet_clone(PLAN_FORK, handle, request));
        }
        for (uint32_t i = 0; i < ALIVE; i++) {
            failed += demo_wait(child[i]) != 0;
        }
        for (uint32_t i = 0; i < 8; i++) {
            data[(first + i * 8) % PAGES][2] = first;
            failed += data[(first + i * 8) % PAGES][1] != 0; /* what children write is theirs */
        }
    }
    MARK(MARK_END);
    return failed ? 1 : 0;
}
