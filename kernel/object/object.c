/* SPDX-License-Identifier: MIT */
/*
 * References to objects whose type is known only at run time: the one switch over object types.
 * No locks of its own. Read next: handle.c, where most references stand.
 */
#include "kernel/object/object.h"
#include "kernel/base/panic.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/vm/quarter.h"

void object_reference(void *object, enum object_type type, u32 rights) {
    switch (type) {
    case OBJECT_QUARTER:
        quarter_reference(object);
        return;
    case OBJECT_PROCESS:
        process_reference(object);
        return;
    case OBJECT_ENDPOINT:
        endpoint_reference(object);
        endpoint_handle_added(object, rights);
        return;
    case OBJECT_SESSION:
        session_reference(object);
        return;
    case OBJECT_SYSTEM:
        return; /* the machine is always there */
    }
    panic("reference to %p, whose type %u is none", object, type);
}

void object_release(void *object, enum object_type type, u32 rights) {
    switch (type) {
    case OBJECT_QUARTER:
        quarter_release(object);
        return;
    case OBJECT_PROCESS:
        process_release(object);
        return;
    case OBJECT_ENDPOINT:
        endpoint_handle_removed(object, rights);
        endpoint_release(object);
        return;
    case OBJECT_SESSION:
        session_release(object);
        return;
    case OBJECT_SYSTEM:
        return;
    }
    panic("release of %p, whose type %u is none", object, type);
}
