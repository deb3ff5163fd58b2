/* SPDX-License-Identifier: MIT */
/*
 * Handles in messages: what arrives names the same object, has exactly the rights of the handle
 * that was sent, and cannot be widened; by call and by reply, and with all four places filled.
 */
#include "ipccheck.h"

#define SENT_MOST (RIGHTS_ALL & ~RIGHT_TRANSFER)

static uint32_t mask; /* what is left of the rights, besides the one to be sent */

/* HANDLE has the rights RIGHTS, and nothing makes them more. */
static void has_exactly(int handle, uint32_t type, uint32_t rights) {
    struct handle_stat stat = {0};
    EQUAL(0, handle_stat(handle, &stat));
    EQUAL(type, stat.type);
    EQUAL(rights, stat.rights);
    long copy = handle_dup(handle, RIGHTS_ALL, QUARTET_NONE);
    EQUAL((rights & RIGHT_DUPLICATE) != 0, copy >= 0);
    if (copy >= 0) {
        handle_stat((int)copy, &stat);
        EQUAL(rights, stat.rights);
        handle_close((int)copy);
    }
}

/* A new endpoint and a new quarter, reduced to MASK, in MESSAGE. Closed here once it is sent. */
static void handles_make(struct message *message) {
    int made[2] = {(int)endpoint_create(), (int)quarter_create(2)};
    for (uint32_t i = 0; i < 4; i++) {
        message->handle[i] = (int32_t)handle_dup(made[i & 1], mask | RIGHT_TRANSFER, QUARTET_NONE);
    }
    message->handle_count = 4;
    handle_close(made[0]);
    handle_close(made[1]);
}

static void handles_close(const struct message *message) {
    for (uint32_t i = 0; i < 4; i++) {
        EQUAL(0, handle_close(message->handle[i]));
    }
}

static void handles_check(const struct message *message) {
    EQUAL(4, message->handle_count);
    for (uint32_t i = 0; i < 4; i++) {
        has_exactly(message->handle[i], i & 1 ? OBJECT_QUARTER : OBJECT_ENDPOINT,
                    mask | RIGHT_TRANSFER);
    }
    handles_close(message);
}

static void receive_and_reply(void) {
    struct message message = {0};
    EQUAL(0, ipc_receive(endpoint, &message));
    handles_check(&message);
    struct message reply = {.token = message.token};
    handles_make(&reply);
    EQUAL(0, ipc_reply(endpoint, &reply));
    handles_close(&reply);
}

/* A quarter that came with read and map only can be attached read-only, and not be lent for more. */
static void attach_reduced(void) {
    struct message message = {0};
    struct lending lending;
    EQUAL(0, ipc_receive(endpoint, &message));
    int got = message.handle[0];
    EQUAL(-E_RIGHTS, demo_attach(2, got, RW, 0));
    lending_make(&lending, got, RW, 0);
    EQUAL(-E_RIGHTS, ipc_call(session, &lending.message));
    EQUAL(-E_RIGHTS, quarter_map(got, MIB, PAGE_SIZE, RIGHT_READ));
    EQUAL(0, demo_attach(2, got, RIGHT_READ, 0));
    EQUAL(42, WORD(0));
    message.handle_count = 0;
    EQUAL(0, ipc_reply(endpoint, &message));
    WORD(0) = 1;
}

void check_rights(void) {
    static const uint32_t masks[] = {0,
                                     RIGHT_READ,
                                     RIGHT_WRITE,
                                     RIGHT_READ | RIGHT_MAP,
                                     RIGHT_DUPLICATE,
                                     RIGHT_WRITE | RIGHT_DUPLICATE,
                                     RIGHT_READ | RIGHT_EXECUTE | RIGHT_DUPLICATE,
                                     SENT_MOST};
    for (uint32_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        mask = masks[i];
        struct message message = {0};
        long receiver = start(FORK, receive_and_reply);
        handles_make(&message);
        struct message sent = message;
        EQUAL(0, ipc_call(session, &message));
        handles_close(&sent);
        handles_check(&message);
        ends(receiver, 0);
    }
    slot_fill(42);
    int view = (int)handle_dup(QUARTET_SLOT(2), RIGHT_READ | RIGHT_MAP, QUARTET_NONE);
    EQUAL(-E_RIGHTS, ipc_call(session, &(struct message){.handle = {view}, .handle_count = 1}));
    handle_close(view);
    int whole = (int)quarter_create(2);
    EQUAL(0, quarter_map(whole, 0, PAGE_SIZE, RW));
    EQUAL(0, demo_attach(2, whole, RW, 0));
    WORD(0) = 42;
    view = (int)handle_dup(whole, RIGHT_READ | RIGHT_MAP | RIGHT_TRANSFER, QUARTET_NONE);
    long receiver = start(FORK, attach_reduced);
    struct message message = {.handle = {view}, .handle_count = 1};
    EQUAL(0, ipc_call(session, &message));
    ends(receiver, STATUS_FAULT | FAULT_RIGHTS);
    handle_close(view);
    handle_close(whole);
}
