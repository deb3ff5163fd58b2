/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the end of processes. A parent collects each child once: that takes the child out
 * of the table and drops the parent's reference; the object, with its status, lives on as long
 * as a handle refers to it, and whoever holds one may ask again. Ended children stand first in
 * their parent's list. Lock: process_lock; both wait queues (process->waiters,
 * process->parent_waiters) are guarded by it.
 */
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"

static void wake_all(struct list *waiters) {
    while (!list_empty(waiters)) {
        sched_wake_here(LIST_FIRST(waiters, struct thread, queue), 0, KEEP_LENT);
    }
}

/* All of them look for themselves: one alone might be killed before it could. The caller is about
 * to end. */
void process_wake_waiters(struct process *process) {
    wake_all(&process->waiters);
    if (process->parent) {
        wake_all(&process->parent->parent_waiters);
    }
}

/* The process to report, if there is one now: CHILD itself, or an ended child of PARENT. 0,
 * E_AGAIN or E_NOTFOUND. Lock held. */
static int wait_find(struct process *parent, struct process *child, struct process **found) {
    if (!child) {
        if (list_empty(&parent->children)) {
            return E_NOTFOUND;
        }
        child = LIST_FIRST(&parent->children, struct process, child);
    }
    *found = child;
    return child->ended ? 0 : E_AGAIN;
}

/* CHILD has ended: fill in STATUS. If PARENT is still to collect it, that happens now. Lock held;
 * released. */
static void status_take(struct process *parent, struct process *child,
                        struct process_status *status) {
    *status = (struct process_status){
        .pid = child->pid,
        .handle = QUARTET_NONE,
        .status = child->status,
        .fault_address = child->fault_address,
    };
    bool collected = child->parent == parent;
    if (collected) {
        list_remove(&child->child);
        child->parent = NULL;
        process_forget(child);
    }
    spinlock_release(&process_lock);
    if (collected) {
        process_release(child);
    }
}

int process_wait(struct process *child, u32 flags, struct process_status *status) {
    struct process *parent = process_current();
    if (child == parent || (flags & ~WAIT_NOHANG)) {
        return E_INVALID;
    }
    for (;;) {
        struct process *found;
        spinlock_acquire(&process_lock);
        int error = wait_find(parent, child, &found);
        if (error == 0) {
            status_take(parent, found, status);
            return 0;
        }
        if (error != E_AGAIN || (flags & WAIT_NOHANG)) {
            spinlock_release(&process_lock);
            return error;
        }
        struct list *queue = child ? &child->waiters : &parent->parent_waiters;
        error = sched_wait(queue, &process_lock, WAIT_FOREVER, true);
        if (error) {
            return error;
        }
    }
}
