/* SPDX-License-Identifier: MIT */
/*
 * System calls on quarters. Ranges are checked by the VM (vm/map.c). No region gets a right that the
 * handle lacks, as abi/syscalls.def says; so nothing changes through a read-only view.
 */
#include "kernel/base/panic.h"
#include "kernel/ipc/ipc.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/quarter.h"

long do_quarter_create(u32 slot) {
    struct quarter *quarter;
    if (slot >= SLOT_COUNT) {
        return -E_SLOT;
    }
    struct budget *budget = process_budget(process_current());
    int error = quarter_create(slot, budget, &quarter);
    budget_release(budget);
    return error != E_OK ? -error : object_install(quarter, OBJECT_QUARTER, RIGHTS_ALL);
}

long do_quarter_copy(struct quarter *quarter) {
    struct quarter *copy;
    struct budget *budget = process_budget(process_current());
    int error = quarter_copy(quarter, budget, &copy);
    budget_release(budget);
    return error != E_OK ? -error : object_install(copy, OBJECT_QUARTER, RIGHTS_ALL);
}

long do_quarter_map(struct quarter *quarter, u32 offset, u32 length, u32 rights) {
    return -quarter_map(quarter, offset, length, rights);
}

long do_quarter_unmap(struct quarter *quarter, u32 offset, u32 length) {
    return -quarter_unmap(quarter, offset, length);
}

long do_quarter_protect(struct quarter *quarter, u32 offset, u32 length, u32 rights) {
    return -quarter_protect(quarter, offset, length, rights);
}

static int supply_check(struct quarter *quarter, u32 offset, u32 length) {
    if (offset > QUARTER_SIZE || length > QUARTER_SIZE - offset) {
        return E_RANGE;
    }
    quarter_lock(quarter);
    bool covered = length == 0 || region_covers(quarter->regions, offset, offset + length);
    quarter_unlock(quarter);
    return covered ? E_OK : E_NOTFOUND;
}

/* Page by page through the thread's kernel page, letting others in between. */
static int supply_pages(struct quarter *quarter, u32 offset, uword source, u32 length) {
    void *page = ipc_page();
    if (page == NULL) {
        return E_NOMEM;
    }
    while (length > 0) {
        u32 in_page = PAGE_SIZE - (offset & (PAGE_SIZE - 1));
        u32 piece = length < in_page ? length : in_page;
        int error = copy_in(page, source, piece);
        if (error == E_OK) {
            error = quarter_write(quarter, offset, page, piece);
        }
        if (error != E_OK) {
            return error;
        }
        offset += piece;
        source += piece;
        length -= piece;
        sched_preemption_point();
        if (thread_killed()) {
            return E_KILLED;
        }
    }
    return E_OK;
}

/* Ranges and rights are checked before the first byte. If memory runs out, SOURCE is not readable
 * to its end, or another thread unmaps meanwhile, what comes before has been written: the call can
 * be repeated. */
long do_quarter_supply(struct quarter *quarter, u32 offset, uword source, u32 length) {
    int error = supply_check(quarter, offset, length);
    if (error == E_OK) {
        error = user_range_check(source, length);
    }
    if (error == E_OK) {
        error = supply_pages(quarter, offset, source, length);
    }
    return -error;
}

/* It looks the handle up itself, for its rights. */
long do_quarter_stat(int handle, uword result) {
    struct handle found;
    struct quarter_stat stat;
    int error = object_lookup(handle, OBJECT_QUARTER, RIGHT_READ, &found);
    if (error != E_OK) {
        return -error;
    }
    quarter_stat_fill(found.object, &stat);
    stat.view = found.rights & VIEW_FULL;
    stat.references--; /* the one that this call has */
    quarter_release(found.object);
    return -copy_out(result, &stat, sizeof(stat));
}

long do_quarter_commons(struct quarter *quarter, bool on) {
    if (on) {
        return -commons_promote(quarter);
    }
    commons_demote(quarter);
    return 0;
}
