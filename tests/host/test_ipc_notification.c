/* SPDX-License-Identifier: MIT */
/*
 * Proves what kernel/ipc/notification.h promises: bits are taken by mask, once, by who has waited
 * longest; no signal is lost, whoever is killed or times out; with the last signaller those who wait
 * learn it; timers signal when their time has come, and interrupt lines when they are raised. Each
 * scenario runs as in test_ipc.c; the last test lets many threads signal and wait at once.
 */
#include "kernel/ipc/notification.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "tests/host/ipc_audit.h"
#include "tests/host/ipc_world.h"

#define MILLISECOND 1000000ull

/* The server's notification, which it waits for; the client may signal it. */
static int waits_by, signals_by;

static void notification_make(void) {
    waits_by = (int)act(w.server, call_notification_create, 0, 0, 0, 0);
    CHECK(waits_by > 0, "no notification: %d", waits_by);
    signals_by = handle_pass(w.server_process, waits_by, w.client_process, RIGHT_WRITE);
}

/* The server gives up its own right to signal. */
static void signaller_alone(void) {
    CHECK_EQUAL(act(w.server, call_handle_dup, (uword)waits_by, RIGHTS_ALL & ~RIGHT_WRITE,
                    (uword)waits_by, 0),
                waits_by);
}

static struct notification *notification(void) {
    return handle_peek(w.server_process, waits_by).object;
}

static void await(struct actor *actor, u32 mask, u32 microseconds) {
    begin(actor, call_notification_wait, (uword)waits_by, mask, microseconds, 0);
    settle();
}

static long look(u32 mask) {
    return act(w.server, call_notification_wait, (uword)waits_by, mask, 0, 0);
}

static void signal_bits(u32 bits) {
    CHECK_EQUAL(act(w.client, call_notification_signal, (uword)signals_by, bits, 0, 0), 0);
}

SCENARIO(bits_are_taken_by_mask_and_once) {
    notification_make();
    CHECK_EQUAL(look(0xF), -E_AGAIN);
    signal_bits(0x5);
    signal_bits(0x4);
    CHECK_EQUAL(look(0x8), -E_AGAIN);
    CHECK_EQUAL(look(0xC), 0x4);
    CHECK_EQUAL(look(0xC), -E_AGAIN);
    await(w.server, 0x3, FUTEX_FOREVER);
    CHECK_EQUAL(finish(w.server), 0x1);
}

SCENARIO(a_waiter_is_woken_by_its_bits_only) {
    struct actor *other = actor_beside(w.server);
    notification_make();
    await(w.server, 0x3, FUTEX_FOREVER);
    await(other, 0x6, FUTEX_FOREVER);
    signal_bits(0x8);
    CHECK(waits(w.server) && waits(other), "somebody wakes by a bit of nobody");
    signal_bits(0x7); /* the oldest gets all that it waits for, the next one the rest */
    CHECK_EQUAL(finish(w.server), 0x3);
    CHECK_EQUAL(finish(other), 0x4);
    CHECK_EQUAL(look(NOTIFICATION_BITS), 0x8);
}

SCENARIO(a_wait_times_out_and_leaves_the_bits) {
    notification_make();
    await(w.server, 0x1, 2000);
    time_pass(MILLISECOND);
    CHECK(waits(w.server), "a wait of 2 ms ends after 1 ms");
    time_pass(2 * MILLISECOND);
    CHECK_EQUAL(finish(w.server), -E_TIMEOUT);
    signal_bits(0x1);
    CHECK_EQUAL(look(0x1), 0x1);
}

SCENARIO(a_waiter_that_dies_leaves_the_bits) {
    int handle;
    notification_make();
    struct actor *mortal = actor_elsewhere(w.server_process, waits_by, RIGHT_READ, &handle);
    begin(mortal, call_notification_wait, (uword)handle, 0x1, FUTEX_FOREVER, 0);
    settle();
    await(w.server, 0x3, FUTEX_FOREVER);
    die(mortal->process);
    signal_bits(0x1);
    CHECK_EQUAL(finish(w.server), 0x1);
}

/* Killed, and not run since: it still stands in the list, and leaves the bits to others. The client's
 * second actor is of a high priority, so that it goes first. */
SCENARIO(a_killed_waiter_gets_no_bits) {
    int handle;
    notification_make();
    struct actor *mortal = actor_elsewhere(w.server_process, waits_by, RIGHT_READ, &handle);
    struct actor *second = actor_of_priority(w.client_process, 25);
    begin(mortal, call_notification_wait, (uword)handle, 0x3, FUTEX_FOREVER, 0);
    settle();
    process_end(mortal->process, STATUS_KILLED, 0);
    CHECK_EQUAL(act(second, call_notification_signal, (uword)signals_by, 0x1, 0, 0), 0);
    CHECK_EQUAL(look(0x3), 0x1);
}

SCENARIO(the_last_signaller_goes) {
    notification_make();
    signaller_alone();
    await(w.server, 0x1, FUTEX_FOREVER);
    CHECK(waits(w.server), "it does not wait though the client can signal");
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)signals_by, 0, 0, 0), 0);
    CHECK_EQUAL(finish(w.server), -E_DEAD);
    CHECK_EQUAL(look(0x1), -E_DEAD);
}

SCENARIO(the_last_signaller_dies) {
    notification_make();
    signaller_alone();
    signal_bits(0x2);
    await(w.server, 0x1, FUTEX_FOREVER);
    die(w.client_process);
    CHECK_EQUAL(finish(w.server), -E_DEAD);
    CHECK_EQUAL(look(0x3), 0x2); /* what was signalled stays */
    CHECK_EQUAL(look(0x3), -E_DEAD);
}

SCENARIO(a_signaller_under_way_counts) {
    notification_make();
    signaller_alone();
    struct actor *second = actor_beside(w.server), *closer = actor_beside(w.client);
    await(second, 0x1, FUTEX_FOREVER);
    void *object = notification();
    notification_reference(object);
    int sent = handle_install(&w.client_process->handles, object, OBJECT_NOTIFICATION,
                              RIGHT_WRITE | RIGHT_TRANSFER);
    call_with_handles(w.client, sent, 2);
    CHECK_EQUAL(act(closer, call_handle_close, (uword)sent, 0, 0, 0), 0);
    CHECK_EQUAL(act(closer, call_handle_close, (uword)signals_by, 0, 0, 0), 0);
    CHECK(waits(second), "a right to signal that is under way does not count");
    CHECK_EQUAL(notification()->signallers, 2);
    die(w.client_process);
    CHECK_EQUAL(finish(second), -E_DEAD);
}

SCENARIO(rights_and_bits_are_checked) {
    notification_make();
    CHECK_EQUAL(act(w.client, call_notification_wait, (uword)signals_by, 1, 0, 0), -E_RIGHTS);
    CHECK_EQUAL(act(w.client, call_notification_timer, (uword)signals_by, 1, 5, 0), -E_RIGHTS);
    signaller_alone();
    CHECK_EQUAL(act(w.server, call_notification_signal, (uword)waits_by, 1, 0, 0), -E_RIGHTS);
    CHECK_EQUAL(act(w.client, call_notification_signal, (uword)signals_by, 0, 0, 0), -E_INVALID);
    CHECK_EQUAL(act(w.client, call_notification_signal, (uword)signals_by, 1u << 31, 0, 0),
                -E_INVALID);
    CHECK_EQUAL(look(0), -E_INVALID);
    CHECK_EQUAL(act(w.server, call_notification_wait, (uword)w.service, 1, 0, 0), -E_TYPE);
}

/* ---- Timers ---------------------------------------------------------------------------------- */

static long timer(u32 bits, u32 microseconds, u32 period) {
    return act(w.server, call_notification_timer, (uword)waits_by, bits, microseconds, period);
}

SCENARIO(a_timer_signals_once) {
    notification_make();
    CHECK_EQUAL(timer(0x1, 5000, 0), 0);
    await(w.server, 0x1, FUTEX_FOREVER);
    time_pass(3 * MILLISECOND);
    CHECK(waits(w.server), "a timer of 5 ms signals after 3");
    time_pass(3 * MILLISECOND);
    CHECK_EQUAL(finish(w.server), 0x1);
    time_pass(20 * MILLISECOND);
    CHECK_EQUAL(look(0x1), -E_AGAIN);
    CHECK_EQUAL(notification()->timer_count, 0);
}

SCENARIO(a_timer_with_a_period_signals_again) {
    notification_make();
    CHECK_EQUAL(timer(0x1, 5000, 10000), 0);
    for (u32 i = 0; i < 5; i++) {
        CHECK_EQUAL(look(0x1), -E_AGAIN);
        time_pass(10 * MILLISECOND);
        CHECK_EQUAL(look(0x1), 0x1);
    }
    CHECK_EQUAL(timer(0x1, 0, 0), 0);
    time_pass(30 * MILLISECOND);
    CHECK_EQUAL(look(0x1), -E_AGAIN);
}

SCENARIO(a_timer_can_be_set_anew) {
    notification_make();
    CHECK_EQUAL(timer(0x1, 5000, 0), 0);
    CHECK_EQUAL(timer(0x2, 7000, 0), 0);
    CHECK_EQUAL(timer(0x1, 20000, 0), 0);
    time_pass(10 * MILLISECOND);
    CHECK_EQUAL(look(0x3), 0x2);
    time_pass(15 * MILLISECOND);
    CHECK_EQUAL(look(0x3), 0x1);
}

SCENARIO(timers_are_limited_and_signal_in_any_order) {
    notification_make();
    for (u32 i = 0; i < NOTIFICATION_TIMERS; i++) {
        CHECK_EQUAL(timer(1u << i, 1000 * (1 + i * 5 % 8), 0), 0);
    }
    CHECK_EQUAL(timer(0x100, 1000, 0), -E_LIMIT);
    for (u32 after = 1; after <= 8; after++) {
        time_pass(MILLISECOND);
        u32 expected = 0;
        for (u32 i = 0; i < NOTIFICATION_TIMERS; i++) {
            expected |= 1 + i * 5 % 8 == after ? 1u << i : 0;
        }
        CHECK_EQUAL(look(NOTIFICATION_BITS), expected);
    }
}

SCENARIO(a_timer_is_a_signaller_while_it_runs) {
    notification_make();
    signaller_alone();
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)signals_by, 0, 0, 0), 0);
    CHECK_EQUAL(look(0x3), -E_DEAD);
    CHECK_EQUAL(timer(0x1, 5000, 0), 0);
    await(w.server, 0x2, FUTEX_FOREVER);
    CHECK(waits(w.server), "it does not wait though a timer runs");
    time_pass(6 * MILLISECOND);
    CHECK_EQUAL(finish(w.server), -E_DEAD);
    CHECK_EQUAL(look(0x1), 0x1);
}

SCENARIO(running_timers_end_with_their_notification) {
    notification_make();
    CHECK_EQUAL(timer(0x1, 1000, 1000), 0);
    CHECK_EQUAL(timer(0x2, 2000, 0), 0);
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)signals_by, 0, 0, 0), 0);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)waits_by, 0, 0, 0), 0);
    time_pass(10 * MILLISECOND);
}

/* ---- Many at once ---------------------------------------------------------------------------- */

#define BITS 6u
#define SIGNALLERS 4u
#define WAITERS 4u

static struct {
    struct process *process;
    int handle;
    u64 left, moment;
    u64 signalled[BITS], taken[BITS];       /* how often: begun; ended */
    u64 last_signal[BITS], last_take[BITS]; /* when: begun; ended */
    u64 waits, timeouts;
} m;

static void signaller_main(u32 number) {
    (void)number;
    while (m.left > 0) {
        u32 bits = 1 + sim_random_below((1u << BITS) - 1);
        m.left--;
        m.moment++;
        for (u32 bit = 0; bit < BITS; bit++) {
            m.signalled[bit] += bits >> bit & 1;
            m.last_signal[bit] = bits >> bit & 1 ? m.moment : m.last_signal[bit];
        }
        CHECK_EQUAL(system_call(call_notification_signal, (uword)m.handle, bits, 0, 0), 0);
    }
}

static void waiter_main(u32 number) {
    (void)number;
    for (;;) {
        u32 mask = 1 + sim_random_below((1u << BITS) - 1);
        u32 limit = sim_random_below(2) ? FUTEX_FOREVER : sim_random_below(300);
        long taken = system_call(call_notification_wait, (uword)m.handle, mask, limit, 0);
        m.waits++;
        m.timeouts += taken == -E_TIMEOUT;
        CHECK(taken > 0 || taken == -E_TIMEOUT || taken == -E_AGAIN, "a wait answers %ld", taken);
        CHECK(taken < 0 || ((u32)taken & ~mask) == 0, "a wait for %x gets %lx", mask, taken);
        m.moment++;
        for (u32 bit = 0; bit < BITS && taken > 0; bit++) {
            m.taken[bit] += (u32)taken >> bit & 1;
            m.last_take[bit] = (u32)taken >> bit & 1 ? m.moment : m.last_take[bit];
            CHECK(m.taken[bit] <= m.signalled[bit], "bit %u is taken more often than signalled",
                  bit);
        }
        if (m.left == 0 && limit != FUTEX_FOREVER) {
            system_call(call_notification_wait, (uword)m.handle, 1u << 30, FUTEX_FOREVER, 0);
        }
    }
}

static void many_check(void) {
    const struct notification *object = handle_peek(m.process, m.handle).object;
    for (u32 bit = 0; bit < BITS; bit++) {
        CHECK(m.last_signal[bit] < m.last_take[bit] || m.signalled[bit] == 0 ||
                  (object->bits >> bit & 1),
              "bit %u was signalled after it was last taken, and is not set", bit);
    }
}

static u64 wanted(void) {
    const char *text = getenv("OPERATIONS");
    return (text ? strtoull(text, NULL, 0) : 100000) / 2;
}

/* A process with a notification, and threads that wait for it. */
static void many_begin(struct hold holds[WAITERS]) {
    u64 waited = m.waits, timeouts = m.timeouts;
    memset(&m, 0, sizeof(m));
    m.waits = waited;
    m.timeouts = timeouts;
    m.left = 200;
    m.process = program_new(NULL);
    struct actor *maker = actor_new(m.process);
    m.handle = (int)act(maker, call_notification_create, 0, 0, 0, 0);
    for (u32 i = 0; i < WAITERS; i++) {
        holds[i].object = handle_peek(m.process, m.handle).object;
        thread_spawn(m.process, waiter_main, i, 5 + i);
    }
}

static void many_driver(void) {
    struct hold holds[WAITERS];
    threads_ticks(100);
    for (u64 done = 0; done < wanted(); done += 200) {
        many_begin(holds);
        for (u32 i = 0; i < SIGNALLERS; i++) {
            thread_spawn(m.process, signaller_main, i, 5 + sim_random_below(4));
        }
        settle(); /* when the last limit has passed, all wait for good */
        many_check();
        ipc_audit("a round", holds, WAITERS, true);
        program_end(m.process);
        actors_forget();
    }
    printf("    %llu waits, %llu timed out\n", (unsigned long long)m.waits,
           (unsigned long long)m.timeouts);
}

TEST(no_signal_is_lost) {
    printf("    SEED=%llu\n", (unsigned long long)test_seed(8));
    objects_watch();
    threads_run(4, many_driver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENARIO_TESTS(bits_are_taken_by_mask_and_once),
        SCENARIO_TESTS(a_waiter_is_woken_by_its_bits_only),
        SCENARIO_TESTS(a_wait_times_out_and_leaves_the_bits),
        SCENARIO_TESTS(a_waiter_that_dies_leaves_the_bits),
        SCENARIO_TESTS(a_killed_waiter_gets_no_bits),
        SCENARIO_TESTS(the_last_signaller_goes),
        SCENARIO_TESTS(the_last_signaller_dies),
        SCENARIO_TESTS(a_signaller_under_way_counts),
        SCENARIO_TESTS(rights_and_bits_are_checked),
        SCENARIO_TESTS(a_timer_signals_once),
        SCENARIO_TESTS(a_timer_with_a_period_signals_again),
        SCENARIO_TESTS(a_timer_can_be_set_anew),
        SCENARIO_TESTS(timers_are_limited_and_signal_in_any_order),
        SCENARIO_TESTS(a_timer_is_a_signaller_while_it_runs),
        SCENARIO_TESTS(running_timers_end_with_their_notification),
        cmocka_unit_test(no_signal_is_lost),
    };
    return cmocka_run_group_tests_name("ipc_notification", tests, NULL, NULL);
}
