/* SPDX-License-Identifier: MIT */
/*
 * System calls on quarters. Ranges are checked by the VM (vm/map.c), rights here:
 *
 *     map, unmap, protect   MAP and WRITE, and no region gets a right that the handle lacks
 *     supply                WRITE: through a read-only view nothing can be changed
 *     copy                  READ and DUPLICATE
 *     stat                  READ
 *     commons               MAP and WRITE, and EXECUTE on the system object: it costs others
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

#define CHANGE_RIGHTS (RIGHT_MAP | RIGHT_WRITE)

long call_quarter_create(uword slot, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct quarter *quarter;
    if ((u32)slot >= SLOT_COUNT) {
        return -E_SLOT;
    }
    struct budget *budget = process_budget(process_current());
    int error = quarter_create((u32)slot, budget, &quarter);
    budget_release(budget);
    return error != E_OK ? -error : object_install(quarter, OBJECT_QUARTER, RIGHTS_ALL);
}

long call_quarter_copy(uword handle, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct quarter *source, *copy;
    int error = quarter_lookup((int)handle, RIGHT_READ | RIGHT_DUPLICATE, &source, NULL);
    if (error != E_OK) {
        return -error;
    }
    struct budget *budget = process_budget(process_current());
    error = quarter_copy(source, budget, &copy);
    budget_release(budget);
    quarter_put(source);
    return error != E_OK ? -error : object_install(copy, OBJECT_QUARTER, RIGHTS_ALL);
}

/* The quarter behind HANDLE, to be changed so that a region has RIGHTS. */
static int change_lookup(int handle, u32 rights, struct quarter **quarter) {
    u32 have;
    if (rights & ~(VIEW_FULL | MAP_PAGED)) {
        return E_INVALID;
    }
    int error = quarter_lookup(handle, CHANGE_RIGHTS, quarter, &have);
    if (error == E_OK && (rights & VIEW_FULL & ~have) != 0) {
        quarter_put(*quarter);
        error = E_RIGHTS;
    }
    return error;
}

long call_quarter_map(uword handle, uword offset, uword length, uword rights) {
    struct quarter *quarter;
    int error = change_lookup((int)handle, (u32)rights, &quarter);
    if (error != E_OK) {
        return -error;
    }
    error = quarter_map(quarter, (u32)offset, (u32)length, (u32)rights);
    quarter_put(quarter);
    return -error;
}

long call_quarter_unmap(uword handle, uword offset, uword length, uword d UNUSED) {
    struct quarter *quarter;
    int error = change_lookup((int)handle, 0, &quarter);
    if (error != E_OK) {
        return -error;
    }
    error = quarter_unmap(quarter, (u32)offset, (u32)length);
    quarter_put(quarter);
    return -error;
}

long call_quarter_protect(uword handle, uword offset, uword length, uword rights) {
    struct quarter *quarter;
    int error = change_lookup((int)handle, (u32)rights, &quarter);
    if (error != E_OK) {
        return -error;
    }
    error = quarter_protect(quarter, (u32)offset, (u32)length, (u32)rights);
    quarter_put(quarter);
    return -error;
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
long call_quarter_supply(uword handle, uword offset, uword source, uword length) {
    struct quarter *quarter;
    int error = quarter_lookup((int)handle, RIGHT_WRITE, &quarter, NULL);
    if (error != E_OK) {
        return -error;
    }
    error = supply_check(quarter, (u32)offset, (u32)length);
    if (error == E_OK) {
        error = user_range_check(source, (u32)length);
    }
    if (error == E_OK) {
        error = supply_pages(quarter, (u32)offset, source, (u32)length);
    }
    quarter_put(quarter);
    return -error;
}

long call_quarter_stat(uword handle, uword result, uword c UNUSED, uword d UNUSED) {
    struct quarter *quarter;
    struct quarter_stat stat;
    u32 rights;
    int error = quarter_lookup((int)handle, RIGHT_READ, &quarter, &rights);
    if (error != E_OK) {
        return -error;
    }
    quarter_stat_fill(quarter, &stat);
    stat.view = rights & VIEW_FULL;
    stat.references--; /* the one that this call has */
    quarter_put(quarter);
    return -copy_out(result, &stat, sizeof(stat));
}

long call_quarter_commons(uword system, uword handle, uword on, uword d UNUSED) {
    struct quarter *quarter;
    if ((u32)on > 1) {
        return -E_INVALID;
    }
    int error = system_check((int)system, RIGHT_EXECUTE);
    if (error == E_OK) {
        error = quarter_lookup((int)handle, CHANGE_RIGHTS, &quarter, NULL);
    }
    if (error != E_OK) {
        return -error;
    }
    if ((u32)on) {
        error = commons_promote(quarter);
    } else {
        commons_demote(quarter);
    }
    quarter_put(quarter);
    return -error;
}
