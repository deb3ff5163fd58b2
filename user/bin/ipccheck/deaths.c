/* SPDX-License-Identifier: MIT */
/*
 * Deaths at every point of a call, each with both forms on both sides:
 *
 *     queued ──────────> received ──────────> replied to
 *       client killed:     the reply finds       the server hears that the
 *       nobody is served   nobody                session is closed
 *       server killed:     the caller gets       the reply has come
 *       waits for another  E_DEAD
 *
 * An endpoint that is closed is as dead as one whose last receiver is killed.
 */
#include "ipccheck.h"

static enum form client_form, server_form;

/* ---- Clients --------------------------------------------------------------------------------- */

static void call_for_ever(void) {
    uint64_t answer;
    form_call(client_form, 1, 5, &answer);
    sleep_for_ever();
}

static bool nobody_calls(void) {
    struct message message = {.timeout = TICK};
    return ipc_receive(endpoint, &message) == -E_TIMEOUT;
}

static void client_dies_queued(void) {
    struct exchange got;
    long first = start(FORK, call_for_ever);
    waits(first);
    long second = start(FORK, call_for_ever);
    waits(second);
    kills(first);
    EQUAL(1, form_receive(server_form, &got)); /* the second one's */
    CHECK(nobody_calls());
    kills(second);
}

static void client_dies_served(void) {
    struct exchange got;
    long client = start(FORK, call_for_ever);
    EQUAL(1, form_receive(server_form, &got));
    kills(client);
    EQUAL(-E_NOTFOUND, form_reply(server_form, 2, &got, 0));
    EQUAL(-E_NOTFOUND, form_reply(server_form, 2, &got, 0));
    CHECK(nobody_calls());
}

static void client_dies_after(void) {
    struct exchange got;
    int kept = session;
    session = (int)endpoint_session(endpoint, BADGE + 1);
    long client = start(FORK, call_for_ever);
    handle_close(session); /* the client has the last handle */
    session = kept;
    EQUAL(1, form_receive(server_form, &got));
    EQUAL(0, form_reply(server_form, 2, &got, 0));
    kills(client);
    form_receive(server_form, &got);
    CHECK(got.closed);
    EQUAL(BADGE + 1, got.badge);
    EQUAL(-E_NOTFOUND, form_reply(server_form, 2, &got, 0)); /* a notice has no caller */
}

/* Calls CLIENT() with all four combinations of forms. */
static void with_all_forms(void (*client)(void)) {
    for (uint32_t i = 0; i < 4; i++) {
        client_form = i & 1 ? LONG : SHORT;
        server_form = i & 2 ? LONG : SHORT;
        client();
    }
}

void check_client_deaths(void) {
    with_all_forms(client_dies_queued);
    with_all_forms(client_dies_served);
    with_all_forms(client_dies_after);
}

/* ---- Servers --------------------------------------------------------------------------------- */

enum { BEFORE, SERVING, AFTER };
static uint32_t point; /* at which the server ends */
static bool closes;    /* it closes the endpoint, and lives on */
static long expected;  /* what the client gets */

static void serve_until(void) {
    struct exchange got;
    if (point != BEFORE) {
        EQUAL(1, form_receive(server_form, &got));
    } else {
        stage_wait(2);
    }
    if (point == AFTER) {
        EQUAL(0, form_reply(server_form, 2, &got, got.word + 1));
    }
    if (closes) {
        EQUAL(0, handle_close(endpoint));
    }
    stage_set(3);
    sleep_for_ever();
}

static void call_the_mortal(void) {
    uint64_t answer = 0;
    handle_close(endpoint);
    EQUAL(expected, form_call(client_form, 1, 5, &answer));
    if (expected >= 0) {
        EQUAL(6, answer);
    }
}

/* A server that is about to end at POINT, and a client that has called it or is about to. */
static void pair_start(long *server, long *client) {
    stage_set(0);
    *server = start(FORK, serve_until);
    *client = start(FORK, call_the_mortal);
    waits(point == AFTER ? *server : *client);
}

/* The driver keeps the right to receive, as a supervisor does. */
static void server_dies(void) {
    struct exchange got;
    long server, client;
    expected = point == SERVING ? -E_DEAD : 2;
    pair_start(&server, &client);
    if (point != BEFORE) {
        stage_wait(3);
    }
    kills(server);
    if (point == BEFORE) { /* the call waits for the next server */
        EQUAL(1, form_receive(server_form, &got));
        EQUAL(0, form_reply(server_form, 2, &got, got.word + 1));
    }
    ends(client, 0);
    CHECK(nobody_calls());
}

void check_server_deaths(void) {
    closes = false;
    for (point = BEFORE; point <= AFTER; point++) {
        with_all_forms(server_dies);
    }
}

/* Nobody else can receive: the endpoint dies with its server, or with the server's handle. */
static void endpoint_dies(void) {
    long server, client;
    uint64_t answer;
    int kept_endpoint = endpoint, kept_session = session;
    endpoint = (int)endpoint_create();
    session = (int)endpoint_session(endpoint, BADGE);
    expected = point == AFTER ? 2 : -E_DEAD;
    stage_set(0);
    server = start(FORK, serve_until);
    client = start(FORK, call_the_mortal);
    handle_close(endpoint);
    if (point == BEFORE) {
        waits(client);
        stage_set(2);
    }
    if (point != BEFORE || closes) {
        stage_wait(3);
    }
    if (!closes) {
        kills(server);
    }
    ends(client, 0);
    EQUAL(-E_DEAD, form_call(client_form, 1, 1, &answer)); /* and so for whoever comes later */
    if (closes) {
        kills(server);
    }
    handle_close(session);
    endpoint = kept_endpoint;
    session = kept_session;
}

void check_endpoint_deaths(void) {
    for (point = BEFORE; point <= AFTER; point++) {
        for (uint32_t i = 0; i < 2; i++) {
            closes = i;
            with_all_forms(endpoint_dies);
        }
    }
}

/* ---- Nobody sees its own death ---------------------------------------------------------------- */

#define UNSEEN_ROUNDS (exact ? 5u : 100u) /* with one CPU nobody is killed while it runs */
#define UNSEEN_THREADS 4u
enum { SEEN = 0, WAITED = 1 }; /* words of the board */

/* Waits that end at once, and begin again: so the kill comes at a moment as good as any. */
static int wait_over_and_over(void *unused) {
    (void)unused;
    uint32_t word = 0;
    while (BOARD->word[SEEN] == 0) {
        long slept = thread_sleep(1), waited = futex_wait((uintptr_t)&word, 0, 1);
        if (slept == -E_KILLED || waited == -E_KILLED) {
            __atomic_add_fetch(&BOARD->word[SEEN], 1, __ATOMIC_RELAXED);
        }
        __atomic_add_fetch(&BOARD->word[WAITED], 1, __ATOMIC_RELAXED);
    }
    return 0;
}

static void wait_in_threads(void) {
    for (uint32_t i = 1; i < UNSEEN_THREADS; i++) {
        CHECK(quartet_thread_start(wait_over_and_over, NULL) != NULL);
    }
    wait_over_and_over(NULL);
    sleep_for_ever();
}

void check_unseen(void) {
    for (uint32_t i = 0; i < UNSEEN_ROUNDS; i++) {
        uint32_t waited = BOARD->word[WAITED];
        long child = start(FORK, wait_in_threads);
        while (BOARD->word[SEEN] == 0 && BOARD->word[WAITED] < waited + 1 + i % 7 * UNSEEN_THREADS) {
            thread_yield();
        }
        kills(child);
    }
    EQUAL(0, BOARD->word[SEEN]);
}
