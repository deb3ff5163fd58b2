/* SPDX-License-Identifier: MIT */
/*
 * How a process ends. process_end only marks it and its threads; each thread ends itself, at its
 * next return to user mode or when its wait breaks off, and the last one tears the process down.
 * So there is one way of tearing down, always by a thread of the process itself. (Another that has
 * detached itself may be on its way off its CPU: in the kernel, and process_set_space tells that
 * CPU.) The parent hears of the end when the last thread is off its stack, so that it finds nothing
 * of the process but what its handles keep. A stopped process has a thread that never ran: to kill
 * it is to let that thread run, and it ends before its first user instruction. It ends with its
 * parent, too, for nobody else is bound to start it. Lock: process_lock. Read next: wait.c (who
 * hears of it).
 */
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot.h"
#include "kernel/device/console.h"
#include "kernel/device/ports.h"
#include "kernel/ipc/lend.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/space.h"

#define INIT_PID 1u    /* the first process that there was */
#define MARK_STEPS 16u /* threads that process_end marks with interrupts off */

_Noreturn void process_exit(u32 status) {
    process_end(process_current(), STATUS_CODE(status), 0);
    thread_exit();
}

/* Mark the next few threads of PROCESS, which is dying: there come no new ones, and those that are
 * marked stand last. True: there may be more to mark. Lock held. */
static bool threads_mark(struct process *process) {
    struct list *threads = &process->threads;
    for (u32 i = 0; i < MARK_STEPS; i++) {
        struct thread *thread = LIST_FIRST(threads, struct thread, sibling);
        if (list_empty(threads) || thread->killed) {
            return false;
        }
        thread->killed = true;
        sched_kill(thread);
        list_remove(&thread->sibling);
        list_append(threads, &thread->sibling);
    }
    return true;
}

/* The first to come decides the status. True: threads_mark must go on. Lock held. */
static bool end_begin(struct process *process, u32 status, u32 fault_address) {
    if (process->dying) {
        return false;
    }
    process->dying = true;
    process->status = status;
    process->fault_address = fault_address;
    bool more = threads_mark(process);
    if (process->stopped) {
        process_start_stopped(process, 0, 0, 0); /* for its end */
    }
    return more;
}

void process_end(struct process *process, u32 status, u32 fault_address) {
    spinlock_acquire(&process_lock);
    bool more = end_begin(process, status, fault_address);
    spinlock_release(&process_lock);
    while (more) {
        sched_preemption_point();
        spinlock_acquire(&process_lock);
        more = threads_mark(process);
        spinlock_release(&process_lock);
    }
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
    if (child->stopped) {
        end_begin(child, STATUS_KILLED, 0); /* it has one thread, which is marked at once */
    }
    if (child->ended) {
        process_forget(child);
    }
    spinlock_release(&process_lock);
    process_release(child);
    return true;
}

/* The status is final: put it where a parent finds it, or forget the process if it has none. The
 * lock stays held until thread_free: so who waits, on whichever CPU, goes on when the last thread
 * is off its stack, and finds budgets as they are without the process. */
void process_announce(struct process *process) {
    spinlock_acquire(&process_lock);
    process->ended = true;
    if (process->parent) {
        list_remove(&process->child);
        list_prepend(&process->parent->children, &process->child);
    } else {
        process_forget(process);
    }
    process_wake_waiters(process);
}

void process_teardown(struct process *process) {
    ASSERT(process == process_current(), "process %u is torn down by another one", process->pid);
    handle_table_abandon(&process->handles, process);
    handle_table_destroy(&process->handles);
    ports_end(process);
    process_set_space(process, NULL);
    lend_forget(process);
    while (child_orphan(process)) {
        sched_preemption_point();
    }
    if (process->pid == INIT_PID) {
        console_settle();
        print("init has ended (status 0x%x), so the machine goes off.\n", process->status);
        arch_power_off(BOOT_FAILED_STATUS);
    }
}
