/* SPDX-License-Identifier: MIT */
/*
 * notifications: what notifications promise, tried on the running system, each claim checked: bits
 * are given to who waits for them, a wait ends by a time-out, by the end of all who could signal, or
 * by a kill; timers come once, again and again, or not at all; a flood of signals costs no memory.
 * Ends with status 1 if a claim does not hold.
 */
#include "user/bin/many.h"

#define USAGE "notifications"
#define MILLISECOND 1000u
#define TICK (10 * MILLISECOND)
#define WAITERS 64 /* the kernel's limit for one notification */
#define TIMERS 8   /* the same */

static int failed;
static void claim(bool holds, const char *sentence) { failed += demo_claim(holds, sentence); }

static int created(void) { return (int)demo_must("notification_create", notification_create()); }

/* ---- Bits ------------------------------------------------------------------------------------ */

static void check_bits(void) {
    int note = created();
    claim(notification_wait(note, 1, 0) == -E_AGAIN, "a look at no bits says E_AGAIN");
    notification_signal(note, 0x6);
    notification_signal(note, 0x2);
    claim(notification_wait(note, 0x3, FUTEX_FOREVER) == 0x2, "a wait takes its bits only");
    claim(notification_wait(note, 0x3, 0) == -E_AGAIN, "two signals before it were one");
    claim(notification_wait(note, NOTIFICATION_BITS, 0) == 0x4, "the others stay");
    notification_signal(note, NOTIFICATION_BITS);
    claim(notification_wait(note, NOTIFICATION_BITS, 0) == (long)NOTIFICATION_BITS,
          "all 31 bits fit into a result");
    uint64_t start = many_milliseconds();
    claim(notification_wait(note, 1, 30 * MILLISECOND) == -E_TIMEOUT, "a wait times out");
    claim(many_milliseconds() - start >= 29, "and not too early");
    handle_close(note);
}

/* ---- Several waiters ------------------------------------------------------------------------- */

static int shared; /* the notification that the threads below wait for */
static long got[3];
static const uint32_t masks[3] = {0x1, 0x6, 0x4};

static int wait_for_mask(void *which) {
    int number = *(int *)which;
    got[number] = notification_wait(shared, masks[number], FUTEX_FOREVER);
    return 0;
}

/* Let THREADS others run until they wait. */
static void settle(void) { thread_sleep(30 * MILLISECOND); }

static void check_masks(void) {
    static int number[3] = {0, 1, 2};
    struct quartet_thread *thread[3];
    shared = created();
    for (int i = 0; i < 3; i++) {
        thread[i] = quartet_thread_start(wait_for_mask, &number[i]);
        settle(); /* so that the order in which they wait is known */
    }
    notification_signal(shared, 0x7);
    quartet_thread_join(thread[0], NULL);
    quartet_thread_join(thread[1], NULL);
    claim(got[0] == 0x1 && got[1] == 0x6, "each of two waiters gets the bits of its mask");
    notification_signal(shared, 0x4);
    quartet_thread_join(thread[2], NULL);
    claim(got[2] == 0x4, "a bit goes to who waited longest, the next one to the next");
    handle_close(shared);
}

static int wait_and_count(void *count) {
    long result = notification_wait(shared, 1, FUTEX_FOREVER);
    __atomic_add_fetch((int *)count, result == -E_DEAD, __ATOMIC_RELAXED);
    return 0;
}

/* One more than may wait; then nobody is left who could signal. */
static void check_many_waiters(void) {
    static struct quartet_thread *thread[WAITERS];
    int dead = 0;
    shared = created();
    for (int i = 0; i < WAITERS; i++) {
        thread[i] = quartet_thread_start(wait_and_count, &dead);
    }
    settle();
    claim(notification_wait(shared, 1, TICK) == -E_LIMIT, "no more than 64 may wait");
    int reader = (int)handle_dup(shared, RIGHT_READ, QUARTET_NONE);
    handle_close(shared);
    for (int i = 0; i < WAITERS; i++) {
        quartet_thread_join(thread[i], NULL);
    }
    claim(dead == WAITERS, "the last handle that may signal is closed: E_DEAD for all");
    claim(notification_wait(reader, 1, FUTEX_FOREVER) == -E_DEAD, "and for who comes later");
    claim(notification_timer(reader, 1, 1, 0) == 0 &&
              notification_wait(reader, 1, FUTEX_FOREVER) == 1,
          "but a timer can still signal");
    handle_close(reader);
}

/* ---- Rights and deaths ------------------------------------------------------------------------
 */

static void check_rights(void) {
    int note = created();
    int reader = (int)handle_dup(note, RIGHT_READ, QUARTET_NONE);
    int writer = (int)handle_dup(note, RIGHT_WRITE, QUARTET_NONE);
    claim(notification_signal(reader, 1) == -E_RIGHTS, "read is no right to signal");
    claim(notification_wait(writer, 1, 0) == -E_RIGHTS, "write is no right to wait");
    claim(notification_timer(writer, 1, 1, 0) == -E_RIGHTS, "or to set timers");
    claim(notification_signal(writer, 1) == 0 && notification_wait(reader, 1, 0) == 1,
          "each does what it is a right to");
    handle_close(note);
    handle_close(writer);
    handle_close(reader);
}

static int signal_twice(void *note) {
    notification_signal(*(int *)note, 1);
    thread_sleep(2 * TICK);
    notification_signal(*(int *)note, 2);
    return 0;
}

static int wait_for_ever(void *note) {
    return notification_wait(*(int *)note, 4, FUTEX_FOREVER) != 4;
}

static void check_processes(void) {
    int note = created();
    long child = demo_must("clone", quartet_clone(PLAN_FORK, signal_twice, &note));
    int reader = (int)handle_dup(note, RIGHT_READ, QUARTET_NONE);
    handle_close(note);
    claim(notification_wait(reader, 3, FUTEX_FOREVER) == 1, "another process signals");
    claim(notification_wait(reader, 3, FUTEX_FOREVER) == 2, "again");
    claim(notification_wait(reader, 3, FUTEX_FOREVER) == -E_DEAD, "and dies: E_DEAD");
    demo_wait(child);
    handle_close(reader);
    note = created();
    child = demo_must("clone", quartet_clone(PLAN_FORK, wait_for_ever, &note));
    settle();
    process_kill((int)child, 9);
    demo_wait(child);
    notification_signal(note, 4);
    claim(notification_wait(note, 4, 0) == 4, "one that is killed while it waits takes nothing");
    handle_close(note);
}

/* ---- Timers ---------------------------------------------------------------------------------- */

/* How long the next signal of BITS takes, in milliseconds; -1: it is another one. */
static long milliseconds_until(int note, uint32_t bits) {
    uint64_t start = many_milliseconds();
    long result = notification_wait(note, NOTIFICATION_BITS, 2000 * MILLISECOND);
    return result == (long)bits ? (long)(many_milliseconds() - start) : -1;
}

static void check_timers(void) {
    int note = created();
    claim(notification_timer(note, 1, 50 * MILLISECOND, 0) == 0 &&
              milliseconds_until(note, 1) >= 49,
          "a timer comes, and not too early");
    claim(notification_wait(note, 1, 40 * MILLISECOND) == -E_TIMEOUT, "and only once");
    notification_timer(note, 2, TICK, 2 * TICK);
    int rounds = 0;
    while (rounds < 5 && milliseconds_until(note, 2) >= 0) {
        rounds++;
    }
    claim(rounds == 5, "one with a period comes again");
    notification_timer(note, 2, 0, 0);
    notification_wait(note, 2, 0);
    claim(notification_wait(note, 2, 5 * TICK) == -E_TIMEOUT, "until it is stopped");
    notification_timer(note, 4, 1000 * MILLISECOND, 0);
    notification_timer(note, 8, 3 * TICK, 0);
    notification_timer(note, 4, TICK, 0);
    claim(milliseconds_until(note, 4) >= 0 && milliseconds_until(note, 8) >= 0,
          "timers come in order, and one that is set anew by its new time");
    handle_close(note);
}

static void check_timer_limits(void) {
    int note = created();
    long error = 0;
    for (uint32_t i = 0; i < TIMERS; i++) {
        error |= notification_timer(note, 1u << i, (100 - i) * MILLISECOND, TICK);
    }
    claim(error == 0, "eight timers run");
    claim(notification_timer(note, 1u << TIMERS, TICK, 0) == -E_LIMIT, "and a ninth is too many");
    claim(notification_timer(note, 1, TICK, 0) == 0, "but one of them may be set anew");
    handle_close(note); /* with all of them running */
    long children[4];
    for (int i = 0; i < 4; i++) {
        int one = created();
        notification_timer(one, 1, TICK, TICK);
        children[i] = demo_must("clone", quartet_clone(PLAN_FORK, wait_for_ever, &one));
        handle_close(one);
    }
    settle();
    for (int i = 0; i < 4; i++) {
        process_kill((int)children[i], 9);
        demo_wait(children[i]);
    }
    claim(true, "processes die with timers running");
}

/* ---- Greed ----------------------------------------------------------------------------------- */

#define FLOOD 100000

static int flood(void *note) {
    for (int i = 0; i < FLOOD; i++) {
        notification_signal(*(int *)note, 1u << (i % 8));
    }
    notification_signal(*(int *)note, 1u << 30);
    return 0;
}

static void check_flood(void) {
    int note = created();
    uint32_t free = many_machine().frames_free;
    long child = demo_must("clone", quartet_clone(PLAN_FORK, flood, &note));
    long seen = 0, result;
    do {
        result = notification_wait(note, NOTIFICATION_BITS, 20000 * MILLISECOND);
        seen |= result;
    } while (result > 0 && (result & 1 << 30) == 0);
    claim(result > 0 && (seen & 0xFF) == 0xFF, "a flood of 100000 signals is got through");
    demo_wait(child);
    uint32_t left = many_machine().frames_free;
    claim(left + 64 >= free, "and costs no memory");
    handle_close(note);
}

static int create_until_refused(void *limit) {
    struct process_limits limits = {.frames = 100};
    if (process_limit(&limits) != 0) {
        return 1;
    }
    long result;
    int count = 0;
    while ((result = notification_create()) >= 0) {
        count++;
    }
    *(int *)limit = count; /* in its own copy: says that it got here */
    return result != -E_LIMIT || count > 100 || count < 10;
}

static void check_budget(void) {
    int limit = 0;
    long child = demo_must("clone", quartet_clone(PLAN_FORK, create_until_refused, &limit));
    claim(demo_wait(child) == 0, "notifications are charged to the budget: E_LIMIT");
}

int main(int argc, char **argv) {
    int option = getopt(argc, argv, "h");
    if (option != -1 || argc != 1) {
        return command_usage(USAGE, option);
    }
    check_bits();
    check_masks();
    check_many_waiters();
    check_rights();
    check_processes();
    check_timers();
    check_timer_limits();
    check_flood();
    check_budget();
    return command_end("notifications", failed > 0);
}
