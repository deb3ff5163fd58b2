/* SPDX-License-Identifier: MIT */
/*
 * Rows of bench for notifications and interrupts.
 *
 * notification     a signal to a thread of the same process that waits, on the same CPU, which
 *                  signals back: two signals, two waits, two switches
 * irq_to_driver    from the last instruction of a program that an interrupt stops (a loop that keeps
 *                  the time) to the first of the driver, which waits for the line with a higher
 *                  priority: the entry, the controller, the signal, the switch, the return. The
 *                  device is the real-time clock, line 8. Needs the word `devices` on the kernel's
 *                  command line; else there is no such row.
 */
#include "user/bin/bench/bench.h"
#include "user/bin/devices/clock.h"

#define ROUNDS 100
#define PING 1u
#define PONG 2u
#define LINE 4u
#define LOW_PRIORITY (PRIORITY_DEFAULT - 1)

static int note, stopped;

static int pong(void *unused) {
    (void)unused;
    while (!stopped) {
        notification_wait(note, PING, FUTEX_FOREVER);
        notification_signal(note, PONG);
    }
    return 0;
}

static void ping(void) {
    notification_signal(note, PING);
    notification_wait(note, PONG, FUTEX_FOREVER);
}

void bench_notification(void) {
    struct result result = result_none();
    note = (int)checked("notification_create", notification_create());
    stopped = 0;
    struct quartet_thread *thread = quartet_thread_start(pong, NULL);
    for (int run = 0; run < WARM_UPS + RUNS; run++) {
        uint64_t from = ticks();
        for (int i = 0; i < ROUNDS; i++) {
            ping();
        }
        uint64_t to = ticks();
        if (run >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("notification", result, ROUNDS);
    stopped = 1;
    ping();
    quartet_thread_join(thread, NULL);
    handle_close(note);
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

static volatile uint64_t last; /* the time as the interrupted loop knows it */
static struct result latency;
static int line;

static int drive(void *unused) {
    (void)unused;
    for (int run = 0; run < WARM_UPS + RUNS; run++) {
        notification_wait(note, LINE, FUTEX_FOREVER);
        uint64_t now = ticks();
        if (run >= WARM_UPS) {
            result_add(&latency, last, now);
        }
        clock_served();
        irq_ack(line);
    }
    stopped = 1;
    return 0;
}

void bench_irq_to_driver(void) {
    int ports = (int)ioport_create(HANDLE_SYSTEM, CLOCK_PORT, 2);
    if (ports == -E_RIGHTS) {
        return;
    }
    checked("ioport_grant", ioport_grant((int)checked("ioport_create", ports)));
    line = (int)checked("irq_create", irq_create(HANDLE_SYSTEM, CLOCK_LINE));
    note = (int)checked("notification_create", notification_create());
    checked("irq_bind", irq_bind(line, note, LINE));
    latency = result_none();
    stopped = 0;
    struct quartet_thread *thread = quartet_thread_start(drive, NULL);
    uint32_t before = (uint32_t)checked("thread_priority", thread_priority(LOW_PRIORITY));
    clock_start();
    while (!*(volatile int *)&stopped) {
        last = ticks();
    }
    clock_stop();
    thread_priority(before);
    quartet_thread_join(thread, NULL);
    report("irq_to_driver", latency, 1);
    handle_close(line);
    handle_close(note);
    handle_close(ports);
}
