/* SPDX-License-Identifier: MIT */
/*
 * System calls on devices: interrupt lines, I/O ports, device memory. To create an object takes MAP
 * on the system object; to use a line or ports WRITE on its own handle; to map device memory MAP, and
 * the rights that the region gets. The work is in kernel/device/ and vm/map.c.
 */
#include "kernel/device/interrupt.h"
#include "kernel/device/memory.h"
#include "kernel/device/ports.h"
#include "kernel/ipc/notification.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/quarter.h"

#define MEMORY_RIGHTS (DEVICE_RIGHTS | RIGHT_READ | RIGHT_MAP)
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
    return notification_lookup(handle, bits, RIGHT_WRITE, notification);
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

long call_device_create(uword system, uword range, uword c UNUSED, uword d UNUSED) {
    struct device_range wanted;
    struct device_memory *device;
    int error = system_check((int)system, RIGHT_MAP);
    if (error == E_OK) {
        error = copy_in(&wanted, range, sizeof(wanted));
    }
    if (error == E_OK) {
        error = device_memory_create(wanted.physical, wanted.length, &device);
    }
    return error != E_OK ? -error : object_install(device, OBJECT_DEVICE, MEMORY_RIGHTS);
}

long call_quarter_map_device(uword handle, uword offset, uword source, uword rights) {
    struct quarter *quarter;
    struct device_memory *device;
    if ((u32)rights & ~(RIGHT_READ | RIGHT_WRITE)) {
        return -E_INVALID;
    }
    int error = quarter_lookup((int)handle, RIGHT_MAP | RIGHT_WRITE | (u32)rights, &quarter, NULL);
    if (error != E_OK) {
        return -error;
    }
    error = device_lookup((int)source, RIGHT_MAP | (u32)rights, &device);
    if (error == E_OK) {
        error = quarter_map_device(quarter, (u32)offset, device->first, device->pages, (u32)rights);
        device_memory_release(device);
    }
    quarter_put(quarter);
    return -error;
}
