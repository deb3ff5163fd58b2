/* SPDX-License-Identifier: MIT */
/*
 * Notifications: two processes that wake each other by turns, a timer in between, and one that is
 * killed while it waits. Pagers: the pages of a child come from the worker; each must be right,
 * refused where it was refused, and the child may be killed in its faults.
 */
#include "stress.h"

/* ---- Notifications --------------------------------------------------------------------------- */

#define TURNS 100u
enum { PING = 1, PONG = 2, TIMER = 4 };

static int note;

static void answer_pings(uint32_t unused) {
    (void)unused;
    for (uint32_t i = 0; i < TURNS; i++) {
        if (notification_wait(note, PING, FUTEX_FOREVER) != PING ||
            notification_signal(note, PONG) != 0) {
            process_exit(1);
        }
    }
}

static void wait_for_nothing(uint32_t unused) {
    (void)unused;
    notification_wait(note, 8, FUTEX_FOREVER);
    process_exit(1);
}

void stress_signals(void) {
    note = (int)stress_must("notification_create", notification_create());
    long other = stress_start(PLAN_FORK, answer_pings, 0);
    long waiter = stress_start(PLAN_FORK, wait_for_nothing, 0);
    stress_must("notification_timer", notification_timer(note, TIMER, 1000 + chance(20000), 0));
    uint32_t pongs = 0, timers = 0;
    stress_must("notification_signal", notification_signal(note, PING));
    while ((pongs < TURNS || timers < 1) && !stress_failed()) {
        long bits = notification_wait(note, PONG | TIMER, 10000000);
        if (bits <= 0 || (bits & ~(PONG | TIMER)) != 0) {
            stress_fail("signals: a wait returns %ld", bits);
        }
        timers += (bits & TIMER) != 0;
        if ((bits & PONG) && ++pongs < TURNS) {
            notification_signal(note, PING);
        }
    }
    if (timers > 1 || notification_wait(note, PING | PONG | TIMER, 0) != -E_AGAIN) {
        stress_fail("signals: bits that nobody has set");
    }
    stress_end(other, 0, "who answers signals");
    process_kill((int)waiter, 9);
    stress_end(waiter, STATUS_KILLED | 9, "who waits for a signal");
    handle_close(note);
}

/* ---- Pagers ---------------------------------------------------------------------------------- */

#define PAGES 16u

static uint32_t page_value(uint32_t page) { return (stress_self + 1) * 1000 + page; }
static volatile uint32_t *page_word(uint32_t page) { return demo_pointer(2, page * PAGE_SIZE); }

static int paged;

/* All pages by chance order, some twice; then one that is refused. */
static void read_pages(uint32_t seed) {
    stress_must("space_set", demo_attach(2, paged, RW, 1));
    for (uint32_t i = 0; i < 2 * PAGES; i++) {
        uint32_t page = i < PAGES ? i : many_random(&seed, PAGES);
        if (*page_word(page) != page_value(page)) {
            process_exit(1);
        }
    }
    *page_word(PAGES) = 1;
    process_exit(2);
}

/* Until the quarter is gone. */
static void pages_serve(int endpoint, int store) {
    for (;;) {
        struct message message = {0};
        if (stress_must("ipc_receive", ipc_receive(endpoint, &message)) < 0 ||
            message.kind == MESSAGE_CLOSED) {
            return;
        }
        uint32_t page = (uint32_t)message.word[1] >> PAGE_SHIFT, value = page_value(page);
        struct message reply = {.label = PAGER_REFUSE, .token = message.token};
        if (page < PAGES) {
            stress_must("quarter_supply",
                        quarter_supply(store, page * PAGE_SIZE, &value, sizeof(value)));
            reply.label = chance(2) ? PAGER_MOVE : PAGER_COPY;
            reply.word[0] = page * PAGE_SIZE;
            reply.word[1] = 1;
            reply.handle[0] = store;
            reply.handle_count = 1;
        }
        long result = ipc_reply(endpoint, &reply);
        if (result != 0 && result != -E_NOTFOUND) {
            stress_fail("pagers: a reply: %s", quartet_error_name(result));
        }
    }
}

static int killer(void *child) {
    thread_sleep(chance(10000));
    process_kill((int)(intptr_t)child, 9);
    return 0;
}

void stress_pagers(void) {
    bool mortal = chance(3) == 0;
    int endpoint = (int)stress_must("endpoint_create", endpoint_create());
    int session = (int)stress_must("endpoint_session", endpoint_session(endpoint, 1));
    int store = (int)stress_must("quarter_create", quarter_create(2));
    stress_must("quarter_map", quarter_map(store, 0, PAGES * PAGE_SIZE, RW));
    paged = (int)stress_must("quarter_create", quarter_create(2));
    stress_must("quarter_map", quarter_map(paged, 0, 2 * PAGES * PAGE_SIZE, RW | MAP_PAGED));
    stress_must("quarter_pager", quarter_pager(paged, session));
    handle_close(session);
    long child =
        process_clone(PLAN(PLAN_COPY, PLAN_COPY, PLAN_NONE, PLAN_COPY) | CLONE_QUIET, 0, 0, 0);
    if (child == 0) {
        handle_close(endpoint); /* whoever receives for a pager cannot wait for it */
        read_pages(stress_seed);
    }
    stress_must("process_clone", child);
    handle_close(paged);
    struct quartet_thread *thread =
        mortal ? quartet_thread_start(killer, (void *)(intptr_t)child) : NULL;
    pages_serve(endpoint, store);
    if (thread != NULL) {
        quartet_thread_join(thread, NULL);
    }
    struct process_status status = {0};
    stress_must("process_wait", process_wait((int)child, 0, &status));
    if (status.status != (STATUS_FAULT | FAULT_PAGER_REFUSED) &&
        !(mortal && status.status == (STATUS_KILLED | 9))) {
        stress_fail("pagers: a child ended with status %#lx", (unsigned long)status.status);
    }
    handle_close((int)child);
    handle_close(store);
    handle_close(endpoint);
}
