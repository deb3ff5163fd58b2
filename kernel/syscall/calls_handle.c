/* SPDX-License-Identifier: MIT */
/*
 * System calls on handles, whatever they name.
 */
#include "kernel/device/interrupt.h"
#include "kernel/device/memory.h"
#include "kernel/device/ports.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/quarter.h"

/* The n of QUARTET_FROM(n), or HANDLE_LIMIT if TARGET is none. */
static u32 target_from(int target) {
    u32 from = (u32)(QUARTET_FROM(0) - target);
    return from < HANDLE_LIMIT ? from : HANDLE_LIMIT;
}

/* Take over the reference in FOUND, as a handle with RIGHTS where TARGET says. */
static int duplicate_install(const struct handle *found, u32 rights, int target) {
    struct handle_table *table = &process_current()->handles;
    if (target >= 0) {
        return handle_install_at(table, target, found->object, found->type, rights);
    }
    u32 from = target == QUARTET_NONE ? HANDLE_FIRST : target_from(target);
    return handle_install_from(table, from, found->object, found->type, rights);
}

/* The new handle has those of RIGHTS that the old one has. */
long do_handle_dup(int handle, u32 rights, int target) {
    struct handle found;
    if (target != QUARTET_NONE && (u32)target >= HANDLE_LIMIT &&
        target_from(target) == HANDLE_LIMIT) {
        return -E_HANDLE;
    }
    int error = object_lookup(handle, 0, RIGHT_DUPLICATE, &found);
    if (error != E_OK) {
        return -error;
    }
    int index = duplicate_install(&found, found.rights & rights, target);
    if (index < 0) {
        object_release(found.object, found.type, 0);
    }
    return index;
}

/* What is given cannot be taken back: so only while nobody but its maker has to do with PROCESS. */
long do_handle_give(struct process *process, int handle, u32 rights, int target) {
    struct handle found;
    if ((u32)target >= HANDLE_LIMIT) {
        return -E_HANDLE;
    }
    int error = object_lookup(handle, 0, RIGHT_DUPLICATE, &found);
    if (error != E_OK) {
        return -error;
    }
    int index = process_give(process, target, found.object, found.type, found.rights & rights);
    if (index < 0) {
        object_release(found.object, found.type, 0);
    }
    return index;
}

long do_handle_close(int handle) { return -handle_close(&process_current()->handles, handle); }

long do_handle_private(int handle, bool on) {
    return -handle_set_private(&process_current()->handles, handle, on);
}

static u64 object_id(const struct handle *found) {
    switch ((enum object_type)found->type) {
    case OBJECT_QUARTER:
        return ((struct quarter *)found->object)->sub_id;
    case OBJECT_PROCESS:
        return ((struct process *)found->object)->pid;
    case OBJECT_SESSION:
        return ((struct session *)found->object)->badge;
    case OBJECT_INTERRUPT:
        return interrupt_line(found->object);
    case OBJECT_DEVICE:
        return frame_address(((struct device_memory *)found->object)->first);
    case OBJECT_PORTS:
        return ports_first(found->object);
    case OBJECT_ENDPOINT:
    case OBJECT_SYSTEM:
    case OBJECT_CONSOLE:
    case OBJECT_NOTIFICATION:
        break;
    }
    return 0;
}

long do_handle_stat(int handle, uword result) {
    struct handle found;
    int error = object_lookup(handle, 0, 0, &found);
    if (error != E_OK) {
        return -error;
    }
    struct handle_stat stat = {.private = found.private,
                               .type = found.type,
                               .rights = found.rights,
                               .id = object_id(&found)};
    object_release(found.object, found.type, 0);
    return -copy_out(result, &stat, sizeof(stat));
}
