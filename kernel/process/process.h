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
#include "kernel/vm/space.h"

struct budget;
struct port_grant;
struct quarter;
struct space;

struct endpoint;

/* What one slot of a process had before it was lent another quarter (ipc/lend.c). */
struct loan {
    const struct endpoint *endpoint; /* the message that it came with; only compared */
    u64 token;
    struct space_slot before; /* counted */
    bool revoked;             /* the lender waits no more: what is there now is a copy */
};

struct process {
    u32 pid;        /* immutable */
    u32 references; /* atomic: handles, threads, its parent's list of children */
    /* LOCK_PROCESS_TABLE; read without it too, for a line about the process: its last byte is
     * always 0. */
    char name[32];
    struct handle_table handles;
    u8 priority_limit; /* own threads only; lowered under LOCK_PROCESS_TABLE */
    bool traced;       /* set by whoever may, at any time; read by its threads at each call */
    bool quiet;        /* immutable: made with CLONE_QUIET */
    u64 cpu_time __attribute__((aligned(8))); /* atomic: nanoseconds */

    /* LOCK_PROCESS_TABLE: */
    struct list all; /* by PID: every process that has not been waited for or forgotten */
    struct process *parent;
    u32 creator;          /* its parent's PID for ever, though that may have ended; 0: the kernel */
    struct list children; /* of child; ended ones first */
    struct list child;
    struct list threads; /* of thread->sibling */
    u32 thread_count;    /* each of them charged to budget */
    bool stopped;        /* made with CLONE_STOPPED: its one thread has not been started yet */
    bool dying;          /* killed or exiting: no new threads; those there are being marked */
    bool ended;          /* status is final, space and handles are gone */
    u32 status;          /* STATUS_* */
    u32 fault_address;
    struct budget *budget; /* carries process and threads; referenced while the object lives */
    /* Null once it is being torn down. Read without the lock by CPUs that switch to one of its
     * threads: see process_set_space. */
    struct space *space;
    struct port_grant *ports; /* null: none; read as space is (device/ports.h) */
    u8 loans; /* bit s: slot s is on loan; own threads have a look without the lock */
    struct loan loan[SLOT_COUNT];
    struct list waiters;        /* threads in process_wait for this process */
    struct list parent_waiters; /* threads of this process that wait for any child */
};

enum thread_state { THREAD_NEW, THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_DEAD };

struct thread {
    u32 tid;                 /* immutable */
    struct process *process; /* immutable, referenced; null for the idle threads */
    void *kernel_stack;      /* immutable: lowest address; KERNEL_STACK_SIZE bytes */
    struct arch_thread arch;

    /* the lock of the queue that it waits in: */
    struct list queue;
    u64 futex_sub_id; /* futex.c: what it waits for */
    u32 futex_offset;
    u32 notification_bits; /* ipc/notification.c: what it waits for, then what it gets */

    /* LOCK_RUN_QUEUE of its CPU: */
    u32 cpu;              /* whose run queue and sleepers it belongs to: sched/run_queue.h */
    u8 state;             /* enum thread_state; process_describe has a look without the lock */
    u8 priority;          /* 0..PRIORITY_LEVELS-1: the higher of the next two */
    u8 base_priority;     /* its own; set by itself only */
    u8 lent;              /* by a caller whose message it has, or who waits for it; 0: nothing */
    bool killable;        /* its wait may end with E_KILLED */
    u8 pinned;            /* 1 + the number of the CPU that it runs on only; 0: on any */
    u32 slice;            /* ticks left */
    int wake_result;      /* what sched_wait returns: 0, E_TIMEOUT, E_KILLED, E_DEAD ... */
    struct list ready;    /* in the run queue, when ready */
    struct list sleeping; /* by deadline, when a time-out runs */
    u64 deadline;
    u64 settled; /* clock before which evening out leaves it where it is */
    u32 started; /* arch_ticks up to which its time on the CPU has been counted */
    u32 ran;     /* ticks counted, and not yet in its process's cpu_time; others have a look */

    struct list sibling; /* LOCK_PROCESS_TABLE: in process->threads */
    /* Set under LOCK_PROCESS_TABLE, then sched_kill; read by itself and at every switch. */
    bool killed;
    u32 exit_word; /* thread_exit's WORD; owner only */
    bool last;     /* owner only, then thread_free: its end is that of the process */
    bool detached; /* owner only: nobody can kill it any more, so it may wait for nobody */

    /* IPC, LOCK_ENDPOINT of the endpoint concerned (ipc/endpoint.c): */
    struct ipc_state *ipc;       /* null until first used */
    struct ipc_state *fault_ipc; /* the same, for calls to pagers (pager.c) */
};

static inline struct thread *thread_current(void) { return arch_cpu()->current; }
static inline struct process *process_current(void) { return thread_current()->process; }

/* table.c: the table of processes, and the lock of all that is marked LOCK_PROCESS_TABLE above */
extern struct spinlock process_lock;
void process_initialise(void);
struct process *process_find(u32 pid);          /* the lowest ID >= PID, referenced; or null */
void process_remember(struct process *process); /* lock held: give it an ID, enter the table */
void process_forget(struct process *process);   /* lock held: leave the table */
/* The one behind PROCESS (null: the first) by ID, or null. No lock: for the monitor alone. */
struct process *process_after(const struct process *process);
u32 process_count(void);
/* How many have QUARTER in SLOT. No lock held: interrupts are let in between bounded steps. */
u32 process_count_in(const struct quarter *quarter, u32 slot);
/* The ID of SPACE if the process with exactly this ID runs in it; else 0, whatever SPACE is. */
u64 process_space_id(u32 pid, const struct space *space);
/* Fill in all but space and slots. */
void process_describe(struct process *process, struct info_process *info);

/* fault.c: what a FAULT_* means, for people. */
const char *fault_sentence(u32 reason);

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

/* The same of one that is stopped still. Lock held. */
void process_start_stopped(struct process *process, u32 entry, u32 sp, u32 arg);

/* Put a handle into the free index TARGET of PROCESS, which is stopped; takes over the reference to
 * OBJECT unless it returns an error: -E_BUSY (not stopped any more), -E_EXISTS, -E_NOMEM. */
int process_give(struct process *process, int target, void *object, enum object_type type,
                 u32 rights);

void process_reference(struct process *process);
void process_release(struct process *process);

struct space *process_space(struct process *process); /* referenced, or null: it has ended */
/* The same, with the slots that are on loan in it: both of one moment. */
struct space *process_space_loans(struct process *process, u32 *loans);
struct budget *process_budget(struct process *process); /* referenced: it may get another one */

/* PROCESS, the caller's or a stopped one, runs in SPACE from now on (null: in none, for its end);
 * takes over the reference to it and drops the one to the old space. E_BUSY, and the reference
 * stays the caller's, if it is another one and not stopped (any more). */
int process_set_space(struct process *process, struct space *space);

/* The same for any process, if it still runs in OLD, which the caller has a reference to, and if
 * COMMIT(process, old, argument), called under process_lock at that moment, says so. E_AGAIN if
 * not. */
int process_replace_space(struct process *process, struct space *old, struct space *space,
                          bool (*commit)(struct process *, const struct space *, void *),
                          void *argument);

/* Mask of the CPUs that run a thread of PROCESS now. */
uword process_running(const struct process *process);

/* Give PROCESS a NAME, cut off or made printable where need be: it appears in the kernel's own
 * lines. An empty one changes nothing. */
void process_rename(struct process *process, const char name[32]);

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
/* All but its last thread, which calls this, is gone: the parent may hear of it. Returns with the
 * table's lock held, for sched_exit; thread_free releases it. */
void process_announce(struct process *process);

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
/* Is the calling thread to end? Then it does so on its way to user mode, at the latest, and its
 * program never sees what the call returns: so E_KILLED is for those in the kernel alone. Who kills
 * marks first, and asks the CPU to look a moment later; who finds the mark does not wait for that. */
bool thread_killed(void);
/* Take THREAD out of its process; true if it was the last one, and the process is dying now. */
bool thread_detach(struct thread *thread);
/* It is detached, and no CPU is on its stack. */
void thread_free(struct thread *thread);

#endif
