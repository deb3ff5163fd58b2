/* SPDX-License-Identifier: MIT */
/*
 * Denial of service: clients that flood, clients that die over and over, a server that never
 * replies. Others are served meanwhile, and the counts at the end of each group show that nothing
 * is left of it (../ipccheck.c).
 */
#include "ipccheck.h"

#define CALLS 50u
#define ROUNDS 60u
#define OPENED 5u
enum { OPEN = 100, STOP };

/* ---- A flood --------------------------------------------------------------------------------- */

static int call_for_ever(void *unused) {
    (void)unused;
    uint64_t answer;
    while (form_call(SHORT, 1, 0, &answer) >= 0) {
    }
    return 0;
}

/* As many callers as the budget gives; and a budget it is. */
static void flood(void) {
    const struct process_limits limits = {
        .frames = 0, .processes = 0, .threads = 24, .quarters = 0};
    EQUAL(0, process_limit(&limits));
    uint32_t threads = 0;
    while (quartet_thread_start(call_for_ever, NULL) != NULL && threads < 100) {
        threads++;
    }
    CHECK(threads > 10 && threads < 24);
    stage_set(1);
    call_for_ever(NULL);
}

static void serve_until_stop(void) {
    struct exchange got;
    for (long label = form_receive(LONG, &got); label != STOP; label = form_receive(LONG, &got)) {
        if (!got.closed) {
            form_reply(LONG, (uint32_t)label, &got, got.word);
        }
    }
    form_reply(LONG, STOP, &got, 0);
}

void check_flood(void) {
    uint64_t answer;
    long server = start(FORK, serve_until_stop), flooder = start(FORK, flood);
    stage_wait(1);
    for (uint32_t i = 0; i < CALLS; i++) {
        EQUAL(2, form_call(LONG, 2, i, &answer));
        EQUAL(i, answer);
    }
    kills(flooder);
    EQUAL(STOP, form_call(LONG, STOP, 0, &answer));
    ends(server, 0);
}

/* ---- A server that never replies ------------------------------------------------------------- */

static void receive_only(void) {
    struct exchange got;
    for (;;) {
        form_receive(SHORT, &got);
    }
}

void check_mute_server(void) {
    long server = start(FORK, receive_only);
    for (uint32_t i = 0; i < 20; i++) {
        struct message message = {.label = i, .timeout = MILLISECOND};
        EQUAL(-E_TIMEOUT, ipc_call(session, &message));
    }
    kills(server);
    CHECK(many_machine().frames_free > 0);
}

/* ---- Sessions -------------------------------------------------------------------------------- */

/* Ask for sessions, use them, and go in the middle of it. */
static void open_and_die(void) {
    uint64_t answer;
    for (uint32_t i = 0; i < OPENED; i++) {
        struct message message = {.label = OPEN};
        EQUAL(0, ipc_call(session, &message));
        EQUAL(1, message.handle_count);
        int kept = session;
        session = message.handle[0];
        EQUAL(1, form_call(i % 2 ? LONG : SHORT, 1, 3, &answer));
        session = kept;
    }
    sleep_for_ever();
}

/* A session for whoever asks; its badge is its number. Counts those that close. */
static void serve_sessions(void) {
    uint32_t opened = 0, closed = 0;
    for (;;) {
        struct message message = {0};
        EQUAL(0, ipc_receive(endpoint, &message));
        struct message reply = {.label = message.label, .token = message.token};
        if (message.kind == MESSAGE_CLOSED) {
            closed += message.badge >= 1000;
            continue;
        }
        if (message.label == OPEN) {
            reply.handle[0] = (int)endpoint_session(endpoint, 1000 + opened++);
            reply.handle_count = 1;
        }
        reply.word[0] = opened - closed;
        long result = ipc_reply(endpoint, &reply);
        CHECK(result == 0 || result == -E_NOTFOUND);
        if (message.label == OPEN) {
            handle_close(reply.handle[0]);
        }
        if (message.label == STOP) {
            EQUAL(closed, opened);
            process_exit(0);
        }
    }
}

void check_sessions(void) {
    uint64_t open = 0;
    long server = start(FORK, serve_sessions);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        long client = start(FORK, open_and_die);
        if (i % 3 == 0) {
            waits(client);
        } else if (i % 3 == 1) {
            thread_yield();
        }
        kills(client);
    }
    for (uint32_t i = 0; i < 100; i++) {
        EQUAL(1, form_call(LONG, 1, 0, &open));
        if (open == 0) {
            break;
        }
        thread_sleep(TICK);
    }
    EQUAL(STOP, form_call(LONG, STOP, 0, &open));
    ends(server, 0);
}
