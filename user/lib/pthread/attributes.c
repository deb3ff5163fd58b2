/* SPDX-License-Identifier: MIT */
/*
 * Attribute objects of threads. Those of locks stand beside the locks. Below every stack that the
 * library makes there is one page that is not mapped; a larger guard is remembered, and not made.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "user/lib/internal.h"

int pthread_attr_init(pthread_attr_t *attributes) {
    *attributes = (pthread_attr_t){.stacksize = QUARTET_THREAD_STACK_SIZE, .guardsize = PAGE_SIZE};
    return 0;
}

int pthread_attr_destroy(pthread_attr_t *attributes) {
    attributes->detachstate = -1;
    return 0;
}

int pthread_attr_setdetachstate(pthread_attr_t *attributes, int state) {
    if (state != PTHREAD_CREATE_JOINABLE && state != PTHREAD_CREATE_DETACHED)
        return EINVAL;
    attributes->detachstate = state;
    return 0;
}

int pthread_attr_getdetachstate(const pthread_attr_t *attributes, int *state) {
    *state = attributes->detachstate;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size) {
    if (size < PTHREAD_STACK_MIN || size > QUARTER_SIZE / 2)
        return EINVAL;
    attributes->stacksize = size;
    return 0;
}

int pthread_attr_getstacksize(const pthread_attr_t *attributes, size_t *size) {
    *size = attributes->stacksize;
    return 0;
}

int pthread_attr_setstack(pthread_attr_t *attributes, void *lowest, size_t size) {
    if (lowest == NULL || size < PTHREAD_STACK_MIN || size > QUARTER_SIZE / 2)
        return EINVAL;
    attributes->stackaddr = lowest;
    attributes->stacksize = size;
    return 0;
}

int pthread_attr_getstack(const pthread_attr_t *attributes, void **lowest, size_t *size) {
    *lowest = attributes->stackaddr;
    *size = attributes->stacksize;
    return 0;
}

int pthread_attr_setguardsize(pthread_attr_t *attributes, size_t size) {
    attributes->guardsize = size;
    return 0;
}

int pthread_attr_getguardsize(const pthread_attr_t *attributes, size_t *size) {
    *size = attributes->guardsize;
    return 0;
}

/* There is one policy, and a new thread has its maker's priority: see thread_priority(). */
int pthread_attr_setschedparam(pthread_attr_t *attributes, const struct sched_param *parameters) {
    if (parameters->sched_priority != 0)
        return ENOTSUP;
    attributes->schedparam = *parameters;
    return 0;
}

int pthread_attr_getschedparam(const pthread_attr_t *attributes, struct sched_param *parameters) {
    *parameters = attributes->schedparam;
    return 0;
}
