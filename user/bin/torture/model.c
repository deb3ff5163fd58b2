/* SPDX-License-Identifier: MIT */
/*
 * Memory: random maps, protects, supplies, writes, swaps and clones by random plans, in many processes at once, each
 * compared with a model of what it must read; then deep chains of clones, some of which are killed.
 */
#include "torture.h"

#define PAGES 48u /* in five tables and, the last eight, in a region fit for a 2 MiB page */
#define LARGE_OFFSET (64 * MIB)

static struct {
    uint32_t value;
    int mapped, writable;
} model
    [PAGES]; /* of slot 2; a plan does with slot 1, where this stands, what it does with slot 2 */

static int shared; /* by this process and one that waits for it: a swap would be news to that one */

static uint32_t page_offset(uint32_t page) {
    return page < 40 ? (4 + page / 8 * 2) * MIB + page % 8 * PAGE_SIZE
                     : LARGE_OFFSET + (page - 40) * 17 * PAGE_SIZE;
}

static void model_reset(void) {
    demo_fresh_area(2, PAGE_SIZE);
    quarter_map(QUARTET_SLOT(2), LARGE_OFFSET, 2 * MIB, RW);
    memset(model, 0, sizeof(model));
    for (uint32_t page = 40; page < PAGES; page++) {
        model[page].mapped = model[page].writable = 1;
    }
}

static void model_check(uint32_t page) {
    if (model[page].mapped) {
        uint32_t seen = *(volatile uint32_t *)demo_pointer(2, page_offset(page));
        claim(seen == model[page].value, "a page has what the model has", (long)page);
    }
}

static void model_swap(void) {
    long copy = quarter_copy(QUARTET_SLOT(2));
    if (copy >= 0) {
        claim(demo_attach(2, (int)copy, RW, 1) == 0, "swap for a copy", copy);
    }
}

static void model_step(void) {
    uint32_t page = random_below(PAGES), offset = page_offset(page), kind = random_below(12),
             value = seed;
    long result = -1;
    if (kind == 0 && !model[page].mapped &&
        quarter_map(QUARTET_SLOT(2), offset, PAGE_SIZE, RW) == 0) {
        model[page].mapped = model[page].writable = 1;
        model[page].value = 0;
    } else if (kind == 1 && model[page].mapped) {
        model[page].mapped = quarter_unmap(QUARTET_SLOT(2), offset, PAGE_SIZE) != 0;
    } else if (kind <= 3 && model[page].mapped) {
        result = quarter_protect(QUARTET_SLOT(2), offset, PAGE_SIZE, kind == 2 ? RIGHT_READ : RW);
        model[page].writable = result == 0 ? kind == 3 : model[page].writable;
    } else if (kind == 4 && model[page].mapped) {
        result = quarter_supply(QUARTET_SLOT(2), offset, &value, sizeof(value));
        model[page].value = result == 0 ? value : model[page].value;
    } else if (kind == 5 && !shared) {
        model_swap();
    } else if (model[page].mapped && model[page].writable) {
        *(volatile uint32_t *)demo_pointer(2, offset) = value;
        model[page].value = value;
    }
    model_check(random_below(PAGES));
}

static void model_run(uint32_t depth);

/* A child by a random plan; with slots 1 and 2 shared, this process waits until it has ended. */
static long model_branch(uint32_t depth) {
    uint32_t action = random_below(5) % 4;
    uint32_t data = action == PLAN_SHARE ? PLAN_SHARE : PLAN_COPY;
    int before = shared;
    shared |= action == PLAN_SHARE;
    long child = process_clone(PLAN(random_below(2), data, action, PLAN_COPY), 0, 0, 0);
    if (child == 0) {
        shared = action == PLAN_SHARE;
        seed = seed * 31 + depth;
        if (action == PLAN_FRESH || action == PLAN_NONE) {
            model_reset();
        }
        model_run(depth + 1);
        process_exit(broken != 0);
    }
    if (child > 0 && action == PLAN_SHARE) {
        uint32_t status = end(child);
        claim(status == 0 || status == (STATUS_FAULT | FAULT_NO_MEMORY),
              "a sharing child agrees with the model", status);
        child = QUARTET_NONE;
    }
    shared = before;
    return child;
}

static void model_end(long child, int killed) {
    if (killed) {
        process_kill((int)child, CODE_KILL);
    }
    uint32_t status = end(child);
    claim(status == 0 || (killed && status == (STATUS_KILLED | CODE_KILL)) ||
              status == (STATUS_FAULT | FAULT_NO_MEMORY),
          "a child agrees with the model", (long)status);
}

static void model_run(uint32_t depth) {
    long children[8];
    uint32_t count = 0;
    for (uint32_t step = 0; step < 160; step++) {
        model_step();
        if (depth < 4 && count < 8 && random_below(60) == 0 &&
            (children[count] = model_branch(depth)) >= 0) {
            count++;
        }
    }
    while (count > 0) {
        model_end(children[--count], random_below(4) == 0);
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        model_check(page);
    }
}

static void model_root(uint32_t number) {
    seed = 77 + number * 1234567;
    model_reset();
    model_run(0);
}

void attack_model(void) {
    long root[6];
    for (uint32_t i = 0; i < 6; i++) {
        root[i] = start(PLAN_FORK, model_root, i);
    }
    for (uint32_t i = 0; i < 6; i++) {
        model_end(root[i], 0);
    }
}

/* Clones of clones; each writes, clones, writes again, and ends or kills what is below it. */
static void chain_link(uint32_t depth) {
    for (int i = 0; i < 30; i++) {
        model_step();
    }
    long child = depth > 0 ? start(PLAN_FORK, chain_link, depth - 1) : QUARTET_NONE;
    for (int i = 0; i < 30; i++) {
        model_step();
    }
    if (child >= 0) {
        model_end(child, random_below(8) == 0);
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        model_check(page);
    }
}

void attack_chain(void) {
    model_reset();
    for (int i = 0; i < 4; i++) {
        chain_link(24);
    }
}
