/* SPDX-License-Identifier: MIT */
/*
 * From the numbers that a program passes to objects: its handle table and the pseudo-handles of
 * abi.h. Takes the locks of the handle table and of what it references; holds none on return.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/pager.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"

u8 system_object;

/* The quarter in SLOT of the caller, with the rights of its view. */
static int slot_lookup(u32 slot, struct handle *found) {
    u32 loans;
    struct space *space = process_space_loans(process_current(), &loans);
    if (space == NULL) {
        return E_KILLED;
    }
    const struct space_slot *place = &space->slot[slot];
    if (place->quarter != NULL) {
        quarter_reference(place->quarter);
        u32 rights = loans & 1u << slot ? RIGHT_READ : place->view | RIGHT_MAP | RIGHT_DUPLICATE;
        *found = (struct handle){place->quarter, OBJECT_QUARTER, (u8)rights, false};
    }
    int error = place->quarter == NULL ? E_NOTFOUND : E_OK;
    space_release(space);
    return error;
}

static int pseudo_lookup(int handle, struct handle *found) {
    if (handle == QUARTET_SELF) {
        process_reference(process_current());
        *found = (struct handle){process_current(), OBJECT_PROCESS, RIGHTS_ALL, false};
        return E_OK;
    }
    u32 slot = (u32)(QUARTET_SLOT(0) - handle);
    return handle <= QUARTET_SLOT(0) && slot < SLOT_COUNT ? slot_lookup(slot, found) : E_HANDLE;
}

int object_lookup(int handle, enum object_type type, u32 rights, struct handle *found) {
    if (handle >= 0) {
        return handle_lookup(&process_current()->handles, handle, type, rights, found);
    }
    int error = pseudo_lookup(handle, found);
    if (error != E_OK) {
        return error;
    }
    error = type != 0 && type != found->type ? E_TYPE : rights & ~found->rights ? E_RIGHTS : E_OK;
    if (error != E_OK) {
        object_release(found->object, found->type, 0);
    }
    return error;
}

int target_lookup(int handle, struct handle *found, struct endpoint **endpoint, u64 *badge) {
    int error = object_lookup(handle, 0, 0, found);
    if (error != E_OK) {
        return error;
    }
    error = call_target(found->object, found->type, found->rights, endpoint, badge);
    if (error != E_OK) {
        object_release(found->object, found->type, 0);
    }
    return error;
}

/* May QUARTER stand in SLOT with the rights VIEW, reached through a handle with the rights HAVE? */
static int attachment_check(const struct quarter *quarter, u32 slot, u32 view, u32 have) {
    if ((view & ~VIEW_FULL) != 0 || (view & RIGHT_READ) == 0) {
        return E_INVALID;
    }
    if (quarter->slot != slot) {
        return E_SLOT;
    }
    return view & ~have ? E_RIGHTS : E_OK;
}

int attachment_lookup(int handle, u32 slot, u32 view, struct space_slot *result) {
    struct handle found;
    int error = object_lookup(handle, OBJECT_QUARTER, RIGHT_MAP, &found);
    if (error != E_OK) {
        return error;
    }
    error = attachment_check(found.object, slot, view, found.rights);
    if (error != E_OK) {
        quarter_release(found.object);
        return error;
    }
    *result = (struct space_slot){found.object, view};
    return E_OK;
}

long object_install(void *object, enum object_type type, u32 rights) {
    int index = handle_install(&process_current()->handles, object, type, rights);
    if (index < 0) {
        object_release(object, type, 0);
    }
    return index;
}
