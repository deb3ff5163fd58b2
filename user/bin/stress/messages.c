/* SPDX-License-Identifier: MIT */
/*
 * Short messages whose clients and servers are killed, and quarters that are lent, with deaths and
 * time-outs while they are. A server ends by itself when its last client has gone.
 */
#include "stress.h"

static int endpoint, session;

static void endpoint_make(void) {
    endpoint = (int)stress_must("endpoint_create", endpoint_create());
    session = (int)stress_must("endpoint_session", endpoint_session(endpoint, stress_self + 1));
}

static uint32_t status_of(bool killed) { return killed ? STATUS_KILLED | 9 : 0; }

/* ---- Short messages -------------------------------------------------------------------------- */

#define CALLS 60u

static void serve_short(uint32_t unused) {
    (void)unused;
    struct short_message words = {0};
    handle_close(session);
    long label = ipc_receive_short(endpoint, &words);
    while (label != SHORT_CLOSED) {
        if (words.badge != stress_self + 1) {
            process_exit(1);
        }
        words.word[0] *= 3;
        label = ipc_reply_receive_short(endpoint, (uint32_t)label + 1, &words);
        if (label == -E_NOTFOUND) { /* the client was killed */
            label = ipc_receive_short(endpoint, &words);
        }
        if (label < 0) {
            process_exit((uint32_t)-label);
        }
    }
}

/* E_DEAD once, if the server may be killed: then no more. */
static void call_short(uint32_t calls, bool mortal) {
    for (uint32_t i = 0; i < calls; i++) {
        struct short_message words = {.word = {i, ~i, 7}};
        long result = ipc_call_short(session, i, &words);
        if (result == -E_DEAD && mortal) {
            return;
        }
        if (result != (long)i + 1 || words.word[0] != 3 * i || words.word[1] != (uintptr_t)~i) {
            stress_fail("short: call %lu: %ld", (unsigned long)i, result);
            return;
        }
    }
}

static void client_mortal(uint32_t mortal) { call_short(UINT32_MAX, mortal != 0); }

void stress_short(void) {
    bool server_dies = chance(3) == 0;
    endpoint_make();
    long server = stress_start(PLAN_FORK, serve_short, 0);
    handle_close(endpoint);
    long client = stress_start(PLAN_FORK, client_mortal, server_dies);
    call_short(CALLS, server_dies);
    if (server_dies) {
        process_kill((int)server, 9);
        call_short(CALLS, true);
        stress_end(client, 0, "a client whose server was killed");
    } else {
        process_kill((int)client, 9);
        stress_end(client, STATUS_KILLED | 9, "a client");
        call_short(CALLS, false);
    }
    handle_close(session);
    stress_end(server, status_of(server_dies), "a server of short messages");
}

/* ---- Loans ----------------------------------------------------------------------------------- */

#define OWN_WORD 0x0BADCAFEu
#define LOANS 12u

static volatile uint32_t *lent_word(void) { return demo_pointer(2, 0); }

/* Adds 1 to what it is lent, after a while; its own must be back each time. */
static void serve_loans(uint32_t unused) {
    (void)unused;
    struct message_lend lend = {.quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE, QUARTET_NONE},
                                .accept = 1u << 2};
    struct message message = {.lend = (uintptr_t)&lend};
    handle_close(session);
    *lent_word() = OWN_WORD;
    long result = ipc_receive(endpoint, &message);
    while (result == 0 && message.kind == MESSAGE_CALL) {
        bool right = *lent_word() == (uint32_t)message.word[0] && lend.received == 1u << 2;
        if (message.word[1] != 0) {
            thread_sleep((uint32_t)message.word[1]);
        }
        *lent_word() += 1;
        result = ipc_reply(endpoint, &message);
        if (!right && result == 0) { /* else it gave up at once, and this was a later copy */
            process_exit(1);
        }
        if ((result != 0 && result != -E_NOTFOUND) || *lent_word() != OWN_WORD) {
            process_exit(2);
        }
        result = ipc_receive(endpoint, &message);
    }
    process_exit((uint32_t)-result);
}

/* Lend once; false if the server is gone. */
static bool lend_once(bool mortal) {
    uint32_t before = chance(1000000);
    struct message_lend lend = {
        .quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_SLOT(2), QUARTET_NONE},
        .rights = {[2] = RW}};
    struct message message = {.word = {before, chance(2) ? 0 : chance(15000)},
                              .timeout = chance(2) ? 0 : 1 + chance(15000),
                              .lend = (uintptr_t)&lend};
    *lent_word() = before;
    long result = ipc_call(session, &message);
    uint32_t after = *lent_word();
    bool allowed = result == 0 || (result == -E_TIMEOUT && message.timeout != 0) ||
                   (result == -E_DEAD && mortal);
    if (!allowed || (after != before + 1 && (result == 0 || after != before))) {
        stress_fail("loans: %s, and %lu became %lu", quartet_error_name(result),
                    (unsigned long)before, (unsigned long)after);
    }
    thread_yield();
    if (*lent_word() != after) {
        stress_fail("loans: a quarter changes after its loan has ended");
    }
    return result != -E_DEAD;
}

void stress_loans(void) {
    bool mortal = chance(3) == 0;
    area_open(PAGE_SIZE);
    endpoint_make();
    *lent_word() = 0;
    long server = stress_start(PLAN_FORK, serve_loans, 0);
    handle_close(endpoint);
    for (uint32_t i = 0; i < LOANS && lend_once(mortal); i++) {
        if (mortal && i == LOANS / 2) {
            process_kill((int)server, 9);
        }
    }
    handle_close(session);
    stress_end(server, status_of(mortal), "a borrower");
    area_close();
}
