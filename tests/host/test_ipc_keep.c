/* SPDX-License-Identifier: MIT */
/*
 * Proves what is promised to a server that takes short messages most of the time: long ones come to it
 * as well, where it has said (ipc_room); callers that it keeps are found by their key, and by nobody
 * else's; and a reply that turns to one of them does so or does nothing.
 */
#include "tests/host/ipc_world.h"

static void room_make(struct actor *actor, u32 size) {
    message_set(actor, 0, 0);
    actor->message.receive_size = size;
    begin_around_message(actor, call_ipc_room, actor_page(actor, 0), 0);
    CHECK_EQUAL(finish(actor), 0);
}

static void receive_any(struct actor *actor, int from) {
    message_set(actor, 0, 0);
    begin_around_message(actor, call_ipc_receive_short, (uword)from, 0);
    settle();
}

static u64 received_long(struct actor *actor, u32 value, u32 length) {
    CHECK_EQUAL(finish(actor), SHORT_LONG);
    CHECK_EQUAL(actor->message.kind, MESSAGE_CALL);
    CHECK_EQUAL(actor->message.badge, BADGE);
    message_check(actor, value, length);
    return actor->message.token;
}

static void keep(struct actor *actor, int endpoint, u32 key) {
    begin_words(actor, call_ipc_keep_receive_short, endpoint, key);
    settle();
}

static long turn(struct actor *actor, int endpoint, u32 label, u32 key) {
    return act(actor, call_ipc_reply_turn_short, (uword)endpoint, label, key, 0);
}

/* By such a reply: it has no words. */
static void replied_label(struct actor *actor, u32 label) {
    CHECK_EQUAL(finish(actor), label);
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        CHECK_EQUAL(actor->word[i], 0);
    }
}

/* ---- Long messages to who waits for short ones ----------------------------------------------- */

BOTH_WAYS(room_takes_long_calls) {
    room_make(w.server, MESSAGE_BYTES);
    receive_any(w.server, w.service); /* the server waits first */
    call_begin(w.client, w.session, 1, 5);
    u64 token = received_long(w.server, 1, 5);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 10), 0);
    replied(w.client, 2, 10);
    call_begin(w.client, w.session, 3, MESSAGE_BYTES); /* the caller does */
    receive_any(w.server, w.service);
    token = received_long(w.server, 3, MESSAGE_BYTES);
    CHECK_EQUAL(reply(w.server, w.service, token, 4, 0), 0);
    replied(w.client, 4, 0);
    message_set(w.client, 5, 0); /* also one that would fit into a short one */
    memset(w.client->message.word, 0, sizeof(w.client->message.word));
    begin_message(w.client, call_ipc_call, w.session);
    receive_any(w.server, w.service);
    CHECK_EQUAL(finish(w.server), SHORT_LONG);
    CHECK_EQUAL(w.server->message.label, 5);
    CHECK_EQUAL(reply_short(w.server, w.service, 6), 0);
    CHECK_EQUAL(finish(w.client), 0);
    CHECK_EQUAL(w.client->message.label, 6);
}

BOTH_WAYS(short_calls_stay_short_beside_room) {
    u64 taken = fast_path_taken;
    room_make(w.server, MESSAGE_BYTES);
    receive_short(w.server, w.service);
    for (u32 i = 1; i <= 10; i++) {
        call_short(w.client, w.session, i);
        received_short(w.server, i, BADGE);
        begin_words(w.server, call_ipc_reply_receive_short, w.service, 100 + i);
        settle();
        replied_short(w.client, 100 + i);
    }
    if (cpu_count == 1 && !fast_path_off) {
        CHECK_EQUAL(fast_path_taken - taken, 9 + 10);
    }
    begin_message(w.client, call_ipc_call, w.session);
    CHECK_EQUAL(finish(w.server), SHORT_LONG);
    die(w.client_process);
    receive_short(w.server, w.service);
    CHECK_EQUAL(finish(w.server), SHORT_CLOSED);
}

BOTH_WAYS(room_has_limits) {
    room_make(w.server, 8);
    receive_any(w.server, w.service);
    call_begin(w.client, w.session, 1, 9);
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    CHECK(waits(w.server), "the receiver does not wait on");
    call_begin(w.client, w.session, 2, 8);
    CHECK_EQUAL(reply(w.server, w.service, received_long(w.server, 2, 8), 3, 0), 0);
    replied(w.client, 3, 0);
    CHECK_EQUAL(act(w.server, call_ipc_room, 0, 0, 0, 0), 0); /* none any more */
    receive_any(w.server, w.service);
    call_begin(w.client, w.session, 4, 8);
    CHECK_EQUAL(finish(w.client), -E_TOOBIG);
    CHECK_EQUAL(act(w.client, call_ipc_room, QUARTER_SIZE - PAGE_SIZE, 0, 0, 0), -E_FAULT);
}

BOTH_WAYS(handles_come_into_the_room) {
    room_make(w.server, 8);
    receive_any(w.server, w.service);
    call_with_handles(w.client, w.session, 2);
    CHECK_EQUAL(finish(w.server), SHORT_LONG);
    CHECK_EQUAL(w.server->message.handle_count, 2);
    CHECK_EQUAL(reply_short(w.server, w.service, 1), 0);
    CHECK_EQUAL(finish(w.client), 0);
    table_fill(w.server_process, 1);
    receive_any(w.server, w.service);
    call_with_handles(w.client, w.session, 2);
    CHECK_EQUAL(finish(w.server), -E_LIMIT);
    CHECK_EQUAL(finish(w.client), -E_LIMIT);
    table_empty(w.server_process);
}

BOTH_WAYS(the_room_vanishes) {
    room_make(w.server, MESSAGE_BYTES);
    page_vanish(w.server, 2);
    receive_short(w.server, w.service);
    call_begin(w.client, w.session, 1, 5);
    CHECK_EQUAL(finish(w.server), -E_FAULT);
    CHECK_EQUAL(finish(w.client), -E_FAULT);
    page_return(w.server, 2);
}

/* A server calls another one, and room is for calls only. */
BOTH_WAYS(a_long_reply_is_no_long_call) {
    struct actor *other = actor_beside(w.server);
    int service = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    room_make(w.server, MESSAGE_BYTES);
    receive_begin(other, service);
    call_short(w.server, service, 7);
    CHECK_EQUAL(finish(other), 0);
    u64 token = other->message.token;
    CHECK_EQUAL(reply(other, service, token, 8, 5), -E_TOOBIG);
    message_set(other, 9, 0);
    memset(other->message.word, 0, sizeof(other->message.word));
    other->message.token = token;
    CHECK_EQUAL(act_message(other, call_ipc_reply, service), 0);
    CHECK_EQUAL(finish(w.server), 9);
}

/* ---- Callers that are kept ------------------------------------------------------------------- */

BOTH_WAYS(a_kept_caller_is_turned_to) {
    struct actor *second = actor_beside(w.client);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    keep(w.server, w.service, 50);
    CHECK(waits(w.server) && waits(w.client), "a caller that is kept has gone on");
    call_short(second, w.session, 2);
    received_short(w.server, 2, BADGE);
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), 0);
    replied_label(second, 20);
    CHECK(waits(w.client), "the kept caller has gone on");
    u64 taken = fast_path_taken;
    begin_words(w.server, call_ipc_reply_receive_short, w.service, 10);
    settle();
    replied_short(w.client, 10);
    CHECK(waits(w.server), "the server does not wait");
    if (cpu_count == 1 && !fast_path_off) {
        CHECK_EQUAL(fast_path_taken - taken, 1);
    }
    call_short(second, w.session, 3); /* the key is gone */
    received_short(w.server, 3, BADGE);
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), -E_NOTFOUND);
    CHECK_EQUAL(reply_short(w.server, w.service, 30), 0);
    replied_short(second, 30);
}

BOTH_WAYS(a_kept_caller_has_a_token) {
    struct actor *beside = actor_beside(w.server);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    keep(w.server, w.service, 51);
    CHECK_EQUAL(reply(beside, w.service, KEPT_TOKEN(52), 2, 0), -E_NOTFOUND);
    CHECK_EQUAL(reply(beside, w.service, KEPT_TOKEN(51), 2, 5), -E_TOOBIG);
    message_set(beside, 3, 0);
    memset(beside->message.word, 0, sizeof(beside->message.word));
    beside->message.token = KEPT_TOKEN(51);
    CHECK_EQUAL(act_message(beside, call_ipc_reply, w.service), 0);
    replied_label(w.client, 3);
}

BOTH_WAYS(a_reply_that_cannot_turn_does_nothing) {
    struct actor *second = actor_beside(w.client);
    room_make(w.server, MESSAGE_BYTES);
    receive_any(w.server, w.service);
    call_short(w.client, w.session, 1);
    CHECK_EQUAL(finish(w.server), 1);
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), -E_NOTFOUND); /* nobody has been kept */
    CHECK_EQUAL(turn(w.server, w.service, SHORT_LONG, 50), -E_INVALID);
    keep(w.server, w.service, 50);
    call_begin(second, w.session, 2, 5); /* a long one has come last */
    CHECK_EQUAL(finish(w.server), SHORT_LONG);
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), -E_INVALID);
    CHECK(waits(w.client) && waits(second), "a caller has gone on");
    CHECK_EQUAL(reply_short(w.server, w.service, 2), 0);
    CHECK_EQUAL(finish(second), 0);
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), 0); /* there is no last one any more */
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), -E_NOTFOUND); /* it is the last one now */
    CHECK_EQUAL(turn(w.server, 200, 20, 50), -E_HANDLE);
    CHECK_EQUAL(turn(actor_beside(w.client), w.session, 20, 50), -E_TYPE);
    CHECK_EQUAL(reply_short(w.server, w.service, 10), 0);
    replied_short(w.client, 10);
    keep(w.server, w.service, 50); /* and nobody to keep */
    CHECK(waits(w.server), "the server does not wait");
}

/* Both threads of a server have a caller, and each turns to what the other one has. */
BOTH_WAYS(another_thread_turns_to_who_is_kept) {
    struct actor *beside = actor_beside(w.server), *second = actor_beside(w.client);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    keep(w.server, w.service, 50);
    call_short(second, w.session, 2);
    received_short(w.server, 2, BADGE);
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), 0);
    replied_label(second, 20);
    receive_short(beside, w.service);
    call_short(second, w.session, 3);
    received_short(beside, 3, BADGE);
    CHECK_EQUAL(turn(beside, w.service, 30, 50), 0);
    replied_label(second, 30);
    CHECK_EQUAL(reply_short(w.server, w.service, 11), -E_NOTFOUND); /* it is beside's now */
    CHECK_EQUAL(reply_short(beside, w.service, 10), 0);
    replied_short(w.client, 10);
}

BOTH_WAYS(kept_callers_that_end) {
    int handle;
    struct actor *mortal = actor_elsewhere(w.client_process, w.session, RIGHTS_ALL, &handle);
    receive_short(w.server, w.service);
    call_short(mortal, handle, 1);
    received_short(w.server, 1, BADGE);
    keep(w.server, w.service, 50);
    call_short(w.client, w.session, 2);
    received_short(w.server, 2, BADGE);
    die(mortal->process);
    CHECK_EQUAL(turn(w.server, w.service, 20, 50), -E_NOTFOUND);
    keep(w.server, w.service, 50); /* the client instead */
    mortal = actor_elsewhere(w.client_process, w.session, RIGHTS_ALL, &handle);
    call_short(mortal, handle, 3);
    received_short(w.server, 3, BADGE);
    die(mortal->process); /* the last one ends */
    CHECK_EQUAL(turn(w.server, w.service, 30, 50), 0);
    CHECK_EQUAL(reply_short(w.server, w.service, 10), 0);
    replied_short(w.client, 10);
}

/* Who has been killed, and has not left yet, is not found by a key that somebody else has now. */
BOTH_WAYS(a_key_is_used_again_at_once) {
    int handle;
    for (u32 i = 0; i < 4; i++) {
        struct actor *mortal = actor_elsewhere(w.client_process, w.session, RIGHTS_ALL, &handle);
        struct actor *second = actor_beside(w.client);
        receive_short(w.server, w.service);
        call_short(mortal, handle, 1);
        received_short(w.server, 1, BADGE);
        keep(w.server, w.service, 50);
        call_short(w.client, w.session, 2);
        received_short(w.server, 2, BADGE);
        keep(w.server, w.service, 50);
        call_short(second, w.session, 3);
        received_short(w.server, 3, BADGE);
        begin(w.server, call_ipc_reply_turn_short, (uword)w.service, 30, 50, 0);
        process_end(mortal->process, STATUS_KILLED, 0);
        CHECK_EQUAL(finish(w.server), 0);
        settle();
        if (!waits(w.client)) {
            continue;
        }
        CHECK_EQUAL(reply_short(w.server, w.service, 10), 0);
        replied_short(w.client, 10);
        replied_label(second, 30);
    }
}

BOTH_WAYS(kept_callers_of_a_dead_server_end) {
    int handle;
    struct actor *heir = actor_elsewhere(w.server_process, w.service, RIGHTS_ALL, &handle);
    receive_short(w.server, w.service);
    call_short(w.client, w.session, 1);
    received_short(w.server, 1, BADGE);
    keep(w.server, w.service, 50);
    die(w.server_process);
    CHECK_EQUAL(finish(w.client), -E_DEAD);
    CHECK_EQUAL(turn(heir, handle, 10, 50), -E_NOTFOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH_WAYS_TESTS(room_takes_long_calls),
        BOTH_WAYS_TESTS(short_calls_stay_short_beside_room),
        BOTH_WAYS_TESTS(room_has_limits),
        BOTH_WAYS_TESTS(handles_come_into_the_room),
        BOTH_WAYS_TESTS(the_room_vanishes),
        BOTH_WAYS_TESTS(a_long_reply_is_no_long_call),
        BOTH_WAYS_TESTS(a_kept_caller_is_turned_to),
        BOTH_WAYS_TESTS(a_kept_caller_has_a_token),
        BOTH_WAYS_TESTS(a_reply_that_cannot_turn_does_nothing),
        BOTH_WAYS_TESTS(another_thread_turns_to_who_is_kept),
        BOTH_WAYS_TESTS(kept_callers_that_end),
        BOTH_WAYS_TESTS(a_key_is_used_again_at_once),
        BOTH_WAYS_TESTS(kept_callers_of_a_dead_server_end),
    };
    return cmocka_run_group_tests_name("ipc_keep", tests, NULL, NULL);
}
