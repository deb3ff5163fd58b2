/* SPDX-License-Identifier: MIT */
/*
 * Threads: birth, end, and the gate to user mode. A thread is charged to its process's budget
 * while it is in process->threads (LOCK_PROCESS_TABLE), and keeps the process object until
 * thread_free, because a CPU looks at thread->process until it has left the thread's stack.
 * Read next: end.c (what the last thread does), sched/sched.c.
 */
#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/ipc/ipc.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/sched/futex.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/frame.h"

/* At the lowest address of every kernel stack: an overflow that came this far has changed it. */
#define STACK_CANARY ((uword)0x5AFE57ACu)
#define STACK_FRAMES (KERNEL_STACK_SIZE / PAGE_SIZE)

static struct cache thread_cache = CACHE("thread", sizeof(struct thread), _Alignof(struct thread));
static u32 last_tid; /* process_lock */

static void *stack_create(void) {
    frame_t first = frame_allocate_low_run(STACK_FRAMES);
    if (frame_is_none(first)) {
        return NULL;
    }
    void *stack = arch_low_pointer(first);
    *(uword *)stack = STACK_CANARY;
    return stack;
}

/* The memory of a thread, in no process yet. Null: none left. */
static struct thread *thread_allocate(void) {
    struct thread *thread = cache_allocate(&thread_cache);
    if (!thread) {
        return NULL;
    }
    thread->kernel_stack = stack_create();
    if (!thread->kernel_stack) {
        cache_free(&thread_cache, thread);
        return NULL;
    }
    list_init(&thread->queue);
    list_init(&thread->ready);
    list_init(&thread->sleeping);
    list_init(&thread->sibling);
    return thread;
}

static void thread_deallocate(struct thread *thread) {
    ASSERT(*(uword *)thread->kernel_stack == STACK_CANARY,
           "thread %u has overrun its kernel stack at %p", thread->tid, thread->kernel_stack);
    frame_free_low_run(arch_low_frame(thread->kernel_stack), STACK_FRAMES);
    cache_free(&thread_cache, thread);
}

static int thread_attach(struct process *process, struct thread *thread) {
    spinlock_acquire(&process_lock);
    int error = thread_killed() ? E_KILLED : budget_charge(process->budget, BUDGET_THREADS, 1);
    if (error == 0) {
        thread->tid = last_tid = last_tid % INT32_MAX + 1; /* a result of calls: never negative */
        thread->process = process;
        list_append(&process->threads, &thread->sibling);
        process->thread_count++;
        process_reference(process);
    }
    spinlock_release(&process_lock);
    return error;
}

int thread_create(struct process *process, struct thread **result) {
    struct thread *thread = thread_allocate();
    if (!thread) {
        return E_NOMEM;
    }
    const struct thread *creator = thread_current();
    thread->base_priority = creator->process ? creator->base_priority : PRIORITY_DEFAULT;
    thread->priority = thread->base_priority;
    thread->cpu = arch_cpu()->number;
    int error = thread_attach(process, thread);
    if (error) {
        thread_deallocate(thread);
        return error;
    }
    *result = thread;
    return 0;
}

void thread_start(struct thread *thread) { sched_ready(thread); }

bool thread_detach(struct thread *thread) {
    struct process *process = thread->process;
    spinlock_acquire(&process_lock);
    list_remove(&thread->sibling);
    budget_refund(process->budget, BUDGET_THREADS, 1);
    bool last = --process->thread_count == 0;
    process->dying |= last;
    spinlock_release(&process_lock);
    return last;
}

/* Tell whoever waits for the end of the calling thread that its user stack is free: from here on
 * it uses none. A word that cannot be written is the program's loss. */
static void exit_word_clear(u32 address) {
    const u32 ended = 0;
    if (address == 0 || address % sizeof(ended) != 0 ||
        address > (u32)(ARCH_USER_TOP - sizeof(ended))) {
        return;
    }
    if (arch_copy_out(address, &ended, sizeof(ended)) == 0) {
        futex_wake(address, UINT32_MAX);
    }
}

_Noreturn void thread_exit(void) {
    struct thread *thread = thread_current();
    /* First: who waits for the word counts on it that this thread is no longer in the way. */
    thread->last = thread_detach(thread);
    thread->detached = true;
    exit_word_clear(thread->exit_word);
    if (thread->last) {
        process_teardown(thread->process);
        process_announce(thread->process);
    }
    sched_exit();
}

void thread_free(struct thread *thread) {
    struct process *process = thread->process;
    bool last = thread->last;
    ipc_thread_release(thread);
    thread_deallocate(thread);
    process_release(process);
    if (last) {
        spinlock_release(&process_lock); /* see process_announce */
    }
}

/* Interrupts are off: CPU is ours to the end. The mark of the process comes before its threads'. */
bool thread_killed(void) {
    struct cpu *cpu = arch_cpu();
    struct thread *thread = cpu->current;
    if (thread->killed || (thread->process && thread->process->dying)) {
        __atomic_store_n(&cpu->attention, 1, __ATOMIC_RELAXED);
        return true;
    }
    return false;
}

u32 thread_count(void) { return atomic_read(&thread_cache.objects); }

void kernel_return_to_user(void) {
    struct cpu *cpu = arch_cpu();
    ASSERT(cpu->lock_count == 0,
           "thread %u returns to user mode with %u locks held, the last of them %s",
           cpu->current->tid, cpu->lock_count, cpu->locks[cpu->lock_count - 1]->name);
    while (cpu->attention) {
        /* First: whoever sets it from now on makes us look again. */
        __atomic_store_n(&cpu->attention, 0, __ATOMIC_SEQ_CST);
        if (thread_killed()) {
            thread_exit();
        }
        sched_reschedule();
        cpu = arch_cpu(); /* it may be another one that has come back to this thread */
    }
}
