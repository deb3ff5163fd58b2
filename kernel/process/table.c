/* SPDX-License-Identifier: MIT */
/*
 * The table of processes: those that live, and those that ended and have not been waited for. One
 * list in the order of PIDs, under process_lock, which also guards the tree of parents and children
 * and the threads of each process (see the groups of struct process).
 * Read next: process.c, end.c.
 */
#include <string.h>

#include "kernel/base/atomic.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/space.h"

#define COUNT_STEPS 64u /* processes that process_count_in looks at with interrupts off */

struct spinlock process_lock = SPINLOCK(LOCK_PROCESS_TABLE, "process table");

/* process_lock: */
static struct list all_processes; /* of process->all */
static u32 last_pid;
static u32 processes; /* in the table */

void process_initialise(void) { list_init(&all_processes); }

/* ---- The table ------------------------------------------------------------------------------- */

/* The first link whose PID is at least PID, or the head. A new PID is found without a walk. */
static struct list *table_place(u32 pid) {
    struct list *last = all_processes.previous;
    if (list_empty(&all_processes) || LIST_ENTRY(last, struct process, all)->pid < pid) {
        return &all_processes;
    }
    struct list *place = all_processes.next;
    while (LIST_ENTRY(place, struct process, all)->pid < pid) {
        place = place->next;
    }
    return place;
}

/* The process at LINK; null: that is the head. */
static struct process *process_at(struct list *link) {
    return link != &all_processes ? LIST_ENTRY(link, struct process, all) : NULL;
}

/* The process with exactly this ID, or null. Lock held. */
static struct process *table_exact(u32 pid) {
    struct process *process = process_at(table_place(pid));
    return process && process->pid == pid ? process : NULL;
}

/* IDs count up, and fit a program's int; none comes again before all of them have been used, and
 * then none that is in use. */
void process_remember(struct process *process) {
    do {
        last_pid = last_pid % INT32_MAX + 1;
    } while (table_exact(last_pid));
    process->pid = last_pid;
    list_append(table_place(process->pid), &process->all);
    processes++;
}

void process_forget(struct process *process) {
    list_remove(&process->all);
    processes--;
}

struct process *process_after(const struct process *process) {
    return process_at(process != NULL ? process->all.next : all_processes.next);
}

struct process *process_find(u32 pid) {
    spinlock_acquire(&process_lock);
    struct process *found = process_at(table_place(pid));
    if (found) {
        process_reference(found);
    }
    spinlock_release(&process_lock);
    return found;
}

u32 process_count(void) { return atomic_read(&processes); }

/* Count from process FROM on (null: from the first), whose reference is dropped, a bounded number
 * of steps. Where to go on, referenced; null: at the end. A space is immutable, and stays while its
 * process has it, which is while we hold the lock. */
static struct process *count_step(struct process *from, const struct quarter *quarter, u32 slot,
                                  u32 *count) {
    spinlock_acquire(&process_lock);
    struct list *link = from ? &from->all : all_processes.next;
    if (from && list_empty(&from->all)) { /* forgotten meanwhile */
        link = table_place(from->pid);
    }
    for (u32 i = 0; i < COUNT_STEPS && link != &all_processes; i++, link = link->next) {
        const struct space *space = LIST_ENTRY(link, struct process, all)->space;
        *count += space && space->slot[slot].quarter == quarter;
    }
    struct process *next = process_at(link);
    if (next) {
        process_reference(next);
    }
    spinlock_release(&process_lock);
    if (from) {
        process_release(from);
    }
    return next;
}

u32 process_count_in(const struct quarter *quarter, u32 slot) {
    u32 count = 0;
    struct process *at = count_step(NULL, quarter, slot, &count);
    while (at) {
        sched_preemption_point();
        at = count_step(at, quarter, slot, &count);
    }
    return count;
}

/* ---- What system_info tells ------------------------------------------------------------------ */

u64 process_space_id(u32 pid, const struct space *space) {
    spinlock_acquire(&process_lock);
    const struct process *process = table_exact(pid);
    u64 id = process && space && process->space == space ? space->id : 0;
    spinlock_release(&process_lock);
    return id;
}

/* As info_process.state. Lock held. */
static u32 process_state(const struct process *process, u32 *priority) {
    bool runs = false;
    LIST_FOR_EACH(link, &process->threads) {
        const struct thread *thread = LIST_ENTRY(link, struct thread, sibling);
        runs = runs || thread->state == THREAD_READY || thread->state == THREAD_RUNNING;
        *priority = thread->priority > *priority ? thread->priority : *priority;
    }
    return process->ended ? 3 : process->stopped ? 2 : runs ? 0 : 1;
}

/* What its threads have run since the last tick, as far as they have been stopped since. */
static u64 process_unsettled(const struct process *process) {
    u64 sum = 0;
    LIST_FOR_EACH(link, &process->threads) {
        sum += arch_ticks_nanoseconds(LIST_ENTRY(link, struct thread, sibling)->ran);
    }
    return sum;
}

void process_describe(struct process *process, struct info_process *info) {
    spinlock_acquire(&process_lock);
    info->pid = process->pid;
    info->parent = process->parent ? process->parent->pid : 0;
    info->creator = process->creator;
    info->threads = process->thread_count;
    info->state = process_state(process, &info->priority);
    info->handles = process->handles.count;
    info->cpu_time = atomic_read_64(&process->cpu_time) + process_unsettled(process);
    info->running = process_running(process);
    memcpy(info->name, process->name, sizeof(info->name));
    spinlock_release(&process_lock);
}
