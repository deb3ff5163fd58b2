/* SPDX-License-Identifier: MIT */
/*
 * System calls on devices: interrupt lines, I/O ports, device memory. The work is in kernel/device/ and
 * vm/map.c.
 */
#include "kernel/device/interrupt.h"
#include "kernel/device/memory.h"
#include "kernel/device/ports.h"
#include "kernel/ipc/notification.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/quarter.h"

#define MEMORY_RIGHTS (DEVICE_RIGHTS | RIGHT_READ | RIGHT_MAP)
#define DEVICE_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)

long do_irq_create(u32 line) {
    struct interrupt *interrupt;
    int error = interrupt_create(line, &interrupt);
    return error != E_OK ? -error : object_install(interrupt, OBJECT_INTERRUPT, DEVICE_RIGHTS);
}

long do_irq_bind(struct interrupt *interrupt, int notification, u32 bits) {
    struct handle found;
    if (notification == QUARTET_NONE) {
        interrupt_bind(interrupt, NULL, bits);
        return 0;
    }
    int error = object_lookup(notification, OBJECT_NOTIFICATION, RIGHT_WRITE, &found);
    if (error != E_OK) {
        return -error;
    }
    error = notification_bits_check(bits);
    if (error == E_OK) {
        interrupt_bind(interrupt, found.object, bits);
    }
    notification_release(found.object);
    return -error;
}

long do_irq_ack(struct interrupt *interrupt) { return -interrupt_acknowledge(interrupt); }

long do_ioport_create(u32 first, u32 count) {
    struct ports *ports;
    int error = ports_create(first, count, &ports);
    return error != E_OK ? -error : object_install(ports, OBJECT_PORTS, DEVICE_RIGHTS);
}

long do_ioport_grant(struct ports *ports) { return -ports_grant(ports); }

long do_device_create(uword range) {
    struct device_range wanted;
    struct device_memory *device;
    int error = copy_in(&wanted, range, sizeof(wanted));
    if (error == E_OK) {
        error = device_memory_create(wanted.physical, wanted.length, &device);
    }
    return error != E_OK ? -error : object_install(device, OBJECT_DEVICE, MEMORY_RIGHTS);
}

long do_quarter_map_device(struct quarter *quarter, u32 offset, struct device_memory *device,
                           u32 rights) {
    return -quarter_map_device(quarter, offset, device->first, device->pages, rights);
}
