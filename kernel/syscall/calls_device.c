/* SPDX-License-Identifier: MIT */
/*
 * System calls on devices: interrupt lines and I/O ports. To create an object takes MAP on the
 * system object; to use it WRITE on its own handle. The work is in kernel/device/.
 */
#include "kernel/device/interrupt.h"
#include "kernel/device/ports.h"
#include "kernel/ipc/notification.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"

#define DEVICE_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)

long call_irq_create(uword system, uword line, uword c UNUSED, uword d UNUSED) {
    struct interrupt *interrupt;
    int error = system_check((int)system, RIGHT_MAP);
    if (error == E_OK) {
        error = interrupt_create((u32)line, &interrupt);
    }
    return error != E_OK ? -error : object_install(interrupt, OBJECT_INTERRUPT, DEVICE_RIGHTS);
}

/* The notification behind HANDLE, to be signalled BITS; QUARTET_NONE: null. */
static int target_lookup(int handle, u32 bits, struct notification **notification) {
    *notification = NULL;
    if (handle == QUARTET_NONE) {
        return E_OK;
    }
    int error = notification_lookup(handle, RIGHT_WRITE, notification);
    if (error == E_OK && (bits == 0 || (bits & ~NOTIFICATION_BITS) != 0)) {
        notification_release(*notification);
        error = E_INVALID;
    }
    return error;
}

long call_irq_bind(uword handle, uword target, uword bits, uword d UNUSED) {
    struct interrupt *interrupt;
    struct notification *notification;
    int error = interrupt_lookup((int)handle, RIGHT_WRITE, &interrupt);
    if (error != E_OK) {
        return -error;
    }
    error = target_lookup((int)target, (u32)bits, &notification);
    if (error == E_OK) {
        interrupt_bind(interrupt, notification, (u32)bits);
    }
    if (error == E_OK && notification != NULL) {
        notification_release(notification);
    }
    interrupt_release(interrupt);
    return -error;
}

long call_irq_ack(uword handle, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct interrupt *interrupt;
    int error = interrupt_lookup((int)handle, RIGHT_WRITE, &interrupt);
    if (error == E_OK) {
        error = interrupt_acknowledge(interrupt);
        interrupt_release(interrupt);
    }
    return -error;
}

long call_ioport_create(uword system, uword first, uword count, uword d UNUSED) {
    struct ports *ports;
    int error = system_check((int)system, RIGHT_MAP);
    if (error == E_OK) {
        error = ports_create((u32)first, (u32)count, &ports);
    }
    return error != E_OK ? -error : object_install(ports, OBJECT_PORTS, DEVICE_RIGHTS);
}

long call_ioport_grant(uword handle, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct ports *ports;
    int error = ports_lookup((int)handle, RIGHT_WRITE, &ports);
    if (error == E_OK) {
        error = ports_grant(ports);
        ports_release(ports);
    }
    return -error;
}
