/* SPDX-License-Identifier: MIT */
/*
 * Messages between user memory, handle tables and a thread's ipc_state. No lock is held here: a
 * message that is under way belongs to the thread in whose state it stands.
 *
 * Sending is all or nothing: the structure, both buffers and every handle are checked before the
 * message is queued. What can still fail is the other side's table or memory, and then nothing
 * leaks:
 *
 *     a call has more bytes than the receiver has room for   call E_TOOBIG, the receiver waits on
 *     the receiver's handle table is full                    call E_LIMIT, the receiver waits on
 *     the receiver accepts no quarter in that slot           call E_REFUSED, the receiver waits on
 *     that slot of the receiver is on loan already           call E_BUSY, the receiver waits on
 *     the receiver's memory vanished while it waited         both E_FAULT; a notice is lost
 *     a reply has more bytes than the caller has room for    reply E_TOOBIG, the caller waits on
 *     the caller's table is full, or its memory vanished     call E_LIMIT or E_FAULT, reply lost
 *
 * Handles that did not reach a table are dropped. Quarters that are lent: lend.c.
 */
#include <string.h>

#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/ipc/lend.h"
#include "kernel/process/pager.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/frame.h"

static struct cache state_cache = CACHE("ipc state", sizeof(struct ipc_state), 8);

/* In *PLACE, which is the calling thread's. */
static struct ipc_state *state_obtain(struct ipc_state **place) {
    if (*place != NULL) {
        return *place;
    }
    frame_t frame = frame_allocate_low();
    if (frame_is_none(frame)) {
        return NULL;
    }
    struct ipc_state *state = cache_allocate(&state_cache);
    if (state == NULL) {
        frame_release(frame);
        return NULL;
    }
    state->thread = thread_current();
    state->page = arch_low_pointer(frame);
    list_init(&state->link);
    list_init(&state->server_link);
    *place = state;
    return state;
}

struct ipc_state *ipc_state_obtain(void) {
    return state_obtain(&thread_current()->ipc);
}

struct ipc_state *ipc_fault_state_obtain(void) {
    return state_obtain(&thread_current()->fault_ipc);
}

void *ipc_page(void) {
    struct ipc_state *state = ipc_state_obtain();
    return state == NULL ? NULL : state->page;
}

static void state_release(struct ipc_state *state) {
    if (state == NULL) {
        return;
    }
    ASSERT(state->phase == IPC_IDLE && state->content.handle_count == 0,
           "thread %u ends in phase %u of a message with %u handles under way", state->thread->tid,
           state->phase, state->content.handle_count);
    endpoint_server_leave(state);
    frame_release(arch_low_frame(state->page));
    cache_free(&state_cache, state);
}

void ipc_thread_release(struct thread *thread) {
    state_release(thread->ipc);
    state_release(thread->fault_ipc);
    thread->ipc = thread->fault_ipc = NULL;
}

void ipc_handles_drop(struct ipc_state *state, u32 first) {
    struct ipc_content *content = &state->content;
    for (u32 i = first; i < content->handle_count; i++) {
        const struct ipc_handle *handle = &content->handle[i];
        object_release(handle->object, handle->type, handle->rights);
    }
    content->handle_count = 0;
}

/* An endpoint lives while somebody can receive: a handle under way counts. */
static int handles_encode(struct ipc_state *state, const struct message *message) {
    struct ipc_content *content = &state->content;
    struct handle_table *table = &process_current()->handles;
    for (u32 i = 0; i < message->handle_count; i++) {
        struct handle found;
        int error = handle_lookup(table, message->handle[i], 0, RIGHT_TRANSFER, &found);
        if (error != E_OK) {
            ipc_handles_drop(state, 0);
            return error;
        }
        content->handle[i] =
            (struct ipc_handle){.object = found.object, .type = found.type, .rights = found.rights};
        object_handle_added(found.object, found.type, found.rights);
        content->handle_count = i + 1;
    }
    return E_OK;
}

/* Fetch the user's structure; where it is also the place of a result, make sure that it and the
 * buffer can be written. */
static int message_fetch(struct message *message, uword address, bool result) {
    int error = copy_in(message, address, sizeof(*message));
    if (error != E_OK || !result) {
        return error;
    }
    if (message->receive_buffer > UINTPTR_MAX) {
        return E_FAULT;
    }
    u32 room = message->receive_size < MESSAGE_BYTES ? message->receive_size : MESSAGE_BYTES;
    message->receive_size = room;
    error = user_writable_check(address, sizeof(*message));
    return error != E_OK ? error : user_writable_check((uword)message->receive_buffer, room);
}

/* When the time of a call that begins now is up. */
static u64 message_deadline(const struct message *message) {
    return message->timeout == 0 ? WAIT_FOREVER : deadline_after(message->timeout);
}

/* What STATE waits for is a long message, for which MESSAGE has room. */
static int room_set(struct ipc_state *state, const struct message *message) {
    u32 accept = 0;
    int error = message->lend != 0 ? lend_accept(message->lend, &accept) : E_OK;
    state->accept = (u8)accept;
    state->is_short = false;
    state->receive_size = message->receive_size;
    return error;
}

/* Check what MESSAGE sends, and put it into STATE. On an error nothing is under way. */
static int content_encode(struct ipc_state *state, const struct message *message, u64 badge,
                          bool is_reply) {
    if (message->send_length > MESSAGE_BYTES) {
        return E_TOOBIG;
    }
    if (message->handle_count > MESSAGE_HANDLES) {
        return E_INVALID;
    }
    if (message->send_buffer > UINTPTR_MAX) {
        return E_FAULT;
    }
    int error = copy_in(state->page, (uword)message->send_buffer, message->send_length);
    if (error != E_OK) {
        return error;
    }
    struct ipc_content *content = &state->content;
    content->label = message->label;
    content->kind = MESSAGE_CALL;
    content->badge = badge;
    content->token = 0;
    content->length = message->send_length;
    content->handle_count = 0;
    content->quarters = content->given = 0;
    content->long_call = !is_reply;
    memcpy(content->word, message->word, sizeof(content->word));
    if (message->lend != 0) {
        error = lend_encode(state, message->lend, is_reply);
    }
    if (error == E_OK && message->handle_count != 0) {
        error = handles_encode(state, message);
        if (error != E_OK) {
            lend_drop(state);
        }
    }
    return error;
}

/* Install the handles under way in the caller's table, and say where in MESSAGE. On an error some may
 * be there. */
static int handles_deliver(struct ipc_state *state, struct message *message) {
    struct ipc_content *content = &state->content;
    for (u32 i = 0; i < content->handle_count; i++) {
        const struct ipc_handle *handle = &content->handle[i];
        int index = handle_install(&process_current()->handles, handle->object, handle->type,
                                   handle->rights);
        if (index < 0) {
            ipc_handles_drop(state, i);
            return -index;
        }
        /* The table counts it now, and has its reference. */
        object_handle_removed(handle->object, handle->type, handle->rights);
        message->handle[i] = index;
        message->handle_count = i + 1;
    }
    content->handle_count = 0;
    return E_OK;
}

/* Close what handles_deliver has installed. */
static void handles_undo(const struct message *message) {
    for (u32 i = 0; i < message->handle_count; i++) {
        handle_close(&process_current()->handles, message->handle[i]);
    }
}

static void header_deliver(const struct ipc_content *content, struct message *message) {
    message->label = content->label;
    message->kind = content->kind;
    memcpy(message->word, content->word, sizeof(message->word));
    message->badge = content->badge;
    message->token = content->token;
    message->receive_length = content->length;
    message->handle_count = 0;
    for (u32 i = 0; i < MESSAGE_HANDLES; i++) {
        message->handle[i] = QUARTET_NONE;
    }
}

/* Bytes, then the structure at ADDRESS, then which quarters have come. message_fetch has checked
 * both ranges; what is no longer mapped in them faults. */
static int bytes_deliver(const struct ipc_state *state, const struct message *message,
                         uword address, u32 quarters) {
    int error = E_OK;
    if (state->content.length != 0) {
        error = arch_copy_out((u32)message->receive_buffer, state->page, state->content.length);
    }
    if (error == E_OK) {
        error = arch_copy_out((u32)address, message, sizeof(*message));
    }
    return error == E_OK && message->lend != 0 ? lend_report(message->lend, quarters) : error;
}

/* Give what stands in STATE, received from ENDPOINT, to the program: handles, quarters, bytes and
 * structure. On an error it has got nothing. */
static int content_deliver(struct endpoint *endpoint, struct ipc_state *state,
                           struct message *message, uword address) {
    u32 quarters = state->content.quarters;
    u64 token = state->content.token;
    header_deliver(&state->content, message);
    int error = handles_deliver(state, message);
    if (error == E_OK && quarters != 0) {
        error = lend_attach(state, endpoint);
    }
    if (error == E_OK) {
        error = bytes_deliver(state, message, address, quarters);
        if (error != E_OK) {
            lend_return(endpoint, token);
        }
    }
    if (error != E_OK) {
        handles_undo(message);
        lend_drop(state);
    }
    return error;
}

/* The call that STATE has made is over, and nothing of it is under way any more. What it lent is back,
 * unless it has failed, or somebody else than the borrower has replied. */
static void call_finish(struct endpoint *endpoint, struct ipc_state *state, int error) {
    if (state->borrower != NULL) {
        if (error != E_OK || state->borrower->loans != 0) {
            lend_revoke(state->borrower, endpoint, state->lent_token);
        }
        process_release(state->borrower);
        state->borrower = NULL;
    }
    if (error != E_OK) {
        ipc_handles_drop(state, 0);
        lend_drop(state);
    }
}

int ipc_call(struct endpoint *endpoint, u64 badge, uword address) {
    struct message message;
    struct ipc_state *state = ipc_state_obtain();
    int error = state == NULL ? E_NOMEM : message_fetch(&message, address, true);
    if (error == E_OK) {
        error = room_set(state, &message);
    }
    if (error == E_OK) {
        error = content_encode(state, &message, badge, false);
    }
    if (error != E_OK) {
        return error;
    }
    error = endpoint_call(endpoint, state, message_deadline(&message));
    call_finish(endpoint, state, error);
    if (error == E_OK && message.lend != 0) {
        error = lend_gave(state);
        if (error != E_OK) {
            call_finish(endpoint, state, error); /* the reply is lost, with what came with it */
        }
    }
    return error != E_OK ? error : content_deliver(endpoint, state, &message, address);
}

/* Is this an error for the caller alone, and the receiver waits on? */
static bool is_callers(int error) { return error == E_LIMIT || error == E_BUSY; }

/* What STATE has received goes to the program; ERROR: how the wait for it has ended. Then again, as
 * long as it is only the caller's fault that it cannot. */
static int receive_finish(struct endpoint *endpoint, struct ipc_state *state,
                          struct message *message, uword address, u64 deadline, int error) {
    while (error == E_OK) {
        u64 token = state->content.token;
        error = content_deliver(endpoint, state, message, address);
        if (error == E_OK) {
            return E_OK;
        }
        endpoint_refuse(endpoint, token, error);
        if (is_callers(error)) {
            error = endpoint_receive(endpoint, state, deadline);
        }
    }
    return error;
}

static int message_receive(struct endpoint *endpoint, struct ipc_state *state,
                           struct message *message, uword address) {
    u64 deadline = message_deadline(message);
    int error = room_set(state, message);
    if (error == E_OK) {
        error = endpoint_receive(endpoint, state, deadline);
    }
    return receive_finish(endpoint, state, message, address, deadline, error);
}

int ipc_reply_send(struct endpoint *endpoint, struct ipc_state *state, u64 token, bool receives) {
    if (process_current()->loans != 0) {
        u64 lent_token = token == TOKEN_LAST ? state->received_token : token;
        int error = endpoint_reply_check(endpoint, state, token);
        if (error == E_OK || error == E_NOTFOUND) {
            error = lend_return(endpoint, lent_token);
        }
        if (error != E_OK) {
            return error;
        }
    }
    return endpoint_reply(endpoint, state, token, receives);
}

/* The reply that MESSAGE is, into STATE. A pager's has been followed then. */
static int reply_encode(struct endpoint *endpoint, struct ipc_state *state,
                        const struct message *message) {
    int error = content_encode(state, message, 0, true);
    if (error == E_OK) {
        pager_replies(endpoint, state, message->token);
    }
    return error;
}

/* And on its way. */
static int reply_finish(struct endpoint *endpoint, struct ipc_state *state,
                        const struct message *message, bool receives) {
    int error = message->token == TOKEN_LAST
                    ? E_NOTFOUND
                    : ipc_reply_send(endpoint, state, message->token, receives);
    ipc_handles_drop(state, 0); /* those of a reply that nobody got */
    lend_drop(state);
    return error == E_OK && message->lend != 0 ? lend_gave(state) : error;
}

int ipc_receive(struct endpoint *endpoint, uword address) {
    struct message message;
    struct ipc_state *state = ipc_state_obtain();
    int error = state == NULL ? E_NOMEM : message_fetch(&message, address, true);
    return error != E_OK ? error : message_receive(endpoint, state, &message, address);
}

int ipc_reply(struct endpoint *endpoint, uword address) {
    struct message message;
    struct ipc_state *state = ipc_state_obtain();
    int error = state == NULL ? E_NOMEM : message_fetch(&message, address, false);
    if (error == E_OK) {
        error = reply_encode(endpoint, state, &message);
    }
    return error != E_OK ? error : reply_finish(endpoint, state, &message, false);
}

/* May the reply and the wait for the next message be one step? */
static bool reply_is_plain(const struct message *message) {
    return message->timeout == 0 && message->lend == 0 && message->handle_count == 0 &&
           message->token != TOKEN_LAST && process_current()->loans == 0;
}

int ipc_reply_receive(struct endpoint *endpoint, uword address) {
    struct message message;
    struct ipc_state *state = ipc_state_obtain();
    int error = state == NULL ? E_NOMEM : message_fetch(&message, address, true);
    if (error == E_OK) {
        error = reply_encode(endpoint, state, &message);
    }
    if (error != E_OK) {
        return error;
    }
    if (reply_is_plain(&message)) {
        room_set(state, &message);
        error = endpoint_reply_receive(endpoint, state, message.token);
        if (error != E_AGAIN) {
            return receive_finish(endpoint, state, &message, address, WAIT_FOREVER, error);
        }
    }
    error = reply_finish(endpoint, state, &message, true);
    return error != E_OK ? error : message_receive(endpoint, state, &message, address);
}

/* ---- Long messages to a thread that waits for short ones ------------------------------------- */

int ipc_room(uword address) {
    struct message message = {.receive_size = 0};
    struct ipc_state *state = ipc_state_obtain();
    int error = state == NULL ? E_NOMEM : E_OK;
    if (error == E_OK && address != 0) {
        error = message_fetch(&message, address, true);
    }
    if (error == E_OK) {
        state->room = address;
        state->room_buffer = (uword)message.receive_buffer;
        state->room_size = message.receive_size;
    }
    return error;
}

long ipc_room_deliver(struct ipc_state *state) {
    struct message message = {.receive_buffer = state->room_buffer,
                              .receive_size = state->room_size};
    u64 token = state->content.token;
    int error = content_deliver(state->serving, state, &message, state->room);
    if (error != E_OK) {
        endpoint_refuse(state->serving, token, error);
    }
    return error != E_OK ? -error : SHORT_LONG;
}
