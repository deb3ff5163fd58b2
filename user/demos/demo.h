/* SPDX-License-Identifier: MIT */
/*
 * What the demonstrations share: a claim that is checked, a slot that is renewed, and entry points
 * for children that have nothing but registers when they start.
 */
#ifndef DEMO_H
#define DEMO_H

#include <quartet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024u * 1024u)

/* A child starts with ARG in EAX (pae) or RDI (long): as a C function sees its first argument. */
#ifdef __x86_64__
#define DEMO_ENTRY
#else
#define DEMO_ENTRY __attribute__((regparm(1)))
#endif

/* The stack pointer to start a C function with whose stack ends at TOP: as after a call. */
static inline uintptr_t demo_stack(uintptr_t top) {
    return (top & ~(uintptr_t)15) - sizeof(uintptr_t);
}

static inline void *demo_pointer(uint32_t slot, uint32_t offset) {
    return (void *)(uintptr_t)(SLOT_BASE(slot) + offset);
}

/* Say what is claimed, and whether it held. The number of claims that did not is the exit
 * status. */
static inline int demo_claim(int holds, const char *claim) {
    printf("  %s  %s\n", holds ? "ok  " : "FAIL", claim);
    return holds ? 0 : 1;
}

/* A call that must succeed, or the demonstration cannot go on. */
static inline long demo_must(const char *what, long result) {
    if (result < 0) {
        printf("  FAIL  %s: %s\n", what, quartet_error_text(result));
        exit(1);
    }
    return result;
}

/* In a child whose plan says ACTION for SLOT: the slot is as the plan promises. WORD lies in the page
 * at OFFSET, where the parent had written FIRST. Uses no memory but the stack and WORD. */
static inline int demo_plan_kept(uint32_t slot, uint32_t action, uint32_t offset,
                                 const volatile uint32_t *word, uint32_t first) {
    struct quarter_stat stat;
    long error = quarter_stat(QUARTET_SLOT(slot), &stat);
    if (action == PLAN_NONE) {
        return error < 0;
    }
    if (action == PLAN_FRESH) {
        return error == 0 && stat.regions == 0 && stat.resident == 0 &&
               quarter_map(QUARTET_SLOT(slot), offset, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE) == 0 &&
               *word == 0;
    }
    return error == 0 && *word == first;
}

/* Put QUARTER (a handle, or QUARTET_NONE) into SLOT of the caller; closes the handle if CONSUME. */
static inline long demo_attach(uint32_t slot, int quarter, uint32_t rights, int consume) {
    struct space_change change = {.process = QUARTET_SELF, .flags = consume ? SPACE_CONSUME : 0};
    for (uint32_t i = 0; i < SLOT_COUNT; i++) {
        change.quarter[i] = QUARTET_KEEP;
    }
    change.quarter[slot] = quarter;
    change.rights[slot] = rights;
    return space_set(&change);
}

/* A new, empty quarter in SLOT with a read-write region of LENGTH at its start. */
static inline void demo_fresh_area(uint32_t slot, uint32_t length) {
    long quarter = demo_must("quarter_create", quarter_create(slot));
    demo_must("quarter_map", quarter_map((int)quarter, 0, length, RIGHT_READ | RIGHT_WRITE));
    demo_must("space_set",
              demo_attach(slot, (int)quarter, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, 1));
}

/* Wait for CHILD, close its handle, return its status. */
static inline uint32_t demo_wait(long child) {
    struct process_status status = {0};
    demo_must("process_wait", process_wait((int)child, 0, &status));
    handle_close((int)child);
    return status.status;
}

#endif
