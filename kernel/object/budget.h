/* SPDX-License-Identifier: MIT */
/*
 * Budgets: how much a tree of processes may use. process_limit puts a process under a new budget
 * inside its old one; children inherit it. A charge goes to the budget and to all above it, or
 * to none. A frame remembers the budget that paid for it, so the charge goes back there whoever
 * frees it. Counts are atomic; the structure is immutable but for them.
 */
#ifndef KERNEL_BUDGET_H
#define KERNEL_BUDGET_H

#include "kernel/base/types.h"

#define BUDGET_COUNT 1024u
/* Of one job, which stands directly below the root: it leaves places for others. */
#define BUDGETS_INSIDE 28u

enum budget_resource {
    BUDGET_FRAMES,
    BUDGET_PROCESSES,
    BUDGET_THREADS,
    BUDGET_QUARTERS,
    BUDGET_RESOURCES,
};

struct budget {
    u32 references; /* processes, quarters, child budgets; one per resource while charges stand */
    u16 index;      /* in the table of budgets: what a frame remembers */
    struct budget *parent;
    struct budget *job; /* the one of this line that stands below the root: perhaps itself */
    u32 inside;         /* atomic: in a job: the budgets inside it, at any depth */
    struct {
        u32 used, limit;
    } resource[BUDGET_RESOURCES];
};

extern struct budget budget_root; /* no limits but the machine's; index 1, so that 0 means nobody */

/* Set the limits of the root in proportion to memory; after frame_initialise. */
void budget_initialise(void);

/* 0 or E_LIMIT. */
int budget_charge(struct budget *budget, enum budget_resource resource, u32 amount);
void budget_refund(struct budget *budget, enum budget_resource resource, u32 amount);

/* One level of that: let TO, whose parent is the one that paid, carry a charge of AMOUNT as well. 0 or
 * E_LIMIT. */
int budget_adopt(struct budget *to, enum budget_resource resource, u32 amount);
/* The opposite: its parent goes on carrying the charge. */
void budget_disown(struct budget *from, enum budget_resource resource, u32 amount);

/* A budget inside PARENT; null when the table is full, or the job has its BUDGETS_INSIDE. LIMITS: 0
 * means no limit of its own. */
struct budget *budget_create(struct budget *parent, const struct process_limits *limits);
void budget_reference(struct budget *budget);
void budget_release(struct budget *budget);
struct budget *budget_by_index(u16 index);

#endif
