/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: fixed priorities, round robin within one, preemption by the tick, a run queue for
 * each CPU. All its state is guarded by the run-queue lock of the CPU it belongs to (run_queue.h).
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include "kernel/base/list.h"
#include "kernel/base/types.h"

struct thread;
struct spinlock;

#define SLICE_TICKS 5u /* 50 ms */
#define WAIT_FOREVER UINT64_MAX
#define NANOSECONDS_PER_MICROSECOND 1000u

/* When MICROSECONDS from now have passed, in nanoseconds of arch_clock. */
u64 deadline_after(u32 microseconds);

void sched_initialise(void);      /* this CPU's idle thread; on the boot CPU all run queues */
_Noreturn void sched_start(void); /* the caller is this CPU's idle thread from now on */

/* Make a thread that is not queued ready to run. */
void sched_ready(struct thread *thread);

/* Sleep in QUEUE, by thread->queue (guarded by LOCK, of a class below LOCK_RUN_QUEUE, which the
 * caller holds; released while asleep, and on return) until sched_wake, the deadline
 * (nanoseconds of arch_clock, or WAIT_FOREVER), or, if KILLABLE, the end of the process. Returns
 * the waker's result, E_TIMEOUT or E_KILLED. QUEUE and LOCK may be null: only time or a kill
 * wakes. */
int sched_wait(struct list *queue, struct spinlock *lock, u64 deadline, bool killable);

/* Take THREAD out of the queue it is in, whose lock the caller holds, and wake it with RESULT.
 * False if it was no longer waiting (time-out or kill came first). */
bool sched_wake(struct thread *thread, int result);

/* The same, by a caller that is about to wait: THREAD goes on in its place, on this CPU, with what
 * is left of the caller's slice, and with the priority LENT, unless that is KEEP_LENT. */
#define KEEP_LENT UINT32_MAX
bool sched_wake_here(struct thread *thread, int result, u32 lent);

/* THREAD runs at least at priority LENT, whatever it does now, until it is lent another; 0: at its
 * own. May be called under any lock below LOCK_RUN_QUEUE. */
void sched_lend_priority(struct thread *thread, u32 lent);

/* The process of THREAD is ending: wake it with E_KILLED if it waits killably, or let the
 * CPU that runs it look. */
void sched_kill(struct thread *thread);

/* The caller runs on CPU number CPU only, from the return on; or again on any: SCHED_ANY_CPU. 0 or
 * E_KILLED. */
#define SCHED_ANY_CPU UINT32_MAX
int sched_pin(u32 cpu);

/* Set the caller's priority; the old one. */
u32 sched_set_priority(u32 priority);

void sched_yield(void);          /* to the same or a higher priority */
void sched_reschedule(void);     /* if something better is ready, or the slice is over */
_Noreturn void sched_exit(void); /* never run the caller again */

/* How many threads wait for CPU NUMBER. */
u32 sched_length(u32 number);

/* Between bounded steps of long work, no lock held: let interrupts in, and others run. */
void sched_preemption_point(void);

#endif
