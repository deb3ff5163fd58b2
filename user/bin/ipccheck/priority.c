/* SPDX-License-Identifier: MIT */
/*
 * Priorities. Callers of the highest priority are received first, the oldest of them before the
 * others. And no inversion: what a high caller waits for runs at its priority, so on one CPU a
 * spinner in the middle does not run between.
 *
 *     low        a server, in the middle of a request of WORK turns; and its low client
 *     middle     a spinner
 *     high       a call: the server goes on at this priority until it has replied to both
 *
 * Without lending, the high one would wait until the spinner ends. With -x its wait is counted in
 * instructions (one tick of the time-stamp counter each): the rest of the work under way, and at
 * most BOUND more.
 */
#include "ipccheck.h"

#define LOW 4u
#define SERVER 5u
#define MIDDLE 8u
#define HIGH 12u
#define CLIENTS 6u
#define WORK 400000u /* turns of work() */
#define TURN 6u      /* instructions, at most */
#define BOUND 30000u /* two replies, a receive, four switches, a return */

/* ---- The order of the queue ------------------------------------------------------------------ */

static uint32_t number; /* of the clone */

static void call_with_number(void) {
    uint64_t answer;
    thread_priority(number == CLIENTS ? HIGH : LOW + number % 2);
    EQUAL(0, form_call(number % 2 ? SHORT : LONG, number, 0, &answer));
}

void check_queue_order(void) {
    /* low ones by turns at two priorities, the most urgent one last */
    static const uint32_t order[] = {CLIENTS, 1, 3, 5, 0, 2, 4};
    long client[CLIENTS + 1];
    struct exchange got;
    for (number = 0; number <= CLIENTS; number++) {
        client[number] = start(FORK, call_with_number);
        waits(client[number]);
    }
    for (uint32_t i = 0; i <= CLIENTS; i++) {
        EQUAL(order[i], form_receive(LONG, &got));
        EQUAL(0, form_reply(LONG, 0, &got, 0));
    }
    for (uint32_t i = 0; i <= CLIENTS; i++) {
        ends(client[i], 0);
    }
}

/* ---- Inversion ------------------------------------------------------------------------------- */

static uint64_t ticks(void) { return __builtin_ia32_rdtsc(); }

static __attribute__((noinline)) void work(uint32_t turns) {
    for (volatile uint32_t i = 0; i < turns; i++) {
    }
}

enum { TURNS_DONE, SPINNING, WAITED, LENT_PRIORITY, BASE_PRIORITY };

/* The first request is long, the others are not. */
static void serve_slowly(void) {
    struct exchange got;
    thread_priority(SERVER);
    form_receive(SHORT, &got);
    stage_set(1);
    for (uint32_t i = 0; i < 100 && BOARD->stage < 2; i++) {
        work(WORK / 100);
        thread_sleep(MILLISECOND); /* until the others have begun */
    }
    work(WORK);
    BOARD->word[LENT_PRIORITY] = process_facts(QUARTET_SELF).priority;
    EQUAL(0, form_reply(SHORT, 0, &got, 0));
    form_receive(SHORT, &got);
    EQUAL(0, form_reply(SHORT, 0, &got, 0));
    struct message message = {.timeout = TICK};
    EQUAL(-E_TIMEOUT, ipc_receive(endpoint, &message));
    BOARD->word[BASE_PRIORITY] = process_facts(QUARTET_SELF).priority;
    stage_set(9);
}

static void call_low(void) {
    uint64_t answer;
    thread_priority(LOW);
    EQUAL(0, form_call(SHORT, 1, 0, &answer));
}

/* Only what is more urgent can end this. */
static void spin_in_the_middle(void) {
    thread_priority(MIDDLE);
    uint64_t latest = many_milliseconds() + 20000;
    __atomic_add_fetch(&BOARD->word[SPINNING], 1, __ATOMIC_SEQ_CST);
    while (BOARD->word[WAITED] == 0 && many_milliseconds() < latest) {
        __builtin_ia32_pause();
    }
    CHECK(BOARD->word[WAITED] != 0);
}

static void call_high(void) {
    uint64_t answer;
    thread_priority(HIGH);
    stage_wait(3);
    uint64_t from = ticks();
    EQUAL(0, form_call(SHORT, 1, 0, &answer));
    BOARD->word[WAITED] = (uint32_t)(ticks() - from);
}

void check_boost(void) {
    thread_priority(HIGH + 1); /* the driver waits only, and is never waited for */
    long server = start(FORK, serve_slowly);
    waits(server);
    long low = start(FORK, call_low);
    stage_wait(1);
    long high = start(FORK, call_high);
    long spinners[8];
    uint32_t cpus = many_machine().cpus < 8 ? many_machine().cpus : 8;
    for (uint32_t i = 0; i < cpus; i++) {
        spinners[i] = start(FORK, spin_in_the_middle);
    }
    while (BOARD->word[SPINNING] < cpus) {
        thread_sleep(TICK);
    }
    stage_set(3);
    ends(high, 0);
    for (uint32_t i = 0; i < cpus; i++) {
        ends(spinners[i], 0);
    }
    ends(low, 0);
    ends(server, 0);
    EQUAL(HIGH, BOARD->word[LENT_PRIORITY]);
    EQUAL(SERVER, BOARD->word[BASE_PRIORITY]);
    if (exact) {
        printf("     a high caller has waited for %lu instructions; the bound is %lu\n",
               (unsigned long)BOARD->word[WAITED], (unsigned long)(TURN * WORK + BOUND));
        CHECK(BOARD->word[WAITED] <= TURN * WORK + BOUND);
    }
}
