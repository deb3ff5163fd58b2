/* SPDX-License-Identifier: MIT */
/*
 * Clones by random plans. A word in each slot tells what the child got: SHARE must show what the
 * other side writes, COPY the moment of the clone, FRESH and NONE nothing; while the child looks,
 * on another CPU, the parent overwrites its own. The child has code, and a stack beside it, in slot
 * 0 only: it works without the other slots, and without slot 0 it must end by a fault at its entry.
 */
#include "stress.h"

#define WORD_FIRST(slot) (0xA0000000u + (slot))
#define WORD_CHILD(slot) (0xB0000000u + (slot))
#define WORD_LATER(slot) (0xC0000000u + (slot))

static inline volatile uint32_t *plan_word(uint32_t worker, uint32_t slot) {
    return demo_pointer(slot, slot == 0 ? WORKER_OFFSET(worker) : BOARD_OFFSET);
}

/* ---- The child ------------------------------------------------------------------------------- */

/* Nothing of slot 1 is used here: no variable, no C library. The status is a bit for each slot that
 * is wrong. */
static DEMO_ENTRY __attribute__((noreturn)) void plan_child(uint32_t argument) {
    uint32_t plan = argument & 0xFF, worker = argument >> 8, wrong = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        uint32_t action = PLAN_FOR_SLOT(plan, slot);
        volatile uint32_t *word = plan_word(worker, slot);
        wrong |= demo_plan_kept(slot, action, BOARD_OFFSET, word, WORD_FIRST(slot)) ? 0 : 1u << slot;
        for (uint32_t i = 0; i < 200 && action == PLAN_COPY; i++) {
            wrong |= *word == WORD_FIRST(slot) ? 0 : 0x10u << slot;
        }
        if (action != PLAN_NONE) {
            *word = WORD_CHILD(slot);
        }
    }
    process_exit(wrong);
    __builtin_unreachable();
}

/* ---- The parent ------------------------------------------------------------------------------ */

static uint32_t status_for(uint32_t plan) {
    switch (PLAN_FOR_SLOT(plan, 0)) {
    case PLAN_NONE:
        return STATUS_FAULT | FAULT_NO_QUARTER;
    case PLAN_FRESH:
        return STATUS_FAULT | FAULT_NO_REGION;
    default:
        return 0;
    }
}

void stress_plans(void) {
    uint32_t plan = chance(256);
    char what[64], text[PLAN_TEXT_SIZE];
    area_open(PAGE_SIZE);
    stress_must("quarter_map", quarter_map(QUARTET_SLOT(2), BOARD_OFFSET, PAGE_SIZE, RW));
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        *plan_word(stress_self, slot) = WORD_FIRST(slot);
    }
    uintptr_t top = SLOT_BASE(0) + WORKER_OFFSET(stress_self) + 2 * PAGE_SIZE;
    long child =
        stress_must("process_clone", process_clone(plan | CLONE_QUIET, (uintptr_t)plan_child,
                                                   demo_stack(top), plan | stress_self << 8));
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (PLAN_FOR_SLOT(plan, slot) != PLAN_SHARE) {
            *plan_word(stress_self, slot) = WORD_LATER(slot);
        }
    }
    snprintf(what, sizeof(what), "plan %s", quartet_plan_format(plan, text));
    stress_end(child, status_for(plan), what);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        bool shared = PLAN_FOR_SLOT(plan, slot) == PLAN_SHARE && status_for(plan) == 0;
        bool kept = PLAN_FOR_SLOT(plan, slot) == PLAN_SHARE && status_for(plan) != 0;
        uint32_t expected = shared ? WORD_CHILD(slot) : kept ? WORD_FIRST(slot) : WORD_LATER(slot);
        if (*plan_word(stress_self, slot) != expected) {
            stress_fail("%s: slot %lu has %#lx afterwards, not %#lx", what, (unsigned long)slot,
                        (unsigned long)*plan_word(stress_self, slot), (unsigned long)expected);
        }
    }
    area_close();
}

/* ---- Clones of clones ------------------------------------------------------------------------ */

#define TREE_DEPTH 3u
#define TREE_PAGES 64u /* a page for each node */

static volatile uint32_t *tree_page(uint32_t node) { return demo_pointer(2, node * PAGE_SIZE); }

/* Node N has nodes 3N+1 .. 3N+3 below it. Each writes its own page, sees those of its ancestors,
 * and nothing of its children. */
static void tree_node(uint32_t node) {
    uint32_t depth = node == 0 ? 0 : node < 4 ? 1 : node < 13 ? 2 : 3;
    long child[3] = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE};
    *tree_page(node) = node + 1;
    for (uint32_t i = 0; i < 3 && depth < TREE_DEPTH; i++) {
        child[i] =
            chance(3) > 0 ? stress_start(PLAN_FORK, tree_node, 3 * node + 1 + i) : QUARTET_NONE;
    }
    for (uint32_t i = 0; i < TREE_PAGES - 1; i++) {
        bool ancestor = false;
        for (uint32_t above = node;; above = (above - 1) / 3) {
            ancestor |= above == i;
            if (above == 0) {
                break;
            }
        }
        if (*tree_page(i) != (ancestor ? i + 1 : 0)) {
            process_exit(1);
        }
    }
    for (uint32_t i = 0; i < 3; i++) {
        stress_end(child[i], 0, "a tree of clones");
    }
}

void stress_tree(void) {
    area_open(TREE_PAGES * PAGE_SIZE);
    stress_end(stress_start(PLAN_FORK, tree_node, 0), 0, "a tree of clones");
    area_close();
}
