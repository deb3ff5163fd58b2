/* SPDX-License-Identifier: MIT */
/*
 * Processes and threads. A process is a space, a handle table, a budget and threads; its object
 * outlives it as long as a handle refers to it, and holds the exit status.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include "arch/arch.h"
#include "kernel/base/cpu.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/object/object.h"

struct budget;
struct quarter;
struct space;

struct process {
    u32 pid;        /* immutable */
    u32 references; /* atomic: handles, threads, its parent's list of children */
    char name[32];  /* owner only */
    struct handle_table handles;
    u8 priority_limit; /* owner only: process_limit lowers it */
    bool traced;
    bool quiet;                               /* immutable: made with CLONE_QUIET */
    u64 cpu_time __attribute__((aligned(8))); /* atomic: nanoseconds */

    /* LOCK_PROCESS_TABLE: */
    struct list all;    /* by PID: every process that has not been waited for or forgotten */
    struct list hashed; /* the same ones, by hash of the PID */
    struct process *parent;
    struct list children; /* of child; ended ones first */
    struct list child;
    struct list threads; /* of thread->sibling */
    u32 thread_count;    /* each of them charged to budget */
    bool stopped;        /* made with CLONE_STOPPED: its one thread has not been started yet */
    bool dying;          /* killed or exiting: threads end at their next return to user mode */
    bool ended;          /* status is final, space and handles are gone */
    bool collected;      /* its parent has waited for it */
    u32 status;          /* STATUS_* */
    u32 fault_address;
    struct budget *budget;      /* carries process and threads; referenced while the object lives */
    struct space *space;        /* null once it is being torn down */
    struct list waiters;        /* threads in process_wait for this process */
    struct list parent_waiters; /* threads of this process that wait for any child */
};

enum thread_state { THREAD_NEW, THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_DEAD };

struct thread {
    u32 tid;                 /* immutable */
    struct process *process; /* immutable, referenced; null for kernel threads */
    void *kernel_stack;      /* immutable: lowest address; KERNEL_STACK_SIZE bytes */
    struct arch_thread arch;

    /* the lock of the queue that it waits in: */
    struct list queue;
    u64 futex_sub_id; /* futex.c: what it waits for */
    u32 futex_offset;

    /* LOCK_RUN_QUEUE: */
    u32 cpu;              /* whose run queue and sleepers it belongs to */
    u8 state;             /* enum thread_state */
    u8 priority;          /* 0..PRIORITY_LEVELS-1 */
    bool killable;        /* its wait may end with E_KILLED */
    u32 slice;            /* ticks left */
    int wake_result;      /* what sched_wait returns: 0, E_TIMEOUT, E_KILLED, E_DEAD ... */
    struct list ready;    /* in the run queue, when ready */
    struct list sleeping; /* by deadline, when a time-out runs */
    u64 deadline;
    u64 started; /* clock when it last got the CPU */

    struct list sibling; /* LOCK_PROCESS_TABLE: in process->threads */
    bool killed;         /* set under LOCK_PROCESS_TABLE, read by itself and at every switch */
    u32 exit_word;       /* thread_exit's WORD; owner only */

    /* IPC, LOCK_ENDPOINT of the endpoint concerned (ipc/endpoint.c): */
    struct ipc_state *ipc; /* null until first used */
};

static inline struct thread *thread_current(void) { return arch_cpu()->current; }
static inline struct process *process_current(void) { return thread_current()->process; }

/* table.c: the table of processes, and the lock of all that is marked LOCK_PROCESS_TABLE above */
extern struct spinlock process_lock;
void process_initialise(void);
struct process *process_find(u32 pid);          /* the lowest ID >= PID, referenced; or null */
void process_remember(struct process *process); /* lock held: give it an ID, enter the table */
void process_forget(struct process *process);   /* lock held: leave the table */
u32 process_count(void);
u32 process_count_in(const struct quarter *quarter, u32 slot); /* those that have it in SLOT */
/* Fill in all but space and slots. */
void process_describe(struct process *process, struct info_process *info);

/* process.c: birth */

/* A process of PARENT (null: of nobody) that runs in SPACE and takes over the caller's reference
 * to it, with no thread yet, one reference for the caller and one for the parent. 0, E_NOMEM or
 * E_LIMIT. */
int process_create(struct process *parent, struct space *space, struct budget *budget,
                   struct process **result);

/* The calling process, cloned by PLAN (and CLONE_STOPPED): its handle in the caller's table, with
 * all rights, or -E_INVALID, -E_NOMEM, -E_LIMIT with nothing changed. */
int process_clone(u32 plan, u32 entry, u32 sp, u32 arg);

/* Let a process made with CLONE_STOPPED run. 0 or E_BUSY: it runs already, or is being ended. */
int process_start(struct process *process, u32 entry, u32 sp, u32 arg);

void process_reference(struct process *process);
void process_release(struct process *process);

struct space *process_space(struct process *process);   /* referenced, or null: it has ended */
struct budget *process_budget(struct process *process); /* referenced: it may get another one */

/* PROCESS, the caller's or a stopped one, runs in SPACE from now on; takes over the reference to
 * it and drops the one to the old space. E_BUSY, and the reference stays the caller's, if it is
 * another one and not stopped (any more). */
int process_set_space(struct process *process, struct space *space);

/* process_limit: a new budget for the calling process inside its own. 0, E_LIMIT. */
int process_set_limits(const struct process_limits *limits);

u32 thread_count(void);

/* end.c: death */
_Noreturn void process_exit(u32 status); /* the calling process */

/* Let PROCESS end with STATUS: its threads end at their next return to user mode, or where they
 * wait. The first call decides the status. May be called for the caller's own process, and for a
 * stopped one. */
void process_end(struct process *process, u32 status, u32 fault_address);
void process_teardown(struct process *process); /* by its last thread, in thread_exit */

/* wait.c */
/* Wait until CHILD (null: any child not waited for) has ended. 0, E_AGAIN (WAIT_NOHANG),
 * E_NOTFOUND (no child), E_INVALID (for itself), E_KILLED. STATUS->handle becomes QUARTET_NONE. */
int process_wait(struct process *child, u32 flags, struct process_status *status);
void process_wake_waiters(struct process *process); /* table lock held: it has ended */

/* thread.c */
/* Not started. 0, E_NOMEM, E_LIMIT, or E_KILLED: the process is being ended. */
int thread_create(struct process *process, struct thread **result);
void thread_start(struct thread *thread);
_Noreturn void thread_exit(void); /* the calling thread, in any process state */
/* Take THREAD out of its process; true if it was the last one, and the process is dying now. */
bool thread_detach(struct thread *thread);
void thread_free(struct thread *thread); /* detached, and no CPU is on its stack */

#endif
