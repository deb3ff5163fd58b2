/* SPDX-License-Identifier: MIT */
/*
 * What is to be done around fork(). The table stands in slot 1, so a child inherits it.
 */
#include <errno.h>
#include <pthread.h>

#include "user/lib/internal.h"

#define HANDLERS_LIMIT 32u

static struct quartet_mutex lock;
static struct { void (*prepare)(void), (*parent)(void), (*child)(void); } handlers[HANDLERS_LIMIT];
static uint32_t count; /* written with the lock; entries below it do not change */

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    int error = ENOMEM;
    quartet_mutex_lock(&lock);
    if (count < HANDLERS_LIMIT) {
        handlers[count].prepare = prepare;
        handlers[count].parent = parent;
        handlers[count].child = child;
        __atomic_store_n(&count, count + 1, __ATOMIC_RELEASE);
        error = 0;
    }
    quartet_mutex_unlock(&lock);
    return error;
}

/* The lock is held from fork_prepare() until the two others, so all three see the same handlers. */
void fork_prepare(void) {
    quartet_mutex_lock(&lock);
    for (uint32_t i = count; i-- > 0;)
        if (handlers[i].prepare != NULL)
            handlers[i].prepare();
}

void fork_parent(void) {
    for (uint32_t i = 0; i < count; i++)
        if (handlers[i].parent != NULL)
            handlers[i].parent();
    quartet_mutex_unlock(&lock);
}

void fork_child(void) {
    for (uint32_t i = 0; i < count; i++)
        if (handlers[i].child != NULL)
            handlers[i].child();
    quartet_mutex_unlock(&lock);
}
