/* SPDX-License-Identifier: MIT */
/*
 * Short messages: a label and three words, which come in the registers of the system call and go
 * into those of its return (arch_message). No user memory, no handle, no time-out: so there is
 * nothing to check but the label, and nothing that can fail at the other side. What the fast path
 * (fast.c) declines comes here. Read next: message.c, the same for long ones.
 */
#include "arch/arch.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"

/* What the calling thread's registers say, in its state. Null: no memory for that. */
static struct ipc_state *content_take(u64 badge, u32 label) {
    struct ipc_state *state = ipc_state_obtain();
    if (state == NULL) {
        return NULL;
    }
    const struct arch_message *words = arch_message(state->thread->kernel_stack);
    state->content = (struct ipc_content){.label = label, .kind = MESSAGE_CALL, .badge = badge};
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        state->content.word[i] = words->word[i];
    }
    return state;
}

/* Put what STATE has into the registers, unless it was put there; the result of the call. */
static long content_return(struct ipc_state *state) {
    const struct ipc_content *content = &state->content;
    if (state->in_registers) {
        state->in_registers = false;
        return (long)content->label;
    }
    if (content->long_call && state->room != 0) {
        return ipc_room_deliver(state);
    }
    struct arch_message *words = arch_message(state->thread->kernel_stack);
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        words->word[i] = (uword)content->word[i];
    }
    words->badge = (uword)content->badge;
    return content->kind == MESSAGE_CLOSED ? SHORT_CLOSED : (long)content->label;
}

long ipc_short_return(struct ipc_state *state, int result) {
    long returned = result != E_OK ? -result : content_return(state);
    arch_message_return(state->thread->kernel_stack, returned);
    return returned;
}

long ipc_call_short(struct endpoint *endpoint, u64 badge, u32 label) {
    struct ipc_state *state = content_take(badge, label);
    if (state == NULL) {
        return -E_NOMEM;
    }
    state->is_short = true;
    return ipc_short_return(state, endpoint_call(endpoint, state, WAIT_FOREVER));
}

static long receive(struct endpoint *endpoint, struct ipc_state *state) {
    state->is_short = true;
    return ipc_short_return(state, endpoint_receive(endpoint, state, WAIT_FOREVER));
}

long ipc_receive_short(struct endpoint *endpoint) {
    struct ipc_state *state = ipc_state_obtain();
    return state == NULL ? -E_NOMEM : receive(endpoint, state);
}

static int reply(struct endpoint *endpoint, struct ipc_state *state, bool receives) {
    if (state == NULL) {
        return E_NOMEM;
    }
    return state->serving != endpoint ? E_NOTFOUND
                                      : ipc_reply_send(endpoint, state, TOKEN_LAST, receives);
}

long ipc_reply_short(struct endpoint *endpoint, uword label) {
    return -reply(endpoint, content_take(0, (u32)label), false);
}

long ipc_reply_receive_short(struct endpoint *endpoint, uword label) {
    struct ipc_state *state = content_take(0, (u32)label);
    int error = reply(endpoint, state, true);
    return error != E_OK ? -error : receive(endpoint, state);
}

/* ---- Callers that are answered later --------------------------------------------------------- */

long ipc_keep_receive_short(struct endpoint *endpoint, uword key) {
    struct ipc_state *state = ipc_state_obtain();
    if (state == NULL) {
        return -E_NOMEM;
    }
    endpoint_keep(endpoint, state, key);
    return receive(endpoint, state);
}

/* Who sends a short message lends nothing: so there is nothing to give back. */
int ipc_reply_turn_short(struct endpoint *endpoint, u32 label, uword key) {
    struct ipc_state *state = ipc_state_obtain();
    if (state == NULL) {
        return E_NOMEM;
    }
    state->content = (struct ipc_content){.label = label, .kind = MESSAGE_CALL};
    return endpoint_reply_turn(endpoint, state, key);
}

void ipc_program_replaced(void) {
    struct ipc_state *state = thread_current()->ipc;
    if (state != NULL) {
        state->room = 0;
    }
}
