/* SPDX-License-Identifier: MIT */
/*
 * Proves what is promised of short messages and how they mix with long ones, of time-outs, and of
 * priorities: who is received first, and what a server is lent. On one CPU both ways are tried, the
 * fast path and the general one (kernel/ipc/fast.c); the fast one must be taken where it can be.
 */
#include "tests/host/ipc_world.h"

#define MILLISECOND 1000000ull

/* ---- Short messages -------------------------------------------------------------------------- */

BOTH_WAYS(a_short_call_is_answered) {
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 3);
    received_short(w.server, 3, BADGE);
    CHECK(waits(w.client), "the call does not wait for its reply");
    CHECK_EQUAL(reply_short(w.server, w.service, 4), 0);
    replied_short(w.client, 4);
    CHECK_EQUAL(reply_short(w.server, w.service, 5), -E_NOTFOUND); /* only once */
    call_short(w.client, w.session, 6);                            /* and the other way round */
    CHECK(waits(w.client), "the call does not wait");
    receive_short(w.server, w.service);
    received_short(w.server, 6, BADGE);
    CHECK_EQUAL(reply_short(w.server, w.service, 7), 0);
    replied_short(w.client, 7);
}

BOTH_WAYS(short_round_trips) {
    u64 taken = fast_path_taken;
    receive_short(w.server, w.service);
    for (u32 i = 1; i <= 10; i++) {
        call_short(w.client, w.session, i);
        received_short(w.server, i, BADGE);
        begin_words(w.server, call_ipc_reply_receive_short, w.service, 100 + i);
        settle();
        replied_short(w.client, 100 + i);
        CHECK(waits(w.server), "the server does not wait for the next message");
    }
    if (cpu_count == 1) {
        u32 expected = fast_path_off ? 0 : 9 + 10; /* all but the first call */
        CHECK(fast_path_taken - taken == expected, "the fast path was taken %llu times, not %u",
              (unsigned long long)(fast_path_taken - taken), expected);
    }
}

BOTH_WAYS(labels_are_checked) {
    static system_call_entry *const handlers[] = {call_ipc_call_short, call_ipc_reply_short,
                                                  call_ipc_reply_receive_short};
    receive_short(w.server, w.service);
    call_short(w.client, w.session, SHORT_LABEL_LIMIT);
    received_short(w.server, SHORT_LABEL_LIMIT, BADGE);
    for (u32 i = 1; i < ARRAY_LENGTH(handlers); i++) {
        begin_words(w.server, handlers[i], w.service, SHORT_CLOSED);
        CHECK_EQUAL(finish(w.server), -E_INVALID);
    }
    CHECK(waits(w.client), "the call has ended");
    CHECK_EQUAL(reply_short(w.server, w.service, SHORT_LABEL_LIMIT), 0);
    replied_short(w.client, SHORT_LABEL_LIMIT);
    begin_words(w.client, call_ipc_call_short, w.session, SHORT_CLOSED);
    CHECK_EQUAL(finish(w.client), -E_INVALID);
}

BOTH_WAYS(short_calls_check_their_handles) {
    int handle;
    struct actor *reader = actor_elsewhere(w.server_process, w.service, RIGHT_READ, &handle);
    receive_short(w.server, w.service);
    begin_words(reader, call_ipc_call_short, handle, 1);
    CHECK_EQUAL(finish(reader), -E_RIGHTS);
    for (int bad = -3; bad < 300; bad += 101) {
        begin_words(w.client, call_ipc_call_short, bad, 1);
        CHECK_EQUAL(finish(w.client), bad == QUARTET_SELF ? -E_TYPE : -E_HANDLE);
        begin_words(w.client, call_ipc_reply_receive_short, bad, 1);
        CHECK(finish(w.client) < 0, "a reply by handle %d", bad);
    }
    begin_words(w.client, call_ipc_receive_short, w.session, 1);
    CHECK_EQUAL(finish(w.client), -E_TYPE);
    begin_words(w.client, call_ipc_reply_receive_short, w.session, 1);
    CHECK_EQUAL(finish(w.client), -E_TYPE);
    CHECK(waits(w.server), "the receiver has got something");
}

BOTH_WAYS(a_server_without_its_handle_cannot_reply_fast) {
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    int reduced =
        (int)act(w.server, call_handle_dup, (uword)w.service, RIGHT_WRITE, (uword)QUARTET_NONE, 0);
    begin_words(w.server, call_ipc_reply_receive_short, reduced, 2);
    CHECK_EQUAL(finish(w.server), -E_RIGHTS);
    int other = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    begin_words(w.server, call_ipc_reply_receive_short, other, 2);
    CHECK_EQUAL(finish(w.server), -E_NOTFOUND);
    CHECK(waits(w.client), "the call has ended");
    CHECK_EQUAL(reply_short(w.server, w.service, 3), 0);
    replied_short(w.client, 3);
}

BOTH_WAYS(a_closed_session_is_told_to_a_short_receive) {
    receive_short(w.server, w.service);
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)w.session, 0, 0, 0), 0);
    CHECK_EQUAL(finish(w.server), SHORT_CLOSED);
    CHECK_EQUAL(w.server->badge, BADGE);
    int session = (int)act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)session, 0, 0, 0), 0);
    receive_short(w.server, w.service);
    CHECK_EQUAL(finish(w.server), SHORT_CLOSED);
    CHECK_EQUAL(w.server->badge, 5);
}

BOTH_WAYS(a_session_closes_after_its_short_calls) {
    struct actor *closer = actor_beside(w.client), *second = actor_beside(w.server);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    CHECK_EQUAL(act(closer, call_handle_close, (uword)w.session, 0, 0, 0), 0);
    received_short(w.server, 1, BADGE);
    receive_short(second, w.service);
    CHECK(waits(second), "a session with a call under way is told to be closed");
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 2);
    settle();
    replied_short(w.client, 2);
    CHECK_EQUAL(finish(second), SHORT_CLOSED);
}

BOTH_WAYS(ends_reach_short_calls) {
    struct actor *queued = actor_beside(w.client);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    call_short(queued, w.session, 2);
    die(w.server_process);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK_EQUAL(finish(queued), -E_DEAD);
    begin_words(queued, call_ipc_call_short, w.session, 1);
    CHECK_EQUAL(finish(queued), -E_DEAD);
}

BOTH_WAYS(a_dead_client_is_not_replied_to) {
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    die(w.client_process);
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 2);
    CHECK_EQUAL(finish(w.server), -E_NOTFOUND);
    receive_short(w.server, w.service);
    CHECK_EQUAL(finish(w.server), SHORT_CLOSED);
}

/* ---- Short and long mix ---------------------------------------------------------------------- */

BOTH_WAYS(a_long_receive_takes_a_short_call) {
    call_short(w.client, w.session, 1);
    receive_begin(w.server, w.service);
    CHECK_EQUAL(finish(w.server), 0);
    u64 token = w.server->message.token;
    CHECK(w.server->message.label == 1 && w.server->message.word[0] == w.client->word[0] &&
              w.server->message.badge == BADGE && w.server->message.receive_length == 0,
          "another message has come");
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 10), -E_TOOBIG); /* bytes, and wide words */
    CHECK(waits(w.client), "the call has ended");
    message_set(w.server, 3, 0);
    w.server->message.token = token;
    memset(w.server->message.word, 0, sizeof(w.server->message.word));
    w.server->message.handle_count = 1;
    w.server->message.handle[0] = w.service;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), -E_TOOBIG);
    w.server->message.handle_count = 0;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), 0);
    CHECK_EQUAL(finish(w.client), 3);
    CHECK_EQUAL(w.client->word[0], 0);
}

BOTH_WAYS(a_short_receive_takes_a_long_call_that_fits) {
    struct actor *second = actor_beside(w.client);
    receive_short(w.server, w.service);
    call_begin(w.client, w.session, 1, 5); /* bytes */
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    message_set(w.client, 1, 0);
    memset(w.client->message.word, 0, sizeof(w.client->message.word));
    w.client->message.word[3] = 1;
    CHECK_EQUAL(act_message(w.client, call_ipc_call, w.session), -E_TOOBIG);
    w.client->message.word[3] = 0;
    w.client->message.label = SHORT_CLOSED;
    CHECK_EQUAL(act_message(w.client, call_ipc_call, w.session), -E_TOOBIG);
    call_with_handles(w.client, w.session, 1);
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    CHECK(waits(w.server), "the receiver does not wait on");
    message_set(w.client, 9, 0);
    memset(w.client->message.word, 0, sizeof(w.client->message.word));
    w.client->message.word[1] = 1234;
    begin_message(w.client, call_ipc_call, w.session);
    settle();
    CHECK_EQUAL(finish(w.server), 9);
    CHECK_EQUAL(w.server->word[1], 1234);
    CHECK_EQUAL(reply_short(w.server, w.service, 8), 0);
    CHECK_EQUAL(finish(w.client), 0);
    CHECK_EQUAL(w.client->message.label, 8);
    call_begin(w.client, w.session, 1, 5); /* queued first */
    call_short(second, w.session, 2);
    receive_short(w.server, w.service);
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    received_short(w.server, 2, BADGE);
}

BOTH_WAYS(the_last_caller_is_that_of_the_thread) {
    struct actor *second_server = actor_beside(w.server), *second = actor_beside(w.client);
    receive_short(w.server, w.service);
    receive_short(second_server, w.service);
    call_short(w.client, w.session, 1);
    call_short(second, w.session, 2);
    received_short(w.server, 1, BADGE);
    received_short(second_server, 2, BADGE);
    CHECK_EQUAL(reply_short(second_server, w.service, 20), 0);
    replied_short(second, 20);
    CHECK_EQUAL(reply_short(second_server, w.service, 21), -E_NOTFOUND);
    CHECK_EQUAL(reply_short(w.server, w.service, 10), 0);
    replied_short(w.client, 10);
}

/* ---- Servers that end ------------------------------------------------------------------------ */

BOTH_WAYS(calls_that_a_dead_server_has_received_end) {
    int handle;
    struct actor *heir = actor_elsewhere(w.server_process, w.service, RIGHTS_ALL, &handle);
    struct actor *queued = actor_beside(w.client);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    call_short(queued, w.session, 2);
    die(w.server_process);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK(waits(queued), "a queued call has ended though somebody can receive it");
    receive_short(heir, handle);
    received_short(heir, 2, BADGE);
    CHECK_EQUAL(reply_short(heir, handle, 3), 0);
    replied_short(queued, 3);
}

/* One that is killed on its way into a call must not fall asleep there for good. */
BOTH_WAYS(a_kill_meets_a_call) {
    int handle;
    receive_short(w.server, w.service);
    for (u32 i = 0; i < 6; i++) {
        struct actor *mortal = actor_elsewhere(w.client_process, w.session, RIGHTS_ALL, &handle);
        begin_words(mortal, call_ipc_call_short, handle, i);
        settle(); /* its part of messages is there; and the server has something */
        finish(w.server);
        begin_words(w.server, call_ipc_reply_receive_short, w.service, 50 + i);
        settle();
        replied_short(mortal, 50 + i);
        begin_words(mortal, call_ipc_call_short, handle, i);
        for (u32 k = sim_random_below(60); k > 0; k--) {
            arch_relax(); /* it comes to the call meanwhile, if it has another CPU */
        }
        process_end(mortal->process, STATUS_KILLED, 0);
        settle();
        CHECK(ended(mortal), "a thread that was killed sleeps in its call");
        if (!waits(w.server)) { /* the call came first */
            finish(w.server);
            receive_short(w.server, w.service);
        }
    }
}

/* Most often where both are on one CPU. */
TEST(a_kill_meets_a_call_on_two_cpus) { scenario_run(2, 150, a_kill_meets_a_call_scenario); }

/* ---- Time-outs ------------------------------------------------------------------------------- */

static void begin_timed(struct actor *actor, system_call_entry *handler, int handle,
                        u32 microseconds) {
    message_set(actor, 1, 0);
    actor->message.timeout = microseconds;
    begin_message(actor, handler, handle);
    settle();
}

SCENARIO(a_call_that_nobody_receives_times_out) {
    begin_timed(w.client, call_ipc_call, w.session, 5000);
    time_pass(MILLISECOND);
    CHECK(waits(w.client), "a call of 5 ms ends after 1 ms");
    time_pass(5 * MILLISECOND);
    CHECK_EQUAL(finish(w.client), -E_TIMEOUT);
    receive_begin(w.server, w.service);
    CHECK(waits(w.server), "a call that has timed out is received");
}

SCENARIO(a_call_that_nobody_answers_times_out) {
    begin_timed(w.client, call_ipc_call, w.session, 5000);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    time_pass(6 * MILLISECOND);
    CHECK_EQUAL(finish(w.client), -E_TIMEOUT);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), -E_NOTFOUND);
    begin_timed(w.client, call_ipc_call, w.session, 5000); /* in time */
    receive_begin(w.server, w.service);
    token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    time_pass(20 * MILLISECOND);
}

/* Also where the receiver waits already, and goes on at once. */
SCENARIO(a_call_that_goes_directly_times_out) {
    receive_begin(w.server, w.service);
    begin_timed(w.client, call_ipc_call, w.session, 5000);
    u64 token = received(w.server, 1, 0, BADGE);
    time_pass(6 * MILLISECOND);
    CHECK_EQUAL(finish(w.client), -E_TIMEOUT);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), -E_NOTFOUND);
}

SCENARIO(a_receive_that_a_reply_begins_times_out) {
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    message_set(w.server, 2, 0);
    w.server->message.token = token;
    w.server->message.timeout = 5000;
    begin_message(w.server, call_ipc_reply_receive, w.service);
    settle();
    replied(w.client, 2, 0);
    CHECK(waits(w.server), "the server does not wait");
    time_pass(6 * MILLISECOND);
    CHECK_EQUAL(finish(w.server), -E_TIMEOUT);
}

SCENARIO(handles_under_way_go_with_a_time_out) {
    int own = (int)act(w.client, call_endpoint_create, 0, 0, 0, 0);
    struct endpoint *endpoint = handle_peek(w.client_process, own).object;
    message_set(w.client, 1, 0);
    w.client->message.timeout = 1000;
    w.client->message.handle_count = 2;
    w.client->message.handle[0] = w.client->message.handle[1] = own;
    begin_message(w.client, call_ipc_call, w.session);
    settle();
    CHECK_EQUAL(endpoint->readers, 3);
    time_pass(2 * MILLISECOND);
    CHECK_EQUAL(finish(w.client), -E_TIMEOUT);
    CHECK(endpoint->readers == 1 && endpoint->references == 1, "%u readers, %u references are left",
          endpoint->readers, endpoint->references);
}

SCENARIO(a_receive_times_out_and_is_passed_over) {
    struct actor *second = actor_beside(w.server);
    begin_timed(w.server, call_ipc_receive, w.service, 2000);
    receive_begin(second, w.service);
    time_pass(3 * MILLISECOND);
    CHECK_EQUAL(finish(w.server), -E_TIMEOUT);
    call_begin(w.client, w.session, 4, 0);
    u64 token = received(second, 4, 0, BADGE);
    CHECK_EQUAL(reply(second, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
}

/* What stands in a sleepers' list must leave it at a wake, by whichever way. */
BOTH_WAYS(a_timed_call_is_answered_by_a_short_reply) {
    for (u32 i = 0; i < 3; i++) {
        receive_short(w.server, w.service);
        message_set(w.client, 1, 0);
        memset(w.client->message.word, 0, sizeof(w.client->message.word));
        w.client->message.timeout = 5000;
        begin_message(w.client, call_ipc_call, w.session);
        settle();
        CHECK_EQUAL(finish(w.server), 1);
        begin_words(w.server, call_ipc_reply_receive_short, w.service, 7);
        settle();
        CHECK_EQUAL(finish(w.client), 0);
        CHECK_EQUAL(w.client->message.label, 7);
        CHECK(waits(w.server), "the server does not wait");
        time_pass(20 * MILLISECOND);
        CHECK(waits(w.server), "an old time-out wakes the server");
        call_short(w.client, w.session, 3);
        received_short(w.server, 3, BADGE);
        CHECK_EQUAL(reply_short(w.server, w.service, 4), 0);
        replied_short(w.client, 4);
    }
}

/* ---- Priorities ------------------------------------------------------------------------------ */

BOTH_WAYS(the_highest_priority_is_received_first) {
    static const u32 priority[] = {10, 20, 15, 20, 5};
    static const u32 order[] = {1, 3, 2, 0, 4};
    struct actor *client[ARRAY_LENGTH(priority)];
    for (u32 i = 0; i < ARRAY_LENGTH(priority); i++) {
        client[i] = actor_of_priority(w.client_process, priority[i]);
        call_short(client[i], w.session, i);
    }
    for (u32 i = 0; i < ARRAY_LENGTH(order); i++) {
        receive_short(w.server, w.service);
        received_short(w.server, order[i], BADGE);
        CHECK_EQUAL(reply_short(w.server, w.service, 50 + i), 0);
        replied_short(client[order[i]], 50 + i);
    }
}

static u32 priority_of(const struct actor *actor) { return actor->thread->priority; }

BOTH_WAYS(a_server_runs_at_its_callers_priority) {
    struct actor *high = actor_of_priority(w.client_process, 25);
    struct actor *low = actor_of_priority(w.client_process, 3);
    receive_short(w.server, w.service);
    call_short(high, w.session, 1);
    received_short(w.server, 1, BADGE);
    CHECK_EQUAL(priority_of(w.server), 25);
    CHECK_EQUAL(act(w.server, call_thread_priority, 7, 0, 0, 0), ACTOR_PRIORITY);
    CHECK_EQUAL(priority_of(w.server), 25);
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 2);
    settle();
    replied_short(high, 2);
    CHECK_EQUAL(priority_of(w.server), 7);
    CHECK_EQUAL(priority_of(high), 25);
    call_short(low, w.session, 3);
    received_short(w.server, 3, BADGE);
    CHECK_EQUAL(priority_of(w.server), 7);
    CHECK_EQUAL(reply_short(w.server, w.service, 4), 0);
    replied_short(low, 4);
}

BOTH_WAYS(a_queued_caller_lends_its_priority_to_the_servers) {
    struct actor *high = actor_of_priority(w.client_process, 25);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    CHECK_EQUAL(priority_of(w.server), ACTOR_PRIORITY);
    call_short(high, w.session, 2);
    CHECK_EQUAL(priority_of(w.server), 25);
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 10);
    settle();
    replied_short(w.client, 10);
    received_short(w.server, 2, BADGE);
    CHECK_EQUAL(priority_of(w.server), 25);
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 20);
    settle();
    replied_short(high, 20);
    CHECK_EQUAL(priority_of(w.server), ACTOR_PRIORITY);
}

/* Also to one that became a server after it, and by a notice. */
BOTH_WAYS(a_server_with_a_notice_is_lent_the_priority_of_those_queued) {
    struct actor *high = actor_of_priority(w.client_process, 25);
    int session = (int)act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0);
    call_short(high, w.session, 2);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)session, 0, 0, 0), 0);
    receive_short(w.server, w.service);
    CHECK_EQUAL(finish(w.server), SHORT_CLOSED);
    CHECK_EQUAL(priority_of(w.server), 25);
    receive_short(w.server, w.service);
    received_short(w.server, 2, BADGE);
    CHECK_EQUAL(priority_of(w.server), 25);
    session = (int)act(w.server, call_endpoint_session, (uword)w.service, 6, 0, 0);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)session, 0, 0, 0), 0);
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 20);
    settle();
    replied_short(high, 20);
    CHECK_EQUAL(finish(w.server), SHORT_CLOSED);
    CHECK_EQUAL(priority_of(w.server), ACTOR_PRIORITY); /* nobody waits any more */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH_WAYS_TESTS(a_short_call_is_answered),
        BOTH_WAYS_TESTS(short_round_trips),
        BOTH_WAYS_TESTS(labels_are_checked),
        BOTH_WAYS_TESTS(short_calls_check_their_handles),
        BOTH_WAYS_TESTS(a_server_without_its_handle_cannot_reply_fast),
        BOTH_WAYS_TESTS(a_closed_session_is_told_to_a_short_receive),
        BOTH_WAYS_TESTS(a_session_closes_after_its_short_calls),
        BOTH_WAYS_TESTS(ends_reach_short_calls),
        BOTH_WAYS_TESTS(a_dead_client_is_not_replied_to),
        BOTH_WAYS_TESTS(a_long_receive_takes_a_short_call),
        BOTH_WAYS_TESTS(a_short_receive_takes_a_long_call_that_fits),
        BOTH_WAYS_TESTS(the_last_caller_is_that_of_the_thread),
        BOTH_WAYS_TESTS(calls_that_a_dead_server_has_received_end),
        BOTH_WAYS_TESTS(a_kill_meets_a_call),
        cmocka_unit_test(a_kill_meets_a_call_on_two_cpus),
        SCENARIO_TESTS(a_call_that_nobody_receives_times_out),
        SCENARIO_TESTS(a_call_that_nobody_answers_times_out),
        SCENARIO_TESTS(a_call_that_goes_directly_times_out),
        SCENARIO_TESTS(a_receive_that_a_reply_begins_times_out),
        SCENARIO_TESTS(handles_under_way_go_with_a_time_out),
        SCENARIO_TESTS(a_receive_times_out_and_is_passed_over),
        BOTH_WAYS_TESTS(a_timed_call_is_answered_by_a_short_reply),
        BOTH_WAYS_TESTS(the_highest_priority_is_received_first),
        BOTH_WAYS_TESTS(a_server_runs_at_its_callers_priority),
        BOTH_WAYS_TESTS(a_queued_caller_lends_its_priority_to_the_servers),
        BOTH_WAYS_TESTS(a_server_with_a_notice_is_lent_the_priority_of_those_queued),
    };
    return cmocka_run_group_tests_name("ipc_short", tests, NULL, NULL);
}
