/* SPDX-License-Identifier: MIT */
/*
 * How a process ends. process_end only marks it and its threads; each thread ends itself, at its
 * next return to user mode or when its wait breaks off, and the last one tears the process down.
 * So there is one way of tearing down, always by a thread of the process itself, with nobody
 * else left in its space. A stopped process has a thread that never ran: to kill it is to let
 * that thread run, and it ends before its first user instruction. A stopped process ends with
 * its parent, for nobody else is bound to start it. Lock: process_lock. Read next: wait.c (who
 * hears of it).
 */
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/space.h"

#define INIT_PID 1u /* the first process that there was */

_Noreturn void process_exit(u32 status) {
    process_end(process_current(), STATUS_CODE(status), 0);
    thread_exit();
}

/* Let the thread of a stopped process run, for its end. Lock held. */
static void stopped_release(struct process *process) {
    struct thread *thread = LIST_FIRST(&process->threads, struct thread, sibling);
    process->stopped = false;
    arch_thread_start_user(thread, 0, 0, 0);
    thread_start(thread);
}

void process_end(struct process *process, u32 status, u32 fault_address) {
    spinlock_acquire(&process_lock);
    if (!process->dying) {
        process->dying = true;
        process->status = status;
        process->fault_address = fault_address;
        LIST_FOR_EACH(link, &process->threads) {
            struct thread *thread = LIST_ENTRY(link, struct thread, sibling);
            thread->killed = true;
            sched_kill(thread);
        }
        if (process->stopped) {
            stopped_release(process);
        }
    }
    spinlock_release(&process_lock);
}

/* Part with one child: nobody will wait for it any more. False: there is none. */
static bool child_orphan(struct process *process) {
    spinlock_acquire(&process_lock);
    if (list_empty(&process->children)) {
        spinlock_release(&process_lock);
        return false;
    }
    struct process *child = LIST_FIRST(&process->children, struct process, child);
    list_remove(&child->child);
    child->parent = NULL;
    bool stopped = child->stopped;
    if (child->ended) {
        process_forget(child);
    }
    spinlock_release(&process_lock);
    if (stopped) {
        process_end(child, STATUS_KILLED, 0);
    }
    process_release(child);
    return true;
}

/* The status is final: put it where a parent finds it, or forget the process if it has none. */
static void end_announce(struct process *process) {
    spinlock_acquire(&process_lock);
    process->ended = true;
    if (process->parent) {
        list_remove(&process->child);
        list_prepend(&process->parent->children, &process->child);
    } else {
        process_forget(process);
    }
    process_wake_waiters(process);
    spinlock_release(&process_lock);
}

void process_teardown(struct process *process) {
    ASSERT(process == process_current(), "process %u is torn down by another one", process->pid);
    spinlock_acquire(&process_lock);
    struct space *space = process->space;
    process->space = NULL; /* first: a switch back to this thread must not load it again */
    spinlock_release(&process_lock);
    space_load(NULL);
    handle_table_destroy(&process->handles);
    space_release(space);
    while (child_orphan(process)) {
        sched_preemption_point();
    }
    end_announce(process);
    if (process->pid == INIT_PID) {
        print("init has ended (status 0x%x), so the machine goes off.\n", process->status);
        arch_power_off(BOOT_FAILED_STATUS);
    }
}
