/* SPDX-License-Identifier: MIT */
/* I/O ports: who may use which, on which CPU, and who may not although he is near. */
#include "user/bin/devices/devices.h"

int ports_grant_or_exit(uint32_t first, uint32_t count) {
    long ports = ioport_create(HANDLE_SYSTEM, first, count);
    if (ports < 0 || ioport_grant((int)ports) < 0) {
        process_exit(1);
    }
    return (int)ports;
}

/* Children: each ends with status 0 if it may use the port, or with a fault. */

static int read_port(void *port) {
    port_read8((uint16_t)(uintptr_t)port);
    return 0;
}

static int read_wide(void *port) {
    port_read16((uint16_t)(uintptr_t)port);
    return 0;
}

static int grant_and_read(void *port) {
    ports_grant_or_exit(CLOCK_PORT, 2);
    return read_port(port);
}

static uint32_t status_of(int (*function)(void *), uint32_t port) {
    long child = quartet_clone(PLAN_FORK | CLONE_QUIET, function, (void *)(uintptr_t)port);
    return demo_wait(demo_must("clone", child));
}

#define REFUSED (STATUS_FAULT | FAULT_EXCEPTION)

/* A child without a grant tries after each turn of this process, which has one, on the same CPU or
 * another one. */
static void check_turns(void) {
    uint32_t wrong = 0;
    for (int i = 0; i < 50; i++) {
        port_read8(CLOCK_PORT + 1);
        wrong += status_of(read_port, CLOCK_PORT + 1) != REFUSED;
    }
    claim(wrong == 0, "a clone has no grant, however often the CPU has just had one");
}

static uint32_t granted, spinning;
static int late_ports;

/* On another CPU, if there is one, while the grant is made here. */
static int use_when_granted(void *unused) {
    uint32_t turns = 0;
    (void)unused;
    word_put(&spinning, 1);
    while (word_get(&granted) == 0) {
        many_wait(&turns);
    }
    port_read8(0x2FF); /* the scratch register of a second serial port, be there one or not */
    return 0;
}

static int grant_late(void *unused) {
    uint32_t turns = 0;
    (void)unused;
    struct quartet_thread *thread = quartet_thread_start(use_when_granted, NULL);
    while (word_get(&spinning) == 0) {
        many_wait(&turns);
    }
    ioport_grant(late_ports);
    word_put(&granted, 1);
    quartet_thread_join(thread, NULL);
    return 0;
}

static int grant_many(void *unused) {
    (void)unused;
    long result = 0;
    for (uint32_t i = 0; i < 8; i++) {
        result |= ioport_grant((int)ioport_create(HANDLE_SYSTEM, 0x800 + 0x10 * i, 3));
    }
    for (uint32_t i = 0; i < 8; i++) {
        port_read8((uint16_t)(0x802 + 0x10 * i));
    }
    int ninth = (int)ioport_create(HANDLE_SYSTEM, 0x900, 1);
    int inside = (int)ioport_create(HANDLE_SYSTEM, 0x811, 1);
    return result != 0 || ioport_grant(ninth) != -E_LIMIT || ioport_grant(inside) != 0;
}

void check_ports(void) {
    claim(status_of(read_port, CLOCK_PORT) == REFUSED, "a port without a grant: a fault");
    claim(status_of(grant_and_read, CLOCK_PORT + 1) == 0, "a granted port may be used");
    claim(status_of(grant_and_read, CLOCK_PORT + 2) == REFUSED, "the next port may not");
    claim(status_of(grant_and_read, CLOCK_PORT - 1) == REFUSED, "nor the one before");
    claim(status_of(grant_and_read, 0xFFFF) == REFUSED, "nor the last one of all");
    claim(status_of(read_wide, 0xFFFF) == REFUSED, "nor what is beyond");
    ports_grant_or_exit(CLOCK_PORT, 2);
    claim(ioport_create(HANDLE_SYSTEM, 0x20, 1) == -E_BUSY, "ports that the kernel uses: E_BUSY");
    check_turns();
    late_ports = (int)ioport_create(HANDLE_SYSTEM, 0x2F8, 8);
    claim(status_of(grant_late, 0) == 0, "a grant reaches threads that run already");
    handle_close(late_ports);
    claim(status_of(grant_many, 0) == 0, "eight ranges, and no more");
}
