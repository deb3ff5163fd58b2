/* SPDX-License-Identifier: MIT */
/*
 * The scheduler. Each CPU has a run queue (run_queue.c) and an idle thread, which is what the CPU
 * was doing when it came up.
 *
 *     NEW ──ready──> READY <──────wake, time-out, kill────── WAITING
 *                     │ ^                                       ^
 *               switch│ │preempted, yields                      │sched_wait
 *                     v │                                       │
 *                    RUNNING ───────────────────────────────────┴──sched_exit──> DEAD
 *
 * A switch happens with the run-queue lock held, and the thread that is switched to releases it
 * (arrive): so nobody can wake or move a thread before its registers are saved. It also frees the
 * thread that ended just before, whose stack nobody stands on now, and loads its own space.
 * A thread may come back from a switch on another CPU: whatever arch_cpu() said before is stale.
 * Read next: process/thread.c (kernel_return_to_user), futex.c.
 */
#include "kernel/sched/sched.h"

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/device/console.h"
#include "kernel/device/ports.h"
#include "kernel/ipc/notification.h"
#include "kernel/process/process.h"
#include "kernel/sched/direct.h"
#include "kernel/sched/run_queue.h"
#include "kernel/vm/space.h"

static struct thread idle_threads[ARCH_CPU_LIMIT];

static bool is_idle(const struct thread *thread) { return thread == arch_cpu()->idle; }

/* End the wait of THREAD, whose queue is QUEUE (lock held; released on return). */
static void wake(struct run_queue *queue, struct thread *thread, int result, bool here) {
    list_remove(&thread->sleeping);
    thread->wake_result = result;
    run_queue_place(queue, thread, here);
}

/* ---- Switching ------------------------------------------------------------------------------- */

void kernel_thread_arrived(void) {
    sched_arrive();
    if (thread_current()->process) {
        kernel_return_to_user(); /* it may have been killed before its first instruction */
    }
}

static void account_settle(struct thread *thread) {
    if (thread->process) {
        atomic_add_64(&thread->process->cpu_time, arch_ticks_nanoseconds(thread->ran));
    }
    thread->ran = 0;
}

/* CPU runs NEXT from now on, as far as others see. Lock of QUEUE, its own, held. */
static void current_set(struct cpu *cpu, struct run_queue *queue, struct thread *next) {
    if (cpu->current == cpu->idle && cpu_count > 1) {
        run_queue_busy();
    }
    int running = next == cpu->idle ? QUEUE_IDLE : next->priority;
    u32 pid = next->process ? next->process->pid : CPU_IDLE;
    __atomic_store_n(&queue->running, running, __ATOMIC_RELAXED);
    cpu->attention = next->killed;
    current_publish(cpu, next, pid);
}

/* Give the CPU to the best ready thread. Run-queue lock held; released on return, when the
 * caller runs again. The caller is in the run queue, waiting, dead, or idle. */
static void switch_away(struct run_queue *queue) {
    struct cpu *cpu = arch_cpu();
    struct thread *previous = cpu->current;
    struct thread *next = run_queue_take(queue);
    if (!next) {
        next = cpu->idle;
    }
    next->state = THREAD_RUNNING;
    if (next == previous) {
        spinlock_release(&queue->lock);
        return;
    }
    u32 now = arch_ticks();
    account(previous, now);
    next->started = now;
    current_set(cpu, queue, next);
    arch_thread_switch(previous, next);
    sched_arrive();
}

/* The caller goes back into the list, and the best thread runs, on this CPU or an idle one. */
static void requeue(struct run_queue *queue, bool first) {
    run_queue_insert(queue, thread_current(), first);
    run_queue_offer();
    switch_away(queue);
}

void sched_reschedule(void) {
    struct run_queue *queue = run_queue_own();
    spinlock_acquire(&queue->lock);
    struct thread *current = thread_current();
    int top = run_queue_top(queue);
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
        requeue(queue, preempted);
        return;
    } else if (current->slice == 0) {
        current->slice = SLICE_TICKS;
    }
    spinlock_release(&queue->lock);
}

void sched_yield(void) {
    struct run_queue *queue = run_queue_own();
    spinlock_acquire(&queue->lock);
    struct thread *current = thread_current();
    if (run_queue_top(queue) < current->priority) {
        spinlock_release(&queue->lock);
        return;
    }
    current->slice = SLICE_TICKS;
    requeue(queue, false);
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
    struct run_queue *queue = run_queue_own();
    spinlock_acquire(&queue->lock);
    account(cpu->current, arch_ticks());
    account_settle(cpu->current);
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

u64 deadline_after(u32 microseconds) {
    return arch_clock() + (u64)microseconds * NANOSECONDS_PER_MICROSECOND;
}

/* 0 if the wait may begin, else what ends it at once. Run-queue lock held: a kill after this finds
 * the thread waiting. */
static int wait_refused(u64 deadline, bool killable) {
    if (killable && thread_killed()) {
        return E_KILLED;
    }
    return deadline != WAIT_FOREVER && deadline <= arch_clock() ? E_TIMEOUT : 0;
}

int sched_wait(struct list *wait_queue, struct spinlock *lock, u64 deadline, bool killable) {
    struct thread *thread = thread_current();
    struct run_queue *queue = run_queue_own();
    ASSERT(arch_cpu()->lock_count == (lock ? 1u : 0u), "thread %u waits with %u locks held",
           thread->tid, arch_cpu()->lock_count);
    spinlock_acquire(&queue->lock);
    int refused = wait_refused(deadline, killable);
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

static bool wake_waiting(struct thread *thread, int result, bool here, u32 lent) {
    list_remove(&thread->queue);
    struct run_queue *queue = run_queue_lock_of(thread);
    bool waiting = thread->state == THREAD_WAITING;
    if (waiting) {
        if (lent != KEEP_LENT) {
            lent_set(thread, lent);
        }
        wake(queue, thread, result, here);
    } else {
        spinlock_release(&queue->lock);
    }
    return waiting;
}

bool sched_wake(struct thread *thread, int result) {
    return wake_waiting(thread, result, false, KEEP_LENT);
}

bool sched_wake_here(struct thread *thread, int result, u32 lent) {
    return wake_waiting(thread, result, true, lent);
}

void sched_kill(struct thread *thread) {
    struct run_queue *queue = run_queue_lock_of(thread);
    if (thread->state == THREAD_WAITING && thread->killable) {
        wake(queue, thread, E_KILLED, false);
        return;
    }
    if (thread->state == THREAD_RUNNING) {
        run_queue_attention(thread->cpu);
    }
    spinlock_release(&queue->lock);
}

void sched_ready(struct thread *thread) {
    run_queue_place(run_queue_lock_of(thread), thread, false);
}

/* THREAD, which runs on the CPU of QUEUE (lock held), has another priority: somebody may be better
 * now. */
static void running_changed(struct run_queue *queue, const struct thread *thread) {
    __atomic_store_n(&queue->running, (int)thread->priority, __ATOMIC_RELAXED);
    run_queue_attention(thread->cpu);
}

u32 sched_set_priority(u32 priority) {
    struct run_queue *queue = run_queue_own();
    spinlock_acquire(&queue->lock);
    struct thread *current = thread_current();
    u32 old = current->base_priority;
    current->base_priority = (u8)priority;
    lent_set(current, current->lent);
    running_changed(queue, current);
    spinlock_release(&queue->lock);
    return old;
}

/* It cannot go to another queue while it runs, so it sleeps until the next tick, and is placed. */
int sched_pin(u32 number) {
    struct run_queue *queue = run_queue_own();
    spinlock_acquire(&queue->lock);
    thread_current()->pinned = number == SCHED_ANY_CPU ? 0 : (u8)(number + 1);
    spinlock_release(&queue->lock);
    if (number == SCHED_ANY_CPU || number == arch_cpu()->number) {
        return E_OK;
    }
    int result = sched_wait(NULL, NULL, arch_clock() + 1000000000 / TICK_HZ, true);
    return result == E_TIMEOUT ? E_OK : result;
}

void sched_lend_priority(struct thread *thread, u32 lent) {
    struct run_queue *queue = run_queue_lock_of(thread);
    bool listed = thread->state == THREAD_READY && !list_empty(&thread->ready);
    if (listed) {
        run_queue_remove(queue, thread);
    }
    lent_set(thread, lent);
    if (listed) {
        run_queue_insert(queue, thread, false);
        if (thread->priority > queue->running) {
            run_queue_attention(thread->cpu);
        }
    } else if (thread->state == THREAD_RUNNING) {
        running_changed(queue, thread);
    }
    spinlock_release(&queue->lock);
}

/* ---- Time and beginnings --------------------------------------------------------------------- */

/* Wake those of this CPU whose time has come. Lock held; it lets go of it for each. */
static void sleepers_wake(struct run_queue *queue, u64 now) {
    while (!list_empty(&queue->sleepers)) {
        struct thread *first = LIST_FIRST(&queue->sleepers, struct thread, sleeping);
        if (first->deadline > now) {
            break;
        }
        wake(queue, first, E_TIMEOUT, false);
        spinlock_acquire(&queue->lock);
    }
}

void kernel_tick(void) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = run_queue_own();
    struct thread *current = cpu->current;
    u64 now = arch_clock();
    spinlock_acquire(&queue->lock);
    sleepers_wake(queue, now);
    bool busy = !is_idle(current);
    if (busy && current->slice > 0 && --current->slice == 0) {
        cpu->attention = 1;
    }
    account(current, arch_ticks());
    account_settle(current);
    spinlock_release(&queue->lock);
    notification_timers_run(now);
    console_tick();
    if (busy) {
        run_queue_balance();
    }
}

/* What runs now on this CPU becomes its idle thread: it goes on in sched_start. */
void sched_initialise(void) {
    struct cpu *cpu = arch_cpu();
    struct thread *idle = &idle_threads[cpu->number];
    idle->cpu = cpu->number;
    idle->state = THREAD_RUNNING;
    list_init(&idle->queue);
    list_init(&idle->ready);
    list_init(&idle->sleeping);
    cpu->idle = cpu->current = idle;
    cpu->queue = &run_queues[cpu->number];
    if (cpu->number == 0) {
        run_queues_initialise();
    }
    __atomic_store_n(&run_queue_own()->running, QUEUE_IDLE, __ATOMIC_RELEASE);
}

/* Interrupts are off from the look at the queue to the halt: none that comes meanwhile is lost. */
_Noreturn void sched_start(void) {
    for (;;) {
        sched_reschedule();
        if (!run_queue_idle()) {
            arch_wait_for_interrupt();
        }
    }
}
