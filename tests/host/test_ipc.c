/* SPDX-License-Identifier: MIT */
/*
 * Proves what the head of kernel/ipc/message.c promises, row by row: what a message carries, each
 * error, and that nothing has changed then. Each scenario runs on one CPU, and in many interleavings
 * on three (ipc_world.h). Deaths are in test_ipc_death.c, the races in test_ipc_random.c.
 */
#include "tests/host/ipc_world.h"

/* ---- What a message carries ------------------------------------------------------------------ */

static void one_round_trip(bool receiver_first) {
    if (receiver_first) {
        receive_begin(w.server, w.service);
    }
    call_begin(w.client, w.session, 5, 100);
    if (!receiver_first) {
        CHECK(waits(w.client), "the call does not wait");
        receive_begin(w.server, w.service);
    }
    u64 token = received(w.server, 5, 100, BADGE);
    CHECK(waits(w.client), "the call does not wait for its reply");
    CHECK_EQUAL(reply(w.server, w.service, token, 6, MESSAGE_BYTES), 0);
    replied(w.client, 6, MESSAGE_BYTES);
    CHECK_EQUAL(reply(w.server, w.service, token, 7, 0), -E_NOTFOUND); /* only once */
}

SCENARIO(a_call_is_answered) {
    one_round_trip(true);
    one_round_trip(false);
}

SCENARIO(a_call_of_the_endpoint_itself_has_badge_0) {
    int handle;
    struct actor *other = actor_elsewhere(w.server_process, w.service, RIGHT_WRITE, &handle);
    call_begin(other, handle, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, 0);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 3), 0);
    replied(other, 2, 3);
}

SCENARIO(reply_receive_does_both) {
    struct actor *second = actor_beside(w.client);
    call_begin(w.client, w.session, 1, 10);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 10, BADGE);
    message_set(w.server, 100, 20);
    w.server->message.token = token;
    begin_message(w.server, call_ipc_reply_receive, w.service);
    settle();
    replied(w.client, 100, 20);
    CHECK(waits(w.server), "the server does not wait for the next message");
    call_begin(second, w.session, 2, 30);
    token = received(w.server, 2, 30, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 3, 0), 0);
    replied(second, 3, 0);
    message_set(w.server, 4, 0); /* no such token: it does not wait */
    w.server->message.token = token;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply_receive, w.service), -E_NOTFOUND);
}

SCENARIO(reply_receive_takes_what_is_queued) {
    struct actor *second = actor_beside(w.client);
    int session = (int)act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0);
    call_begin(w.client, w.session, 1, 10);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 10, BADGE);
    call_begin(second, w.session, 2, 20);
    message_set(w.server, 100, 0);
    w.server->message.token = token;
    begin_message(w.server, call_ipc_reply_receive, w.service);
    token = received(w.server, 2, 20, BADGE);
    replied(w.client, 100, 0);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)session, 0, 0, 0), 0);
    message_set(w.server, 101, 0);
    w.server->message.token = token;
    begin_message(w.server, call_ipc_reply_receive, w.service);
    received_closed(w.server, 5);
    replied(second, 101, 0);
}

SCENARIO(calls_are_received_in_order_and_answered_in_any) {
    struct actor *client[3] = {w.client, actor_beside(w.client), actor_beside(w.client)};
    u64 token[3];
    for (u32 i = 0; i < 3; i++) {
        call_begin(client[i], w.session, 10 + i, 50 * i);
    }
    for (u32 i = 0; i < 3; i++) {
        receive_begin(w.server, w.service);
        token[i] = received(w.server, 10 + i, 50 * i, BADGE);
    }
    for (u32 i = 0; i < 3; i++) {
        u32 j = (i + 1) % 3;
        CHECK_EQUAL(reply(w.server, w.service, token[j], 20 + j, 40 * j), 0);
        replied(client[j], 20 + j, 40 * j);
    }
}

SCENARIO(receivers_are_served_in_order) {
    struct actor *server[3] = {w.server, actor_beside(w.server), actor_beside(w.server)};
    struct actor *client[3] = {w.client, actor_beside(w.client), actor_beside(w.client)};
    for (u32 i = 0; i < 3; i++) {
        receive_begin(server[i], w.service);
    }
    for (u32 i = 0; i < 3; i++) {
        call_begin(client[i], w.session, i, i);
        u64 token = received(server[i], i, i, BADGE);
        CHECK_EQUAL(reply(server[i], w.service, token, i, 0), 0);
        replied(client[i], i, 0);
    }
}

SCENARIO(a_token_is_good_for_its_endpoint_only) {
    int other = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(reply(w.server, other, token, 2, 0), -E_NOTFOUND);
    CHECK_EQUAL(reply(w.server, w.service, token + 1, 2, 0), -E_NOTFOUND);
    CHECK_EQUAL(reply(w.server, w.service, 0, 2, 0), -E_NOTFOUND);
    CHECK(waits(w.client), "the call ends by a reply that was not for it");
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
}

/* ---- Handles in messages --------------------------------------------------------------------- */

/* The client sends HANDLE once more: w.server's index, or its negative error. */
static int transfer(int handle, u64 *token) {
    message_set(w.client, 1, 0);
    w.client->message.handle[0] = handle;
    w.client->message.handle_count = 1;
    begin_message(w.client, call_ipc_call, w.session);
    settle();
    receive_begin(w.server, w.service);
    *token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(w.server->message.handle_count, 1);
    return w.server->message.handle[0];
}

SCENARIO(handles_keep_their_rights_and_the_sender_keeps_its_own) {
    int quarter = (int)act(w.client, call_quarter_create, 2, 0, 0, 0);
    int reduced = (int)act(w.client, call_handle_dup, (uword)quarter, RIGHT_READ | RIGHT_TRANSFER,
                           (uword)QUARTET_NONE, 0);
    u64 token;
    int there = transfer(reduced, &token);
    struct handle had = handle_peek(w.client_process, reduced);
    struct handle has = handle_peek(w.server_process, there);
    CHECK(has.object == had.object && has.type == OBJECT_QUARTER, "another object has come");
    CHECK_EQUAL(has.rights, RIGHT_READ | RIGHT_TRANSFER);
    for (u32 i = 1; i < MESSAGE_HANDLES; i++) {
        CHECK_EQUAL(w.server->message.handle[i], QUARTET_NONE);
    }
    CHECK(handle_peek(w.client_process, reduced).object == had.object, "the sender's has gone");
    CHECK_EQUAL(act(w.server, call_handle_dup, (uword)there, RIGHTS_ALL, (uword)QUARTET_NONE, 0),
                -E_RIGHTS);
    message_set(w.server, 2, 0); /* and back */
    w.server->message.token = token;
    w.server->message.handle[0] = there;
    w.server->message.handle_count = 1;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), 0);
    replied(w.client, 2, 0);
    has = handle_peek(w.client_process, w.client->message.handle[0]);
    CHECK(has.object == had.object, "another object has come back");
    CHECK_EQUAL(has.rights, RIGHT_READ | RIGHT_TRANSFER);
}

SCENARIO(a_reply_carries_handles_too) {
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    int session = (int)act(w.server, call_endpoint_session, (uword)w.service, 99, 0, 0);
    int process =
        handle_install(&w.server_process->handles, w.server_process, OBJECT_PROCESS, RIGHTS_ALL);
    process_reference(w.server_process);
    message_set(w.server, 2, 0);
    w.server->message.token = token;
    w.server->message.handle_count = MESSAGE_HANDLES;
    const int sent[MESSAGE_HANDLES] = {session, process, session, w.service};
    memcpy(w.server->message.handle, sent, sizeof(sent));
    CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), 0);
    replied(w.client, 2, 0);
    CHECK_EQUAL(w.client->message.handle_count, MESSAGE_HANDLES);
    for (u32 i = 0; i < MESSAGE_HANDLES; i++) {
        struct handle here = handle_peek(w.client_process, w.client->message.handle[i]);
        struct handle there = handle_peek(w.server_process, sent[i]);
        CHECK(here.object == there.object && here.type == there.type && here.rights == there.rights,
              "handle %u has changed under way", i);
    }
    CHECK_EQUAL(w.endpoint->readers, 2);
}

/* ---- What is refused before anything has happened -------------------------------------------- */

static void call_refused(int error) {
    u32 readers = w.endpoint->readers, references = w.endpoint->references;
    u32 handles = w.client_process->handles.count;
    CHECK_EQUAL(act_message(w.client, call_ipc_call, w.session), -error);
    CHECK(w.endpoint->readers == readers && w.endpoint->references == references &&
              w.client_process->handles.count == handles,
          "a call that was refused (%d) has changed something", error);
}

SCENARIO(a_call_is_checked_before_it_is_queued) {
    receive_begin(w.server, w.service);
    int own = (int)act(w.client, call_endpoint_create, 0, 0, 0, 0);
    int fixed = (int)act(w.client, call_handle_dup, (uword)own, RIGHTS_ALL & ~RIGHT_TRANSFER,
                         (uword)QUARTET_NONE, 0);
    message_set(w.client, 1, 0);
    w.client->message.send_length = MESSAGE_BYTES + 1;
    call_refused(E_TOOBIG);
    message_set(w.client, 1, 0);
    w.client->message.handle_count = MESSAGE_HANDLES + 1;
    call_refused(E_INVALID);
    const struct {
        int handle, error;
    } bad[] = {{fixed, E_RIGHTS}, {200, E_HANDLE}, {-1, E_HANDLE}, {QUARTET_SELF, E_HANDLE}};
    for (u32 i = 0; i < ARRAY_LENGTH(bad); i++) { /* good ones before it go back */
        message_set(w.client, 1, 0);
        w.client->message.handle_count = 3;
        w.client->message.handle[0] = w.client->message.handle[1] = own;
        w.client->message.handle[2] = bad[i].handle;
        call_refused(bad[i].error);
    }
    CHECK_EQUAL(((struct endpoint *)handle_peek(w.client_process, own).object)->readers, 2);
    CHECK(waits(w.server), "the receiver has got something");
}

SCENARIO(bad_addresses_are_refused) {
    receive_begin(w.server, w.service);
    message_set(w.client, 1, 0);
    begin_message(w.client, call_ipc_call, w.session);
    w.client->argument[1] = 0;
    CHECK_EQUAL(finish(w.client), -E_FAULT);
    begin_message(w.client, call_ipc_call, w.session);
    w.client->argument[1] = SLOT_BASE(2) - 8; /* leaves its slot */
    CHECK_EQUAL(finish(w.client), -E_FAULT);
    page_vanish(w.client, 1);
    message_set(w.client, 1, 10);
    call_refused(E_FAULT);
    page_return(w.client, 1);
    page_vanish(w.client, 2);
    message_set(w.client, 1, 10);
    call_refused(E_FAULT);
    page_return(w.client, 2);
    page_vanish(w.client, 0);
    CHECK_EQUAL(act_message(w.client, call_ipc_call, w.session), -E_FAULT);
    CHECK(waits(w.server), "the receiver has got something");
}

SCENARIO(rights_and_types_are_checked) {
    int handle, quarter = (int)act(w.client, call_quarter_create, 2, 0, 0, 0);
    struct actor *reader = actor_elsewhere(w.server_process, w.service, RIGHT_READ, &handle);
    message_set(reader, 1, 0);
    CHECK_EQUAL(act_message(reader, call_ipc_call, handle), -E_RIGHTS);
    message_set(w.client, 1, 0);
    CHECK_EQUAL(act_message(w.client, call_ipc_call, quarter), -E_TYPE);
    CHECK_EQUAL(act_message(w.client, call_ipc_call, 99), -E_HANDLE);
    CHECK_EQUAL(act_message(w.client, call_ipc_receive, w.session), -E_TYPE);
    CHECK_EQUAL(act_message(w.client, call_ipc_reply, w.session), -E_TYPE);
    struct actor *writer = actor_elsewhere(w.server_process, w.service, RIGHT_WRITE, &handle);
    message_set(writer, 1, 0);
    CHECK_EQUAL(act_message(writer, call_ipc_receive, handle), -E_RIGHTS);
    CHECK_EQUAL(act_message(writer, call_ipc_reply, handle), -E_RIGHTS);
    CHECK_EQUAL(act_message(writer, call_ipc_reply_receive, handle), -E_RIGHTS);
    CHECK_EQUAL(act(writer, call_endpoint_session, (uword)handle, 1, 0, 0), -E_RIGHTS);
}

/* ---- Room ------------------------------------------------------------------------------------ */

static void receive_small(struct actor *actor, u32 room) {
    message_set(actor, 0, 0);
    actor->message.receive_size = room;
    begin_message(actor, call_ipc_receive, w.service);
    settle();
}

SCENARIO(a_call_with_too_many_bytes_ends_and_the_receiver_waits_on) {
    struct actor *second = actor_beside(w.client);
    receive_small(w.server, 10);
    call_begin(w.client, w.session, 1, 11);
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    CHECK(waits(w.server), "the receiver does not wait on");
    call_begin(second, w.session, 2, 10);
    u64 token = received(w.server, 2, 10, BADGE);
    call_begin(w.client, w.session, 3, MESSAGE_BYTES); /* the other order */
    receive_small(w.server, MESSAGE_BYTES - 1);
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    CHECK(waits(w.server), "the receiver does not wait on");
    CHECK(waits(second), "another call has ended");
    call_begin(w.client, w.session, 4, MESSAGE_BYTES - 1);
    u64 next = received(w.server, 4, MESSAGE_BYTES - 1, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 5, 0), 0);
    CHECK_EQUAL(reply(w.server, w.service, next, 6, 0), 0);
    replied(second, 5, 0);
    replied(w.client, 6, 0);
}

SCENARIO(a_large_caller_does_not_hold_up_a_small_one) {
    struct actor *second = actor_beside(w.client), *third = actor_beside(w.client);
    call_begin(w.client, w.session, 1, 11);
    call_begin(second, w.session, 2, 12);
    call_begin(third, w.session, 3, 10);
    receive_small(w.server, 10);
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    CHECK_EQUAL(finish(second), -E_TOOBIG);
    u64 token = received(w.server, 3, 10, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 4, 0), 0);
    replied(third, 4, 0);
}

SCENARIO(a_reply_with_too_many_bytes_is_refused_and_the_caller_waits_on) {
    message_set(w.client, 1, 0);
    w.client->message.receive_size = 20;
    begin_message(w.client, call_ipc_call, w.session);
    settle();
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 21), -E_TOOBIG);
    CHECK(waits(w.client), "the caller does not wait on");
    message_set(w.server, 2, 21);
    w.server->message.token = token;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply_receive, w.service), -E_TOOBIG);
    CHECK_EQUAL(reply(w.server, w.service, token, 3, 20), 0);
    replied(w.client, 3, 20);
}

/* ---- Full tables ----------------------------------------------------------------------------- */

SCENARIO(a_receiver_with_a_full_table_waits_on) {
    int own = (int)act(w.client, call_endpoint_create, 0, 0, 0, 0);
    struct endpoint *endpoint = handle_peek(w.client_process, own).object;
    table_fill(w.server_process, 2);
    u32 handles = w.server_process->handles.count;
    receive_begin(w.server, w.service);
    call_with_handles(w.client, own, 3);
    CHECK_EQUAL(finish(w.client), -E_LIMIT);
    CHECK(waits(w.server), "the receiver does not wait on");
    CHECK_EQUAL(w.server_process->handles.count, handles);
    CHECK(endpoint->readers == 1 && endpoint->references == 1, "%u readers, %u references are left",
          endpoint->readers, endpoint->references);
    call_with_handles(w.client, own, 2); /* as many as there is room for */
    u64 token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(endpoint->readers, 3);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
}

SCENARIO(a_caller_with_a_full_table_loses_the_reply) {
    int own = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    struct endpoint *endpoint = handle_peek(w.server_process, own).object;
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    table_fill(w.client_process, 1);
    u32 handles = w.client_process->handles.count;
    message_set(w.server, 2, 0);
    w.server->message.token = token;
    w.server->message.handle_count = 2;
    w.server->message.handle[0] = w.server->message.handle[1] = own;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), 0);
    CHECK_EQUAL(finish(w.client), -E_LIMIT);
    CHECK_EQUAL(w.client_process->handles.count, handles);
    CHECK(endpoint->readers == 1 && endpoint->references == 1, "%u readers, %u references are left",
          endpoint->readers, endpoint->references);
}

/* ---- Memory that vanishes -------------------------------------------------------------------- */

SCENARIO(a_receiver_whose_memory_vanished_fails_and_so_does_the_call) {
    int own = (int)act(w.client, call_endpoint_create, 0, 0, 0, 0);
    struct endpoint *endpoint = handle_peek(w.client_process, own).object;
    u32 handles = w.server_process->handles.count;
    receive_begin(w.server, w.service);
    page_vanish(w.server, 0);
    call_with_handles(w.client, own, 2);
    CHECK_EQUAL(finish(w.client), -E_FAULT);
    CHECK_EQUAL(finish(w.server), -E_FAULT);
    CHECK_EQUAL(w.server_process->handles.count, handles);
    CHECK(endpoint->readers == 1 && endpoint->references == 1, "%u readers, %u references are left",
          endpoint->readers, endpoint->references);
    page_return(w.server, 0);
    receive_begin(w.server, w.service);
    page_vanish(w.server, 2);
    call_begin(w.client, w.session, 3, 10);
    CHECK_EQUAL(finish(w.client), -E_FAULT);
    CHECK_EQUAL(finish(w.server), -E_FAULT);
    receive_small(w.server, 0);
    call_begin(w.client, w.session, 3, 0); /* no byte needs room */
    u64 token = received(w.server, 3, 0, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 4, 0), 0);
    replied(w.client, 4, 0);
}

SCENARIO(a_notice_is_lost_with_the_receivers_memory) {
    receive_begin(w.server, w.service);
    page_vanish(w.server, 0);
    CHECK_EQUAL(act(w.client, call_handle_close, (uword)w.session, 0, 0, 0), 0);
    CHECK_EQUAL(finish(w.server), -E_FAULT);
    CHECK_EQUAL(w.endpoint->sessions, 0);
}

SCENARIO(a_caller_whose_memory_vanished_loses_the_reply) {
    int own = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    struct endpoint *endpoint = handle_peek(w.server_process, own).object;
    for (u32 page = 0; page <= 2; page += 2) {
        call_begin(w.client, w.session, 1, 0);
        receive_begin(w.server, w.service);
        u64 token = received(w.server, 1, 0, BADGE);
        page_vanish(w.client, page);
        u32 handles = w.client_process->handles.count;
        message_set(w.server, 2, 5);
        w.server->message.token = token;
        w.server->message.handle_count = 1;
        w.server->message.handle[0] = own;
        CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), 0);
        CHECK_EQUAL(finish(w.client), -E_FAULT);
        CHECK_EQUAL(w.client_process->handles.count, handles);
        CHECK_EQUAL(endpoint->readers, 1);
        page_return(w.client, page);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENARIO_TESTS(a_call_is_answered),
        SCENARIO_TESTS(a_call_of_the_endpoint_itself_has_badge_0),
        SCENARIO_TESTS(reply_receive_does_both),
        SCENARIO_TESTS(reply_receive_takes_what_is_queued),
        SCENARIO_TESTS(calls_are_received_in_order_and_answered_in_any),
        SCENARIO_TESTS(receivers_are_served_in_order),
        SCENARIO_TESTS(a_token_is_good_for_its_endpoint_only),
        SCENARIO_TESTS(handles_keep_their_rights_and_the_sender_keeps_its_own),
        SCENARIO_TESTS(a_reply_carries_handles_too),
        SCENARIO_TESTS(a_call_is_checked_before_it_is_queued),
        SCENARIO_TESTS(bad_addresses_are_refused),
        SCENARIO_TESTS(rights_and_types_are_checked),
        SCENARIO_TESTS(a_call_with_too_many_bytes_ends_and_the_receiver_waits_on),
        SCENARIO_TESTS(a_large_caller_does_not_hold_up_a_small_one),
        SCENARIO_TESTS(a_reply_with_too_many_bytes_is_refused_and_the_caller_waits_on),
        SCENARIO_TESTS(a_receiver_with_a_full_table_waits_on),
        SCENARIO_TESTS(a_caller_with_a_full_table_loses_the_reply),
        SCENARIO_TESTS(a_receiver_whose_memory_vanished_fails_and_so_does_the_call),
        SCENARIO_TESTS(a_notice_is_lost_with_the_receivers_memory),
        SCENARIO_TESTS(a_caller_whose_memory_vanished_loses_the_reply),
    };
    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
