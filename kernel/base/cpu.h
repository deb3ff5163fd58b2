/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps for each CPU. Only the CPU itself touches it, with interrupts off, but for
 * the fields marked otherwise.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include "arch/arch.h"
#include "kernel/base/list.h"

struct info_translation;
struct run_queue;
struct thread;
struct space;
struct spinlock;

#define LOCKS_HELD_LIMIT 8

/* What this CPU asks of others (base/request.c). */
struct request {
    void (*function)(void *argument);
    void *argument;
    uword unanswered; /* atomic: CPUs that have not served it yet; the others' to clear */
};

struct cpu {
    struct arch_cpu arch; /* first: the architecture finds its part at the same address */
    u32 number;
    /* Not 0: kernel_return_to_user has work (reschedule or a killed thread). Set under the
     * run-queue lock, by other CPUs too; cleared by this one, before it looks for the work. */
    u32 attention;
    struct run_queue *queue; /* its own: sched/run_queue.h */
    struct thread *current;  /* others do not follow it: the thread may have ended */
    /* Atomic: of the process that current belongs to, or CPU_IDLE; for others, in its place. Set
     * with a full barrier before the space of that process is looked up (process_set_space). */
    u32 pid;
    struct thread *idle;
    struct thread *dead;  /* ended here, its stack may be freed once we are off it */
    /* The space whose root is loaded, and before that the one that is about to be; null: the
     * kernel's. Others read both: which quarters this CPU runs (vm/shootdown.c). */
    struct space *loaded, *entering;
    u32 tag;              /* under which it is loaded; 0 where there are none */
    u8 global_view;       /* vm/commons.c: 1 + VIEW_INDEX of the global entries we may hold, or 0 */
    u64 global_of;        /* vm/commons.c: the sub-ID of the quarter that they are of, */
    u64 global_seen;      /* and its generation up to which they are good */

    u64 ports_id;     /* device/ports.c: the grant that user mode may use now; 0: none */
    u64 ports_filled; /* the one that the bitmap has */

    uword requesters; /* atomic: CPUs whose request we have not served yet */
    struct request request;

    u32 lock_count;
    struct spinlock *locks[LOCKS_HELD_LIMIT]; /* held, in order of acquisition */
    uword lock_places[LOCKS_HELD_LIMIT];      /* and the code that acquired each */
    struct info_translation *translation; /* its own counts (vm/quarter.h) */
    struct spinlock *waits_for;           /* the one that it spins for; for the monitor */
    u64 switches, steals, system_calls, lock_waits, interrupts_received;
};

extern struct cpu cpus[ARCH_CPU_LIMIT];
/* CPUs 0 .. cpu_count - 1 run the kernel. Grows at boot only; atomic. */
extern u32 cpu_count;

/* One bit for each of them. */
static inline uword cpus_online(void) {
    u32 count = __atomic_load_n(&cpu_count, __ATOMIC_ACQUIRE);
    return ~(uword)0 >> (8 * sizeof(uword) - count);
}

static inline uword cpu_bit(const struct cpu *cpu) { return (uword)1 << cpu->number; }

#endif
