/* SPDX-License-Identifier: MIT */
/*
 * Threads of one process, and the record that each thread has at its thread pointer.
 *
 *     a thread's stack in slot 3:
 *     │ guard page (unmapped) │ stack, downwards  ◄─│ thread-local variables │ struct quartet_thread │
 *                                                                            └ thread pointer
 * A thread ends by thread_exit(&alive): the kernel clears the word only when it has left the stack,
 * so the joiner may unmap it. Nothing here is locked: a record belongs to its thread, then to its
 * joiner.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* From user.ld; their addresses are the values. */
extern const char __tls_image[], __tls_image_size[], __tls_size[], __tls_align[];

extern void quartet_thread_entry(void);

static size_t tls_size(void) {
    size_t align = (size_t)__tls_align != 0 ? (size_t)__tls_align : 1;
    return ((size_t)__tls_size + align - 1) / align * align;
}

size_t thread_record_size(void) {
    return (tls_size() + 63 + sizeof(struct quartet_thread) + 63) & ~(size_t)63;
}

struct quartet_thread *thread_record_make(void *memory) {
    size_t below = (tls_size() + 63) & ~(size_t)63;
    struct quartet_thread *thread = (struct quartet_thread *)((char *)memory + below);
    char *variables = (char *)thread - tls_size();

    memset(memory, 0, thread_record_size());
    memcpy(variables, __tls_image, (size_t)__tls_image_size);
    thread->self = thread;
    _REENT_INIT_PTR(&thread->reent);
    return thread;
}

struct quartet_thread *thread_stack_make(size_t length) {
    char *stack = quartet_map(SLOT_STACK, length);
    if (stack == NULL)
        return NULL;
    struct quartet_thread *thread = thread_record_make(stack + length - thread_record_size());
    thread->stack = stack;
    thread->stack_length = length;
    return thread;
}

void thread_become_first(void) {
    struct quartet_thread *self = thread_self();
    self->id = 0;
    self->first = self;
    self->running = 1;
    self->unjoined = NULL;
    /* The rest of what newlib keeps for a thread stands in the record itself. */
    self->reent._result = self->reent._p5s = NULL;
    self->reent._freelist = NULL;
    self->reent._cvtbuf = NULL;
    self->reent._cvtlen = 0;
}

_Noreturn void thread_end(void) {
    struct quartet_thread *self = thread_self();
    if (__atomic_sub_fetch(&self->first->running, 1, __ATOMIC_ACQ_REL) == 0)
        exit(0);
    _reclaim_reent(&self->reent);
    for (;;)
        thread_exit((uintptr_t)&self->alive);
}

/* First C function of a thread, on its own stack. */
_Noreturn void quartet_thread_main(struct quartet_thread *thread) {
    thread->result = thread->function(thread->argument);
    thread_end();
}

long thread_launch(struct quartet_thread *thread, int (*function)(void *), void *argument) {
    thread->function = function;
    thread->argument = argument;
    thread->alive = 1;
    thread->first = thread_self()->first;
    uint32_t *running = &thread->first->running; /* THREAD may be gone when it has been started */
    __atomic_add_fetch(running, 1, __ATOMIC_RELAXED);

    uintptr_t top = ((uintptr_t)thread + sizeof(*thread) - thread_record_size()) & ~(uintptr_t)63;
    long id =
        thread_create((uintptr_t)quartet_thread_entry, top, (uintptr_t)thread, (uintptr_t)thread);
    if (id < 0)
        __atomic_sub_fetch(running, 1, __ATOMIC_RELAXED);
    return id;
}

struct quartet_thread *quartet_thread_start(int (*function)(void *), void *argument) {
    struct quartet_thread *thread = thread_stack_make(QUARTET_THREAD_STACK_SIZE);
    if (thread == NULL)
        return NULL;
    long id = thread_launch(thread, function, argument);
    if (id < 0) {
        quartet_unmap(thread->stack, thread->stack_length);
        errno = quartet_errno(id);
        return NULL;
    }
    return thread; /* its ID it finds itself: it may be gone by now */
}

void quartet_thread_join(struct quartet_thread *thread, int *result) {
    uint32_t alive;
    while ((alive = __atomic_load_n(&thread->alive, __ATOMIC_ACQUIRE)) != 0)
        futex_wait((uintptr_t)&thread->alive, alive, FUTEX_FOREVER);
    if (result != NULL)
        *result = thread->result;
    quartet_unmap(thread->stack, thread->stack_length);
}

uint32_t quartet_thread_self(void) {
    struct quartet_thread *self = thread_self();
    if (self->id == 0)
        self->id = (uint32_t)thread_id();
    return self->id;
}
