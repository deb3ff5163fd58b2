/* SPDX-License-Identifier: MIT */
/*
 * What the operations of stress share. An operation is a function without arguments that a worker
 * runs: a process that SHAREs slot 0 with all others, and has slots 1, 2 and 3 for itself. It
 * checks each result, says with stress_fail what is wrong, and leaves nothing behind: no child, no
 * handle, nothing in slot 2. The table of operations is in ../stress.c.
 *
 *     slot 0   text; at BOARD_OFFSET the board, then two pages for each worker
 *     slot 2   of a worker: its own quarter, empty between operations
 */
#ifndef STRESS_H
#define STRESS_H

#include "user/bin/many.h"

#define WORKERS_LIMIT 32u
#define OPERATIONS_LIMIT 16u
#define BOARD_OFFSET 0x20000000u
#define RW (RIGHT_READ | RIGHT_WRITE)
#define FORK_SHARING PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY)

struct board {
    uint32_t stop;
    uint32_t count[OPERATIONS_LIMIT]; /* atomic: of each operation, done */
    uint32_t doing[WORKERS_LIMIT];    /* which operation; the worker's own */
    struct verdict verdict;
};
#define BOARD ((struct board *)demo_pointer(0, BOARD_OFFSET))

/* In slot 0, of each worker: a page for a word of plan.c, and one for the stack of its child. */
#define WORKER_OFFSET(worker) (BOARD_OFFSET + PAGE_SIZE * (1 + 2 * (worker)))
#define BOARD_LENGTH WORKER_OFFSET(WORKERS_LIMIT) - BOARD_OFFSET

/* Of the worker; in slot 1. */
extern uint32_t stress_self, stress_seed;

static inline uint32_t chance(uint32_t limit) { return many_random(&stress_seed, limit); }

#define stress_fail(...) verdict_fail(&BOARD->verdict, __VA_ARGS__)
static inline bool stress_failed(void) { return verdict_failed(&BOARD->verdict); }

/* A call that must succeed: else the failure is WHAT's, and the result negative. */
long stress_must(const char *what, long result);

/* A clone that runs FUNCTION(ARGUMENT) and exits with 0; for plans that copy or share slots 0, 1
 * and 3, the last one not SHAREd. Its handle, or a negated error. */
long stress_start(uint32_t plan, void (*function)(uint32_t), uint32_t argument);

/* Wait for CHILD; its status must be EXPECTED. */
void stress_end(long child, uint32_t expected, const char *what);

/* Region of LENGTH at the start of slot 2, and all regions of slot 2 away again. */
void area_open(uint32_t length);
void area_close(void);

void stress_plans(void); /* plans.c */
void stress_tree(void);
void stress_regions(void); /* memory.c */
void stress_swaps(void);
void stress_copies(void); /* copies.c */
void stress_views(void);
void stress_lockstep(void); /* lockstep.c */
void stress_threads(void);
void stress_ends(void); /* ends.c */
void stress_messages(void);
void stress_short(void); /* messages.c */
void stress_loans(void);
void stress_signals(void); /* signals.c */
void stress_pagers(void);

#endif
