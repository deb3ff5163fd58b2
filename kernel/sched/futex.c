/* SPDX-License-Identifier: MIT */
/*
 * Futexes. A hash table of buckets; each has a lock (LOCK_FUTEX), the list of sleepers whose
 * keys fall into it, and a sequence: the number of wakes that have passed through it.
 *
 * The check of the word and the falling asleep must be one step for a waker, but the word is
 * user memory: loading it may fault, and no lock may be held then. So the order is: read the
 * sequence, load the word, take the lock, and start over if the sequence has moved. That loses
 * no wake-up. A waker changes the word first and then calls futex_wake. If the change comes
 * before our load, we see the new value and do not sleep. If it comes after, so does the wake:
 * either before we have the lock, then the sequence has moved and we load again; or after, then
 * it finds us in the list.
 */
#include "kernel/sched/futex.h"

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/space.h"

#define BUCKETS 64u

static struct bucket {
    struct spinlock lock;
    /* lock: */
    struct list waiters; /* of thread->queue */
    u32 sequence;        /* wakes; read without the lock too */
} buckets[BUCKETS];

struct key {
    u64 sub_id;
    u32 offset;
};

void futex_initialise(void) {
    for (u32 i = 0; i < BUCKETS; i++) {
        spinlock_init(&buckets[i].lock, LOCK_FUTEX, 0, "futex bucket");
        list_init(&buckets[i].waiters);
    }
}

/* What ADDRESS means in the space that runs now. */
static int key_make(u32 address, struct key *key) {
    if (address % sizeof(u32) != 0) {
        return E_ALIGN;
    }
    const struct space *space = arch_cpu()->loaded;
    struct quarter *quarter = space ? space->slot[SLOT_OF(address)].quarter : NULL;
    if (!quarter || address > (u32)(ARCH_USER_TOP - sizeof(u32))) {
        return E_FAULT;
    }
    *key = (struct key){.sub_id = quarter->sub_id, .offset = SLOT_OFFSET(address)};
    return 0;
}

static struct bucket *bucket_of(const struct key *key) {
    return &buckets[((u32)key->sub_id * 31u + (key->offset >> 2) + (key->offset >> 12)) % BUCKETS];
}

int futex_wait(u32 address, u32 expected, u64 deadline) {
    struct key key;
    int error = key_make(address, &key);
    if (error) {
        return error;
    }
    struct bucket *bucket = bucket_of(&key);
    struct thread *thread = thread_current();
    while (!thread_killed()) {
        u32 sequence = atomic_read(&bucket->sequence);
        u32 value;
        if (arch_copy_in(&value, address, sizeof(value)) != 0) {
            return E_FAULT;
        }
        if (value != expected) {
            return E_AGAIN;
        }
        spinlock_acquire(&bucket->lock);
        if (bucket->sequence == sequence) {
            thread->futex_sub_id = key.sub_id;
            thread->futex_offset = key.offset;
            return sched_wait(&bucket->waiters, &bucket->lock, deadline, true);
        }
        spinlock_release(&bucket->lock);
        sched_preemption_point();
    }
    return E_KILLED;
}

int futex_wake(u32 address, u32 count) {
    struct key key;
    int error = key_make(address, &key);
    if (error) {
        return -error;
    }
    struct bucket *bucket = bucket_of(&key);
    u32 woken = 0;
    spinlock_acquire(&bucket->lock);
    atomic_increment(&bucket->sequence);
    struct list *next;
    for (struct list *link = bucket->waiters.next; link != &bucket->waiters && woken < count;
         link = next) {
        next = link->next;
        struct thread *thread = LIST_ENTRY(link, struct thread, queue);
        if (thread->futex_sub_id == key.sub_id && thread->futex_offset == key.offset) {
            woken += sched_wake(thread, 0) ? 1 : 0;
        }
    }
    spinlock_release(&bucket->lock);
    return (int)woken;
}
