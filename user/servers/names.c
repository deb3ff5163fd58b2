/* SPDX-License-Identifier: MIT */
/*
 * The name server: names NAME..., with a session for each NAME from handle NAMES_FIRST on, in that
 * order, and the board's quarter at NAMES_BOARD. It gives a session away with the rights that were
 * asked for, and tells what init has written on the board. It has no state beyond that, so nothing
 * is lost when it is started again. Messages: user/lib/protocol.h.
 */
#include <errno.h>
#include <string.h>

#define TOUCH_STACK_SIZE (8u * 1024)

#include "user/servers/board.h"
#include "user/servers/reply.h"
#include "user/servers/touch.h"

#define NAME_SIZE 16u

static const struct board *const board = (const void *)(uintptr_t)SLOT_BASE(SLOT_SHARED);

static int name_count;
static char **names;

static bool board_attach(void) {
    struct space_change change = {.process = QUARTET_SELF, .flags = SPACE_CONSUME};
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        change.quarter[slot] = QUARTET_KEEP;
    }
    change.quarter[SLOT_SHARED] = NAMES_BOARD;
    change.rights[SLOT_SHARED] = RIGHT_READ;
    return space_set(&change) >= 0;
}

/* The session behind the LENGTH bytes at TEXT: its handle; QUARTET_NONE: there is no such name. */
static int name_find(const char *text, uint32_t length) {
    for (int i = 0; i < name_count; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) {
            return NAMES_FIRST + i;
        }
    }
    return QUARTET_NONE;
}

static void look_up(const struct message *message, const char *text) {
    int session = name_find(text, message->receive_length);
    if (session == QUARTET_NONE) {
        reply_send(message->token, ENOENT, 0, NULL, 0);
        return;
    }
    uint32_t rights = ((uint32_t)message->word[0] & RIGHTS_ALL) | RIGHT_TRANSFER;
    long reduced = handle_dup(session, rights, QUARTET_NONE);
    struct message reply = {.token = message->token, .handle = {(int)reduced}, .handle_count = 1};
    if (reduced < 0) {
        reply_send(message->token, reduced == -E_HANDLE ? ENXIO : EAGAIN, 0, NULL, 0);
        return;
    }
    ipc_reply(HANDLE_SERVICE, &reply);
    handle_close((int)reduced);
}

static void list(const struct message *message) {
    struct service_state state;
    if (message->word[0] >= board->count || message->word[0] >= BOARD_SERVICES) {
        reply_send(message->token, 0, 0, NULL, 0);
        return;
    }
    state = board->service[message->word[0]];
    reply_send(message->token, 0, 0, &state, sizeof state);
}

static void serve(const struct message *message, const char *text) {
    for (uint32_t i = 0; i < message->handle_count; i++) {
        handle_close(message->handle[i]);
    }
    switch (message->label) {
    case NAMES_LOOK_UP:
        look_up(message, text);
        break;
    case NAMES_LIST:
        list(message);
        break;
    case NAMES_REGISTER:
        reply_send(message->token, EPERM, 0, NULL, 0);
        break;
    default:
        reply_send(message->token, ENOSYS, 0, NULL, 0);
    }
}

int main(int argc, char **argv) {
    char text[NAME_SIZE];
    touch_own_memory();
    name_count = argc - 1;
    names = argv + 1;
    if (!board_attach()) {
        return 1;
    }
    for (;;) {
        struct message message = {.receive_size = sizeof text, .receive_buffer = (uintptr_t)text};
        long result = ipc_receive(HANDLE_SERVICE, &message);
        if (result >= 0 && message.kind == MESSAGE_CALL) {
            serve(&message, text);
        } else if (result < 0 && result != -E_FAULT && result != -E_LIMIT) {
            return 1;
        }
    }
}
