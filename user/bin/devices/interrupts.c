/* SPDX-License-Identifier: MIT */
/* Interrupt lines: what is delivered, when a line is masked, and who owns it after a death. */
#include "user/bin/devices/devices.h"

static long await(int note) { return notification_wait(note, CLOCK_BIT, 1000 * MILLISECOND); }

static void check_rounds(int irq, int note) {
    int rounds = 0;
    while (rounds < 20 && await(note) == CLOCK_BIT) {
        clock_served();
        irq_ack(irq);
        rounds++;
    }
    claim(rounds == 20, "interrupts arrive as signals, again and again");
}

/* While one is not acknowledged, others are kept, as one. */
static void check_masking(int irq, int note) {
    clock_stop();
    irq_ack(irq);
    irq_ack(irq);
    notification_wait(note, CLOCK_BIT, 0);
    clock_start();
    long first = await(note);
    uint64_t start = many_milliseconds();
    while (many_milliseconds() < start + 40) {
        clock_served(); /* the device goes on */
    }
    claim(first == CLOCK_BIT && notification_wait(note, CLOCK_BIT, 0) == -E_AGAIN,
          "none is signalled while one is not acknowledged");
    clock_stop();
    irq_ack(irq);
    claim(await(note) == CLOCK_BIT,
          "an edge that came meanwhile is kept"); /* there come no others */
    irq_ack(irq);
    if (notification_wait(note, CLOCK_BIT, 20 * MILLISECOND) == CLOCK_BIT) {
        irq_ack(irq); /* an 8259 keeps one more for itself */
    }
    claim(notification_wait(note, CLOCK_BIT, 20 * MILLISECOND) == -E_TIMEOUT, "as one");
}

void check_interrupts(void) {
    int note = (int)demo_must("notification_create", notification_create());
    int irq = (int)demo_must("irq_create", irq_create(HANDLE_SYSTEM, CLOCK_LINE));
    int other = (int)demo_must("notification_create", notification_create());
    claim(irq_create(HANDLE_SYSTEM, CLOCK_LINE) == -E_BUSY, "a line has one owner");
    claim(irq_ack(irq) == -E_NOTFOUND, "one that is bound to nothing has nothing to acknowledge");
    demo_must("irq_bind", irq_bind(irq, note, CLOCK_BIT));
    clock_start();
    check_rounds(irq, note);
    check_masking(irq, note);
    demo_must("irq_bind", irq_bind(irq, other, 1));
    handle_close(note);
    clock_start();
    claim(notification_wait(other, 1, 1000 * MILLISECOND) == 1, "a line can be bound anew");
    int reader = (int)handle_dup(other, RIGHT_READ, QUARTET_NONE);
    handle_close(other);
    irq_ack(irq);
    clock_served();
    claim(notification_wait(reader, 1, 1000 * MILLISECOND) == 1, "a line is one that can signal");
    handle_close(irq);
    claim(notification_wait(reader, 1, FUTEX_FOREVER) == -E_DEAD, "until its last close");
    clock_stop();
    handle_close(reader);
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

/* A driver that will be killed with an interrupt delivered and not acknowledged. */
static int drive(void *unused) {
    (void)unused;
    int note = (int)notification_create();
    int irq = (int)irq_create(HANDLE_SYSTEM, CLOCK_LINE);
    ports_grant_or_exit(CLOCK_PORT, 2);
    irq_bind(irq, note, CLOCK_BIT);
    clock_start();
    await(note);
    clock_served();
    while (thread_sleep(1000 * MILLISECOND) >= 0) {
    }
    return 0;
}

void check_interrupt_deaths(void) {
    int good = 1;
    for (int round = 0; round < 5 && good; round++) {
        long driver = demo_must("clone", quartet_clone(PLAN_FORK, drive, NULL));
        thread_sleep((uint32_t)(5 + 10 * round) * MILLISECOND);
        process_kill((int)driver, 9);
        demo_wait(driver);
        int note = (int)notification_create();
        int irq = (int)irq_create(HANDLE_SYSTEM, CLOCK_LINE);
        good = irq >= 0 && irq_bind(irq, note, CLOCK_BIT) == 0;
        clock_start();
        good = good && await(note) == CLOCK_BIT;
        clock_stop();
        handle_close(irq);
        handle_close(note);
    }
    claim(good, "a driver dies with the line, and the next one has it");
}

/* ---- Levels ---------------------------------------------------------------------------------- */

/* The ACPI timer of the machines that the tests use: while its status and enable bits are set, line
 * 9 is at its level. The status is set every 2.3 seconds. */
#define EVENT_PORT 0x600
#define EVENT_TIMER 1u
#define EVENT_LINE 9
#define EVENT_BIT 0x2u

void check_level(void) {
    int note = (int)demo_must("notification_create", notification_create());
    int irq = (int)demo_must("irq_create", irq_create(HANDLE_SYSTEM, EVENT_LINE));
    ports_grant_or_exit(EVENT_PORT, 4);
    uint16_t enabled = port_read16(EVENT_PORT + 2);
    port_write16(EVENT_PORT, EVENT_TIMER); /* clear what there is */
    irq_bind(irq, note, EVENT_BIT);
    port_write16(EVENT_PORT + 2, EVENT_TIMER);
    claim(notification_wait(note, EVENT_BIT, 5000 * MILLISECOND) == EVENT_BIT, "a level arrives");
    claim(notification_wait(note, EVENT_BIT, 20 * MILLISECOND) == -E_TIMEOUT,
          "and is masked until it is acknowledged");
    irq_ack(irq);
    claim(notification_wait(note, EVENT_BIT, 20 * MILLISECOND) == EVENT_BIT,
          "it comes again as long as it is there");
    port_write16(EVENT_PORT, EVENT_TIMER);
    irq_ack(irq);
    claim(notification_wait(note, EVENT_BIT, 20 * MILLISECOND) == -E_TIMEOUT, "and no longer");
    port_write16(EVENT_PORT + 2, enabled);
    handle_close(irq);
    handle_close(note);
}
