/* SPDX-License-Identifier: MIT */
/*
 * Time-outs: a call may end by one while it is queued or being served, a receive while it waits;
 * not before its time, and with exact times at the second tick after it. A reply that comes later
 * finds nobody.
 */
#include "ipccheck.h"

static uint64_t begun;

static uint64_t microseconds(void) {
    uint64_t now = 0;
    clock_now(&now);
    return now / 1000;
}

static void clock_start(void) { begun = microseconds(); }

/* LIMIT microseconds have passed since then. */
static void clock_check(uint32_t limit) {
    uint64_t passed = microseconds() - begun;
    CHECK(passed >= limit);
    check(!exact || passed <= limit + 2 * TICK, "a time-out comes in time", (long)passed, "times.c",
          (int)limit);
}

static long call_within(uint32_t limit) {
    struct message message = {.label = 1, .timeout = limit};
    clock_start();
    long result = ipc_call(session, &message);
    if (result == -E_TIMEOUT) {
        clock_check(limit);
    }
    return result;
}

static void receive_within(uint32_t limit) {
    struct message message = {.timeout = limit};
    clock_start();
    EQUAL(-E_TIMEOUT, ipc_receive(endpoint, &message));
    clock_check(limit);
}

/* ---- The driver receives --------------------------------------------------------------------- */

static void call_and_give_up(void) {
    EQUAL(-E_TIMEOUT, call_within(3 * TICK));
    stage_set(1);
}

static void late_reply(enum form form) {
    struct exchange got;
    stage_set(0);
    long caller = start(FORK, call_and_give_up);
    EQUAL(1, form_receive(form, &got));
    stage_wait(1);
    EQUAL(-E_NOTFOUND, form_reply(form, 2, &got, 0));
    struct message message = {.token = got.token, .timeout = TICK};
    EQUAL(-E_NOTFOUND, ipc_reply_receive(endpoint, &message)); /* and does not wait */
    ends(caller, 0);
}

static void call_in_time(void) { EQUAL(0, call_within(NOT_FOR_EVER)); }

/* A reply before the limit: the next wait of that thread is not cut short by it. */
static void reply_in_time(void) {
    struct exchange got;
    long caller = start(FORK, call_in_time);
    EQUAL(1, form_receive(LONG, &got));
    thread_sleep(2 * TICK);
    EQUAL(0, form_reply(LONG, 2, &got, 0));
    ends(caller, 0);
}

static void receive_served(void) {
    struct message message = {.timeout = NOT_FOR_EVER};
    clock_start();
    EQUAL(0, ipc_receive(endpoint, &message));
    EQUAL(1, message.label);
    EQUAL(NOT_FOR_EVER, message.timeout);
    EQUAL(0, ipc_reply(endpoint, &message));
}

void check_timeouts(void) {
    static const uint32_t limits[] = {1, 1 * MILLISECOND, TICK, 3 * TICK, 7 * TICK};
    for (uint32_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        EQUAL(-E_TIMEOUT, call_within(limits[i])); /* nobody receives: it is queued */
        receive_within(limits[i]);                 /* and is not there any more */
    }
    late_reply(SHORT);
    late_reply(LONG);
    reply_in_time();
    long server = start(FORK, receive_served);
    waits(server);
    EQUAL(0, call_within(NOT_FOR_EVER));
    ends(server, 0);
    receive_within(TICK);
}
