/* SPDX-License-Identifier: MIT */
/*
 * From the numbers that a program passes to objects: its handle table and the pseudo-handles of
 * abi.h. Takes the locks of the handle table and of what it references; holds none on return.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/notification.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"

u8 system_object;

/* The quarter in SLOT of the caller, with the rights of its view. */
static int slot_lookup(u32 slot, struct object_found *found) {
    u32 loans;
    struct space *space = process_space_loans(process_current(), &loans);
    if (space == NULL) {
        return E_KILLED;
    }
    const struct space_slot *place = &space->slot[slot];
    if (place->quarter != NULL) {
        bool loan = loans & 1u << slot;
        quarter_reference(place->quarter);
        *found =
            (struct object_found){place->quarter, OBJECT_QUARTER,
                                  loan ? RIGHT_READ : place->view | RIGHT_MAP | RIGHT_DUPLICATE};
    }
    int error = place->quarter == NULL ? E_NOTFOUND : E_OK;
    space_release(space);
    return error;
}

static int pseudo_lookup(int handle, struct object_found *found) {
    if (handle == QUARTET_SELF) {
        process_reference(process_current());
        *found = (struct object_found){process_current(), OBJECT_PROCESS, RIGHTS_ALL};
        return E_OK;
    }
    u32 slot = (u32)(QUARTET_SLOT(0) - handle);
    return handle <= QUARTET_SLOT(0) && slot < SLOT_COUNT ? slot_lookup(slot, found) : E_HANDLE;
}

int object_lookup(int handle, u32 rights, struct object_found *found) {
    if (handle >= 0) {
        return handle_lookup(&process_current()->handles, handle, 0, rights, &found->object,
                             &found->rights, &found->type);
    }
    int error = pseudo_lookup(handle, found);
    if (error == E_OK && (rights & ~found->rights) != 0) {
        object_release(found->object, found->type, 0);
        error = E_RIGHTS;
    }
    return error;
}

/* Type before rights: a program that mixes up handles learns that first. */
static int typed_lookup(int handle, enum object_type type, u32 rights, struct object_found *found) {
    int error = object_lookup(handle, 0, found);
    if (error != E_OK) {
        return error;
    }
    if (found->type != type) {
        error = E_TYPE;
    } else if ((rights & ~found->rights) != 0) {
        error = E_RIGHTS;
    }
    if (error != E_OK) {
        object_release(found->object, found->type, 0);
    }
    return error;
}

int quarter_lookup(int handle, u32 rights, struct quarter **quarter, u32 *rights_out) {
    struct object_found found;
    int error = typed_lookup(handle, OBJECT_QUARTER, rights, &found);
    if (error == E_OK) {
        *quarter = found.object;
        if (rights_out != NULL) {
            *rights_out = found.rights;
        }
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
    struct quarter *quarter;
    u32 have;
    int error = quarter_lookup(handle, RIGHT_MAP, &quarter, &have);
    if (error != E_OK) {
        return error;
    }
    error = attachment_check(quarter, slot, view, have);
    if (error != E_OK) {
        quarter_put(quarter);
        return error;
    }
    *result = (struct space_slot){quarter, view};
    return E_OK;
}

int process_lookup(int handle, u32 rights, struct process **process) {
    struct object_found found;
    int error = typed_lookup(handle, OBJECT_PROCESS, rights, &found);
    if (error == E_OK) {
        *process = found.object;
    }
    return error;
}

int notification_lookup(int handle, u32 bits, u32 rights, struct notification **notification) {
    struct object_found found;
    int error = typed_lookup(handle, OBJECT_NOTIFICATION, rights, &found);
    if (error != E_OK) {
        return error;
    }
    if (bits == 0 || (bits & ~NOTIFICATION_BITS) != 0) {
        notification_release(found.object);
        return E_INVALID;
    }
    *notification = found.object;
    return E_OK;
}

int interrupt_lookup(int handle, u32 rights, struct interrupt **interrupt) {
    struct object_found found;
    int error = typed_lookup(handle, OBJECT_INTERRUPT, rights, &found);
    if (error == E_OK) {
        *interrupt = found.object;
    }
    return error;
}

int device_lookup(int handle, u32 rights, struct device_memory **device) {
    struct object_found found;
    int error = typed_lookup(handle, OBJECT_DEVICE, rights, &found);
    if (error == E_OK) {
        *device = found.object;
    }
    return error;
}

int ports_lookup(int handle, u32 rights, struct ports **ports) {
    struct object_found found;
    int error = typed_lookup(handle, OBJECT_PORTS, rights, &found);
    if (error == E_OK) {
        *ports = found.object;
    }
    return error;
}

/* The caller's own handle keeps the console its driver's while it reads. */
int console_check(int handle, u32 rights) {
    struct object_found found;
    int error = typed_lookup(handle, OBJECT_CONSOLE, rights, &found);
    if (error == E_OK) {
        object_release(found.object, found.type, 0);
    }
    return error;
}

int system_check(int handle, u32 rights) {
    struct object_found found;
    /* The object is never freed, so there is no reference to drop. */
    return typed_lookup(handle, OBJECT_SYSTEM, rights, &found);
}

void quarter_put(struct quarter *quarter) { object_release(quarter, OBJECT_QUARTER, 0); }

void process_put(struct process *process) { object_release(process, OBJECT_PROCESS, 0); }

long object_install(void *object, enum object_type type, u32 rights) {
    int index = handle_install(&process_current()->handles, object, type, rights);
    if (index < 0) {
        object_release(object, type, 0);
    }
    return index;
}
