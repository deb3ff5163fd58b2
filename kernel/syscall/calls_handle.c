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
static int duplicate_install(const struct object_found *found, u32 rights, int target) {
    struct handle_table *table = &process_current()->handles;
    if (target >= 0) {
        return handle_install_at(table, target, found->object, found->type, rights);
    }
    u32 from = target == QUARTET_NONE ? HANDLE_FIRST : target_from(target);
    return handle_install_from(table, from, found->object, found->type, rights);
}

/* The new handle has those of RIGHTS that the old one has. */
long call_handle_dup(uword handle, uword rights, uword target, uword d UNUSED) {
    struct object_found found;
    if ((u32)rights & ~RIGHTS_ALL) {
        return -E_INVALID;
    }
    if ((int)target != QUARTET_NONE && (u32)target >= HANDLE_LIMIT &&
        target_from((int)target) == HANDLE_LIMIT) {
        return -E_HANDLE;
    }
    int error = object_lookup((int)handle, RIGHT_DUPLICATE, &found);
    if (error != E_OK) {
        return -error;
    }
    int index = duplicate_install(&found, found.rights & (u32)rights, (int)target);
    if (index < 0) {
        object_release(found.object, found.type, 0);
    }
    return index;
}

/* What is given cannot be taken back: so only while nobody but its maker has to do with PROCESS. */
long call_handle_give(uword process, uword handle, uword rights, uword target) {
    struct object_found found;
    struct process *to;
    if ((u32)rights & ~RIGHTS_ALL) {
        return -E_INVALID;
    }
    if ((u32)target >= HANDLE_LIMIT) {
        return -E_HANDLE;
    }
    int error = process_lookup((int)process, RIGHT_MAP, &to);
    if (error != E_OK) {
        return -error;
    }
    error = object_lookup((int)handle, RIGHT_DUPLICATE, &found);
    if (error == E_OK) {
        error =
            -process_give(to, (int)target, found.object, found.type, found.rights & (u32)rights);
        if (error > 0) {
            object_release(found.object, found.type, 0);
        }
    }
    process_put(to);
    return error > 0 ? -error : (long)(int)target;
}

long call_handle_close(uword handle, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    return -handle_close(&process_current()->handles, (int)handle);
}

long call_handle_private(uword handle, uword on, uword c UNUSED, uword d UNUSED) {
    if (on > 1) {
        return -E_INVALID;
    }
    return -handle_set_private(&process_current()->handles, (int)handle, on != 0);
}

static u64 object_id(const struct object_found *found) {
    switch (found->type) {
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

long call_handle_stat(uword handle, uword result, uword c UNUSED, uword d UNUSED) {
    struct object_found found;
    int error = object_lookup((int)handle, 0, &found);
    if (error != E_OK) {
        return -error;
    }
    bool is_private = false;
    handle_is_private(&process_current()->handles, (int)handle, &is_private);
    struct handle_stat stat = {
        .private = is_private, .type = found.type, .rights = found.rights, .id = object_id(&found)};
    object_release(found.object, found.type, 0);
    return -copy_out(result, &stat, sizeof(stat));
}
