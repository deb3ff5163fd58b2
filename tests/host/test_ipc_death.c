/* SPDX-License-Identifier: MIT */
/*
 * Proves what kernel/ipc/endpoint.c and session.c promise of ends: whom the death of a client or a
 * server wakes at each step of a call, when an endpoint has lost its last reader (also one that is
 * under way in a message), and when a session is closed; and that who has been killed sees nothing of
 * it and makes no more processes. Runs as test_ipc.c does.
 */
#include "kernel/syscall/syscall.h"
#include "tests/host/ipc_world.h"

/* ---- Deaths of the client -------------------------------------------------------------------- */

SCENARIO(a_client_that_dies_while_queued_is_never_received) {
    int own = (int)act(w.client, call_endpoint_create, 0, 0, 0, 0);
    struct actor *other = actor_beside(w.server);
    int handle = handle_pass(w.client_process, own, w.server_process, RIGHT_WRITE);
    call_begin(other, handle, 9, 0); /* waits for the client's own endpoint */
    call_with_handles(w.client, own, 4);
    die(w.client_process);
    CHECK(ended(w.client), "the client does not end");
    CHECK_EQUAL(finish(other), -E_DEAD); /* its handle and those under way are gone */
    receive_begin(w.server, w.service);
    received_closed(w.server, BADGE);
    receive_begin(w.server, w.service);
    CHECK(waits(w.server), "a dead client's call is received");
}

SCENARIO(a_client_that_dies_after_the_receive_gets_no_reply) {
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    die(w.client_process);
    int own = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    struct endpoint *endpoint = handle_peek(w.server_process, own).object;
    message_set(w.server, 2, 5);
    w.server->message.token = token;
    w.server->message.handle_count = 1;
    w.server->message.handle[0] = own;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), -E_NOTFOUND);
    CHECK(endpoint->readers == 1 && endpoint->references == 1, "%u readers, %u references are left",
          endpoint->readers, endpoint->references);
    receive_begin(w.server, w.service);
    received_closed(w.server, BADGE);
}

SCENARIO(one_client_dies_and_the_others_stay) {
    int handle[2];
    struct actor *other[2];
    for (u32 i = 0; i < 2; i++) {
        other[i] = actor_elsewhere(w.server_process, w.service, RIGHT_WRITE, &handle[i]);
    }
    call_begin(other[0], handle[0], 1, 0);
    call_begin(w.client, w.session, 2, 0);
    call_begin(other[1], handle[1], 3, 0);
    die(w.client_process);
    for (u32 i = 0; i < 3; i++) {
        receive_begin(w.server, w.service);
        if (i == 0) {
            received_closed(w.server, BADGE); /* notices come first */
        } else {
            u64 token = received(w.server, i == 1 ? 1 : 3, 0, 0);
            CHECK_EQUAL(reply(w.server, w.service, token, 5, 0), 0);
            replied(other[i - 1], 5, 0);
        }
    }
}

/* ---- Deaths of the server -------------------------------------------------------------------- */

SCENARIO(callers_of_a_server_that_dies_wake) {
    struct actor *queued = actor_beside(w.client), *awaiting = w.client;
    call_begin(awaiting, w.session, 1, 0);
    receive_begin(w.server, w.service);
    received(w.server, 1, 0, BADGE);
    call_begin(queued, w.session, 2, 30);
    die(w.server_process);
    CHECK_EQUAL(finish(awaiting), -E_DEAD);
    CHECK_EQUAL(finish(queued), -E_DEAD);
    call_begin(queued, w.session, 3, 0);
    CHECK_EQUAL(finish(queued), -E_DEAD);
}

SCENARIO(the_last_reader_goes_by_close) {
    struct actor *second = actor_beside(w.server);
    receive_begin(second, w.service);
    call_begin(w.client, w.session, 1, 0);
    received(second, 1, 0, BADGE);
    receive_begin(second, w.service);
    CHECK(waits(second) && waits(w.client), "both wait");
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)w.service, 0, 0, 0), 0);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK_EQUAL(finish(second), -E_DEAD);
}

SCENARIO(the_last_reader_goes_by_dup) {
    int other = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    call_begin(w.client, w.session, 1, 0);
    CHECK_EQUAL(act(w.server, call_handle_dup, (uword)w.service, RIGHTS_ALL, (uword)w.service, 0),
                w.service);
    CHECK(waits(w.client), "a handle that replaces itself has killed its endpoint");
    CHECK_EQUAL(act(w.server, call_handle_dup, (uword)other, RIGHTS_ALL, (uword)w.service, 0),
                w.service);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
}

/* Whichever comes first. */
SCENARIO(the_last_close_meets_a_receive_and_a_call) {
    struct actor *closer = actor_beside(w.server);
    for (u32 i = 0; i < 12; i++) {
        int endpoint = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
        int handle = handle_pass(w.server_process, endpoint, w.client_process, RIGHT_WRITE);
        if (i % 2 == 0) {
            message_set(w.client, 1, 0);
            begin_message(w.client, call_ipc_call, handle);
        } else {
            message_set(w.server, 0, 0);
            begin_message(w.server, call_ipc_receive, endpoint);
        }
        begin(closer, call_handle_close, (uword)endpoint, 0, 0, 0);
        CHECK_EQUAL(finish(closer), 0);
        long result = finish(i % 2 == 0 ? w.client : w.server);
        CHECK(result == -E_DEAD || (i % 2 != 0 && result == -E_HANDLE), "it ends with %ld", result);
        CHECK_EQUAL(act(w.client, call_handle_close, (uword)handle, 0, 0, 0), 0);
    }
}

SCENARIO(a_writer_keeps_no_endpoint_alive) {
    int handle;
    struct actor *other =
        actor_elsewhere(w.server_process, w.service, RIGHTS_ALL & ~RIGHT_READ, &handle);
    call_begin(other, handle, 1, 0);
    CHECK(waits(other), "the call does not wait");
    die(w.server_process);
    CHECK_EQUAL(finish(other), -E_DEAD);
}

SCENARIO(another_reader_keeps_queued_callers) {
    int handle;
    struct actor *heir = actor_elsewhere(w.server_process, w.service, RIGHTS_ALL, &handle);
    call_begin(w.client, w.session, 1, 17);
    die(w.server_process);
    CHECK(waits(w.client), "a queued call has ended though somebody can receive it");
    receive_begin(heir, handle);
    u64 token = received(heir, 1, 17, BADGE);
    CHECK_EQUAL(reply(heir, handle, token, 2, 0), 0);
    replied(w.client, 2, 0);
}

SCENARIO(a_clone_inherits_the_right_to_receive) {
    struct process *clone = program_new(w.server_process);
    CHECK_EQUAL(w.endpoint->readers, 2);
    struct actor *actor = actor_new(clone);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)w.service, 0, 0, 0), 0);
    call_begin(w.client, w.session, 1, 0);
    receive_begin(actor, w.service);
    u64 token = received(actor, 1, 0, BADGE);
    CHECK_EQUAL(reply(actor, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    call_begin(w.client, w.session, 3, 0);
    program_end(clone);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
}

SCENARIO(a_receiver_that_dies_is_passed_over) {
    int handle;
    struct actor *first = actor_elsewhere(w.server_process, w.service, RIGHT_READ, &handle);
    receive_begin(first, handle);
    receive_begin(w.server, w.service);
    die(first->process);
    call_begin(w.client, w.session, 1, 0);
    u64 token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
}

SCENARIO(a_server_that_dies_ends_its_own_calls_only) {
    int handle;
    struct actor *other = actor_elsewhere(w.server_process, w.service, RIGHTS_ALL, &handle);
    struct actor *second = actor_beside(w.client);
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    received(w.server, 1, 0, BADGE);
    call_begin(second, w.session, 2, 0);
    receive_begin(other, handle);
    u64 token = received(other, 2, 0, BADGE);
    die(w.server_process);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK(waits(second), "a call that another server has received ends");
    CHECK_EQUAL(reply(other, handle, token, 3, 0), 0);
    replied(second, 3, 0);
}

/* A receiver with little room that has been killed, and has not run since: it stands in the list.
 * SECOND is of a high priority, so that it goes first. */
static struct actor *receiver_killed(void) {
    int handle;
    struct actor *mortal = actor_elsewhere(w.server_process, w.service, RIGHT_READ, &handle);
    struct actor *second = actor_of_priority(w.client_process, 25);
    message_set(mortal, 0, 0);
    mortal->message.receive_size = 10;
    begin_message(mortal, call_ipc_receive, handle);
    settle();
    process_end(mortal->process, STATUS_KILLED, 0);
    return second;
}

SCENARIO(a_killed_receiver_refuses_nothing) {
    struct actor *second = receiver_killed();
    call_begin(second, w.session, 1, 11);
    CHECK(waits(second), "a call is refused by a receiver that does not wait any more");
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 11, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(second, 2, 0);
}

SCENARIO(a_killed_receiver_gets_no_call) {
    struct actor *second = receiver_killed();
    call_begin(second, w.session, 1, 10);
    CHECK(waits(second), "a call is received by nobody");
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 10, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(second, 2, 0);
}

SCENARIO(a_killed_receiver_gets_no_notice) {
    struct actor *second = receiver_killed();
    CHECK_EQUAL(act(second, call_handle_close, (uword)w.session, 0, 0, 0), 0);
    receive_begin(w.server, w.service);
    received_closed(w.server, BADGE);
}

/* ---- The right to receive, under way --------------------------------------------------------- */

/* The client has endpoint B, whose only readers are two handles in a call that nobody receives; a
 * further actor of the server waits for an answer of B. */
static struct actor *reader_under_way(struct endpoint **b) {
    int own = (int)act(w.client, call_endpoint_create, 0, 0, 0, 0);
    *b = handle_peek(w.client_process, own).object;
    struct actor *caller = actor_beside(w.server);
    int handle = handle_pass(w.client_process, own, w.server_process, RIGHT_WRITE);
    struct actor *closer = actor_beside(w.client);
    call_with_handles(w.client, own, 2);
    CHECK_EQUAL(act(closer, call_handle_close, (uword)own, 0, 0, 0), 0);
    CHECK_EQUAL((*b)->readers, 2);
    call_begin(caller, handle, 9, 0);
    CHECK(waits(caller), "the call ends though the right to receive is under way");
    return caller;
}

SCENARIO(a_reader_under_way_goes_with_the_client) {
    struct endpoint *b;
    struct actor *caller = reader_under_way(&b);
    die(w.client_process);
    CHECK_EQUAL(finish(caller), -E_DEAD);
}

SCENARIO(a_reader_under_way_goes_with_the_endpoint_that_it_was_sent_to) {
    struct endpoint *b;
    struct actor *caller = reader_under_way(&b);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)w.service, 0, 0, 0), 0);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK_EQUAL(finish(caller), -E_DEAD);
}

SCENARIO(a_reader_under_way_goes_when_it_is_too_much) {
    struct endpoint *b;
    struct actor *caller = reader_under_way(&b);
    table_fill(w.server_process, 1);
    receive_begin(w.server, w.service);
    CHECK_EQUAL(finish(w.client), -E_LIMIT);
    CHECK_EQUAL(finish(caller), -E_DEAD);
    CHECK(waits(w.server), "the receiver does not wait on");
}

SCENARIO(a_reader_under_way_arrives) {
    struct endpoint *b;
    struct actor *caller = reader_under_way(&b);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(b->readers, 2);
    int handle = w.server->message.handle[1];
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    receive_begin(w.server, handle);
    token = received(w.server, 9, 0, 0);
    CHECK_EQUAL(reply(w.server, handle, token, 3, 0), 0);
    replied(caller, 3, 0);
}

/* An endpoint's only reader is sent to the endpoint itself: nobody can ever receive it. */
SCENARIO(a_reader_sent_to_its_own_endpoint_dies_with_the_caller) {
    struct actor *closer = actor_beside(w.server);
    message_set(w.server, 1, 0);
    w.server->message.handle_count = 1;
    w.server->message.handle[0] = w.service;
    begin_message(w.server, call_ipc_call, w.service);
    settle();
    CHECK_EQUAL(act(closer, call_handle_close, (uword)w.service, 0, 0, 0), 0);
    CHECK(waits(w.server), "its own handle, under way, does not count");
    call_begin(w.client, w.session, 2, 0);
    CHECK(waits(w.client), "its own handle, under way, does not count");
    die(w.server_process);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
}

/* ---- Sessions -------------------------------------------------------------------------------- */

SCENARIO(the_last_close_of_a_session_is_told_once) {
    int second =
        (int)act(w.client, call_handle_dup, (uword)w.session, RIGHTS_ALL, (uword)QUARTET_NONE, 0);
    receive_begin(w.server, w.service);
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)w.session, 0, 0, 0), 0);
    CHECK(waits(w.server), "a session with a handle is told to be closed");
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)second, 0, 0, 0), 0);
    received_closed(w.server, BADGE);
    CHECK_EQUAL(w.endpoint->sessions, 0);
    receive_begin(w.server, w.service);
    CHECK(waits(w.server), "a session is told to be closed twice");
}

SCENARIO(a_session_closes_after_the_calls_under_way) {
    struct actor *closer = actor_beside(w.client), *second = actor_beside(w.server);
    call_begin(w.client, w.session, 1, 0);
    CHECK_EQUAL(act(closer, call_handle_close, (uword)w.session, 0, 0, 0), 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    receive_begin(second, w.service);
    CHECK(waits(second), "a session with a call under way is told to be closed");
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
    received_closed(second, BADGE);
}

SCENARIO(notices_come_in_order_and_before_calls) {
    int session[3];
    for (u32 i = 0; i < 3; i++) {
        session[i] = (int)act(w.server, call_endpoint_session, (uword)w.service, 100 + i, 0, 0);
    }
    call_begin(w.client, w.session, 1, 0);
    for (u32 i = 3; i-- > 0;) {
        CHECK_EQUAL(act(w.server, call_handle_close, (uword)session[i], 0, 0, 0), 0);
    }
    for (u32 i = 3; i-- > 0;) {
        receive_begin(w.server, w.service);
        received_closed(w.server, 100 + i);
    }
    receive_begin(w.server, w.service);
    received(w.server, 1, 0, BADGE);
}

SCENARIO(sessions_outlive_their_endpoint_and_close_in_silence) {
    int unused = (int)act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)unused, 0, 0, 0), 0);
    die(w.server_process); /* with a notice that nobody has received */
    call_begin(w.client, w.session, 1, 0);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)w.session, 0, 0, 0), 0);
}

SCENARIO(a_session_that_gets_no_handle_is_not_told) {
    table_fill(w.server_process, 0);
    CHECK_EQUAL(act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0), -E_LIMIT);
    CHECK_EQUAL(w.endpoint->sessions, 1);
    receive_begin(w.server, w.service);
    CHECK(waits(w.server), "the server learns of a badge that it never gave");
}

static void four_thousand_sessions(void) {
    struct session *session[SESSION_LIMIT];
    for (u32 i = 0; i < SESSION_LIMIT - 1; i++) { /* one there is */
        CHECK_EQUAL(session_create(w.endpoint, i, &session[i]), 0);
    }
    CHECK_EQUAL(act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0), -E_LIMIT);
    session_release(session[0]);
    CHECK_EQUAL(act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0), -E_LIMIT);
    receive_begin(w.server, w.service);
    received_closed(w.server, 0);
    int last = (int)act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0);
    CHECK(last > 0, "no session though a notice has been received: %d", last);
    for (u32 i = 1; i < SESSION_LIMIT - 1; i++) {
        session_release(session[i]);
    }
}

TEST(sessions_are_limited) { scenario_run(1, 1, four_thousand_sessions); }

/* ---- One's own ------------------------------------------------------------------------------- */

static u32 turns; /* what those who are to be killed have done so far */

static void sleep_over_and_over(u32 unused UNUSED) {
    for (;; turns++) {
        system_call(call_thread_sleep, 0, 0, 0, 0); /* fails the test if it returns E_KILLED */
    }
}

/* A process that runs PROGRAM and is somewhere in its turn number TURN or soon after. */
static struct process *process_under_way(void (*program)(u32), u32 turn) {
    struct process *process = program_new(NULL);
    thread_spawn(process, program, 0, PRIORITY_DEFAULT);
    for (u32 enough = turns + turn; turns < enough;) {
        user_point(); /* it has another CPU, or takes this one until it has */
    }
    for (u32 k = sim_random_below(60); k > 0; k--) {
        arch_relax();
    }
    return process;
}

static void sleepers_are_killed(void) {
    for (u32 i = 0; i < 10; i++) {
        program_end(process_under_way(sleep_over_and_over, 1 + sim_random_below(10)));
    }
}

static void clone_over_and_over(u32 unused UNUSED) {
    for (;; turns++) {
        system_call(call_process_clone, CLONE_STOPPED, 1, 0, 0);
    }
}

/* PIDs go up: of a process that was made just now, it is above all others. */
static u32 highest_pid(void) {
    u32 highest = 0;
    for (struct process *found; (found = process_find(highest + 1)) != NULL;) {
        highest = found->pid;
        process_release(found);
    }
    return highest;
}

static void makers_are_killed(void) {
    for (u32 i = 0; i < 4; i++) {
        struct process *process = process_under_way(clone_over_and_over, 1 + sim_random_below(3));
        process_end(process, STATUS_KILLED, 0);
        u32 highest = highest_pid();
        program_end(process);
        CHECK(highest_pid() <= highest, "process %u was made by one that had been killed",
              highest_pid());
    }
}

TEST(nobody_sees_its_own_death) { scenario_run(3, SCENARIO_ROUNDS, sleepers_are_killed); }
TEST(who_is_killed_makes_no_more_children) { scenario_run(3, SCENARIO_ROUNDS, makers_are_killed); }

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENARIO_TESTS(a_client_that_dies_while_queued_is_never_received),
        SCENARIO_TESTS(a_client_that_dies_after_the_receive_gets_no_reply),
        SCENARIO_TESTS(one_client_dies_and_the_others_stay),
        SCENARIO_TESTS(callers_of_a_server_that_dies_wake),
        SCENARIO_TESTS(the_last_reader_goes_by_close),
        SCENARIO_TESTS(the_last_reader_goes_by_dup),
        SCENARIO_TESTS(the_last_close_meets_a_receive_and_a_call),
        SCENARIO_TESTS(a_writer_keeps_no_endpoint_alive),
        SCENARIO_TESTS(another_reader_keeps_queued_callers),
        SCENARIO_TESTS(a_clone_inherits_the_right_to_receive),
        SCENARIO_TESTS(a_receiver_that_dies_is_passed_over),
        SCENARIO_TESTS(a_server_that_dies_ends_its_own_calls_only),
        SCENARIO_TESTS(a_killed_receiver_refuses_nothing),
        SCENARIO_TESTS(a_killed_receiver_gets_no_call),
        SCENARIO_TESTS(a_killed_receiver_gets_no_notice),
        SCENARIO_TESTS(a_reader_under_way_goes_with_the_client),
        SCENARIO_TESTS(a_reader_under_way_goes_with_the_endpoint_that_it_was_sent_to),
        SCENARIO_TESTS(a_reader_under_way_goes_when_it_is_too_much),
        SCENARIO_TESTS(a_reader_under_way_arrives),
        SCENARIO_TESTS(a_reader_sent_to_its_own_endpoint_dies_with_the_caller),
        SCENARIO_TESTS(the_last_close_of_a_session_is_told_once),
        SCENARIO_TESTS(a_session_closes_after_the_calls_under_way),
        SCENARIO_TESTS(notices_come_in_order_and_before_calls),
        SCENARIO_TESTS(sessions_outlive_their_endpoint_and_close_in_silence),
        SCENARIO_TESTS(a_session_that_gets_no_handle_is_not_told),
        cmocka_unit_test(sessions_are_limited),
        cmocka_unit_test(nobody_sees_its_own_death),
        cmocka_unit_test(who_is_killed_makes_no_more_children),
    };
    return cmocka_run_group_tests_name("ipc_death", tests, NULL, NULL);
}
