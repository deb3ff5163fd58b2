/* SPDX-License-Identifier: MIT */
/*
 * Clones that run on in C. The linker sends every call of process_clone() through here (--wrap, see
 * tools/make/user.mk), because a clone that has a copy of its parent's thread record must not
 * believe the thread ID in it, nor share with the parent what only this record guards.
 */
#include <errno.h>
#include <unistd.h>

#include "internal.h"

extern long __real_process_clone(uint32_t plan, uintptr_t entry, uintptr_t sp, uintptr_t argument);
long __wrap_process_clone(uint32_t plan, uintptr_t entry, uintptr_t sp, uintptr_t argument);

extern void quartet_clone_entry(void);

long __wrap_process_clone(uint32_t plan, uintptr_t entry, uintptr_t sp, uintptr_t argument) {
    long result = __real_process_clone(plan, entry, sp, argument);
    if (result == 0)
        thread_become_first();
    return result;
}

/* A clone whose stack is in a slot 3 that others run in too. It ends with _exit: the C library's
 * buffers and exit handlers are its parent's. */
_Noreturn void quartet_clone_main(struct quartet_thread *thread) {
    thread_tls((uintptr_t)thread);
    thread_become_first();
    _exit(thread->function(thread->argument));
}

static long clone_on_new_stack(uint32_t plan, int (*function)(void *), void *argument) {
    struct quartet_thread *thread = thread_stack_make(QUARTET_THREAD_STACK_SIZE);
    if (thread == NULL)
        return -E_NOMEM;
    thread->function = function;
    thread->argument = argument;

    uintptr_t top = (uintptr_t)thread->stack + thread->stack_length - thread_record_size();
    long child = process_clone(plan, (uintptr_t)quartet_clone_entry, top, (uintptr_t)thread);
    if (child < 0)
        quartet_unmap(thread->stack, thread->stack_length);
    return child; /* the stack stays: nobody here knows when the child has left it */
}

long quartet_clone(uint32_t plan, int (*function)(void *), void *argument) {
    if (PLAN_FOR_SLOT(plan, SLOT_TEXT) > PLAN_COPY || PLAN_FOR_SLOT(plan, SLOT_DATA) > PLAN_COPY ||
        PLAN_FOR_SLOT(plan, SLOT_STACK) > PLAN_COPY)
        return -E_INVALID;
    if (PLAN_FOR_SLOT(plan, SLOT_STACK) == PLAN_SHARE)
        return clone_on_new_stack(plan, function, argument);

    long child = process_clone(plan, 0, 0, 0);
    if (child == 0)
        _exit(function(argument));
    return child;
}
