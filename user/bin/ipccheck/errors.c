/* SPDX-License-Identifier: MIT */
/*
 * What each call must refuse. badcalls tries pointers and handles on every system call; here are
 * the arguments that only messages have, and that a refusal changes nothing, also for the others.
 */
#include "ipccheck.h"

#ifdef ARCH_PAE
#define KERNEL_POINTER 0xF0100000u
#else
#define KERNEL_POINTER 0xFFFFFFFF80100000u
#endif

static const char constants[sizeof(struct message_lend)] = "in slot 0, not writable";

static const int bad_handles[] = {QUARTET_NONE, QUARTET_ANY, 200, HANDLE_LIMIT, INT32_MIN};
#define BAD_HANDLES (sizeof(bad_handles) / sizeof(bad_handles[0]))

/* ---- Handles, types, rights ------------------------------------------------------------------ */

/* Each call that takes HANDLE to call, and to receive and reply, fails with ERROR. */
static void calls_refuse(int handle, int error) {
    struct message message = {0};
    struct short_message words = {{1, 2, 3}, 0};
    REFUSED(error, ipc_call(handle, &message));
    REFUSED(error, ipc_call_short(handle, 1, &words));
}

static void receives_refuse(int handle, int error) {
    struct message message = {.timeout = TICK};
    struct short_message words = {{1, 2, 3}, 0};
    REFUSED(error, ipc_receive(handle, &message));
    REFUSED(error, ipc_reply(handle, &message));
    REFUSED(error, ipc_reply_receive(handle, &message));
    REFUSED(error, ipc_receive_short(handle, &words));
    REFUSED(error, ipc_reply_short(handle, 1, &words));
    REFUSED(error, ipc_reply_receive_short(handle, 1, &words));
}

static void handles_refused(void) {
    int caller = (int)handle_dup(endpoint, RIGHT_WRITE, QUARTET_NONE);
    int receiver = (int)handle_dup(endpoint, RIGHT_READ, QUARTET_NONE);
    state_keep();
    for (uint32_t i = 0; i < BAD_HANDLES; i++) {
        calls_refuse(bad_handles[i], E_HANDLE);
        receives_refuse(bad_handles[i], E_HANDLE);
    }
    calls_refuse(HANDLE_SYSTEM, E_TYPE);
    receives_refuse(HANDLE_SYSTEM, E_TYPE);
    receives_refuse(session, E_TYPE);
    calls_refuse(receiver, E_RIGHTS);
    receives_refuse(caller, E_RIGHTS);
    handle_close(receiver);
    handle_close(caller);
    state_keep();
}

/* ---- Labels, tokens, counts ------------------------------------------------------------------ */

static void labels_refused(void) {
    static const uint32_t labels[] = {SHORT_LABEL_LIMIT + 1, SHORT_CLOSED, SHORT_CLOSED + 1u,
                                      0xFFFFFFFFu};
    struct short_message words = {{1, 2, 3}, 0};
    for (uint32_t i = 0; i < 4; i++) {
        REFUSED(E_INVALID, ipc_call_short(session, labels[i], &words));
        REFUSED(E_INVALID, ipc_reply_short(endpoint, labels[i], &words));
        REFUSED(E_INVALID, ipc_reply_receive_short(endpoint, labels[i], &words));
    }
}

/* Nobody waits for this reply, in either form. */
static void nobody_waits(uint64_t token) {
    struct short_message words = {{1, 2, 3}, 0};
    struct message message = {.token = token, .timeout = TICK};
    REFUSED(E_NOTFOUND, ipc_reply(endpoint, &message));
    REFUSED(E_NOTFOUND, ipc_reply_receive(endpoint, &message));
    REFUSED(E_NOTFOUND, ipc_reply_short(endpoint, 1, &words));
    REFUSED(E_NOTFOUND, ipc_reply_receive_short(endpoint, 1, &words));
}

static void call_once(void) {
    uint64_t answer;
    EQUAL(2, form_call(SHORT, SHORT_LABEL_LIMIT, 5, &answer));
    EQUAL(6, answer);
}

static void tokens_refused(void) {
    struct exchange got;
    nobody_waits(0);
    nobody_waits(1);
    nobody_waits(UINT64_MAX);
    for (enum form form = 0; form < FORMS; form++) {
        long caller = start(FORK, call_once);
        EQUAL(SHORT_LABEL_LIMIT, form_receive(form, &got));
        state_keep();
        struct message other = {.token = UINT64_MAX - 1};
        REFUSED(E_NOTFOUND, ipc_reply(endpoint, &other));
        other.token = 0; /* is nobody's, also where a short reply would find its caller */
        REFUSED(E_NOTFOUND, ipc_reply(endpoint, &other));
        EQUAL(0, form_reply(form, 2, &got, got.word + 1));
        ends(caller, 0);
        state_keep();
        nobody_waits(got.token);
    }
}

static void contents_refused(void) {
    int fixed = (int)handle_dup(endpoint, RIGHT_READ | RIGHT_WRITE, QUARTET_NONE);
    state_keep();
    struct message message = {.handle_count = MESSAGE_HANDLES + 1};
    REFUSED(E_INVALID, ipc_call(session, &message));
    REFUSED(E_INVALID, ipc_reply(endpoint, &message));
    message = (struct message){.handle = {session, fixed}, .handle_count = 2};
    REFUSED(E_RIGHTS, ipc_call(session, &message)); /* no transfer */
    REFUSED(E_RIGHTS, ipc_reply(endpoint, &message));
    message.handle[1] = 200;
    REFUSED(E_HANDLE, ipc_call(session, &message));
    message.handle[1] = QUARTET_SLOT(2);
    REFUSED(E_HANDLE, ipc_call(session, &message));
    message =
        (struct message){.send_length = MESSAGE_BYTES + 1, .send_buffer = (uintptr_t)&message};
    REFUSED(E_TOOBIG, ipc_call(session, &message));
    REFUSED(E_TOOBIG, ipc_reply(endpoint, &message));
    message = (struct message){.receive_size = 1, .receive_buffer = (uintptr_t)constants};
    REFUSED(E_FAULT, ipc_call(session, &message));
    REFUSED(E_FAULT, ipc_receive(endpoint, &message));
    message.receive_buffer = 1ull << 32;
    REFUSED(E_FAULT, ipc_call(session, &message));
    REFUSED(E_FAULT, ipc_receive(endpoint, &message));
    handle_close(fixed);
    state_keep();
}

void check_errors(void) {
    handles_refused();
    labels_refused();
    tokens_refused();
    contents_refused();
}

/* ---- Quarters -------------------------------------------------------------------------------- */

/* A call that lends HANDLE in slot 2 with RIGHTS, and one that gives it, fail with ERROR; and a
 * reply that gives it. */
static void lend_refuses(int handle, uint32_t rights, int error) {
    struct lending lending;
    lending_make(&lending, handle, rights, 0);
    REFUSED(error, ipc_call(session, &lending.message));
    lending.lend.give = 1u << 2;
    REFUSED(error, ipc_call(session, &lending.message));
    REFUSED(error, ipc_reply(endpoint, &lending.message));
}

static void quarters_refused(void) {
    int other = (int)quarter_create(1), own = (int)quarter_create(2);
    int fixed = (int)handle_dup(own, RW, QUARTET_NONE);
    int readable = (int)handle_dup(own, RIGHT_READ | RIGHT_MAP, QUARTET_NONE);
    state_keep();
    lend_refuses(other, RW, E_SLOT);
    lend_refuses(QUARTET_SLOT(1), RW, E_SLOT);
    lend_refuses(fixed, RIGHT_READ, E_RIGHTS);
    lend_refuses(readable, RW, E_RIGHTS);
    lend_refuses(own, 0, E_INVALID);
    lend_refuses(own, RIGHT_WRITE, E_INVALID);
    lend_refuses(own, RW | RIGHT_MAP, E_INVALID);
    lend_refuses(200, RW, E_HANDLE);
    lend_refuses(QUARTET_KEEP, RW, E_HANDLE);
    lend_refuses(session, RW, E_TYPE);
    struct lending lending;
    lending_make(&lending, own, RW, 0);
    REFUSED(E_INVALID, ipc_reply(endpoint, &lending.message)); /* a reply cannot lend */
    lending.message.handle[0] = 200; /* a good quarter with a bad handle */
    lending.message.handle_count = 1;
    REFUSED(E_HANDLE, ipc_call(session, &lending.message));
    lending.lend.quarter[1] = own; /* the second of two is wrong */
    lending.lend.rights[1] = RW;
    lending.lend.quarter[2] = QUARTET_SLOT(2);
    REFUSED(E_SLOT, ipc_call(session, &lending.message));
    demo_attach(2, QUARTET_NONE, 0, 0);
    state_keep();
    lend_refuses(QUARTET_SLOT(2), RIGHT_READ, E_NOTFOUND);
    handle_close(readable);
    handle_close(fixed);
    handle_close(own);
    handle_close(other);
    slot_fill(0);
    state_keep();
}

static void bits_refused(void) {
    static const uint32_t bits[] = {0x10, 0x100, 0x80000000u, 0xFFFFFFFFu};
    struct lending lending;
    for (uint32_t i = 0; i < 4; i++) {
        lending_make(&lending, QUARTET_NONE, 0, bits[i]);
        REFUSED(E_INVALID, ipc_call(session, &lending.message));
        REFUSED(E_INVALID, ipc_receive(endpoint, &lending.message));
        lending_make(&lending, QUARTET_NONE, 0, 0);
        lending.lend.give = bits[i];
        REFUSED(E_INVALID, ipc_call(session, &lending.message));
        REFUSED(E_INVALID, ipc_reply(endpoint, &lending.message));
    }
}

static void pointers_refused(void) {
    static const uint64_t wild[] = {8,
                                    KERNEL_POINTER,
                                    0x3F000000,
                                    0x80000000u - 2,
                                    QUARTET_STACK_TOP - 2ull,
                                    (uint64_t)UINTPTR_MAX - 3,
                                    1ull << 32,
                                    UINT64_MAX};
    for (uint32_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        struct message message = {.lend = wild[i]};
        REFUSED(E_FAULT, ipc_call(session, &message));
        REFUSED(E_FAULT, ipc_receive(endpoint, &message));
        REFUSED(E_FAULT, ipc_reply(endpoint, &message));
    }
    struct message message = {.lend = (uintptr_t)constants};
    REFUSED(E_FAULT, ipc_call(session, &message));
    REFUSED(E_FAULT, ipc_receive(endpoint, &message));
}

void check_lend_errors(void) {
    state_keep();
    quarters_refused();
    bits_refused();
    pointers_refused();
}
