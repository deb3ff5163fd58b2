/* SPDX-License-Identifier: MIT */
/*
 * Cleanup handlers: a list through the callers' stack frames, which pthread_cleanup_push() makes.
 * There is no cancellation, so they run at pthread_exit() and where the program pops them.
 */
#include <pthread.h>

#include "user/lib/internal.h"
#include "user/lib/pthread/parts.h"

void _pthread_cleanup_push(struct _pthread_cleanup_context *context, void (*routine)(void *),
                           void *argument) {
    struct quartet_thread *self = thread_self();
    *context = (struct _pthread_cleanup_context){
        ._routine = routine, ._arg = argument, ._previous = self->cleanup};
    self->cleanup = context;
}

void _pthread_cleanup_pop(struct _pthread_cleanup_context *context, int execute) {
    thread_self()->cleanup = context->_previous;
    if (execute)
        context->_routine(context->_arg);
}

void cleanup_run_all(struct quartet_thread *self) {
    while (self->cleanup != NULL)
        _pthread_cleanup_pop(self->cleanup, 1);
}
