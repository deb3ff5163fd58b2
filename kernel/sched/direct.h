/* SPDX-License-Identifier: MIT */
/*
 * The direct way from one thread to another, in line: for ipc/fast.c, where every call would cost as
 * much as what it does; and the steps that it has in common with every other switch (sched.c).
 */
#ifndef KERNEL_DIRECT_H
#define KERNEL_DIRECT_H

#include "kernel/base/cpu.h"
#include "kernel/device/ports.h"
#include "kernel/process/process.h"
#include "kernel/sched/run_queue.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/space.h"

/* The first thing after a switch, on the stack of the thread that was switched to.
 *
 * The space that it loads is there for as long as the CPU has it loaded: the process keeps a
 * reference, and process_set_space, which drops it, does so only after this CPU has loaded the new
 * one. For cpu->pid was set, with a full barrier (switch_away), before process->space is read here;
 * and process_set_space sets process->space, with a full barrier, before it reads cpu->pid. So
 * either it sees us and asks us to look again, or we see the new space. */
static inline void sched_arrive(void) {
    struct cpu *cpu = arch_cpu();
    spinlock_release(&run_queues[cpu->number].lock);
    struct thread *dead = cpu->dead;
    if (dead) {
        cpu->dead = NULL;
        thread_free(dead);
    }
    struct process *process = cpu->current->process;
    if (process) {
        space_load(__atomic_load_n(&process->space, __ATOMIC_SEQ_CST));
        ports_load(process);
    } else if (cpu_count > 1) {
        space_load(NULL); /* in no quarter's mask: no shootdown interrupts an idle CPU */
    }
}

/* Count the time that THREAD has run since the last time that this was done, in ticks. Each tick of
 * the clock puts it where it belongs, before it can overflow. */
static inline void account(struct thread *thread, u32 now) {
    thread->ran += now - thread->started;
    thread->started = now;
}

static inline void current_publish(struct cpu *cpu, struct thread *next, u32 pid) {
    cpu->attention = next->killed;
    cpu->current = next;
    __atomic_store_n(&cpu->pid, pid, __ATOMIC_SEQ_CST);
    cpu->switches++;
}

/* Lock of THREAD's queue held; it is in none. */
static inline void lent_set(struct thread *thread, u32 lent) {
    thread->lent = (u8)lent;
    thread->priority = thread->lent > thread->base_priority ? thread->lent : thread->base_priority;
}

/* The direct way from one thread to another: the caller waits as by sched_wait, killably and without
 * a deadline, and NEXT, which waits, goes on at once in its place on this CPU, with
 * result 0, with what is left of the caller's slice, and with the priority LENT (KEEP_LENT: unchanged). In two
 * halves: the caller, who holds the lock of what both wait in, changes that in between.
 *
 * begin: takes this CPU's run-queue lock and returns true, or leaves everything as it is: NEXT does
 * not wait any more, or belongs to another CPU; the caller has been killed; or somebody here is
 * better than PRIORITY, which is what NEXT will have.
 * to: releases LOCK; returns as sched_wait does. */
static inline bool sched_switch_begin(const struct thread *next, u32 priority) {
    const struct cpu *cpu = arch_cpu();
    struct run_queue *queue = &run_queues[cpu->number];
    if (atomic_read(&next->cpu) != cpu->number) {
        return false;
    }
    spinlock_acquire(&queue->lock);
    /* It is still ours: the CPU of a thread that waits does not change. */
    if (next->state == THREAD_WAITING && !cpu->current->killed && next->cpu == cpu->number &&
        run_queue_top(queue) <= (int)priority) {
        return true;
    }
    spinlock_release(&queue->lock);
    return false;
}

/* Neither of the two is the idle thread, or one that ends: so there is less to do than in
 * switch_away. */
static inline int sched_switch_to(struct thread *next, u32 lent, struct spinlock *lock) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = &run_queues[cpu->number];
    struct thread *current = cpu->current;
    current->state = THREAD_WAITING;
    current->killable = true;
    if (lent != KEEP_LENT) {
        lent_set(next, lent);
    }
    if (UNLIKELY(!list_empty(&next->sleeping))) {
        list_remove(&next->sleeping);
    }
    next->wake_result = E_OK;
    next->slice = current->slice;
    next->state = THREAD_RUNNING;
    spinlock_release_below(lock, &queue->lock);
    u32 now = arch_ticks();
    account(current, now);
    next->started = now;
    __atomic_store_n(&queue->running, (int)next->priority, __ATOMIC_RELAXED);
    current_publish(cpu, next, next->process->pid);
    arch_thread_switch_user(&current->arch, &next->arch, next->kernel_stack);
    sched_arrive();
    return current->wake_result;
}

#endif
