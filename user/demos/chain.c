/* SPDX-License-Identifier: MIT */
/*
 * chain [DEPTH]: clones of clones, DEPTH (default 16) deep, all alive at once. Each generation
 * COPYs its parent, checks that it reads what its parent wrote before the clone, overwrites its own
 * page, clones the next, and afterwards checks that nothing it holds has changed. Copy-on-write
 * must not turn into read-only, or into sharing, at any depth.
 *
 * One page of the area is rewritten by every generation, one is written by the first and never
 * again, and one by each.
 */
#include "demo.h"

#define AREA_PAGES 64u
#define PAGE_COMMON 0u  /* rewritten by every generation */
#define PAGE_ANCIENT 1u /* written once, by the first */
#define PAGE_OWN(generation) (2u + (generation))

static volatile uint32_t *page(uint32_t number) {
    return demo_pointer(SLOT_SHARED, number * PAGE_SIZE);
}

static uint32_t mark(uint32_t generation) { return 0x5EED0000u + generation; }

/* What generation GENERATION must read: its ancestors' pages, no descendant's. */
static int area_right(uint32_t generation) {
    int right = *page(PAGE_COMMON) == mark(generation) && *page(PAGE_ANCIENT) == mark(0);
    for (uint32_t i = 0; i + 2 < AREA_PAGES; i++) {
        right &= *page(PAGE_OWN(i)) == (i <= generation ? mark(i) : 0);
    }
    return right;
}

/* The status is the depth reached below here with everything right, or 255. */
static uint32_t generation_run(uint32_t generation, uint32_t depth) {
    *page(PAGE_COMMON) = mark(generation);
    *page(PAGE_OWN(generation)) = mark(generation);
    if (!area_right(generation)) {
        return 255;
    }
    if (generation == depth) {
        return 0;
    }
    long child = process_clone(PLAN_FORK, 0, 0, 0);
    if (child < 0) {
        return 255;
    }
    if (child == 0) {
        int inherited = *page(PAGE_COMMON) == mark(generation); /* before it is overwritten */
        process_exit(inherited ? generation_run(generation + 1, depth) : 255);
    }
    uint32_t below = demo_wait(child);
    return below <= 250 && area_right(generation) ? below + 1 : 255;
}

int main(int argc, char **argv) {
    uint32_t depth = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16;
    if (depth < 1 || depth > AREA_PAGES - 3) {
        fprintf(stderr, "usage: chain [DEPTH]   from 1 to %u\n", (unsigned)(AREA_PAGES - 3));
        return 2;
    }
    demo_fresh_area(SLOT_SHARED, AREA_PAGES * PAGE_SIZE);
    *page(PAGE_ANCIENT) = mark(0);
    uint32_t reached = generation_run(0, depth);
    printf("  %u generations below the first\n", (unsigned)depth);
    return demo_claim(reached == depth, "each saw its ancestors' pages, its own, and nobody else's")
               ? 1
               : 0;
}
