/* SPDX-License-Identifier: MIT */
/*
 * Budgets: a tree of limits. A charge goes to a budget and to every one above it; it fails as a
 * whole if any of them is full. No lock: the counts are atomic, all else is immutable while
 * anybody refers to it, so a charge may be given back from under any lock (the frame allocator's
 * among them). A budget with an outstanding charge of a resource holds one reference to itself
 * for it, so that what it paid for may outlive the processes under it.
 */
#include "kernel/object/budget.h"

#include "kernel/base/atomic.h"
#include "kernel/base/panic.h"
#include "kernel/vm/frame.h"

#define NO_LIMIT UINT32_MAX
#define PROCESS_CAP 4096u /* of the whole machine, however much memory it has */
#define ROOT_INDEX 1u
#define FIRST_INDEX 2u

struct budget budget_root = {
    .references = 1,
    .index = ROOT_INDEX,
    .resource =
        {
            [BUDGET_FRAMES].limit = NO_LIMIT,
            [BUDGET_PROCESSES].limit = NO_LIMIT,
            [BUDGET_THREADS].limit = NO_LIMIT,
            [BUDGET_QUARTERS].limit = NO_LIMIT,
        },
};

/* A place is free while its count is 0; whoever raises the count from there owns it. */
static struct budget budgets[BUDGET_COUNT];

/* A process costs about ten low frames (stack, directories, tables, its objects), a further
 * thread two and a half: with these limits neither can use up the kernel's memory before it
 * meets E_LIMIT. */
void budget_initialise(void) {
    u32 low = frame_total() - frame_high_total();
    u32 processes = low / 16 < PROCESS_CAP ? low / 16 : PROCESS_CAP;
    budget_root.resource[BUDGET_PROCESSES].limit = processes;
    budget_root.resource[BUDGET_THREADS].limit = 2 * processes;
    budget_root.resource[BUDGET_QUARTERS].limit = 5 * processes;
}

/* The first outstanding charge takes the budget's reference to itself. */
int budget_adopt(struct budget *to, enum budget_resource resource, u32 amount) {
    u32 *used = &to->resource[resource].used;
    u32 limit = to->resource[resource].limit;
    u32 seen = __atomic_load_n(used, __ATOMIC_RELAXED);
    do {
        if (seen > limit || amount > limit - seen) {
            return E_LIMIT;
        }
    } while (!__atomic_compare_exchange_n(used, &seen, seen + amount, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    if (seen == 0 && amount != 0) {
        budget_reference(to);
    }
    return E_OK;
}

void budget_disown(struct budget *from, enum budget_resource resource, u32 amount) {
    u32 left = __atomic_sub_fetch(&from->resource[resource].used, amount, __ATOMIC_ACQ_REL);
    ASSERT(left <= UINT32_MAX - amount, "budget %u: resource %u has no charge of %u to give back",
           from->index, resource, amount);
    if (left == 0 && amount != 0) {
        budget_release(from);
    }
}

int budget_charge(struct budget *budget, enum budget_resource resource, u32 amount) {
    for (struct budget *level = budget; level; level = level->parent) {
        if (budget_adopt(level, resource, amount) != E_OK) {
            for (struct budget *undo = budget; undo != level; undo = undo->parent) {
                budget_disown(undo, resource, amount);
            }
            return E_LIMIT;
        }
    }
    return E_OK;
}

void budget_refund(struct budget *budget, enum budget_resource resource, u32 amount) {
    while (budget) {
        struct budget *parent =
            budget->parent; /* the refund may end this level, not the next yet */
        budget_disown(budget, resource, amount);
        budget = parent;
    }
}

static u32 limit_or_none(u32 limit) { return limit ? limit : NO_LIMIT; }

static bool place_claim(struct budget *budget) {
    u32 nobody = 0;
    return __atomic_compare_exchange_n(&budget->references, &nobody, 1, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* The job that a budget inside PARENT belongs to has room for it, which is taken. */
static bool job_enter(struct budget *parent) {
    return parent == &budget_root || atomic_add_below(&parent->job->inside, 1, BUDGETS_INSIDE);
}

/* The opposite, for BUDGET, which still refers to its parent. */
static void job_leave(const struct budget *budget, struct budget *job) {
    if (job && job != budget) {
        atomic_decrement(&job->inside);
    }
}

struct budget *budget_create(struct budget *parent, const struct process_limits *limits) {
    u32 place = 0;
    if (!job_enter(parent)) {
        return NULL;
    }
    while (place < BUDGET_COUNT && !place_claim(&budgets[place])) {
        place++;
    }
    if (place == BUDGET_COUNT) {
        job_leave(NULL, parent->job);
        return NULL;
    }
    struct budget *budget = &budgets[place];
    budget->index = (u16)(place + FIRST_INDEX);
    budget->parent = parent;
    budget->job = parent == &budget_root ? budget : parent->job;
    budget->inside = 0;
    budget->resource[BUDGET_FRAMES].limit = limit_or_none(limits->frames);
    budget->resource[BUDGET_PROCESSES].limit = limit_or_none(limits->processes);
    budget->resource[BUDGET_THREADS].limit = limit_or_none(limits->threads);
    budget->resource[BUDGET_QUARTERS].limit = limit_or_none(limits->quarters);
    budget_reference(parent);
    return budget;
}

void budget_reference(struct budget *budget) { atomic_increment(&budget->references); }

void budget_release(struct budget *budget) {
    while (budget) {
        struct budget *parent = budget->parent; /* read while our reference keeps the place ours */
        struct budget *job = budget->job;
        u32 left = atomic_decrement(&budget->references);
        ASSERT(left != UINT32_MAX, "budget %u has no reference to drop", budget->index);
        if (left > 0) {
            return;
        }
        job_leave(budget, job);
        budget = parent;
    }
}

struct budget *budget_by_index(u16 index) {
    if (index == ROOT_INDEX) {
        return &budget_root;
    }
    ASSERT(index >= FIRST_INDEX && index < FIRST_INDEX + BUDGET_COUNT, "there is no budget %u",
           index);
    return &budgets[index - FIRST_INDEX];
}
