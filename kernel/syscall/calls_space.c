/* SPDX-License-Identifier: MIT */
/*
 * System calls on spaces: what stands in the four slots of a process. Nothing edits a root table
 * that a CPU may hold: a change is a new tuple, for which space_obtain finds or makes the space.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/space.h"

long do_space_get(u32 slot) {
    struct handle found;
    if (slot >= SLOT_COUNT) {
        return -E_SLOT;
    }
    int error = object_lookup(QUARTET_SLOT(slot), OBJECT_QUARTER, RIGHT_MAP, &found);
    if (error == E_RIGHTS) {
        return -E_BUSY; /* it is on loan: a handle would outlive that */
    }
    if (error != E_OK) {
        return -error;
    }
    /* Transfer gives nothing away that a program could not do for another; its file server, as the
     * pager, must be able to change its regions. */
    return object_install(found.object, OBJECT_QUARTER, found.rights | RIGHT_TRANSFER);
}

/* In 64 bits: the end of user addresses may be 4 GiB. */
static bool start_valid(u64 entry, u64 sp) {
    return entry != 0 && entry < ARCH_USER_TOP && sp <= ARCH_USER_TOP;
}

/* What can be said of CHANGE without looking at any object. */
static int change_check(const struct space_change *change) {
    if ((change->flags & ~(SPACE_START | SPACE_CONSUME)) != 0 || change->reserved != 0) {
        return E_INVALID;
    }
    if ((change->flags & SPACE_START) && !start_valid(change->entry, change->sp)) {
        return E_INVALID;
    }
    return E_OK;
}

/* May the space of TARGET be changed now, as CHANGE wants it? */
static int target_check(const struct process *target, const struct space_change *change) {
    bool own = target == process_current();
    if (!own && !target->stopped) {
        return E_BUSY;
    }
    bool start = (change->flags & SPACE_START) != 0;
    return own && start && target->thread_count > 1 ? E_BUSY : E_OK;
}

/* One slot of the new tuple, with a reference to its quarter. OLD: what stands there now. */
static int slot_build(const struct space_change *change, u32 slot, const struct space_slot *old,
                      struct space_slot *place) {
    *place = (struct space_slot){0};
    if (change->quarter[slot] == QUARTET_NONE) {
        return E_OK;
    }
    if (change->quarter[slot] == QUARTET_KEEP) {
        *place = *old;
        if (place->quarter != NULL) {
            quarter_reference(place->quarter);
        }
        return E_OK;
    }
    return attachment_lookup(change->quarter[slot], slot, change->rights[slot], place);
}

static void slots_put(struct space_slot slots[SLOT_COUNT]) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (slots[slot].quarter != NULL) {
            quarter_release(slots[slot].quarter);
        }
    }
}

/* The space that TARGET, which is in OLD, is to have after CHANGE, referenced. Nothing has changed
 * yet. */
static int space_build(const struct space *old, const struct space_change *change,
                       struct space **result) {
    struct space_slot slots[SLOT_COUNT] = {{0}};
    int error = E_OK;
    for (u32 slot = 0; slot < SLOT_COUNT && error == E_OK; slot++) {
        error = slot_build(change, slot, &old->slot[slot], &slots[slot]);
    }
    if (error == E_OK) {
        error = space_obtain(slots, result);
    }
    slots_put(slots);
    return error;
}

/* The slots that CHANGE changes, as bits. */
static u32 slots_changed(const struct space_change *change) {
    u32 changed = 0;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        changed |= change->quarter[slot] != QUARTET_KEEP ? 1u << slot : 0;
    }
    return changed;
}

/* process_replace_space asks: a slot that is on loan by now stays as it is. */
static bool change_allowed(struct process *process, const struct space *old, void *argument) {
    (void)old;
    return (process->loans & slots_changed(argument)) == 0;
}

/* One try to let TARGET be in the space that CHANGE makes of its own. E_AGAIN: another thread has
 * changed it meanwhile. */
static int target_move(struct process *target, struct space_change *change) {
    struct space *space, *old = process_space(target);
    if (old == NULL) {
        return E_DEAD;
    }
    int error = target->loans & slots_changed(change) ? E_BUSY : space_build(old, change, &space);
    if (error == E_OK) {
        error = target == process_current()
                    ? process_replace_space(target, old, space, change_allowed, change)
                    : process_set_space(target, space);
        if (error != E_OK) {
            space_release(space);
        }
    }
    space_release(old);
    return error;
}

static void handles_consume(const struct space_change *change) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (change->quarter[slot] >= 0) {
            handle_close(&process_current()->handles, change->quarter[slot]);
        }
    }
}

/* Let TARGET go on at the entry point: the caller itself, or a stopped process. */
static int target_start(struct process *target, const struct space_change *change) {
    if (target != process_current()) {
        return process_start(target, change->entry, change->sp, change->arg);
    }
    arch_thread_redirect(change->entry, change->sp, change->arg);
    return E_OK;
}

static int change_apply(struct process *target, struct space_change *change) {
    int error = target_check(target, change);
    if (error != E_OK) {
        return error;
    }
    do {
        error = target_move(target, change);
    } while (error == E_AGAIN);
    if (error != E_OK) {
        return error;
    }
    if (change->flags & SPACE_START) {
        process_rename(target, change->name);
        error = target_start(target, change);
    }
    if ((change->flags & SPACE_START) && target == process_current()) {
        handle_table_close_private(&target->handles);
        ipc_program_replaced();
    }
    if (error == E_OK && (change->flags & SPACE_CONSUME)) {
        handles_consume(change);
    }
    return error;
}

/* Everything is checked before the one step that changes anything, in target_move; a stopped
 * process that is killed in that moment is the only error after it. */
long do_space_set(uword address) {
    struct space_change change;
    struct handle target;
    int error = copy_in(&change, address, sizeof(change));
    if (error == E_OK) {
        error = change_check(&change);
    }
    if (error == E_OK) {
        error = object_lookup(change.process, OBJECT_PROCESS, RIGHT_MAP, &target);
    }
    if (error != E_OK) {
        return -error;
    }
    error = change_apply(target.object, &change);
    process_release(target.object);
    return -error;
}
