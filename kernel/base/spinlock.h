/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks, and the one place that states the lock order: a CPU acquires locks only in ascending
 * class and, within LOCK_QUARTER, in ascending sub-ID. Debug builds (make DEBUG=1) check it.
 * Interrupts are off while a lock is held. The CPU's list of held locks is what a panic prints.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/base/types.h"

enum lock_class {
    LOCK_PROCESS_TABLE = 1, /* the list of processes, parent and child links */
    LOCK_HANDLES,           /* one process's handle table */
    LOCK_SPACES,            /* the table of unique spaces */
    LOCK_QUARTER,           /* one quarter: directory, tables it owns, regions */
    LOCK_ENDPOINT,          /* one endpoint: its queues */
    LOCK_FUTEX,             /* one bucket of the futex table */
    LOCK_INTERRUPTS,        /* interrupt lines and their controllers */
    LOCK_TIMERS,            /* the heap of running timers */
    LOCK_NOTIFICATION,      /* one notification: its bits and waiters */
    LOCK_RUN_QUEUE,         /* run queues, sleepers, thread states */
    LOCK_CACHE,             /* one object cache */
    LOCK_FRAMES,            /* the frame allocator */
    LOCK_CONSOLE,           /* output lines: leaf */
};

struct spinlock {
    u32 locked; /* first: arch_thread_park clears it */
    u16 class;  /* enum lock_class */
    u64 order;  /* within the class: the sub-ID of a quarter, else 0 */
    const char *name;
};

#define SPINLOCK(class_, name_) \
    { .class = (class_), .name = (name_) }

void spinlock_init(struct spinlock *lock, enum lock_class class, u64 order, const char *name);
bool spinlock_held(const struct spinlock *lock); /* by this CPU */

/* The parts that are out of line (spinlock.c). */
void spinlock_wait(struct spinlock *lock); /* until it is free; take it then */
void spinlock_check(const struct cpu *cpu, const struct spinlock *lock, uword place);
void spinlock_forget(struct cpu *cpu, const struct spinlock *lock); /* not the last one acquired */

/* Take LOCK, or find that it is taken: a LOCK BTS, which leaves the answer in the carry flag. */
static inline __attribute__((always_inline)) bool spinlock_taken(struct spinlock *lock) {
    return (__atomic_fetch_or(&lock->locked, 1, __ATOMIC_ACQUIRE) & 1) != 0;
}

/* The word of the lock alone. */
static inline __attribute__((always_inline)) void spinlock_take(struct spinlock *lock) {
    INTERLEAVE_LOCKED();
    if (UNLIKELY(spinlock_taken(lock))) {
        spinlock_wait(lock);
    }
    INTERLEAVE_ACQUIRED(lock);
}
static inline __attribute__((always_inline)) void spinlock_clear(struct spinlock *lock) {
    INTERLEAVE_LOCKED(); /* what was stored before is seen before */
    __atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
    INTERLEAVE_RELEASED(lock);
}

/* In line, because most locks are free, and a call would cost more than the lock. */
static inline __attribute__((always_inline)) void spinlock_acquire(struct spinlock *lock) {
    uword place = ARCH_CODE_ADDRESS();
#ifdef DEBUG
    spinlock_check(arch_cpu(), lock, place);
#endif
    spinlock_take(lock);
    struct cpu *cpu = arch_cpu();
    u32 count = cpu->lock_count;
    cpu->locks[count] = lock;
    cpu->lock_places[count] = place;
    cpu->lock_count = count + 1;
}

static inline __attribute__((always_inline)) void spinlock_release(struct spinlock *lock) {
    struct cpu *cpu = arch_cpu();
    u32 last = cpu->lock_count - 1;
    if (last < LOCKS_HELD_LIMIT && cpu->locks[last] == lock) {
        cpu->lock_count = last;
    } else {
        spinlock_forget(cpu, lock);
    }
    spinlock_clear(lock);
}

/* Brief ones: for a few lines that can neither wait nor fail an assertion, as in the fast path of a
 * message. The lock is the same, but does not enter the CPU's list; in debug builds it does. */
static inline __attribute__((always_inline)) void spinlock_acquire_brief(struct spinlock *lock) {
#ifdef DEBUG
    spinlock_acquire(lock);
#else
    spinlock_take(lock);
#endif
}

static inline __attribute__((always_inline)) void spinlock_release_brief(struct spinlock *lock) {
#ifdef DEBUG
    spinlock_release(lock);
#else
    spinlock_clear(lock);
#endif
}

/* LOCK, acquired briefly, is held as any other from now on. */
static inline __attribute__((always_inline)) void spinlock_enlist(struct spinlock *lock) {
#ifndef DEBUG
    struct cpu *cpu = arch_cpu();
    cpu->locks[cpu->lock_count] = lock;
    cpu->lock_places[cpu->lock_count++] = ARCH_CODE_ADDRESS();
#else
    (void)lock;
#endif
}

/* LOCK, acquired briefly, is about to be released by arch_thread_park, which clears its word. */
static inline __attribute__((always_inline)) void spinlock_delist(struct spinlock *lock) {
#ifdef DEBUG
    spinlock_forget(arch_cpu(), lock);
#else
    (void)lock;
#endif
}

/* Release LOCK, acquired just before OTHER, which was acquired last and stays held. */
static inline __attribute__((always_inline)) void spinlock_release_below(struct spinlock *lock,
                                                                         struct spinlock *other) {
    struct cpu *cpu = arch_cpu();
    u32 last = cpu->lock_count - 1;
    cpu->locks[last - 1] = other;
    cpu->lock_places[last - 1] = cpu->lock_places[last];
    cpu->lock_count = last;
    spinlock_clear(lock);
}

#endif
