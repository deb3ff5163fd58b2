/* SPDX-License-Identifier: MIT */
/*
 * The loader: loader FRAMES, with the file server at HANDLE_FILES and its endpoint at
 * HANDLE_SERVICE. It reads programs into quarters, keeps these, and gives handles to them to whoever
 * starts the program: so a second process of a program costs no reading, and shares its text. What
 * it keeps is charged to a budget of at most FRAMES. A file that is no program, or anything else
 * that a client sends, is an errno for that client. Messages: user/lib/protocol.h. Read
 * loader/loader.h next; the client is user/lib/exec.c.
 */
#include "user/servers/loader/loader.h"

#include <errno.h>
#include <stdlib.h>

#define TOUCH_STACK_SIZE (20u * 1024)

#include "user/lib/path.h"
#include "user/lib/protocol.h"
#include "user/servers/reply.h"
#include "user/servers/touch.h"

/* Give away what PROGRAM has for SLOTS. */
static void program_give(const struct program *program, uint32_t slots, uint64_t token) {
    struct message reply = {
        .token = token,
        .word = {program->entry, program->shared & slots, program->pristine & slots}};
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if ((program->shared | program->pristine) & slots & RENEW(slot)) {
            reply.handle[reply.handle_count++] = program->quarter[slot];
        }
    }
    ipc_reply(HANDLE_SERVICE, &reply);
}

static void load(const struct message *message, const char *path) {
    const struct program *program;
    int error = cache_find(path, &program);
    if (error != 0) {
        reply_send(message->token, error, 0, NULL, 0);
    } else {
        program_give(program, (uint32_t)message->word[0], message->token);
    }
}

static void serve(const struct message *message, char *path) {
    for (uint32_t i = 0; i < message->handle_count; i++) {
        handle_close(message->handle[i]);
    }
    path[message->receive_length] = '\0';
    if (message->label == LOADER_LOAD) {
        load(message, path);
    } else {
        reply_send(message->token, ENOSYS, 0, NULL, 0);
    }
}

int main(int argc, char **argv) {
    static char path[PATH_SIZE];
    program_frames = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    struct process_limits limits = {.frames = program_frames};
    touch_own_memory();
    if (process_limit(&limits) < 0) {
        return 1;
    }
    for (;;) {
        struct message message = {.receive_size = sizeof path - 1,
                                  .receive_buffer = (uintptr_t)path};
        long result = ipc_receive(HANDLE_SERVICE, &message);
        if (result >= 0 && message.kind == MESSAGE_CALL) {
            serve(&message, path);
        } else if (result < 0 && result != -E_FAULT && result != -E_LIMIT) {
            return 1;
        }
    }
}
