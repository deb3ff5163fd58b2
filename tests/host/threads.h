/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine with threads: the whole portable kernel runs on it, from system calls to
 * the scheduler, on one CPU or on several that interleave at every point. A thread's program is a
 * function of the test, which calls the kernel as entry code would.
 *
 *     threads_run ── boots; every CPU runs its idle thread
 *          │
 *          └── the driver: a thread of process 1, of the lowest priority. settle() returns when all
 *              other threads wait; so what it sees then stands still, and nothing else runs
 *
 * In settle a CPU is woken by nothing but the kernel's own wake-ups: a lost one is a thread that
 * still waits afterwards. Time passes by time_pass, or at random (threads_ticks). Read next:
 * actors.h (threads that do what a test tells them), arch/sim/thread.c.
 */
#ifndef TESTS_THREADS_H
#define TESTS_THREADS_H

#include "generated/syscall_table.h"
#include "kernel/process/process.h"
#include "tests/host/harness.h"

#define DRIVER_PRIORITY 0u
/* In slot 1 of every process, readable and writable. */
#define MEMORY_BASE SLOT_BASE(1)
#define MEMORY_SIZE (64u * PAGE_SIZE)

/* Boot with COUNT CPUs and run DRIVER; when it returns, all that it has made must be gone. */
void threads_run(u32 count, void (*driver)(void));

/* With the adversarial TLB at its worst (sim_knobs.speculate): for tests that change spaces. */
extern bool threads_speculate;

/* All other threads wait, or have ended. By the driver. */
void settle(void);
void time_pass(u64 nanoseconds); /* and a tick on each CPU; settles */
/* One in ONE_IN interrupt windows is a tick, on idle CPUs too as long as somebody sleeps; 0: none. */
void threads_ticks(u32 one_in);

/* Processes: four fresh quarters, MEMORY mapped; a child of PARENT (null: of the driver's), of which
 * it inherits the handles. One reference. */
struct process *program_new(struct process *parent);
int program_new_try(struct process *parent, struct process **result); /* when memory may fail */
/* End PROCESS, wait for it, and drop the reference. */
void program_end(struct process *process);

/* A thread of PROCESS that runs PROGRAM(ARGUMENT) in user mode. */
struct thread *thread_spawn(struct process *process, void (*program)(u32 argument), u32 argument,
                            u32 priority);
extern void (*thread_freed)(struct thread *thread); /* told to the test; may be null */

/* All that the driver's function has made so far is gone. */
void threads_check_nothing_left(void);

/* ---- What a program does --------------------------------------------------------------------- */

/* Enter the kernel by HANDLER's number, and come back. */
long system_call(system_call_entry *handler, uword a, uword b, uword c, uword d);
void user_point(void); /* user mode: interrupts and other threads may come */

#endif
