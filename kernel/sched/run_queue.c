/* SPDX-License-Identifier: MIT */
/*
 * Run queues: see run_queue.h for how a thread changes CPUs. A thread is placed when it becomes
 * ready; an idle CPU takes work from others before it halts; and busy CPUs even out at some ticks.
 *
 * No wake-up is lost between a CPU that goes idle and one that makes a thread ready elsewhere:
 *
 *     goes idle (run_queue_idle)            makes ready (run_queue_place, run_queue_offer)
 *     own bit into idle_cpus                thread into a queue
 *     ── full barrier                       ── full barrier
 *     looks through all queues              looks at idle_cpus
 *
 * Either it finds the thread, or the other one finds it, and interrupts it. With one CPU none of
 * this costs more than the comparison of cpu_count.
 */
#include "kernel/sched/run_queue.h"

#include "kernel/sched/sched.h"

#define BALANCE_TICKS 10u /* 100 ms */
/* A thread that balancing has moved stays at least so long: so that another one is the next, and
 * three threads on two CPUs take turns in having one to themselves. */
#define STAY_NANOSECONDS (2ull * BALANCE_TICKS * 1000000000u / TICK_HZ)

struct run_queue run_queues[ARCH_CPU_LIMIT];
static uword idle_cpus; /* atomic: CPUs that run nothing, and that nobody has begun to wake */

void run_queues_initialise(void) {
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        struct run_queue *queue = &run_queues[i];
        spinlock_init(&queue->lock, LOCK_RUN_QUEUE, 0, "run queue");
        list_init(&queue->sleepers);
        for (u32 priority = 0; priority < PRIORITY_LEVELS; priority++) {
            list_init(&queue->ready[priority]);
        }
        queue->running = QUEUE_ABSENT;
        queue->balance_ticks = BALANCE_TICKS;
    }
}

struct run_queue *run_queue_lock_of(const struct thread *thread) {
    for (;;) {
        u32 number = atomic_read(&thread->cpu);
        struct run_queue *queue = &run_queues[number];
        spinlock_acquire(&queue->lock);
        if (atomic_read(&thread->cpu) == number) {
            return queue;
        }
        spinlock_release(&queue->lock); /* it has been moved meanwhile */
    }
}

u32 sched_length(u32 number) { return atomic_read(&run_queues[number].length); }

void run_queue_attention(u32 number) {
    cpus[number].attention = 1;
    if (number != arch_cpu()->number) {
        arch_interrupt_cpu(number);
    }
}

/* ---- Placing --------------------------------------------------------------------------------- */

/* The best priority that QUEUE's CPU runs or is about to run. */
static int queue_level(const struct run_queue *queue) {
    int running = __atomic_load_n(&queue->running, __ATOMIC_RELAXED), top = run_queue_top(queue);
    return running > top ? running : top;
}

/* Take one CPU out of idle_cpus, to be interrupted. False: none is idle. */
static bool idle_claim(u32 *number) {
    for (uword idle = atomic_read_mask(&idle_cpus); idle != 0; idle &= idle - 1) {
        uword bit = idle & -idle;
        if (atomic_clear_bits(&idle_cpus, bit) & bit) {
            *number = (u32)__builtin_ctzl(bit);
            return true;
        }
    }
    return false;
}

/* The CPU whose best thread is of the lowest priority, if that is below PRIORITY; else LAST. */
static u32 lowest_cpu(int priority, u32 last) {
    u32 found = last;
    for (u32 i = 0; i < cpu_count; i++) {
        int level = queue_level(&run_queues[i]);
        if (level < priority) {
            priority = level;
            found = i;
        }
    }
    return found;
}

/* Where THREAD is to run, which last was on the CPU of QUEUE (lock held). */
static u32 place_choose(const struct run_queue *queue, const struct thread *thread, bool here) {
    u32 last = thread->cpu, idle;
    int priority = thread->priority;
    if (thread->pinned != 0) {
        atomic_clear_bits(&idle_cpus, cpu_bit(&cpus[thread->pinned - 1]));
        return thread->pinned - 1;
    }
    if (here && run_queue_top(run_queue_own()) < priority) {
        return arch_cpu()->number;
    }
    if (queue_level(queue) < priority) {
        atomic_clear_bits(&idle_cpus, cpu_bit(&cpus[last]));
        return last;
    }
    return idle_claim(&idle) ? idle : lowest_cpu(priority, last);
}

/* Let THREAD, which is in no list, belong to CPU NUMBER. Lock of QUEUE, its old one, held; the
 * caller has that of the new one afterwards. */
static struct run_queue *thread_move(struct run_queue *queue, struct thread *thread, u32 number) {
    thread->state = THREAD_READY;
    __atomic_store_n(&thread->cpu, number, __ATOMIC_RELEASE);
    spinlock_release(&queue->lock);
    queue = &run_queues[number];
    spinlock_acquire(&queue->lock);
    return queue;
}

void run_queue_offer_others(void) {
    u32 idle;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (idle_claim(&idle) && idle != arch_cpu()->number) {
        arch_interrupt_cpu(idle);
    }
}

void run_queue_place(struct run_queue *queue, struct thread *thread, bool here) {
    u32 number = cpu_count == 1 ? thread->cpu : place_choose(queue, thread, here);
    if (number != thread->cpu) {
        queue = thread_move(queue, thread, number);
    }
    bool next = queue_level(queue) < thread->priority;
    thread->slice = SLICE_TICKS;
    if (here && thread_current()->slice > 0) {
        thread->slice = thread_current()->slice;
    }
    run_queue_insert(queue, thread, here); /* first: as fast.c switches to it at once */
    if (next) {
        run_queue_attention(number);
    }
    spinlock_release(&queue->lock);
    if (!next && !here) {
        run_queue_offer();
    }
}

/* ---- Taking from others ---------------------------------------------------------------------- */

/* A thread of QUEUE that its CPU does not run at once. */
static bool queue_can_give(const struct run_queue *queue) {
    int running = __atomic_load_n(&queue->running, __ATOMIC_RELAXED);
    u32 movable = atomic_read(&queue->length) - atomic_read(&queue->pinned);
    return (int)movable > (running == QUEUE_IDLE ? 1 : 0); /* two looks: it may seem negative */
}

/* Take out the best thread of QUEUE that may go elsewhere; null: there is none. Lock held. */
static struct thread *movable_take(struct run_queue *queue) {
    for (u32 left = queue->bitmap; left != 0;) {
        u32 priority = 31 - (u32)__builtin_clz(left);
        LIST_FOR_EACH(link, &queue->ready[priority]) {
            struct thread *thread = LIST_ENTRY(link, struct thread, ready);
            if (thread->pinned == 0) {
                run_queue_remove(queue, thread);
                return thread;
            }
        }
        left &= ~(1u << priority);
    }
    return NULL;
}

/* The queue of another CPU with the best thread to give, or null. */
static struct run_queue *victim_find(void) {
    struct run_queue *found = NULL;
    u32 own = arch_cpu()->number;
    int best = QUEUE_IDLE;
    for (u32 i = 1; i < cpu_count; i++) {
        struct run_queue *queue = &run_queues[(own + i) % cpu_count];
        if (run_queue_top(queue) > best && queue_can_give(queue)) {
            best = run_queue_top(queue);
            found = queue;
        }
    }
    return found;
}

/* Move THREAD, just taken from VICTIM (lock held; released), to this CPU. */
static void thread_pull(struct run_queue *victim, struct thread *thread) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *own = thread_move(victim, thread, cpu->number);
    run_queue_insert(own, thread, false);
    if (own->running < thread->priority) {
        cpu->attention = 1;
    }
    spinlock_release(&own->lock);
    cpu->steals++;
}

/* The best thread of another CPU. False: none has one to give. */
static bool queue_steal(void) {
    struct run_queue *victim;
    while ((victim = victim_find()) != NULL) {
        spinlock_acquire(&victim->lock);
        struct thread *thread = queue_can_give(victim) ? movable_take(victim) : NULL;
        if (thread) {
            thread_pull(victim, thread);
            return true;
        }
        spinlock_release(&victim->lock);
    }
    return false;
}

bool run_queue_idle(void) {
    if (cpu_count == 1) {
        return false;
    }
    atomic_set_bits(&idle_cpus, cpu_bit(arch_cpu())); /* the full barrier of the picture above */
    return queue_steal();
}

void run_queue_busy(void) { atomic_clear_bits(&idle_cpus, cpu_bit(arch_cpu())); }

/* ---- Evening out ----------------------------------------------------------------------------- */

/* VICTIM has a better thread than OWN runs, or more of the same priority. */
static bool queue_has_more(const struct run_queue *victim, const struct run_queue *own) {
    int top = run_queue_top(victim), level = queue_level(own);
    if (!queue_can_give(victim) || top < level) {
        return false;
    }
    return top > level || atomic_read(&victim->length) > atomic_read(&own->length);
}

static struct run_queue *balance_victim(const struct run_queue *own) {
    struct run_queue *found = NULL;
    for (u32 i = 0; i < cpu_count; i++) {
        struct run_queue *queue = &run_queues[i];
        bool more = queue != own && queue_has_more(queue, own);
        if (more && (!found || run_queue_top(queue) > run_queue_top(found) ||
                     atomic_read(&queue->length) > atomic_read(&found->length))) {
            found = queue;
        }
    }
    return found;
}

/* Take out a thread of VICTIM for OWN: the best one, or of OWN's priority one that has not been
 * moved lately. Null: there is none. Lock of VICTIM held. */
static struct thread *surplus_take(struct run_queue *victim, const struct run_queue *own) {
    u64 now = arch_clock();
    if (!queue_has_more(victim, own)) {
        return NULL;
    }
    int top = run_queue_top(victim);
    LIST_FOR_EACH(link, &victim->ready[top]) {
        struct thread *thread = LIST_ENTRY(link, struct thread, ready);
        if (thread->pinned == 0 && (now >= thread->settled || top > queue_level(own))) {
            run_queue_remove(victim, thread);
            thread->settled = now + STAY_NANOSECONDS;
            return thread;
        }
    }
    return NULL;
}

void run_queue_balance(void) {
    struct run_queue *own = run_queue_own();
    if (cpu_count == 1 || (own->balance_ticks > 0 && --own->balance_ticks > 0)) {
        return;
    }
    struct run_queue *victim = balance_victim(own); /* none: looks again at the next tick */
    if (!victim) {
        return;
    }
    spinlock_acquire(&victim->lock);
    struct thread *thread = surplus_take(victim, own);
    if (!thread) {
        spinlock_release(&victim->lock);
        return;
    }
    thread->slice = SLICE_TICKS;
    thread_pull(victim, thread);
    own->balance_ticks = BALANCE_TICKS;
}
