/* SPDX-License-Identifier: MIT */
/*
 * Devices: wrong handles and types, and, as the shell's programs have no right to devices, what is
 * refused for want of it. With the right (`devices` on the kernel's command line) the numbers, too.
 */
#include "user/bin/badcalls/badcalls.h"

void bad_device_handle(int handle) {
    EXPECT(E_HANDLE, irq_create(handle, 8));
    EXPECT(E_HANDLE, irq_bind(handle, QUARTET_NONE, 1));
    EXPECT(E_HANDLE, irq_ack(handle));
    EXPECT(E_HANDLE, ioport_create(handle, 0x70, 2));
    struct device_range range = {.physical = 0xB8000, .length = PAGE_SIZE};
    EXPECT(E_HANDLE, ioport_grant(handle));
    EXPECT(E_HANDLE, device_create(handle, &range));
    EXPECT(E_HANDLE, quarter_map_device(handle, 0x20000000, HANDLE_SYSTEM, RIGHT_READ));
    EXPECT(E_HANDLE, quarter_map_device(QUARTET_SLOT(1), 0x20000000, handle, RIGHT_READ));
}

static void bad_device_numbers(void) {
    EXPECT(E_NOTFOUND, irq_create(HANDLE_SYSTEM, 16));
    EXPECT(E_NOTFOUND, irq_create(HANDLE_SYSTEM, UINT32_MAX));
    EXPECT(E_NOTFOUND, irq_create(HANDLE_SYSTEM, 2)); /* the other controller */
    EXPECT(E_BUSY, irq_create(HANDLE_SYSTEM, 0));     /* the timer */
    EXPECT(E_INVALID, ioport_create(HANDLE_SYSTEM, 0x70, 0));
    EXPECT(E_RANGE, ioport_create(HANDLE_SYSTEM, 0x1000, 1));
    EXPECT(E_RANGE, ioport_create(HANDLE_SYSTEM, 0xFFF, 2));
    EXPECT(E_RANGE, ioport_create(HANDLE_SYSTEM, 1, UINT32_MAX));
    EXPECT(E_BUSY, ioport_create(HANDLE_SYSTEM, 0, 0x1000));
    EXPECT(E_BUSY, ioport_create(HANDLE_SYSTEM, 0x21, 1));
    EXPECT(E_FAULT, device_create(HANDLE_SYSTEM, NULL));
    EXPECT(E_FAULT, device_create(HANDLE_SYSTEM, (void *)(uintptr_t)(0x40000000 - 8)));
}

static void bad_device_objects(void) {
    int irq = (int)irq_create(HANDLE_SYSTEM, 8);
    int ports = (int)ioport_create(HANDLE_SYSTEM, 0x70, 2);
    int note = (int)notification_create();
    int deaf = (int)handle_dup(note, RIGHT_READ, QUARTET_NONE);
    int weak_irq = (int)handle_dup(irq, RIGHT_DUPLICATE, QUARTET_NONE);
    int weak_ports = (int)handle_dup(ports, RIGHT_DUPLICATE, QUARTET_NONE);
    state_keep();
    EXPECT(E_BUSY, irq_create(HANDLE_SYSTEM, 8));
    EXPECT(E_RIGHTS, irq_bind(weak_irq, note, 1));
    EXPECT(E_RIGHTS, irq_ack(weak_irq));
    EXPECT(E_RIGHTS, ioport_grant(weak_ports));
    EXPECT(E_TYPE, irq_bind(ports, note, 1));
    EXPECT(E_TYPE, irq_bind(irq, ports, 1));
    EXPECT(E_HANDLE, irq_bind(irq, 200, 1));
    EXPECT(E_RIGHTS, irq_bind(irq, deaf, 1));
    EXPECT(E_INVALID, irq_bind(irq, note, 0));
    EXPECT(E_INVALID, irq_bind(irq, note, 0x80000000u));
    EXPECT(E_NOTFOUND, irq_ack(irq));
    EXPECT(E_TYPE, ioport_grant(irq));
    const int all[] = {irq, ports, note, deaf, weak_irq, weak_ports};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        handle_close(all[i]);
    }
    state_keep();
}

void bad_devices(void) {
    struct handle_stat stat;
    EXPECT(E_TYPE, irq_create(QUARTET_SELF, 8));
    EXPECT(E_TYPE, irq_bind(HANDLE_SYSTEM, QUARTET_NONE, 1));
    EXPECT(E_TYPE, irq_ack(HANDLE_SYSTEM));
    EXPECT(E_TYPE, ioport_create(QUARTET_SELF, 0x70, 2));
    struct device_range range = {.physical = 0xB8000, .length = PAGE_SIZE};
    EXPECT(E_TYPE, ioport_grant(HANDLE_SYSTEM));
    EXPECT(E_TYPE, device_create(QUARTET_SELF, &range));
    EXPECT(E_TYPE, quarter_map_device(HANDLE_SYSTEM, 0, HANDLE_SYSTEM, RIGHT_READ));
    EXPECT(E_TYPE, quarter_map_device(QUARTET_SLOT(1), 0x20000000, HANDLE_SYSTEM, RIGHT_READ));
    EXPECT(E_INVALID, quarter_map_device(QUARTET_SLOT(1), 0x20000000, HANDLE_SYSTEM,
                                         RIGHT_READ | RIGHT_EXECUTE));
    if (handle_stat(HANDLE_SYSTEM, &stat) == 0 && (stat.rights & RIGHT_MAP) != 0) {
        bad_device_numbers();
        bad_device_objects();
    } else {
        EXPECT(E_RIGHTS, irq_create(HANDLE_SYSTEM, 8));
        EXPECT(E_RIGHTS, ioport_create(HANDLE_SYSTEM, 0x70, 2));
        EXPECT(E_RIGHTS, device_create(HANDLE_SYSTEM, &range));
    }
}
