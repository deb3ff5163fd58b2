/* SPDX-License-Identifier: MIT */
/*
 * The file server: files INITRD-LENGTH FRAMES RESTARTS, with the initrd in slot 2, its endpoint
 * at HANDLE_SERVICE, at most FRAMES frames for what clients make, and RESTARTS predecessors. One thread receives a message,
 * does what its label says, replies, and closes whatever handles it was given or has given. Callers
 * that wait (pipes) are answered later. It must survive every client: all that a message says is
 * checked, all memory is committed before use (files/memory.c), and a reply that fails is the
 * client's loss only. Messages: user/lib/protocol.h. Read files/files.h next.
 */
#include "user/servers/files/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/servers/touch.h"

static struct request request;

/* ---- Calls with a path ----------------------------------------------------------------------- */

static struct path request_path(void) {
    return (struct path){(char *)request.data, request.message.receive_length};
}

static int path_stat(void) {
    struct node *node;
    int error = tree_find(request_path(), &node);
    if (error == 0) {
        struct file_stat stat;
        tree_stat(node, &stat);
        memcpy(request.reply_data, &stat, sizeof stat);
        request.reply.send_length = sizeof stat;
    }
    return error;
}

static int path_make_directory(void) {
    struct node *node;
    return tree_create(request_path(), NODE_DIRECTORY, (uint32_t)request.message.word[0], &node);
}

static int path_rename(void) {
    struct path from = request_path(), to = from;
    if (request.message.word[0] > from.length) {
        return EINVAL;
    }
    from.length = (uint32_t)request.message.word[0];
    to.text += from.length;
    to.length -= from.length;
    return tree_rename(from, to);
}

static int path_call(void) {
    switch (request.message.label) {
    case FILE_OPEN:
        return session_open(&request);
    case FILE_STAT:
        return path_stat();
    case FILE_MAKE_DIRECTORY:
        return path_make_directory();
    case FILE_REMOVE:
        return tree_remove(request_path(), request.message.word[0] == 1);
    case FILE_RENAME:
        return path_rename();
    case FILE_PIPE:
        return session_pipe(&request);
    case FILE_UNMAP:
        return maps_forget(&request);
    default:
        return ENOSYS;
    }
}

/* ---- Calls through a session ----------------------------------------------------------------- */

static int session_call(struct session *session) {
    switch (request.message.label) {
    case FILE_READ:
        return session_read(session, &request);
    case FILE_WRITE:
        return session_write(session, &request);
    case FILE_SEEK:
        return session_seek(session, &request);
    case FILE_STAT:
        return session_stat(session, &request);
    case FILE_READ_DIRECTORY:
        return session_read_directory(session, &request);
    case FILE_TRUNCATE:
        return session_truncate(session, &request);
    case FILE_FLAGS:
        return session_flags(session, &request);
    case FILE_POLL:
        return session_poll(session, &request);
    case FILE_MAP:
        return session_map(session, &request);
    default:
        return ENOSYS;
    }
}

static int call(void) {
    if (request.message.badge == BADGE_FILES) {
        return path_call();
    }
    struct session *session = session_find(request.message.badge);
    return session != NULL ? session_call(session) : EIO;
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void reply_now(int error) {
    struct message *reply = &request.reply;
    int handles[MESSAGE_HANDLES];
    uint32_t count = reply->handle_count;
    memcpy(handles, reply->handle, sizeof handles);
    if (error != 0) {
        *reply = (struct message){.label = (uint32_t)error};
        count = 0;
    }
    reply->token = request.message.token;
    reply->send_buffer = (uintptr_t)request.reply_data;
    if (ipc_reply(HANDLE_SERVICE, reply) == -E_TOOBIG) {
        reply_send(request.message.token, EINVAL, 0, NULL, 0);
    }
    /* The client has its own now; if it has not, closing the last one makes the kernel tell us. */
    for (uint32_t i = 0; i < count; i++) {
        handle_close(handles[i]);
    }
}

/* No call here takes more than one. */
static void handles_take(void) {
    const struct message *message = &request.message;
    request.given = message->handle_count > 0 ? message->handle[0] : QUARTET_NONE;
    for (uint32_t i = 1; i < message->handle_count; i++) {
        handle_close(message->handle[i]);
    }
}

static void serve_long(void) {
    if (request.message.kind == MESSAGE_FAULT) {
        maps_fault(&request.message);
        return;
    }
    handles_take();
    request.reply = (struct message){0};
    int error = call();
    if (request.given >= 0) {
        handle_close(request.given);
    }
    if (error != REPLY_LATER) {
        reply_now(error);
    }
}

/* Serve what RESULT, of one of the calls that wait, says has come, and wait for the next; its result. */
static long serve(long result, struct short_message *words) {
    if (result == SHORT_CLOSED) {
        session_close(words->badge);
    } else if (result == SHORT_LONG) {
        serve_long();
    } else if (result >= 0) {
        long label = small_serve((uint32_t)result, words, &request);
        if (label >= 0) {
            return ipc_reply_receive_short(HANDLE_SERVICE, (uint32_t)label, words);
        }
        if (label == SMALL_LATER) {
            return ipc_keep_receive_short(HANDLE_SERVICE, pipe_waiter_key(), words);
        }
    } else if (result == -E_NOTFOUND) {
        pipe_reply_lost();
    }
    return ipc_receive_short(HANDLE_SERVICE, words);
}

/* Errors of a caller, which is gone or has been told, and not of the server's. */
static bool is_callers(long error) {
    return error == -E_NOTFOUND || error == -E_FAULT || error == -E_LIMIT;
}

int main(int argc, char **argv) {
    int error = memory_own();
    touch_own_memory();
    size_t length = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    session_initialize(argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0);
    if (error == 0 && !memory_limit(argc > 2 ? strtoul(argv[2], NULL, 10) : 0)) {
        error = ENOMEM;
    }
    if (error == 0) {
        error = tree_initialize((const void *)(uintptr_t)SLOT_BASE(SLOT_SHARED), length);
    }
    if (error == 0) {
        error = maps_initialize();
    }
    if (error != 0) {
        fprintf(stderr, "files: cannot read the initrd: %s\n",
                error == EINVAL ? "it is malformed" : strerror(error));
        return 1;
    }
    request.message = (struct message){.receive_size = sizeof request.data,
                                       .receive_buffer = (uintptr_t)request.data};
    struct short_message words;
    long result = ipc_room(&request.message);
    if (result >= 0) {
        result = ipc_receive_short(HANDLE_SERVICE, &words);
    }
    while (result >= 0 || is_callers(result)) {
        result = serve(result, &words);
    }
    fprintf(stderr, "files: cannot receive: %s\n", quartet_error_text(result));
    return 1;
}
