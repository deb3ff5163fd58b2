/* SPDX-License-Identifier: MIT */
/*
 * forks [REQUESTS [PAGES]]: a server that forks for each request (all four quarters COPY). It holds PAGES
 * (256) of data, of 4 KiB each; a child reads a quarter of them and writes a sixteenth. Four children are
 * alive at a time and take turns; between rounds the server writes some pages too.
 */
#include "mark.h"
#include "user/demos/demo.h"

#define PAGES_MOST 8192u
#define CHUNK_PAGES 256u /* mapped at once: too little for a 2 MiB page */
#define ALIVE 4u

static uint32_t *data[PAGES_MOST];
static uint32_t pages = 256;

static void data_map(void) {
    for (uint32_t i = 0; i < pages; i++) {
        if (i % CHUNK_PAGES == 0) {
            data[i] = quartet_map(SLOT_DATA, CHUNK_PAGES * PAGE_SIZE);
            demo_must("quartet_map", data[i] ? 0 : -E_NOMEM);
        } else {
            data[i] = data[i - 1] + PAGE_SIZE / sizeof(uint32_t);
        }
        data[i][0] = i;
    }
}

static int handle(void *argument) {
    uint32_t request = (uint32_t)(uintptr_t)argument, sum = 0, written = 0;
    for (uint32_t i = 0; i < pages / 4; i++) {
        uint32_t page = (request * 31 + i * 4) % pages;
        sum += data[page][0] == page;
        if (i % 4 == 0) {
            data[page][1] = request;
            written++;
        }
        if (i % 16 == 15) {
            thread_yield();
        }
    }
    return sum == pages / 4 && written == pages / 16 ? 0 : 1;
}

int main(int argc, char **argv) {
    uint32_t requests = argc > 1 ? (uint32_t)atoi(argv[1]) : 64;
    int failed = 0;
    pages = argc > 2 ? (uint32_t)atoi(argv[2]) : pages;
    if (pages < 16 || pages > PAGES_MOST) {
        return 2;
    }
    data_map();
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
            data[(first + i * 8) % pages][2] = first;
            failed += data[(first + i * 8) % pages][1] != 0; /* what children write is theirs */
        }
    }
    MARK(MARK_END);
    return failed ? 1 : 0;
}
