/* SPDX-License-Identifier: MIT */
/*
 * Run queues: which thread waits for which CPU, and how threads change CPUs. (sched/run_queue.c)
 *
 * Of a thread, thread->cpu names the queue whose lock guards its scheduling fields. It changes only
 * while the thread is READY and in no list:
 *
 *     lock of the old queue:  taken out, thread->cpu = the new one
 *     no lock:                READY, in no list: only the CPU that moves it may touch it
 *     lock of the new queue:  in its list
 *
 * Two run-queue locks are never held at once. Whoever finds a READY thread, in a list or between
 * two, leaves it alone: a kill has marked it already, and it learns of that when it is switched to.
 */
#ifndef KERNEL_RUN_QUEUE_H
#define KERNEL_RUN_QUEUE_H

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/process/process.h"

#define QUEUE_IDLE (-1)
#define QUEUE_ABSENT INT32_MAX /* its CPU has not come up: no thread is placed there */

struct run_queue {
    struct spinlock lock;
    /* lock; other CPUs read these four without it, as a hint that they check under the lock: */
    u32 bitmap;  /* bit p: ready[p] is not empty */
    u32 length;  /* threads in ready */
    u32 pinned;  /* of those: that may not go elsewhere */
    int running; /* priority of the thread that runs, or QUEUE_IDLE, QUEUE_ABSENT */
    /* lock: */
    struct list ready[PRIORITY_LEVELS]; /* of thread->ready */
    struct list sleepers;               /* of thread->sleeping, earliest deadline first */
    /* owner CPU only: */
    u32 balance_ticks; /* until it looks whether others have more to do */
};

extern struct run_queue run_queues[ARCH_CPU_LIMIT];

void run_queues_initialise(void); /* all of them, on the boot CPU, before any other CPU comes up */

static inline struct run_queue *run_queue_own(void) { return arch_cpu()->queue; }

/* Acquire the lock that guards THREAD's scheduling fields: that of the queue returned. */
struct run_queue *run_queue_lock_of(const struct thread *thread);

/* The highest priority that is ready, or QUEUE_IDLE. A hint without the lock. */
static inline int run_queue_top(const struct run_queue *queue) {
    u32 bitmap = __atomic_load_n(&queue->bitmap, __ATOMIC_RELAXED);
    return bitmap ? 31 - __builtin_clz(bitmap) : QUEUE_IDLE;
}

/* Put THREAD, whose CPU is QUEUE's, into its list, as the first or last of its priority; or take
 * the best one out, null: there is none. Lock held. */
static inline void run_queue_insert(struct run_queue *queue, struct thread *thread, bool first) {
    struct list *list = &queue->ready[thread->priority];
    list_append(first ? list->next : list, &thread->ready);
    queue->length++;
    queue->pinned += thread->pinned != 0;
    queue->bitmap |= 1u << thread->priority;
    thread->state = THREAD_READY;
}
static inline void run_queue_remove(struct run_queue *queue, struct thread *thread) {
    list_remove(&thread->ready);
    queue->length--;
    queue->pinned -= thread->pinned != 0;
    if (list_empty(&queue->ready[thread->priority])) {
        queue->bitmap &= ~(1u << thread->priority);
    }
}
static inline struct thread *run_queue_take(struct run_queue *queue) {
    int top = run_queue_top(queue);
    if (top < 0) {
        return NULL;
    }
    struct thread *thread = LIST_FIRST(&queue->ready[top], struct thread, ready);
    run_queue_remove(queue, thread);
    return thread;
}

/* THREAD, which is in no list, may run from now on, with a whole slice, where it best does. With
 * HERE, the caller is about to wait, and THREAD takes over from it on this CPU, with what is left of
 * its slice, so that no other need be woken. Lock of QUEUE, which is THREAD's, held; released on return. */
void run_queue_place(struct run_queue *queue, struct thread *thread, bool here);

/* This CPU has nothing to run: from now on others may wake it. True: it has something, taken from
 * another. False: it may halt; whoever makes a thread ready from now on interrupts it. */
bool run_queue_idle(void);
void run_queue_busy(void); /* it runs a thread: nobody need wake it. Lock held */

/* A thread is ready here that this CPU does not run at once: perhaps an idle one can. */
void run_queue_offer_others(void);
static inline void run_queue_offer(void) {
    if (cpu_count > 1) {
        run_queue_offer_others();
    }
}

/* At each tick of a CPU that runs a thread, no lock held: now and then, pull a thread from one that
 * has more to do. */
void run_queue_balance(void);

/* CPU NUMBER has something to look at in kernel_return_to_user. Lock of its queue held. */
void run_queue_attention(u32 number);

#endif
