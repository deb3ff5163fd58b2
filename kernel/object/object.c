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

/* One plain reference more (ADD) or less. In line, for every system call does both. */
static inline __attribute__((always_inline)) void
reference_change(void *object, enum object_type type, bool add) {
    switch (type) {
    case OBJECT_QUARTER:
        return add ? quarter_reference(object) : quarter_release(object);
    case OBJECT_PROCESS:
        return add ? process_reference(object) : process_release(object);
    case OBJECT_ENDPOINT:
        return add ? endpoint_reference(object) : endpoint_release(object);
    case OBJECT_SESSION:
        return add ? session_reference(object) : session_release(object);
    case OBJECT_NOTIFICATION:
        return add ? notification_reference(object) : notification_release(object);
    case OBJECT_INTERRUPT:
        return add ? interrupt_reference(object) : interrupt_release(object);
    case OBJECT_PORTS:
        return add ? ports_reference(object) : ports_release(object);
    case OBJECT_DEVICE:
        return add ? device_memory_reference(object) : device_memory_release(object);
    case OBJECT_CONSOLE:
        return add ? console_reference() : console_release();
    case OBJECT_SYSTEM:
        return; /* the machine is always there */
    }
    panic("%s of %p, whose type %u is none", add ? "reference" : "release", object, type);
}

void object_reference(void *object, enum object_type type, u32 rights) {
    reference_change(object, type, true);
    object_handle_added(object, type, rights);
}

void object_release(void *object, enum object_type type, u32 rights) {
    object_handle_removed(object, type, rights);
    reference_change(object, type, false);
}
