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
#include "kernel/vm/load.h"
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
    spinlock_release(&cpu->queue->lock);
    struct thread *dead = cpu->dead;
    if (dead) {
        cpu->dead = NULL;
        thread_free(dead);
    }
    struct process *process = cpu->current->process;
    if (process) {
        space_load(__atomic_load_n(&process->space, __ATOMIC_SEQ_CST));
        ports_load(cpu, process);
    } else if (cpu_count > 1) {
        space_load(NULL); /* in no space: no shootdown interrupts an idle CPU */
    }
}

/* Count the time that THREAD has run since the last time that this was done, in ticks. Each tick of
 * the clock puts it where it belongs, before it can overflow. */
static inline void account(struct thread *thread, u32 now) {
    thread->ran += now - thread->started;
    thread->started = now;
}

static inline void current_publish(struct cpu *cpu, struct thread *next, u32 pid) {
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
 * result 0, with what is left of the caller's slice. In two halves: the caller, who holds the lock of
 * what both wait in, changes that in between, and NEXT's priority.
 *
 * begin: takes the lock of QUEUE, CPU's own, briefly, and returns true, or leaves everything as it is:
 * NEXT does not wait any more, or belongs to another CPU; the caller has been killed; or somebody
 * here is better than PRIORITY, which is what NEXT will have.
 * to: releases LOCK; returns as sched_wait does.
 * park: the same for a caller in a system call, without its C frames (arch_thread_park), and for a LOCK
 * that is held briefly. NEXT has no deadline. If it is PARKED, too, its call returns RESULT. */
static inline __attribute__((always_inline)) bool sched_switch_begin(const struct cpu *cpu,
                                                                     struct run_queue *queue,
                                                                     const struct thread *next,
                                                                     u32 priority) {
    u32 number = cpu->number;
    spinlock_acquire_brief(&queue->lock);
    /* What belongs to another CPU is in the care of another lock. Is NEXT ours, that stays so: the CPU
     * of a thread that waits does not change. */
    if (LIKELY(next->cpu == number && next->state == THREAD_WAITING && !cpu->current->killed &&
               queue->bitmap >> priority <= 1)) {
        return true;
    }
    spinlock_release_brief(&queue->lock);
    return false;
}

/* What both ways have in common. Neither thread is the idle thread, or one that ends: so there is less
 * to do than in switch_away. cpu->attention stays: is there work, NEXT does it. */
static inline __attribute__((always_inline)) void sched_switch_books(struct cpu *cpu,
                                                                     struct run_queue *queue,
                                                                     struct thread *current,
                                                                     struct thread *next) {
    current->state = THREAD_WAITING;
    current->killable = true;
    next->slice = current->slice;
    next->state = THREAD_RUNNING;
    u32 now = arch_ticks();
    current->ran += now - current->started;
    next->started = now;
    __atomic_store_n(&queue->running, (int)next->priority, __ATOMIC_RELAXED);
    current_publish(cpu, next, next->process->pid);
}

static inline int sched_switch_to(struct thread *next, struct spinlock *lock) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = cpu->queue;
    struct thread *current = cpu->current;
    spinlock_enlist(&queue->lock);
    if (UNLIKELY(!list_empty(&next->sleeping))) {
        list_remove(&next->sleeping);
    }
    next->wake_result = E_OK;
    spinlock_release_below(lock, &queue->lock);
    sched_switch_books(cpu, queue, current, next);
    arch_thread_switch_user(&current->arch, &next->arch, next->kernel_stack);
    sched_arrive();
    return current->wake_result;
}

static inline bool sched_parked(const struct thread *thread) {
    return arch_thread_parked(&thread->arch, thread->kernel_stack);
}

static inline __attribute__((always_inline)) long
sched_park(struct cpu *cpu, struct run_queue *queue, struct thread *current, struct thread *next,
           bool parked, struct spinlock *lock, long result) {
    spinlock_release_brief(lock);
    sched_switch_books(cpu, queue, current, next);
    if (UNLIKELY(!parked)) {
        next->wake_result = E_OK;
        spinlock_enlist(&queue->lock);
        return arch_thread_park(&current->arch, current->kernel_stack, &next->arch,
                                next->kernel_stack);
    }
    struct process *process = next->process; /* as in sched_arrive, with the run queue locked */
    struct space *space = __atomic_load_n(&process->space, __ATOMIC_SEQ_CST);
    if (LIKELY(cpu->loaded != space)) {
        space_change_inline(cpu, space);
    }
    ports_load(cpu, process);
    spinlock_delist(&queue->lock);
    return arch_thread_park_resume(&current->arch, current->kernel_stack, &next->arch,
                                   next->kernel_stack, &queue->lock, result);
}

#endif
