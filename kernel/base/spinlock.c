/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks: what acquire and release (spinlock.h) do out of line, and in debug builds the check of
 * the order that spinlock.h states. A CPU spins with interrupts off, so it serves in spinlock_wait what
 * other CPUs ask of it meanwhile (request.h).
 */
#include "kernel/base/spinlock.h"

#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/base/panic.h"
#include "kernel/base/request.h"

void spinlock_init(struct spinlock *lock, enum lock_class class, u64 order, const char *name) {
    *lock = (struct spinlock){.class = class, .order = order, .name = name};
}

/* True if ACQUIRED may be taken while HELD is held. */
static bool order_allows(const struct spinlock *held, const struct spinlock *acquired) {
    if (held->class != acquired->class) {
        return held->class < acquired->class;
    }
    return held->class == LOCK_QUARTER && held->order < acquired->order;
}

/* Panic, with both acquisitions, if a lock that this CPU holds had to be acquired after LOCK. */
static void order_check(const struct cpu *cpu, const struct spinlock *lock, uword place) {
    for (u32 i = 0; i < cpu->lock_count; i++) {
        const struct spinlock *held = cpu->locks[i];
        ASSERT(order_allows(held, lock),
               "lock order: %s (class %u, order %llu) is acquired at %p while %s (class %u, order "
               "%llu), acquired at %p, is held",
               lock->name, lock->class, (unsigned long long)lock->order, (void *)place, held->name,
               held->class, (unsigned long long)held->order, (void *)cpu->lock_places[i]);
    }
}

void spinlock_check(const struct cpu *cpu, const struct spinlock *lock, uword place) {
    ASSERT(!arch_interrupts_enabled(), "lock %s is acquired with interrupts on", lock->name);
    ASSERT(!spinlock_held(lock), "lock %s is acquired twice by CPU %u", lock->name, cpu->number);
    ASSERT(cpu->lock_count < LOCKS_HELD_LIMIT, "lock %s would be number %u that CPU %u holds",
           lock->name, cpu->lock_count + 1, cpu->number);
    order_check(cpu, lock, place);
}

/* LOCK is held by another CPU: wait for it and take it. What others ask of this CPU meanwhile is
 * done, for the one that holds LOCK may be waiting for that (hazards 11, 12). */
void spinlock_wait(struct spinlock *lock) {
    arch_cpu()->lock_waits++;
    arch_cpu()->waits_for = lock;
    do {
        while (__atomic_load_n(&lock->locked, __ATOMIC_RELAXED) != 0) {
            requests_serve();
            arch_relax();
        }
        INTERLEAVE_LOCKED();
    } while (spinlock_taken(lock));
    arch_cpu()->waits_for = NULL;
}

/* Locks need not be released in the opposite order: close the gap that LOCK leaves in the list. */
void spinlock_forget(struct cpu *cpu, const struct spinlock *lock) {
    u32 index = cpu->lock_count;
    while (index > 0 && cpu->locks[index - 1] != lock) {
        index--;
    }
    ASSERT(index > 0, "lock %s is released by CPU %u, which does not hold it", lock->name,
           cpu->number);
    cpu->lock_count--;
    for (; index <= cpu->lock_count; index++) {
        cpu->locks[index - 1] = cpu->locks[index];
        cpu->lock_places[index - 1] = cpu->lock_places[index];
    }
}

bool spinlock_held(const struct spinlock *lock) {
    const struct cpu *cpu = arch_cpu();
    for (u32 i = 0; i < cpu->lock_count; i++) {
        if (cpu->locks[i] == lock) {
            return true;
        }
    }
    return false;
}
