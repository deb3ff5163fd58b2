/* SPDX-License-Identifier: MIT */
/*
 * A crowd: processes that several simulated CPUs run at once, and what each of them may see.
 *
 * Every quarter has a shadow (model.h). A change of one enters the model when its lock is released,
 * so the model's order is the locks' order. A user access is one instant: at it the model, which
 * changes at such instants only, says what a read returns and what is allowed; while the change of
 * a quarter is under way, what was and what will be are both right. A page fault takes time: it may
 * be refused for any reason that held between its begin and its end.
 *
 * Processes are what kernel/process makes of them: a space that a thread on one CPU may change under
 * threads on others (process_set_space), a CPU that arrives, one that goes.
 */
#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

#include "tests/host/model.h"

#define CROWD_PROCESSES 10u
#define CROWD_HANDLES 6u
#define CROWD_CPUS 8u

struct seat { /* a slot of a process */
    struct shadow *shadow;
    u32 view;
};

struct member { /* a process */
    bool alive, ending;
    struct space *space; /* lock: crowd.lock, as process->space has process_lock */
    struct seat seat[SLOT_COUNT];
    struct space *old[CROWD_CPUS]; /* what the CPU is just moving it away from */
    u32 running;                   /* CPUs that run it */
};

enum change_kind { CHANGE_MAP, CHANGE_UNMAP, CHANGE_PROTECT, CHANGE_SUPPLY, CHANGE_COPY };

/* A change that a CPU carries out. COPY: of up to four quarters (a clone). */
struct change {
    bool active;
    enum change_kind kind;
    struct shadow *shadow[SLOT_COUNT]; /* COPY: by slot; others: [0] */
    struct shadow *copy[SLOT_COUNT];   /* COPY: contents at the last release of the lock */
    u32 first, count, rights;          /* MAP, UNMAP, PROTECT */
    u32 element, word, value;          /* SUPPLY */
    /* while the lock is held: */
    int expected;
    const struct region_table *regions;
    bool overtaken; /* SUPPLY: a user has written the same word meanwhile */
    bool committed;
    u32 limit; /* of shootdowns */
};

struct crowd {
    struct spinlock *lock;
    struct member member[CROWD_PROCESSES];
    struct shadow *handle[CROWD_HANDLES];
    struct member *current[CROWD_CPUS]; /* as cpu->current is a thread's */
    struct change change[CROWD_CPUS];
    u64 read, written, refused, out_of_memory;
    bool memory_may_fail, narrow; /* narrow: accesses meet in three pages */
    u32 member_limit;             /* processes at a time */
    u32 last_value;
};

extern struct crowd crowd;

void crowd_boot(const struct sim_memory *memory);
void crowd_audit(const char *after); /* no CPU runs: everything is compared */
void crowd_end(void);                /* all processes and handles go; nothing is left */

/* ---- crowd.c: processes ---------------------------------------------------------------------- */

u32 crowd_cpu(void); /* the CPU that runs */
void crowd_arrive(
    struct member *member);       /* the CPU runs it now; null: none, its space stays loaded */
void crowd_idle(void);            /* the CPU has loaded the kernel's root */
struct member *member_pick(void); /* one that is alive, at random; null: none */
struct space *member_space(struct member *member); /* with a reference */
void member_set_space(struct member *member, struct space *space,
                      const struct seat seat[SLOT_COUNT]);
bool member_begin(struct space *space, const struct seat seat[SLOT_COUNT]); /* false: full */
void member_end(struct member *member);                                     /* nobody runs it */

/* A random quarter of MEMBER (or a handle) with references to it and its shadow; null: none. */
struct shadow *shadow_take(struct member *member);
void shadow_drop(struct shadow *shadow);

/* ---- crowd_model.c: changes and accesses ----------------------------------------------------- */

void change_begin(struct change change);
struct change *change_end(void);

void access_random(struct member *member);

/* ---- crowd_bound.c: no more is flushed than must be ------------------------------------------ */

void bound_begin(void); /* of an operation of this CPU */
/* ... which may have shot down at most SHOOTDOWNS times. */
void bound_end(const char *what, u32 shootdowns);
void bound_lock_acquired(struct quarter *quarter);
void bound_lock_released(void);
void bound_root_loaded(const struct arch_root *root, u32 tag, bool kept);
void bound_interrupted(u32 cpu);
void bound_start(u32 digits);

#endif
