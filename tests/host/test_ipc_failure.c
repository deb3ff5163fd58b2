/* SPDX-License-Identifier: MIT */
/*
 * Proves that every allocation of every operation on endpoints, sessions, messages and handle tables
 * can fail: for each n, the n-th allocation (frame, object or budget charge) fails, on a fresh world
 * each time. Then the operation says so, tables, counts and free frames are as before, and the same
 * operation, tried again, succeeds. What must need no memory is done without any.
 */
#include "kernel/syscall/syscall.h"
#include "kernel/vm/frame.h"
#include "tests/host/ipc_world.h"

/* ---- What must be as before ------------------------------------------------------------------ */

struct picture {
    u32 free, readers, references, sessions;
    struct handle table[2][HANDLE_LIMIT];
};

static void picture_take(struct picture *picture) {
    memset(picture, 0, sizeof(*picture));
    picture->free = frame_free_count();
    picture->readers = w.endpoint->readers;
    picture->references = w.endpoint->references;
    picture->sessions = w.endpoint->sessions;
    for (int i = 0; i < HANDLE_LIMIT; i++) {
        picture->table[0][i] = handle_peek(w.server_process, i);
        picture->table[1][i] = handle_peek(w.client_process, i);
    }
}

static void picture_compare(const struct picture *before, u64 n) {
    static struct picture now;
    picture_take(&now);
    CHECK(now.free == before->free, "allocation %llu failed: %u frames are free, before %u",
          (unsigned long long)n, now.free, before->free);
    CHECK(now.readers == before->readers && now.references == before->references &&
              now.sessions == before->sessions,
          "allocation %llu failed: %u readers, %u references, %u sessions; before %u, %u, %u",
          (unsigned long long)n, now.readers, now.references, now.sessions, before->readers,
          before->references, before->sessions);
    CHECK(memcmp(now.table, before->table, sizeof(now.table)) == 0,
          "allocation %llu failed: a handle table has changed", (unsigned long long)n);
}

/* The pages that ACTOR's messages use are there. */
static void warm(struct actor *actor) {
    for (u32 page = 0; page < 3; page++) {
        CHECK_EQUAL(act(actor, call_clock_now, actor_page(actor, page), 0, 0, 0), 0);
    }
}

/* And its kernel part: it has called once. */
static void warm_ipc(void) {
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    CHECK_EQUAL(reply(w.server, w.service, token, 2, 0), 0);
    replied(w.client, 2, 0);
}

/* ---- Failing --------------------------------------------------------------------------------- */

static struct {
    void (*prepare)(void);
    int (*operation)(void); /* its error; if there is none, what it has made is gone again */
    u32 least;              /* allocations */
} failing;

static bool fails_at(u64 n) {
    static struct picture before;
    ipc_world_begin();
    warm(w.server);
    warm(w.client);
    if (failing.prepare != NULL) {
        failing.prepare();
    }
    settle();
    picture_take(&before);
    allocation_fail(n);
    int error = failing.operation();
    bool failed = allocation_has_failed();
    allocation_fail(0);
    settle();
    CHECK(error == 0 || (failed && (error == E_NOMEM || error == E_LIMIT || error == E_FAULT)),
          "error %d, an allocation has%s failed", error, failed ? "" : " not");
    if (error != 0) {
        picture_compare(&before, n);
        CHECK_EQUAL(failing.operation(), 0);
    }
    ipc_world_end();
    return failed;
}

static void failing_driver(void) {
    u64 n = 1;
    while (fails_at(n)) {
        n++;
    }
    CHECK(n > failing.least, "only %llu allocations, at least %u expected",
          (unsigned long long)n - 1, failing.least);
}

static void failing_run(void (*prepare)(void), int (*operation)(void), u32 least) {
    failing.prepare = prepare;
    failing.operation = operation;
    failing.least = least;
    test_seed(1);
    threads_run(1, failing_driver);
}

#define FAILING(name, prepare, operation, least) \
    TEST(name) { failing_run(prepare, operation, least); }

/* ---- Operations ------------------------------------------------------------------------------ */

static int made(long handle) {
    if (handle < 0) {
        return (int)-handle;
    }
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)handle, 0, 0, 0), 0);
    return 0;
}

static int do_endpoint(void) { return made(act(w.server, call_endpoint_create, 0, 0, 0, 0)); }

static int do_session(void) {
    return made(act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0));
}

/* The server's table, or the client's, has no room in the table itself. */
static void prepare_full(struct process *process) {
    while (process->handles.end < HANDLES_INLINE) {
        CHECK(handle_install(&process->handles, &system_object, OBJECT_SYSTEM, RIGHTS_ALL) > 0,
              "no room for a handle");
    }
}
static void prepare_full_server(void) { prepare_full(w.server_process); }

static int do_dup(void) {
    return made(
        act(w.server, call_handle_dup, (uword)w.service, RIGHTS_ALL, (uword)QUARTET_NONE, 0));
}
static int do_dup_to(void) {
    return made(act(w.server, call_handle_dup, (uword)w.service, RIGHTS_ALL, 200, 0));
}

/* First use of messages by the server, which finds a caller. */
static void prepare_caller(void) { call_begin(w.client, w.session, 1, 50); }

static int do_receive(void) {
    message_set(w.server, 0, 0);
    long result = act_message(w.server, call_ipc_receive, w.service);
    if (result == 0) {
        CHECK_EQUAL(reply(w.server, w.service, w.server->message.token, 2, 0), 0);
        replied(w.client, 2, 0);
    }
    return (int)-result;
}

static int do_receive_again(void) {
    if (!waits(w.client)) {
        call_begin(w.client, w.session, 1, 50);
    }
    return do_receive();
}

/* First use by the client, of a server that waits. */
static void prepare_receiver(void) { receive_begin(w.server, w.service); }

static void close_received(struct actor *actor) {
    for (u32 i = 0; i < actor->message.handle_count; i++) {
        CHECK_EQUAL(handle_close(&actor->process->handles, actor->message.handle[i]), 0);
    }
}

/* A call, received by a server that waits before and afterwards; HANDLES go with it. */
static int exchange(const int *handles, u32 count) {
    message_set(w.client, 1, 60);
    w.client->message.handle_count = count;
    for (u32 i = 0; i < count; i++) {
        w.client->message.handle[i] = handles[i];
    }
    begin_message(w.client, call_ipc_call, w.session);
    settle();
    if (waits(w.client)) {
        u64 token = received(w.server, 1, 60, BADGE);
        close_received(w.server);
        CHECK_EQUAL(reply(w.server, w.service, token, 2, 30), 0);
        replied(w.client, 2, 30);
    }
    int error = (int)-finish(w.client);
    if (!waits(w.server)) {
        receive_begin(w.server, w.service);
    }
    return error;
}

static int do_call(void) { return exchange(NULL, 0); }

static int own;

static void prepare_handles(void) {
    prepare_full(w.server_process);
    own = (int)act(w.client, call_endpoint_create, 0, 0, 0, 0);
    warm_ipc();
    receive_begin(w.server, w.service);
}

static int do_call_with_handles(void) { return exchange((const int[]){own, w.session, own}, 3); }

static void prepare_reply(void) {
    prepare_full(w.client_process);
    own = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    warm_ipc();
}

static int do_reply_with_handles(void) {
    call_begin(w.client, w.session, 1, 0);
    receive_begin(w.server, w.service);
    u64 token = received(w.server, 1, 0, BADGE);
    message_set(w.server, 2, 0);
    w.server->message.token = token;
    w.server->message.handle_count = 2;
    w.server->message.handle[0] = own;
    w.server->message.handle[1] = w.service;
    CHECK_EQUAL(act_message(w.server, call_ipc_reply, w.service), 0);
    long result = finish(w.client);
    if (result == 0) {
        close_received(w.client);
    }
    return (int)-result;
}

static int do_clone(void) {
    struct process *clone;
    int error = program_new_try(w.server_process, &clone);
    if (error == 0) {
        CHECK(!allocation_has_failed(), "a clone does without an allocation");
        allocation_fail(0); /* the rest is not the operation */
        CHECK_EQUAL(w.endpoint->readers, 2);
        program_end(clone);
    }
    return error;
}

static void prepare_large_table(void) { table_fill(w.server_process, 100); }

FAILING(endpoint_create_fails_cleanly, NULL, do_endpoint, 1)
FAILING(endpoint_create_with_no_room_fails_cleanly, prepare_full_server, do_endpoint, 2)
FAILING(endpoint_session_fails_cleanly, NULL, do_session, 1)
FAILING(endpoint_session_with_no_room_fails_cleanly, prepare_full_server, do_session, 2)
FAILING(dup_fails_cleanly, prepare_full_server, do_dup, 1)
FAILING(dup_to_an_index_fails_cleanly, NULL, do_dup_to, 1)
FAILING(receive_fails_cleanly, prepare_caller, do_receive_again, 2)
FAILING(call_fails_cleanly, prepare_receiver, do_call, 2)
FAILING(call_with_handles_fails_cleanly, prepare_handles, do_call_with_handles, 1)
FAILING(reply_with_handles_fails_cleanly, prepare_reply, do_reply_with_handles, 1)
FAILING(clone_of_handles_fails_cleanly, prepare_large_table, do_clone, 10)

/* ---- Without memory -------------------------------------------------------------------------- */

/* Messages of those that have had some, notices, and deaths. */
SCENARIO(messages_and_ends_need_no_memory) {
    warm(w.server);
    warm(w.client);
    warm_ipc();
    int session = (int)act(w.server, call_endpoint_session, (uword)w.service, 5, 0, 0);
    settle();
    allocation_fail_randomly(1);
    warm_ipc();
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)session, 0, 0, 0), 0);
    receive_begin(w.server, w.service);
    received_closed(w.server, 5);
    CHECK_EQUAL(act(w.client, call_endpoint_create, 0, 0, 0, 0), -E_NOMEM);
    call_begin(w.client, w.session, 1, 0);
    die(w.client_process);
    receive_begin(w.server, w.service);
    received_closed(w.server, BADGE);
    die(w.server_process);
    allocation_fail_randomly(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoint_create_fails_cleanly),
        cmocka_unit_test(endpoint_create_with_no_room_fails_cleanly),
        cmocka_unit_test(endpoint_session_fails_cleanly),
        cmocka_unit_test(endpoint_session_with_no_room_fails_cleanly),
        cmocka_unit_test(dup_fails_cleanly),
        cmocka_unit_test(dup_to_an_index_fails_cleanly),
        cmocka_unit_test(receive_fails_cleanly),
        cmocka_unit_test(call_fails_cleanly),
        cmocka_unit_test(call_with_handles_fails_cleanly),
        cmocka_unit_test(reply_with_handles_fails_cleanly),
        cmocka_unit_test(clone_of_handles_fails_cleanly),
        SCENARIO_TESTS(messages_and_ends_need_no_memory),
    };
    return cmocka_run_group_tests_name("ipc_failure", tests, NULL, NULL);
}
