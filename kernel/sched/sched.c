/* SPDX-License-Identifier: MIT */
/*
 * The scheduler. Each CPU has a run queue (one list for each priority, a bitmap of those not
 * empty, the sleepers by deadline) and an idle thread, which is what the CPU was doing when it
 * booted.
 *
 *     NEW ──ready──> READY <──────wake, time-out, kill────── WAITING
 *                     │ ^                                       ^
 *               switch│ │preempted, yields                      │sched_wait
 *                     v │                                       │
 *                    RUNNING ───────────────────────────────────┴──sched_exit──> DEAD
 *
 * A switch happens with the run-queue lock held, and the thread that is switched to releases it
 * (arrive). It also frees the thread that ended just before, whose stack nobody stands on now,
 * and loads its own space.
 * Read next: process/thread.c (kernel_return_to_user), futex.c.
 */
#include "kernel/sched/sched.h"

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/process/process.h"
#include "kernel/vm/space.h"

struct run_queue {
    struct spinlock lock;
    /* lock: */
    u32 bitmap; /* bit p: ready[p] is not empty */
    struct list ready[PRIORITY_LEVELS];
    struct list sleepers; /* of thread->sleeping, earliest deadline first */
};

static struct run_queue run_queues[ARCH_CPU_LIMIT];
static struct thread idle_threads[ARCH_CPU_LIMIT];

static struct run_queue *own_queue(void) { return &run_queues[arch_cpu()->number]; }

static struct run_queue *queue_of(const struct thread *thread) { return &run_queues[thread->cpu]; }

/* The highest priority that is ready, or -1. */
static int queue_top(const struct run_queue *queue) {
    return queue->bitmap ? 31 - __builtin_clz(queue->bitmap) : -1;
}

static bool is_idle(const struct thread *thread) { return thread == &idle_threads[thread->cpu]; }

static void enqueue(struct run_queue *queue, struct thread *thread, bool first) {
    thread->state = THREAD_READY;
    if (first) {
        list_prepend(&queue->ready[thread->priority], &thread->ready);
    } else {
        list_append(&queue->ready[thread->priority], &thread->ready);
    }
    queue->bitmap |= 1u << thread->priority;
}

static struct thread *dequeue_best(struct run_queue *queue) {
    int top = queue_top(queue);
    if (top < 0) {
        return arch_cpu()->idle;
    }
    struct thread *thread = LIST_FIRST(&queue->ready[top], struct thread, ready);
    list_remove(&thread->ready);
    if (list_empty(&queue->ready[top])) {
        queue->bitmap &= ~(1u << top);
    }
    return thread;
}

/* THREAD may run from now on, with a whole slice. */
static void make_ready(struct run_queue *queue, struct thread *thread) {
    struct cpu *cpu = &cpus[thread->cpu];
    thread->slice = SLICE_TICKS;
    enqueue(queue, thread, false);
    if (is_idle(cpu->current) || cpu->current->priority < thread->priority) {
        cpu->attention = 1;
    }
}

static void wake(struct run_queue *queue, struct thread *thread, int result) {
    list_remove(&thread->sleeping);
    thread->wake_result = result;
    make_ready(queue, thread);
}

/* ---- Switching ------------------------------------------------------------------------------- */

/* The first thing after a switch, on the stack of the thread that was switched to. */
static void arrive(void) {
    struct cpu *cpu = arch_cpu();
    spinlock_release(&run_queues[cpu->number].lock);
    struct thread *dead = cpu->dead;
    if (dead) {
        cpu->dead = NULL;
        thread_free(dead);
    }
    struct process *process = cpu->current->process;
    if (process) { /* kernel threads have no user memory: they leave loaded what is */
        space_load(process->space);
    }
}

void kernel_thread_arrived(void) {
    arrive();
    if (thread_current()->process) {
        kernel_return_to_user(); /* it may have been killed before its first instruction */
    }
}

static void account(struct thread *previous, struct thread *next) {
    u64 now = arch_clock();
    if (previous->process) {
        atomic_add_64(&previous->process->cpu_time, now - previous->started);
    }
    next->started = now;
}

/* Give the CPU to the best ready thread. Run-queue lock held; released on return, when the
 * caller runs again. The caller is in the run queue, waiting, dead, or idle. */
static void switch_away(struct run_queue *queue) {
    struct cpu *cpu = arch_cpu();
    struct thread *previous = cpu->current;
    struct thread *next = dequeue_best(queue);
    next->state = THREAD_RUNNING;
    if (next == previous) {
        spinlock_release(&queue->lock);
        return;
    }
    account(previous, next);
    cpu->attention = next->killed;
    cpu->current = next;
    cpu->switches++;
    arch_thread_switch(previous, next);
    arrive();
}

void sched_reschedule(void) {
    struct run_queue *queue = own_queue();
    spinlock_acquire(&queue->lock);
    struct thread *current = thread_current();
    int top = queue_top(queue);
    if (is_idle(current)) {
        if (top >= 0) {
            switch_away(queue);
            return;
        }
    } else if (top > current->priority || (top == current->priority && current->slice == 0)) {
        bool preempted = current->slice > 0; /* it goes on with the rest of its slice */
        if (!preempted) {
            current->slice = SLICE_TICKS;
        }
        enqueue(queue, current, preempted);
        switch_away(queue);
        return;
    } else if (current->slice == 0) {
        current->slice = SLICE_TICKS;
    }
    spinlock_release(&queue->lock);
}

void sched_yield(void) {
    struct run_queue *queue = own_queue();
    spinlock_acquire(&queue->lock);
    struct thread *current = thread_current();
    if (queue_top(queue) < current->priority) {
        spinlock_release(&queue->lock);
        return;
    }
    current->slice = SLICE_TICKS;
    enqueue(queue, current, false);
    switch_away(queue);
}

void sched_preemption_point(void) {
    ASSERT(arch_cpu()->lock_count == 0,
           "a preemption point with %u locks held, the last of them %s", arch_cpu()->lock_count,
           arch_cpu()->locks[arch_cpu()->lock_count - 1]->name);
    arch_interrupt_window();
    if (arch_cpu()->attention) {
        sched_reschedule();
    }
}

_Noreturn void sched_exit(void) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = own_queue();
    spinlock_acquire(&queue->lock);
    cpu->current->state = THREAD_DEAD;
    cpu->dead = cpu->current;
    switch_away(queue);
    panic("thread %u runs after its end", thread_current()->tid);
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static void sleep_until(struct run_queue *queue, struct thread *thread, u64 deadline) {
    struct list *place = queue->sleepers.next;
    while (place != &queue->sleepers &&
           LIST_ENTRY(place, struct thread, sleeping)->deadline <= deadline) {
        place = place->next;
    }
    thread->deadline = deadline;
    list_append(place, &thread->sleeping); /* in front of the first that is later */
}

/* 0 if the wait may begin, else what ends it at once. Run-queue lock held: a kill after this finds
 * the thread waiting. */
static int wait_refused(const struct thread *thread, u64 deadline, bool killable) {
    if (killable && thread->killed) {
        return E_KILLED;
    }
    return deadline != WAIT_FOREVER && deadline <= arch_clock() ? E_TIMEOUT : 0;
}

int sched_wait(struct list *wait_queue, struct spinlock *lock, u64 deadline, bool killable) {
    struct thread *thread = thread_current();
    struct run_queue *queue = own_queue();
    ASSERT(arch_cpu()->lock_count == (lock ? 1u : 0u), "thread %u waits with %u locks held",
           thread->tid, arch_cpu()->lock_count);
    spinlock_acquire(&queue->lock);
    int refused = wait_refused(thread, deadline, killable);
    if (refused) {
        spinlock_release(&queue->lock);
        if (lock) {
            spinlock_release(lock);
        }
        return refused;
    }
    if (wait_queue) {
        list_append(wait_queue, &thread->queue);
    }
    thread->state = THREAD_WAITING;
    thread->killable = killable;
    if (deadline != WAIT_FOREVER) {
        sleep_until(queue, thread, deadline);
    }
    if (lock) {
        /* A waker that takes it now still needs the run queue, so it comes after the switch. */
        spinlock_release(lock);
    }
    switch_away(queue);
    int result = thread->wake_result;
    if (wait_queue && (result == E_TIMEOUT || result == E_KILLED)) {
        /* Not by sched_wake: nobody has taken us out, or on another CPU a waker is about to. */
        spinlock_acquire(lock);
        list_remove(&thread->queue);
        spinlock_release(lock);
    }
    return result;
}

bool sched_wake(struct thread *thread, int result) {
    list_remove(&thread->queue);
    struct run_queue *queue = queue_of(thread);
    spinlock_acquire(&queue->lock);
    bool waiting = thread->state == THREAD_WAITING;
    if (waiting) {
        wake(queue, thread, result);
    }
    spinlock_release(&queue->lock);
    return waiting;
}

void sched_kill(struct thread *thread) {
    struct run_queue *queue = queue_of(thread);
    spinlock_acquire(&queue->lock);
    if (thread->state == THREAD_WAITING && thread->killable) {
        wake(queue, thread, E_KILLED);
    } else if (thread->state == THREAD_RUNNING) {
        cpus[thread->cpu].attention = 1;
    }
    spinlock_release(&queue->lock);
}

void sched_ready(struct thread *thread) {
    struct run_queue *queue = queue_of(thread);
    spinlock_acquire(&queue->lock);
    make_ready(queue, thread);
    spinlock_release(&queue->lock);
}

u32 sched_set_priority(u32 priority) {
    struct run_queue *queue = own_queue();
    spinlock_acquire(&queue->lock);
    struct thread *current = thread_current();
    u32 old = current->priority;
    current->priority = (u8)priority;
    arch_cpu()->attention = 1; /* somebody may be better now */
    spinlock_release(&queue->lock);
    return old;
}

/* ---- Time and beginnings --------------------------------------------------------------------- */

void kernel_tick(void) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = &run_queues[cpu->number];
    u64 now = arch_clock();
    spinlock_acquire(&queue->lock);
    while (!list_empty(&queue->sleepers)) {
        struct thread *first = LIST_FIRST(&queue->sleepers, struct thread, sleeping);
        if (first->deadline > now) {
            break;
        }
        wake(queue, first, E_TIMEOUT);
    }
    struct thread *current = cpu->current;
    if (!is_idle(current) && current->slice > 0 && --current->slice == 0) {
        cpu->attention = 1;
    }
    spinlock_release(&queue->lock);
}

/* What runs now on this CPU becomes its idle thread: it goes on in sched_start. */
void sched_initialise(void) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = &run_queues[cpu->number];
    spinlock_init(&queue->lock, LOCK_RUN_QUEUE, 0, "run queue");
    list_init(&queue->sleepers);
    for (u32 i = 0; i < PRIORITY_LEVELS; i++) {
        list_init(&queue->ready[i]);
    }
    struct thread *idle = &idle_threads[cpu->number];
    idle->cpu = cpu->number;
    idle->state = THREAD_RUNNING;
    list_init(&idle->queue);
    list_init(&idle->ready);
    list_init(&idle->sleeping);
    cpu->idle = cpu->current = idle;
}

_Noreturn void sched_start(void) {
    for (;;) {
        sched_reschedule();
        arch_wait_for_interrupt();
    }
}
