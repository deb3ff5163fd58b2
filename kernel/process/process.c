/* SPDX-License-Identifier: MIT */
/*
 * Processes: birth, references, and what a process is made of. A clone allocates all that it
 * needs first, the space last; from there on nothing can fail, and only then is the child linked
 * and started. So every failure leaves the parent, its quarters and all counts as they were.
 * Lock: process_lock (table.c). Read next: end.c, wait.c, thread.c.
 */
#include "kernel/process/process.h"

#include <string.h>

#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/base/request.h"
#include "kernel/object/budget.h"
#include "kernel/vm/space.h"

static struct cache process_cache =
    CACHE("process", sizeof(struct process), _Alignof(struct process));

static void lists_init(struct process *process) {
    list_init(&process->all);
    list_init(&process->children);
    list_init(&process->child);
    list_init(&process->threads);
    list_init(&process->waiters);
    list_init(&process->parent_waiters);
}

/* The object, charged to BUDGET, in no table; one reference. */
static int process_allocate(struct budget *budget, struct process **result) {
    if (budget_charge(budget, BUDGET_PROCESSES, 1) != 0) {
        return E_LIMIT;
    }
    struct process *process = cache_allocate(&process_cache);
    if (!process) {
        budget_refund(budget, BUDGET_PROCESSES, 1);
        return E_NOMEM;
    }
    process->references = 1;
    process->priority_limit = PRIORITY_LEVELS - 1;
    process->budget = budget;
    budget_reference(budget);
    lists_init(process);
    handle_table_create(&process->handles);
    *result = process;
    return 0;
}

static void process_deallocate(struct process *process) {
    budget_refund(process->budget, BUDGET_PROCESSES, 1);
    budget_release(process->budget);
    cache_free(&process_cache, process);
}

/* Name, whatever else a child has from its parent, and, unless it is to be BARE, the handles. */
static int process_inherit(struct process *process, struct process *parent, bool bare) {
    memcpy(process->name, parent->name, sizeof(process->name));
    process->priority_limit = parent->priority_limit;
    process->traced = parent->traced;
    return bare ? E_OK : handle_table_copy(&process->handles, &parent->handles);
}

/* Enter the table, as a child of PARENT. Cannot fail. Lock held. */
static void process_link(struct process *process, struct process *parent) {
    process_remember(process);
    if (parent) {
        process->parent = parent;
        process->creator = parent->pid;
        list_append(&parent->children, &process->child);
        process_reference(process);
    }
}

int process_create(struct process *parent, struct space *space, struct budget *budget,
                   struct process **result) {
    struct process *process;
    int error = process_allocate(budget, &process);
    if (error) {
        return error;
    }
    if (parent && (error = process_inherit(process, parent, false)) != 0) {
        process_deallocate(process);
        return error;
    }
    process->space = space;
    spinlock_acquire(&process_lock);
    process_link(process, parent);
    spinlock_release(&process_lock);
    *result = process;
    return 0;
}

struct budget *process_budget(struct process *process) {
    spinlock_acquire(&process_lock);
    struct budget *budget = process->budget;
    budget_reference(budget);
    spinlock_release(&process_lock);
    return budget;
}

/* Would a clone by PLAN have what its parent has on loan? It would not go back. */
static bool loans_would_stay(u32 loans, u32 plan) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        u32 action = PLAN_FOR_SLOT(plan, slot);
        if ((loans & 1u << slot) && (action == PLAN_SHARE || action == PLAN_COPY)) {
            return true;
        }
    }
    return false;
}

/* What CHILD, a clone of PARENT by PLAN (and CLONE_BARE), needs: handles, one THREAD, a space. What
 * there is of it after an error is for clone_undo. */
static int clone_prepare(struct process *parent, u32 plan, struct process *child,
                         struct thread **thread) {
    int error = process_inherit(child, parent, (plan & CLONE_BARE) != 0);
    if (error == 0) {
        error = thread_create(child, thread);
    }
    if (error) {
        return error;
    }
    u32 loans; /* another thread may swap the space, or be lent something, meanwhile */
    struct space *space = process_space_loans(parent, &loans);
    error = loans_would_stay(loans, plan)
                ? E_BUSY
                : space_clone(space, plan & 0xFFu, child->budget, &child->space);
    space_release(space);
    return error;
}

/* CHILD, which is in no table, is not to be after all; nor its THREAD and its space, as far as there
 * are any. */
static void clone_undo(struct process *child, struct thread *thread) {
    if (child->space) {
        space_release(child->space);
    }
    if (thread) {
        thread_detach(thread);
        thread_free(thread);
    }
    handle_table_destroy(&child->handles);
    process_deallocate(child);
}

/* Enter the table and give PARENT a handle, which takes over the reference to CHILD: under one
 * lock, which whoever comes by the handle needs first. The index, or -E_LIMIT or -E_NOMEM with
 * nothing changed; or -E_KILLED, for who has been killed has no new children: so who kills a process,
 * and then looks for its children, finds all (user/servers/console/foreground.c). */
static int clone_publish(struct process *child, struct process *parent) {
    spinlock_acquire(&process_lock);
    int handle = thread_killed()
                     ? -E_KILLED
                     : handle_install(&parent->handles, child, OBJECT_PROCESS, RIGHTS_ALL);
    if (handle >= 0) {
        process_link(child, parent);
    }
    spinlock_release(&process_lock);
    return handle;
}

/* CHILD, whose THREAD is to begin at ENTRY or, if that is 0, where the caller is. */
static void clone_aim(struct process *child, struct thread *thread, u32 plan, u32 entry, u32 sp,
                      u32 arg) {
    if (entry == 0) {
        arch_thread_start_clone(thread, thread_current());
    } else {
        arch_thread_start_user(thread, entry, sp, arg);
    }
    arch_thread_set_pointer(thread, arch_thread_pointer(thread_current()));
    child->quiet = (plan & CLONE_QUIET) != 0;
    child->stopped = (plan & CLONE_STOPPED) != 0;
    if (child->stopped) {
        handle_table_close_private(&child->handles);
    }
}

int process_clone(u32 plan, u32 entry, u32 sp, u32 arg) {
    if (plan & ~(0xFFu | CLONE_FLAGS)) {
        return -E_INVALID;
    }
    struct process *parent = process_current();
    struct process *child;
    struct thread *thread = NULL;
    struct budget *budget = process_budget(parent);
    int error = process_allocate(budget, &child);
    budget_release(budget);
    if (error) {
        return -error;
    }
    int handle = -clone_prepare(parent, plan, child, &thread);
    if (handle == 0) {
        clone_aim(child, thread, plan, entry, sp, arg);
        handle = clone_publish(child, parent);
    }
    if (handle < 0) {
        clone_undo(child, thread);
    } else if ((plan & CLONE_STOPPED) == 0) {
        thread_start(thread);
    }
    return handle;
}

void process_start_stopped(struct process *process, u32 entry, u32 sp, u32 arg) {
    struct thread *thread = LIST_FIRST(&process->threads, struct thread, sibling);
    process->stopped = false;
    arch_thread_start_user(thread, entry, sp, arg);
    thread_start(thread);
}

int process_start(struct process *process, u32 entry, u32 sp, u32 arg) {
    spinlock_acquire(&process_lock);
    bool mine = process->stopped && !process->dying;
    if (mine) {
        process_start_stopped(process, entry, sp, arg);
    }
    spinlock_release(&process_lock);
    return mine ? 0 : E_BUSY;
}

/* The lock keeps a kill from emptying the table just before this fills it. */
int process_give(struct process *process, int target, void *object, enum object_type type,
                 u32 rights) {
    spinlock_acquire(&process_lock);
    bool mine = process->stopped && !process->dying;
    int index =
        mine ? handle_install_free(&process->handles, target, object, type, rights) : -E_BUSY;
    spinlock_release(&process_lock);
    return index;
}

/* ---- References and what a process is made of ------------------------------------------------ */

void process_reference(struct process *process) { atomic_increment(&process->references); }

void process_release(struct process *process) {
    u32 left = atomic_decrement(&process->references);
    ASSERT(left != UINT32_MAX, "process %u has no reference to drop", process->pid);
    if (left == 0) {
        ASSERT(process->ended, "process %u loses its last reference before its end", process->pid);
        process_deallocate(process);
    }
}

struct space *process_space(struct process *process) {
    u32 loans;
    return process_space_loans(process, &loans);
}

struct space *process_space_loans(struct process *process, u32 *loans) {
    spinlock_acquire(&process_lock);
    struct space *space = process->space;
    *loans = process->loans;
    if (space) {
        space_reference(space);
    }
    spinlock_release(&process_lock);
    return space;
}

uword process_running(const struct process *process) {
    uword mask = 0;
    for (u32 i = 0; i < cpu_count; i++) {
        mask |= atomic_read(&cpus[i].pid) == process->pid ? cpu_bit(&cpus[i]) : 0;
    }
    return mask;
}

/* On each CPU that runs a thread of a process whose space has changed. By now it may run another,
 * whose own space is then as right to load. */
static void space_refresh(void *unused) {
    (void)unused;
    struct process *process = process_current();
    if (process) {
        space_load(__atomic_load_n(&process->space, __ATOMIC_SEQ_CST));
    }
}

/* PROCESS runs in SPACE from now on. process_lock is held; released on return.
 * The old space goes only when no CPU can load it any more. A CPU that is switching to a thread of
 * PROCESS sets its cpu->pid, then reads process->space (sched_arrive); here process->space is
 * set, then each cpu->pid is read; and a full barrier stands between the two steps on both sides.
 * So either we see that CPU and ask it to look again, or it sees the new space. */
static void space_enter(struct process *process, struct space *space) {
    struct space *old = process->space;
    __atomic_store_n(&process->space, space, __ATOMIC_SEQ_CST);
    spinlock_release(&process_lock);
    request_run(process_running(process), space_refresh, NULL);
    if (old) {
        space_release(old); /* the process's own reference */
    }
}

int process_set_space(struct process *process, struct space *space) {
    spinlock_acquire(&process_lock);
    if (process != process_current() && !process->stopped) {
        spinlock_release(&process_lock);
        return E_BUSY;
    }
    space_enter(process, space);
    return 0;
}

int process_replace_space(struct process *process, struct space *old, struct space *space,
                          bool (*commit)(struct process *, const struct space *, void *),
                          void *argument) {
    spinlock_acquire(&process_lock);
    if (process->space != old || !commit(process, old, argument)) {
        spinlock_release(&process_lock);
        return E_AGAIN;
    }
    space_enter(process, space);
    return 0;
}

void process_rename(struct process *process, const char name[sizeof(process->name)]) {
    if (name[0] == 0) {
        return;
    }
    spinlock_acquire(&process_lock);
    memset(process->name, 0, sizeof(process->name));
    for (u32 i = 0; i < sizeof(process->name) - 1 && name[i] != 0; i++) {
        process->name[i] = name[i] > ' ' && name[i] < 0x7F ? name[i] : '?';
    }
    spinlock_release(&process_lock);
}

/* A budget inside OLD, which carries a process and its THREADS already. Null: LIMITS are too low
 * for what there is, or the table of budgets is full. */
static struct budget *budget_inside(struct budget *old, const struct process_limits *limits,
                                    u32 threads) {
    struct budget *budget = budget_create(old, limits);
    if (!budget || budget_adopt(budget, BUDGET_PROCESSES, 1) != 0) {
        goto refused;
    }
    if (budget_adopt(budget, BUDGET_THREADS, threads) == 0) {
        return budget;
    }
    budget_disown(budget, BUDGET_PROCESSES, 1);
refused:
    budget_release(budget);
    return NULL;
}

int process_set_limits(const struct process_limits *limits) {
    struct process *process = process_current();
    spinlock_acquire(&process_lock);
    struct budget *old = process->budget;
    struct budget *budget = budget_inside(old, limits, process->thread_count);
    process->budget = budget ? budget : old;
    if (budget && thread_current()->base_priority < process->priority_limit) {
        process->priority_limit = thread_current()->base_priority;
    }
    spinlock_release(&process_lock);
    if (budget) {
        budget_release(old);
    }
    return budget ? 0 : E_LIMIT;
}
