/* SPDX-License-Identifier: MIT */
/*
 * The locks inside newlib, on our mutex. They guard the heap, stdio and the like, which live in
 * slot 1: so do they, and processes that share slot 1 exclude each other. An owner is named by its
 * thread ID, which is unique on the machine; the address of its record would not be (two processes
 * with slot 1 shared and slot 3 copied have theirs at the same address).
 */
#include <stdlib.h>
#include <sys/lock.h>

#include "internal.h"

struct __lock {
    struct quartet_mutex mutex;
    uint32_t owner; /* written by the owner only: others read a value that is not theirs */
    uint32_t depth; /* owner only */
};

/* The names are newlib's: it refers to these variables. */
struct __lock __lock___sinit_recursive_mutex, __lock___sfp_recursive_mutex,
    __lock___atexit_recursive_mutex, __lock___at_quick_exit_mutex, __lock___malloc_recursive_mutex,
    __lock___env_recursive_mutex, __lock___tz_mutex, __lock___dd_hash_mutex,
    __lock___arc4random_mutex;

/* Without memory there is no lock, and the object goes unguarded: newlib has no way to be told. */
void __retarget_lock_init(_LOCK_T *lock) { *lock = calloc(1, sizeof(struct __lock)); }

void __retarget_lock_init_recursive(_LOCK_T *lock) { __retarget_lock_init(lock); }

void __retarget_lock_close(_LOCK_T lock) { free(lock); }

void __retarget_lock_close_recursive(_LOCK_T lock) { free(lock); }

void __retarget_lock_acquire(_LOCK_T lock) {
    if (lock != NULL)
        quartet_mutex_lock(&lock->mutex);
}

void __retarget_lock_release(_LOCK_T lock) {
    if (lock != NULL)
        quartet_mutex_unlock(&lock->mutex);
}

int __retarget_lock_try_acquire(_LOCK_T lock) {
    return lock == NULL || quartet_mutex_try(&lock->mutex);
}

static int lock_enter_again(_LOCK_T lock, uint32_t self) {
    if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != self)
        return 0;
    lock->depth++;
    return 1;
}

static void lock_own(_LOCK_T lock, uint32_t self) {
    __atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
    lock->depth = 1;
}

void __retarget_lock_acquire_recursive(_LOCK_T lock) {
    uint32_t self = quartet_thread_self();
    if (lock == NULL || lock_enter_again(lock, self))
        return;
    quartet_mutex_lock(&lock->mutex);
    lock_own(lock, self);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock) {
    uint32_t self = quartet_thread_self();
    if (lock == NULL || lock_enter_again(lock, self))
        return 1;
    if (!quartet_mutex_try(&lock->mutex))
        return 0;
    lock_own(lock, self);
    return 1;
}

void __retarget_lock_release_recursive(_LOCK_T lock) {
    if (lock == NULL || --lock->depth > 0)
        return;
    __atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
    quartet_mutex_unlock(&lock->mutex);
}

/* In the order in which newlib takes them: streams, then the environment, then the heap. */
void libc_locks_hold(void) {
    __retarget_lock_acquire_recursive(&__lock___sfp_recursive_mutex);
    __retarget_lock_acquire_recursive(&__lock___env_recursive_mutex);
    __retarget_lock_acquire_recursive(&__lock___malloc_recursive_mutex);
}

void libc_locks_let_go(void) {
    __retarget_lock_release_recursive(&__lock___malloc_recursive_mutex);
    __retarget_lock_release_recursive(&__lock___env_recursive_mutex);
    __retarget_lock_release_recursive(&__lock___sfp_recursive_mutex);
}
