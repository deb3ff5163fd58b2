/* SPDX-License-Identifier: MIT */
/*
 * POSIX threads: a pthread_t is the record of user/lib/thread.c, and all of them are threads of the
 * same kind as quartet_thread_start() makes.
 *
 *     joinable ──pthread_detach──► detached ──ends──► in the list `unjoined` of the process
 *         └──────ends──────► ended, kept for pthread_join or pthread_detach
 *
 * A thread cannot unmap the stack on which it runs, so stacks of detached threads are given back by
 * whoever makes, joins or detaches a thread later. Cancellation is not provided.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "user/lib/internal.h"
#include "user/lib/pthread/parts.h"

#define ENDED_FIRST 2u /* in `detached`: it ended while it could still be joined */

/* ---- Stacks that nobody waits for ------------------------------------------------------------ */

static void unjoined_add(struct quartet_thread *thread) {
    struct quartet_thread **list = &thread->first->unjoined;
    thread->next = __atomic_load_n(list, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(list, &thread->next, thread, false, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}

static void stack_free(struct quartet_thread *thread) {
    if (thread->stack != NULL)
        quartet_unmap(thread->stack, thread->stack_length);
}

/* Free the stacks that have been left; put the others back. */
static void unjoined_reap(void) {
    struct quartet_thread **list = &thread_self()->first->unjoined;
    struct quartet_thread *thread = __atomic_exchange_n(list, NULL, __ATOMIC_ACQUIRE), *next;
    for (; thread != NULL; thread = next) {
        next = thread->next;
        if (__atomic_load_n(&thread->alive, __ATOMIC_ACQUIRE) != 0)
            unjoined_add(thread);
        else
            stack_free(thread);
    }
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

/* What a thread does that ends, on its own stack. The mark comes last: then a stack in the list, or
 * a thread that is being joined, only has to be waited for. */
static _Noreturn void thread_finish(struct quartet_thread *self, void *value) {
    uint32_t joinable = PTHREAD_CREATE_JOINABLE;
    cleanup_run_all(self);
    values_destroy(self);
    self->value = value;
    if (!__atomic_compare_exchange_n(&self->detached, &joinable, ENDED_FIRST, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        unjoined_add(self);
    thread_end();
}

static int thread_run(void *argument) {
    struct quartet_thread *self = thread_self();
    thread_finish(self, self->start(argument));
}

/* A record on the stack that ATTRIBUTES ask for; null: no memory. */
static struct quartet_thread *record_make(const pthread_attr_t *attributes) {
    size_t length = QUARTET_THREAD_STACK_SIZE;
    if (attributes != NULL && attributes->stacksize != 0)
        length = (attributes->stacksize + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
    if (attributes == NULL || attributes->stackaddr == NULL)
        return thread_stack_make(length + ((thread_record_size() + PAGE_SIZE - 1) & -PAGE_SIZE));
    uintptr_t end = (uintptr_t)attributes->stackaddr + attributes->stacksize;
    return thread_record_make((void *)((end - thread_record_size()) & ~(uintptr_t)63));
}

int pthread_create(pthread_t *result, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument) {
    unjoined_reap();
    struct quartet_thread *thread = record_make(attributes);
    if (thread == NULL)
        return EAGAIN;
    thread->start = start;
    thread->argument = argument;
    thread->detached = attributes != NULL ? (uint32_t)attributes->detachstate : 0;
    *result = thread; /* before it runs: it may look there */
    if (thread_launch(thread, thread_run, argument) < 0) {
        stack_free(thread);
        return EAGAIN;
    }
    return 0;
}

void pthread_exit(void *value) { thread_finish(thread_self(), value); }

/* Wait until the thread is off its stack. */
static void thread_await(pthread_t thread) {
    uint32_t alive;
    while ((alive = __atomic_load_n(&thread->alive, __ATOMIC_ACQUIRE)) != 0)
        deadline_wait(&thread->alive, alive, DEADLINE_NEVER);
}

int pthread_join(pthread_t thread, void **value) {
    if (thread == thread_self())
        return EDEADLK;
    if (__atomic_load_n(&thread->detached, __ATOMIC_ACQUIRE) == PTHREAD_CREATE_DETACHED)
        return EINVAL;
    thread_await(thread);
    if (value != NULL)
        *value = thread->value;
    stack_free(thread);
    unjoined_reap();
    return 0;
}

int pthread_detach(pthread_t thread) {
    uint32_t joinable = PTHREAD_CREATE_JOINABLE;
    if (!__atomic_compare_exchange_n(&thread->detached, &joinable, PTHREAD_CREATE_DETACHED, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        if (joinable == PTHREAD_CREATE_DETACHED)
            return EINVAL;
        thread_await(thread);
        stack_free(thread);
    }
    unjoined_reap();
    return 0;
}

/* ---- Who one is ------------------------------------------------------------------------------ */

pthread_t pthread_self(void) { return thread_self(); }

int pthread_equal(pthread_t one, pthread_t other) { return one == other; }

/* As many run at once as there are processors: the hint is remembered, and changes nothing. */
static int concurrency;

int pthread_setconcurrency(int level) {
    if (level < 0)
        return EINVAL;
    concurrency = level;
    return 0;
}

int pthread_getconcurrency(void) { return concurrency; }

void pthread_yield(void) { sched_yield(); }

/* ---- Once ------------------------------------------------------------------------------------ */

enum { ONCE_NEVER, ONCE_RUNNING, ONCE_DONE };

int pthread_once(pthread_once_t *once, void (*routine)(void)) {
    uint32_t state = ONCE_NEVER;
    if (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) == ONCE_DONE)
        return 0;
    if (__atomic_compare_exchange_n(&once->state, &state, ONCE_RUNNING, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_ACQUIRE)) {
        routine();
        __atomic_store_n(&once->state, ONCE_DONE, __ATOMIC_RELEASE);
        futex_wake((uintptr_t)&once->state, UINT32_MAX);
        return 0;
    }
    while (__atomic_load_n(&once->state, __ATOMIC_ACQUIRE) == ONCE_RUNNING)
        deadline_wait(&once->state, ONCE_RUNNING, DEADLINE_NEVER);
    return 0;
}
