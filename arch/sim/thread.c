/* SPDX-License-Identifier: MIT */
/*
 * Kernel threads on simulated CPUs, for tests in which the real scheduler runs. A thread is a
 * coroutine on a host stack, which belongs to its kernel stack's frames: whoever gets these next
 * gets the stack too. So nothing need be told of its end.
 *
 *     a CPU's own context (its idle thread) ──arch_thread_switch──> a thread ──> another ──> ...
 *           │ sim_point: another CPU goes on, wherever it is
 *
 * "User mode" is sim_knobs.program: a function of the test that makes system calls, and must end in
 * one that ends the thread.
 */
#include "arch/sim/context.h"
#include "arch/sim/sim.h"
#include "kernel/base/interleave.h"
#include "kernel/base/spinlock.h"
#include "kernel/process/process.h"

#define STACKS (0x10000u * PAGE_SIZE / KERNEL_STACK_SIZE)

static struct context contexts[STACKS];

/* An idle thread has no kernel stack that we know of: it goes on where its CPU began. */
static struct context *context_of(const struct thread *thread) {
    if (thread == arch_cpu()->idle) {
        return sim_context_of_cpu();
    }
    u32 number = arch_low_frame(thread->kernel_stack).number * PAGE_SIZE / KERNEL_STACK_SIZE;
    if (number >= STACKS) {
        sim_fail("sim: a kernel stack at %p, where none is", thread->kernel_stack);
    }
    return &contexts[number];
}

static void thread_main(void) {
    const struct arch_thread *arch = &thread_current()->arch;
    context_begun(sim_context(), sim_context_of_host());
    kernel_thread_arrived();
    sim_knobs.program(arch->entry, arch->sp, arch->argument);
    sim_fail("sim: a thread's program has returned");
}

void arch_thread_start_user(struct thread *thread, u32 entry, u32 sp, u32 arg) {
    thread->arch = (struct arch_thread){.entry = entry, .sp = sp, .argument = arg};
    context_create(context_of(thread), thread_main);
}

void arch_thread_start_clone(struct thread *thread, struct thread *parent) {
    sim_fail("sim: thread %u cannot go on where thread %u is", thread->tid, parent->tid);
}

void arch_thread_redirect(u32 entry, u32 sp, u32 arg) {
    sim_fail("sim: no thread can be sent to %#x (%#x, %u)", entry, sp, arg);
}

void arch_thread_switch(struct thread *previous, struct thread *next) {
    struct context *from = sim_context(), *to = context_of(next);
    if (from != context_of(previous)) {
        sim_fail("sim: thread %u is switched away from, and does not run", previous->tid);
    }
    sim_context_set(to);
    context_switch(from, to, previous->state == THREAD_DEAD);
}

void arch_thread_switch_user(struct arch_thread *previous, struct arch_thread *next, void *stack) {
    (void)stack;
    arch_thread_switch(CONTAINER_OF(previous, struct thread, arch),
                       CONTAINER_OF(next, struct thread, arch));
}

long arch_thread_park(struct arch_thread *previous, void *previous_stack, struct arch_thread *next,
                      void *next_stack) {
    (void)previous_stack;
    previous->parked = true;
    previous->release = NULL;
    arch_thread_switch_user(previous, next, next_stack);
    previous->parked = false;
    if (previous->release == NULL) {
        return kernel_thread_resumed();
    }
    INTERLEAVE_LOCKED();
    __atomic_store_n(&previous->release->locked, 0, __ATOMIC_RELEASE);
    INTERLEAVE_RELEASED(previous->release);
    return previous->result;
}

long arch_thread_park_resume(struct arch_thread *previous, void *previous_stack,
                             struct arch_thread *next, void *next_stack, struct spinlock *lock,
                             long result) {
    next->release = lock;
    next->result = result;
    return arch_thread_park(previous, previous_stack, next, next_stack);
}

void arch_thread_set_pointer(struct thread *thread, u32 base) { thread->arch.pointer = base; }
u32 arch_thread_pointer(const struct thread *thread) { return thread->arch.pointer; }
