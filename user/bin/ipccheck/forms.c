/* SPDX-License-Identifier: MIT */
/*
 * Short and long messages: they mix as long as the contents fit into the form that the other side
 * waits with. Each check is done twice: the receiver waits first, or the caller does.
 */
#include "ipccheck.h"

static enum form client_form, server_form;
static bool caller_first;

/* ---- What fits ------------------------------------------------------------------------------- */

static void serve_two(void) {
    struct exchange got;
    for (uint32_t i = 0; i < 2; i++) {
        if (caller_first) {
            thread_sleep(2 * TICK);
        }
        EQUAL(10 + i, form_receive(server_form, &got));
        EQUAL(BADGE, got.badge);
        EQUAL(0, form_reply(server_form, 20 + i, &got, got.word + 1));
    }
}

static void forms_mix(void) {
    uint64_t answer = 0;
    long server = start(FORK, serve_two);
    for (uint32_t i = 0; i < 2; i++) {
        if (!caller_first) {
            waits(server);
        }
        EQUAL(20 + i, form_call(client_form, 10 + i, UINTPTR_MAX - 5 + i, &answer));
        EQUAL(UINTPTR_MAX - 4 + i, answer);
    }
    ends(server, 0);
}

void check_forms(void) {
    for (uint32_t i = 0; i < 8; i++) {
        client_form = i & 1 ? LONG : SHORT;
        server_form = i & 2 ? LONG : SHORT;
        caller_first = i & 4;
        forms_mix();
    }
}

/* ---- Calls that do not fit ------------------------------------------------------------------- */

/* A call whose contents only a long receiver can take. */
static void long_contents(struct lending *call, uint32_t number) {
    static char bytes[64];
    lending_make(call, QUARTET_NONE, 0, 0);
    call->message.label = 1;
    call->message.send_buffer = (uintptr_t)bytes;
    switch (number) {
    case 0:
        call->message.send_length = 1;
        break;
    case 1:
        call->message.handle[0] = session;
        call->message.handle_count = 1;
        break;
    case 2:
        call->message.word[3] = 1;
        break;
    case 3:
        call->message.label = SHORT_LABEL_LIMIT + 1;
        break;
    case 4:
        call->lend.quarter[2] = QUARTET_SLOT(2);
        call->lend.rights[2] = RW;
        break;
    default:
        call->message.word[2] = sizeof(uintptr_t) == 4 ? 1ull << 32 : 0;
        call->message.send_length = sizeof(uintptr_t) == 4 ? 0 : 64;
    }
}
#define LONG_CONTENTS 6u

static void call_badly_short(void) {
    struct lending call;
    uint64_t answer;
    for (uint32_t i = 0; i < LONG_CONTENTS; i++) {
        if (!caller_first) {
            thread_sleep(2 * TICK);
        }
        long_contents(&call, i);
        state_keep();
        REFUSED(E_TOOBIG, ipc_call(session, &call.message));
    }
    EQUAL(7, form_call(SHORT, 3, 4, &answer));
}

/* The receiver has room for eight bytes, and accepts slot 1 only. */
static void call_badly_long(void) {
    static char bytes[16];
    struct lending call;
    lending_make(&call, QUARTET_NONE, 0, 0);
    thread_sleep(caller_first ? 0 : 2 * TICK);
    call.message.send_buffer = (uintptr_t)bytes;
    call.message.send_length = 9;
    state_keep();
    REFUSED(E_TOOBIG, ipc_call(session, &call.message));
    call.message.send_length = 8;
    call.lend.quarter[2] = QUARTET_SLOT(2);
    call.lend.rights[2] = RW;
    REFUSED(E_REFUSED, ipc_call(session, &call.message));
    call.lend.give = 1u << 2;
    REFUSED(E_REFUSED, ipc_call(session, &call.message));
    call.message.lend = 0;
    EQUAL(0, ipc_call(session, &call.message));
    EQUAL(7, call.message.label);
}

/* One receive gets the first call that fits. */
static void serve_the_good(enum form form) {
    static char room[8];
    struct lending receive;
    struct exchange got;
    long caller = start(FORK, form == SHORT ? call_badly_short : call_badly_long);
    if (caller_first) {
        waits(caller);
    }
    if (form == SHORT) {
        EQUAL(3, form_receive(SHORT, &got));
        EQUAL(4, got.word);
    } else {
        lending_make(&receive, QUARTET_NONE, 0, 1u << 1);
        receive.message.receive_buffer = (uintptr_t)room;
        receive.message.receive_size = sizeof(room);
        EQUAL(0, ipc_receive(endpoint, &receive.message));
        EQUAL(8, receive.message.receive_length);
        EQUAL(0, receive.lend.received);
        got.token = receive.message.token;
    }
    EQUAL(0, form_reply(form, 7, &got, 0));
    ends(caller, 0);
}

/* ---- Replies that do not fit ----------------------------------------------------------------- */

static void call_and_wait(void) {
    struct lending call;
    uint64_t answer;
    if (client_form == SHORT) {
        EQUAL(9, form_call(SHORT, 1, 1, &answer));
    } else {
        lending_make(&call, QUARTET_NONE, 0, 0);
        EQUAL(0, ipc_call(session, &call.message));
        EQUAL(9, call.message.label);
    }
}

/* The caller waits on, and gets the reply that fits. */
static void replies_misfit(enum form form) {
    struct exchange got;
    struct lending reply;
    client_form = form;
    long caller = start(FORK, call_and_wait);
    form_receive(LONG, &got);
    for (uint32_t i = 0; i < LONG_CONTENTS; i++) {
        bool fits = form == LONG && i != 0 && i != 4 && !(i == 5 && sizeof(uintptr_t) == 8);
        long_contents(&reply, i);
        reply.message.token = got.token;
        reply.lend.give = 1u << 2; /* ignored where no quarter comes */
        state_keep();
        if (!fits) {
            REFUSED(form == LONG && i == 4 ? E_REFUSED : E_TOOBIG,
                    ipc_reply(endpoint, &reply.message));
        }
    }
    EQUAL(0, form_reply(LONG, 9, &got, 0));
    ends(caller, 0);
}

void check_misfits(void) {
    for (uint32_t i = 0; i < 2; i++) {
        caller_first = i;
        serve_the_good(SHORT);
        serve_the_good(LONG);
    }
    replies_misfit(SHORT);
    replies_misfit(LONG);
}
