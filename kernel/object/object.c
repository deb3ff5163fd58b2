/* SPDX-License-Identifier: MIT */
/*
 * References to objects whose type is known only at run time: the one file that knows all types.
 * No locks of its own. Read next: handle.c, where most references stand.
 */
#include "kernel/object/object.h"
#include "kernel/base/panic.h"
#include "kernel/device/console.h"
#include "kernel/device/interrupt.h"
#include "kernel/device/memory.h"
#include "kernel/device/ports.h"
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/notification.h"
#include "kernel/process/process.h"
#include "kernel/vm/quarter.h"

void object_handle_added(void *object, enum object_type type, u32 rights) {
    if (type == OBJECT_ENDPOINT) {
        endpoint_handle_added(object, rights);
    } else if (type == OBJECT_NOTIFICATION && (rights & RIGHT_WRITE)) {
        notification_signaller_added(object);
    }
}

void object_handle_removed(void *object, enum object_type type, u32 rights) {
    if (type == OBJECT_ENDPOINT) {
        endpoint_handle_removed(object, rights);
    } else if (type == OBJECT_NOTIFICATION && (rights & RIGHT_WRITE)) {
        notification_signaller_removed(object);
    }
}

/* What a plain reference of each type is. */
static void reference_add(void *object, enum object_type type) {
    switch (type) {
    case OBJECT_QUARTER:
        quarter_reference(object);
        return;
    case OBJECT_PROCESS:
        process_reference(object);
        return;
    case OBJECT_ENDPOINT:
        endpoint_reference(object);
        return;
    case OBJECT_SESSION:
        session_reference(object);
        return;
    case OBJECT_NOTIFICATION:
        notification_reference(object);
        return;
    case OBJECT_INTERRUPT:
        interrupt_reference(object);
        return;
    case OBJECT_PORTS:
        ports_reference(object);
        return;
    case OBJECT_DEVICE:
        device_memory_reference(object);
        return;
    case OBJECT_CONSOLE:
        console_reference();
        return;
    case OBJECT_SYSTEM:
        return; /* the machine is always there */
    }
    panic("reference to %p, whose type %u is none", object, type);
}

static void reference_drop(void *object, enum object_type type) {
    switch (type) {
    case OBJECT_QUARTER:
        quarter_release(object);
        return;
    case OBJECT_PROCESS:
        process_release(object);
        return;
    case OBJECT_ENDPOINT:
        endpoint_release(object);
        return;
    case OBJECT_SESSION:
        session_release(object);
        return;
    case OBJECT_NOTIFICATION:
        notification_release(object);
        return;
    case OBJECT_INTERRUPT:
        interrupt_release(object);
        return;
    case OBJECT_PORTS:
        ports_release(object);
        return;
    case OBJECT_DEVICE:
        device_memory_release(object);
        return;
    case OBJECT_CONSOLE:
        console_release();
        return;
    case OBJECT_SYSTEM:
        return;
    }
    panic("release of %p, whose type %u is none", object, type);
}

void object_reference(void *object, enum object_type type, u32 rights) {
    reference_add(object, type);
    object_handle_added(object, type, rights);
}

void object_release(void *object, enum object_type type, u32 rights) {
    object_handle_removed(object, type, rights);
    reference_drop(object, type);
}
