/* SPDX-License-Identifier: MIT */
/*
 * Proves what kernel/ipc/lend.c promises: for the length of a call the lender's quarter stands in
 * the borrower's slot, with the rights that the lender chose, and goes back at the reply, at the end
 * of either side, and at a time-out; nothing else changes hands. On the adversarial TLB, as each step
 * moves a process to another space.
 */
#include "kernel/object/budget.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"
#include "tests/host/ipc_world.h"

#define MILLISECOND 1000000ull
#define SLOT2 SLOT_BASE(2)
#define SLOT3 SLOT_BASE(3)
#define RW (RIGHT_READ | RIGHT_WRITE)
#define PAGE_LEND 3u /* of an actor: its struct message_lend */

/* A scenario on one CPU and on three, on that TLB. */
#define LENDING(name)                         \
    static void name##_scenario(void);        \
    static void name##_prepared(void) {       \
        slots_prepare();                      \
        name##_scenario();                    \
    }                                         \
    TEST(name) {                              \
        threads_speculate = true;             \
        scenario_run(1, 1, name##_prepared);  \
    }                                         \
    TEST(name##_on_three_cpus) {              \
        threads_speculate = true;             \
        scenario_run(3, 12, name##_prepared); \
    }                                         \
    static void name##_scenario(void)
#define LENDING_TESTS(name) cmocka_unit_test(name), cmocka_unit_test(name##_on_three_cpus)

static struct quarter *slot_of(struct process *process, u32 slot) {
    return process->space->slot[slot].quarter;
}

/* Slots 2 and 3 of both have a page; in each stands whose it is. */
static void slots_prepare(void) {
    struct actor *actor[2] = {w.server, w.client};
    for (u32 i = 0; i < 2; i++) {
        for (u32 slot = 2; slot < SLOT_COUNT; slot++) {
            CHECK_EQUAL(quarter_map(slot_of(actor[i]->process, slot), 0, 2 * PAGE_SIZE, RW), 0);
            CHECK_EQUAL(poke_word(actor[i], SLOT_BASE(slot), 100 * i + slot), 0);
        }
    }
}

static void check_word(struct actor *actor, u32 address, u32 expected) {
    u32 value = 0;
    CHECK_EQUAL(peek_word(actor, address, &value), 0);
    CHECK(value == expected, "at %#x stands %u, not %u", address, value, expected);
}

/* ---- Messages that lend ---------------------------------------------------------------------- */

static struct message_lend lend_none(void) {
    return (struct message_lend){
        .quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE, QUARTET_NONE}};
}

static struct message_lend lend_slot(u32 slot, u32 rights) {
    struct message_lend lend = lend_none();
    lend.quarter[slot] = QUARTET_SLOT(slot);
    lend.rights[slot] = rights;
    return lend;
}

/* The user's memory is written by the kernel on the driver's behalf: pages of slot 1. */
static void lend_put(const struct actor *actor, const struct message_lend *lend) {
    CHECK_EQUAL(quarter_write(slot_of(actor->process, 1), SLOT_OFFSET(actor_page(actor, PAGE_LEND)),
                              lend, sizeof(*lend)),
                0);
}

static void lend_call(struct actor *actor, struct message_lend lend, u32 timeout) {
    lend_put(actor, &lend);
    message_set(actor, 1, 20);
    actor->message.lend = actor_page(actor, PAGE_LEND);
    actor->message.timeout = timeout;
    begin_message(actor, call_ipc_call, w.session);
    settle();
}

static void lend_receive(struct actor *actor, u32 accept) {
    struct message_lend lend = lend_none();
    lend.accept = accept;
    lend_put(actor, &lend);
    message_set(actor, 0, 0);
    actor->message.lend = actor_page(actor, PAGE_LEND);
    begin_message(actor, call_ipc_receive, w.service);
    settle();
}

/* The client lends slot 2 with RIGHTS, and the server has it; the token. */
static u64 lent(u32 rights) {
    lend_call(w.client, lend_slot(2, rights), 0);
    lend_receive(w.server, 1u << 2);
    u64 token = received(w.server, 1, 20, BADGE);
    CHECK(slot_of(w.server_process, 2) == slot_of(w.client_process, 2),
          "the quarter does not stand in the server's slot");
    return token;
}

LENDING(a_quarter_is_lent_and_comes_back) {
    struct quarter *own = slot_of(w.server_process, 2);
    u64 token = lent(RW);
    check_word(w.server, SLOT2, 102);
    CHECK_EQUAL(poke_word(w.server, SLOT2 + 8, 7), 0);
    check_word(w.server, SLOT3, 3); /* another slot is as it was */
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    CHECK(slot_of(w.server_process, 2) == own, "the server has not its own quarter back");
    check_word(w.server, SLOT2, 2);
    check_word(w.client, SLOT2, 102);
    check_word(w.client, SLOT2 + 8, 7);
}

LENDING(a_short_reply_brings_it_back_too) {
    struct quarter *own = slot_of(w.server_process, 2);
    lent(RW);
    CHECK_EQUAL(poke_word(w.server, SLOT2 + 8, 7), 0);
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 9);
    settle();
    CHECK_EQUAL(finish(w.client), 0);
    CHECK(slot_of(w.server_process, 2) == own, "the server has not its own quarter back");
    check_word(w.client, SLOT2 + 8, 7);
}

LENDING(a_reply_that_receives_brings_it_back_too) {
    struct quarter *own = slot_of(w.server_process, 2);
    u64 token = lent(RW);
    message_set(w.server, 2, 0);
    w.server->message.token = token;
    begin_message(w.server, call_ipc_reply_receive, w.service);
    settle();
    replied(w.client, 2, 0);
    CHECK(waits(w.server), "the server does not wait");
    CHECK(slot_of(w.server_process, 2) == own, "the server has not its own quarter back");
}

/* A borrower has another thread, on another CPU: once the loan has arrived it sees it, too. */
static bool arrived, stopped;

static void watcher_main(u32 unused) {
    (void)unused;
    while (!stopped) {
        bool must = arrived;
        u32 word = 0;
        CHECK_EQUAL(arch_copy_in(&word, SLOT2, sizeof(word)), 0);
        CHECK(!must || word == 102, "a thread goes on in the old space: %u", word);
        user_point();
    }
}

static void borrower_main(u32 unused) {
    (void)unused;
    struct message_lend lend = lend_none();
    struct message message = {.lend = actor_page(w.server, PAGE_LEND)};
    lend.accept = 1u << 2;
    message.receive_buffer = actor_page(w.server, 2);
    message.receive_size = MESSAGE_BYTES;
    arch_copy_out(actor_page(w.server, PAGE_LEND), &lend, sizeof(lend));
    arch_copy_out(actor_page(w.server, 0), &message, sizeof(message));
    CHECK_EQUAL(system_call(call_ipc_receive, (uword)w.service, actor_page(w.server, 0), 0, 0), 0);
    arrived = true;
    for (u32 i = 0; i < 50; i++) {
        user_point();
    }
    stopped = true;
}

static void all_threads_scenario(void) {
    slots_prepare();
    arrived = stopped = false;
    lend_call(w.client, lend_slot(2, RW), 0);
    thread_spawn(w.server_process, watcher_main, 0, ACTOR_PRIORITY);
    thread_spawn(w.server_process, borrower_main, 0, ACTOR_PRIORITY);
    settle();
    CHECK(stopped && waits(w.client), "the loan has not arrived");
}

TEST(all_threads_of_a_borrower_see_the_loan) {
    threads_speculate = true;
    scenario_run(3, 20, all_threads_scenario);
}

LENDING(the_view_is_the_lenders_choice) {
    u64 token = lent(RIGHT_READ);
    check_word(w.server, SLOT2, 102);
    CHECK_EQUAL(poke_word(w.server, SLOT2, 1), -E_FAULT);
    CHECK_EQUAL(poke_word(w.server, SLOT3, 1), 0);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    CHECK_EQUAL(poke_word(w.client, SLOT2, 1), 0);
}

LENDING(a_borrower_keeps_nothing) {
    u64 token = lent(RW);
    CHECK(act(w.server, call_space_get, 2, 0, 0, 0) < 0, "a handle to what is on loan");
    CHECK(act(w.server, call_quarter_copy, (uword)QUARTET_SLOT(2), 0, 0, 0) < 0,
          "a copy of what is on loan");
    CHECK(act(w.server, call_quarter_unmap, (uword)QUARTET_SLOT(2), 0, PAGE_SIZE, 0) < 0,
          "a change of what is on loan");
    check_word(w.server, SLOT2, 102);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    check_word(w.client, SLOT2, 102);
}

LENDING(what_is_not_accepted_is_refused) {
    lend_receive(w.server, 1u << 3);
    lend_call(w.client, lend_slot(2, RW), 0);
    CHECK_EQUAL(finish(w.client), -E_REFUSED);
    CHECK(waits(w.server), "the receiver does not wait on");
    call_begin(w.client, w.session, 5, 0);
    u64 token = received(w.server, 5, 0, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    lend_call(w.client, lend_slot(2, RW), 0); /* the other order */
    receive_begin(w.server, w.service);
    CHECK_EQUAL(finish(w.client), -E_REFUSED);
}

LENDING(a_slot_on_loan_is_busy) {
    struct actor *second = actor_beside(w.client);
    u64 token = lent(RW);
    lend_call(second, lend_slot(2, RW), 0);
    lend_receive(w.server, 1u << 2 | 1u << 3);
    CHECK_EQUAL(finish(second), -E_BUSY);
    CHECK(waits(w.server), "the receiver does not wait on");
    lend_call(second, lend_slot(3, RW), 0); /* another slot is free */
    u64 next = received(w.server, 1, 20, BADGE);
    check_word(w.server, SLOT3, 103);
    check_word(w.server, SLOT2, 102);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    check_word(w.server, SLOT2, 2);
    check_word(w.server, SLOT3, 103);
    CHECK_EQUAL(reply(w.server, w.service, next, 3, 0), 0);
    replied(second, 3, 0);
    check_word(w.server, SLOT3, 3);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

LENDING(the_borrower_dies) {
    struct quarter *quarter = slot_of(w.client_process, 2);
    u32 references = quarter->references;
    lent(RW);
    CHECK_EQUAL(poke_word(w.server, SLOT2 + 8, 7), 0);
    die(w.server_process);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK_EQUAL(quarter->references, references);
    check_word(w.client, SLOT2 + 8, 7);
}

static void borrower_goes_on(u64 token) {
    check_word(w.server, SLOT2, 102); /* with a copy, as it was */
    CHECK_EQUAL(poke_word(w.server, SLOT2 + 8, 9), 0);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), -E_NOTFOUND);
    check_word(w.server, SLOT2, 2);
}

LENDING(the_lender_dies) {
    struct quarter *own = slot_of(w.server_process, 2);
    u64 token = lent(RW);
    die(w.client_process);
    borrower_goes_on(token);
    CHECK(slot_of(w.server_process, 2) == own, "the server has not its own quarter back");
}

/* At any moment: while it is queued, while the receiver moves to the space with the quarter, after. */
LENDING(the_lender_dies_while_its_loan_is_made) {
    struct quarter *quarter = slot_of(w.client_process, 2);
    quarter_reference(quarter);
    lend_call(w.client, lend_slot(2, RW), 0);
    struct message_lend lend = lend_none();
    lend.accept = 1u << 2;
    lend_put(w.server, &lend);
    message_set(w.server, 0, 0);
    w.server->message.lend = actor_page(w.server, PAGE_LEND);
    begin_message(w.server, call_ipc_receive, w.service);
    for (u32 i = sim_random_below(150); i > 0; i--) {
        arch_relax();
    }
    process_end(w.client_process, STATUS_KILLED, 0);
    settle();
    CHECK(slot_of(w.server_process, 2) != quarter, "the borrower keeps what a dead process lent");
    quarter_release(quarter);
}

TEST(the_lender_dies_while_its_loan_is_made_on_two_cpus) {
    scenario_run(2, 150, the_lender_dies_while_its_loan_is_made_prepared);
}

LENDING(the_lender_gives_up) {
    lend_call(w.client, lend_slot(2, RW), 5000);
    lend_receive(w.server, 1u << 2);
    u64 token = received(w.server, 1, 20, BADGE);
    CHECK_EQUAL(poke_word(w.server, SLOT2 + 4, 5), 0);
    time_pass(10 * MILLISECOND);
    CHECK_EQUAL(finish(w.client), -E_TIMEOUT);
    check_word(w.client, SLOT2 + 4, 5);
    borrower_goes_on(token);
    check_word(w.client, SLOT2 + 8, 0); /* nothing has come of it here */
    CHECK_EQUAL(poke_word(w.client, SLOT2 + 8, 1), 0);
}

LENDING(nobody_receives_what_is_lent) {
    struct quarter *quarter = slot_of(w.client_process, 2);
    u32 references = quarter->references;
    lend_call(w.client, lend_slot(2, RW), 5000);
    time_pass(10 * MILLISECOND);
    CHECK_EQUAL(finish(w.client), -E_TIMEOUT);
    CHECK_EQUAL(quarter->references, references);
    lend_call(w.client, lend_slot(2, RW), 0);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)w.service, 0, 0, 0), 0);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK_EQUAL(quarter->references, references);
}

LENDING(the_receivers_memory_vanished) {
    struct quarter *own = slot_of(w.server_process, 2);
    lend_receive(w.server, 1u << 2);
    page_vanish(w.server, 0);
    lend_call(w.client, lend_slot(2, RW), 0);
    CHECK_EQUAL(finish(w.client), -E_FAULT);
    CHECK_EQUAL(finish(w.server), -E_FAULT);
    CHECK(slot_of(w.server_process, 2) == own, "the server has not its own quarter back");
    check_word(w.server, SLOT2, 2);
    check_word(w.client, SLOT2, 102);
}

/* ---- Giving ---------------------------------------------------------------------------------- */

LENDING(a_quarter_is_given) {
    struct quarter *quarter = slot_of(w.client_process, 2);
    struct message_lend lend = lend_slot(2, RW);
    lend.give = 1u << 2;
    lend_call(w.client, lend, 0);
    lend_receive(w.server, 1u << 2);
    u64 token = received(w.server, 1, 20, BADGE);
    check_word(w.server, SLOT2, 102);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    CHECK(slot_of(w.server_process, 2) == quarter, "it does not stay with the server");
    CHECK(slot_of(w.client_process, 2) == NULL, "the client still has it");
    check_word(w.server, SLOT2, 102);
    u32 value;
    CHECK_EQUAL(peek_word(w.client, SLOT2, &value), -E_FAULT);
}

LENDING(what_cannot_be_lent_is_refused_at_once) {
    struct message_lend lend = lend_slot(2, RW);
    lend.quarter[3] = QUARTET_SLOT(2);
    lend.rights[3] = RW;
    lend_call(w.client, lend, 0);
    CHECK_EQUAL(finish(w.client), -E_SLOT);
    lend_call(w.client, lend_slot(2, 0), 0);
    CHECK_EQUAL(finish(w.client), -E_INVALID);
    lend = lend_slot(2, RW);
    lend.give = 1u << SLOT_COUNT;
    lend_call(w.client, lend, 0);
    CHECK_EQUAL(finish(w.client), -E_INVALID);
    lend = lend_none();
    lend.quarter[2] = w.session;
    lend.rights[2] = RW;
    lend_call(w.client, lend, 0);
    CHECK_EQUAL(finish(w.client), -E_TYPE);
    CHECK_EQUAL(w.endpoint->queued, 0);
}

/* ---- Without memory -------------------------------------------------------------------------- */

/* The n-th allocation of the receive fails: the call has its error, and both have what they had; or
 * it has done without. */
static bool receive_fails_at(u32 n) {
    struct quarter *own = slot_of(w.server_process, 2), *its = slot_of(w.client_process, 2);
    u32 references = its->references;
    lend_call(w.client, lend_slot(2, RW), 0);
    struct message_lend lend = lend_none();
    lend.accept = 1u << 2;
    lend_put(w.server, &lend);
    message_set(w.server, 0, 0);
    w.server->message.lend = actor_page(w.server, PAGE_LEND);
    begin_message(w.server, call_ipc_receive, w.service);
    allocation_fail(n);
    settle();
    bool failed = allocation_has_failed();
    allocation_fail(0);
    if (!waits(w.client)) { /* it has failed */
        CHECK(failed && finish(w.client) < 0, "the call ends, and nothing has failed");
        CHECK(waits(w.server) || finish(w.server) < 0, "a message that has failed is received");
    } else if (!waits(w.server) && finish(w.server) == 0) {
        CHECK_EQUAL(reply(w.server, w.service, w.server->message.token, 2, 0), 0);
        replied(w.client, 2, 0);
    } else { /* the receive has failed before it began */
        CHECK(failed, "the receive fails, and no allocation has");
        lend_receive(w.server, 1u << 2);
        u64 token = received(w.server, 1, 20, BADGE);
        CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
        replied(w.client, 2, 0);
    }
    if (waits(w.server)) { /* let it go */
        call_begin(w.client, w.session, 9, 0);
        u64 token = received(w.server, 9, 0, BADGE);
        CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
        replied(w.client, 2, 0);
    }
    CHECK(slot_of(w.server_process, 2) == own, "the server has another quarter");
    CHECK_EQUAL(its->references, references);
    return failed;
}

static void every_allocation_of_a_loan_scenario(void) {
    slots_prepare();
    u32 n = 1;
    while (receive_fails_at(n)) {
        n++;
    }
    CHECK(n > 2, "only %u allocations", n - 1);
}

TEST(every_allocation_of_a_loan_may_fail) {
    threads_speculate = true;
    scenario_run(1, 1, every_allocation_of_a_loan_scenario);
}

/* The lender goes, and there is no memory for the borrower's copy: either the slot is empty then, or
 * the borrower ends. */
static void no_memory_for_the_copy_scenario(void) {
    slots_prepare();
    u64 token = lent(RW);
    allocation_fail_randomly(1);
    die(w.client_process);
    allocation_fail_randomly(0);
    if (!ended(w.server)) {
        CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), -E_NOTFOUND);
        check_word(w.server, SLOT2, 2);
    }
}

TEST(no_memory_for_the_borrowers_copy) {
    threads_speculate = true;
    scenario_run(1, 1, no_memory_for_the_copy_scenario);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LENDING_TESTS(a_quarter_is_lent_and_comes_back),
        LENDING_TESTS(a_short_reply_brings_it_back_too),
        LENDING_TESTS(a_reply_that_receives_brings_it_back_too),
        cmocka_unit_test(all_threads_of_a_borrower_see_the_loan),
        LENDING_TESTS(the_view_is_the_lenders_choice),
        LENDING_TESTS(a_borrower_keeps_nothing),
        LENDING_TESTS(what_is_not_accepted_is_refused),
        LENDING_TESTS(a_slot_on_loan_is_busy),
        LENDING_TESTS(the_borrower_dies),
        LENDING_TESTS(the_lender_dies),
        LENDING_TESTS(the_lender_dies_while_its_loan_is_made),
        cmocka_unit_test(the_lender_dies_while_its_loan_is_made_on_two_cpus),
        LENDING_TESTS(the_lender_gives_up),
        LENDING_TESTS(nobody_receives_what_is_lent),
        LENDING_TESTS(the_receivers_memory_vanished),
        LENDING_TESTS(a_quarter_is_given),
        LENDING_TESTS(what_cannot_be_lent_is_refused_at_once),
        cmocka_unit_test(every_allocation_of_a_loan_may_fail),
        cmocka_unit_test(no_memory_for_the_borrowers_copy),
    };
    return cmocka_run_group_tests_name("ipc_lend", tests, NULL, NULL);
}
