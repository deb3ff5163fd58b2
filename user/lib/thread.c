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

struct quartet_thread *thread_stack_make(void) {
    char *stack = quartet_map(SLOT_STACK, QUARTET_THREAD_STACK_SIZE);
    if (stack == NULL)
        return NULL;
    char *memory = stack + QUARTET_THREAD_STACK_SIZE - thread_record_size();
    struct quartet_thread *thread = thread_record_make(memory);
    thread->stack = stack;
    thread->stack_length = QUARTET_THREAD_STACK_SIZE;
    return thread;
}

/* First C function of a thread, on its own stack. */
_Noreturn void quartet_thread_main(struct quartet_thread *thread) {
    thread->result = thread->function(thread->argument);
    _reclaim_reent(&thread->reent);
    for (;;)
        thread_exit((uintptr_t)&thread->alive);
}

struct quartet_thread *quartet_thread_start(int (*function)(void *), void *argument) {
    struct quartet_thread *thread = thread_stack_make();
    if (thread == NULL)
        return NULL;
    thread->function = function;
    thread->argument = argument;
    thread->alive = 1;

    uintptr_t top = (uintptr_t)thread->stack + thread->stack_length - thread_record_size();
    long id =
        thread_create((uintptr_t)quartet_thread_entry, top, (uintptr_t)thread, (uintptr_t)thread);
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
