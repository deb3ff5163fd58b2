/* SPDX-License-Identifier: MIT */
/*
 * How a message changes hands: from a caller to a receiver, and the reply back. Whoever comes second
 * does the work: a caller that finds a receiver waiting hands its message over and wakes it, a
 * receiver that finds callers takes the first of the highest priority.
 *
 * Priorities: a server runs at least at that of the caller whose message it has (thread->lent), and
 * a caller that has to queue lends its own to all servers of the endpoint, so that it waits for no
 * more than what they have begun. They give it back when they receive again.
 *
 * Locks: the endpoint's, in every function of this file. Read next: message.c, short.c, fast.c.
 */
#include <string.h>

#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/ipc/state.h"
#include "kernel/process/process.h"
#include "kernel/vm/quarter.h"

/* ---- From a caller to a receiver ------------------------------------------------------------- */

/* Move what FROM has under way to TO, bytes by swapping frames. Lock held; one of them waits. */
static void content_move(struct ipc_state *to, struct ipc_state *from) {
    u8 *page = to->page;
    to->page = from->page;
    from->page = page;
    struct ipc_content *source = &from->content, *target = &to->content;
    memcpy(target, source, offsetof(struct ipc_content, handle));
    for (u32 i = 0; i < source->handle_count; i++) {
        target->handle[i] = source->handle[i];
    }
    source->handle_count = 0;
    if (source->quarters != 0) {
        memcpy(to->quarter, from->quarter, sizeof(to->quarter));
        source->quarters = 0;
    }
}

static bool content_is_short(const struct ipc_content *content) {
    u64 wide = content->word[0] | content->word[1] | content->word[2];
    return content->length == 0 && content->handle_count == 0 && content->quarters == 0 &&
           content->word[3] == 0 && wide <= UINTPTR_MAX && content->label <= SHORT_LABEL_LIMIT;
}

/* Can WAITING, which waits for a message, take CONTENT? 0, E_TOOBIG, E_REFUSED. */
static int content_fits(const struct ipc_content *content, const struct ipc_state *waiting) {
    if (waiting->is_short && content->long_call && waiting->room != 0) {
        return content->length > waiting->room_size ? E_TOOBIG
               : content->quarters != 0             ? E_REFUSED
                                                    : E_OK;
    }
    if (waiting->is_short) {
        return content_is_short(content) ? E_OK : E_TOOBIG;
    }
    if (content->length > waiting->receive_size) {
        return E_TOOBIG;
    }
    return content->quarters & ~waiting->accept ? E_REFUSED : E_OK;
}

/* RECEIVER has what CALLER sent, and what comes with it. */
static void caller_pass(struct endpoint *endpoint, struct ipc_state *caller,
                        struct ipc_state *receiver) {
    caller_received(endpoint, caller, receiver);
    if (caller->content.quarters & ~caller->content.given) {
        caller->borrower = receiver->thread->process;
        caller->lent_token = caller->content.token;
        process_reference(caller->borrower);
    }
    content_move(receiver, caller);
}

/* The calling thread is lent LENT from now on. Most often it is already; whoever lends it another at
 * this moment comes later. */
static void lent_accept(struct thread *thread, u32 lent) {
    if (thread->lent != lent) {
        sched_lend_priority(thread, lent);
    }
}

/* Hand what CALLER sends to the receiver that has waited longest; receivers that were killed or
 * have timed out do not count. 0; E_TOOBIG, E_REFUSED: it cannot take it; E_AGAIN: nobody waits. */
static int caller_deliver(struct endpoint *endpoint, struct ipc_state *caller) {
    while (!list_empty(&endpoint->receivers)) {
        struct ipc_state *receiver = LIST_FIRST(&endpoint->receivers, struct ipc_state, link);
        bool waits = receiver->thread->state == THREAD_WAITING; /* once it does not, it leaves */
        int error = waits ? content_fits(&caller->content, receiver) : E_OK;
        if (error != E_OK) {
            return error;
        }
        u32 lent = priority_lent(receiver, caller->thread->priority);
        state_unlink(endpoint, receiver);
        bool woken = sched_wake_here(receiver->thread, E_OK, lent);
        if (woken) {
            caller_pass(endpoint, caller, receiver);
        }
        state_finish(receiver);
        if (woken) {
            return E_OK;
        }
    }
    return E_AGAIN;
}

/* A caller of PRIORITY has to queue. */
static void servers_boost(struct endpoint *endpoint, u32 priority) {
    LIST_FOR_EACH(link, &endpoint->servers) {
        struct ipc_state *server = LIST_ENTRY(link, struct ipc_state, server_link);
        if (server->thread->priority < priority) {
            sched_lend_priority(server->thread, priority);
        }
    }
}

/* The receiver that waits first, if it can take what CALLER sends and go on in its place at once:
 * then this CPU's run queue is locked. */
static struct ipc_state *receiver_here(const struct endpoint *endpoint,
                                       const struct ipc_state *caller) {
    struct ipc_state *receiver = LIST_FIRST(&endpoint->receivers, struct ipc_state, link);
    bool can = !list_empty(&endpoint->receivers) &&
               content_fits(&caller->content, receiver) == E_OK &&
               receiver_begin(arch_cpu(), run_queue_own(), receiver, caller->thread->priority);
    return can ? receiver : NULL;
}

/* The wait of a caller: queued, or received already. */
static int caller_wait(struct endpoint *endpoint, struct ipc_state *state, u64 deadline) {
    int result = endpoint->dead ? E_DEAD : caller_deliver(endpoint, state);
    if (result != E_OK && result != E_AGAIN) {
        spinlock_release(&endpoint->lock);
        return result;
    }
    if (result == E_AGAIN) {
        caller_queue(endpoint, state);
        servers_boost(endpoint, state->priority);
    }
    return sched_wait(NULL, &endpoint->lock, deadline, true);
}

int endpoint_call(struct endpoint *endpoint, struct ipc_state *state, u64 deadline) {
    int result;
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *receiver = deadline == WAIT_FOREVER ? receiver_here(endpoint, state) : NULL;
    if (receiver != NULL) {
        state_unlink(endpoint, receiver);
        caller_pass(endpoint, state, receiver);
        state_finish(receiver);
        result = sched_switch_to(receiver->thread, &endpoint->lock);
    } else {
        result = caller_wait(endpoint, state, deadline);
    }
    endpoint_settle(endpoint, state);
    return result;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

void endpoint_server_leave(struct ipc_state *state) {
    struct endpoint *endpoint = state->serving;
    if (endpoint == NULL) {
        return;
    }
    spinlock_acquire(&endpoint->lock);
    list_remove(&state->server_link);
    if (state->caller != NULL) {
        state->caller->server = NULL;
        state->caller = NULL;
    }
    spinlock_release(&endpoint->lock);
    state->serving = NULL;
    endpoint_release(endpoint);
}

/* The calling thread is one of ENDPOINT's servers from now on. */
static void server_enter(struct endpoint *endpoint, struct ipc_state *state) {
    if (state->serving == endpoint) {
        return;
    }
    endpoint_server_leave(state);
    endpoint_reference(endpoint);
    state->serving = endpoint;
    spinlock_acquire(&endpoint->lock);
    list_append(&endpoint->servers, &state->server_link);
    spinlock_release(&endpoint->lock);
}

/* End the wait of CALLER, which stands in a list, by WAKE, and with CONTENT from whoever replies
 * (null: none). False if it was killed: it leaves by itself. */
static bool caller_wake(struct endpoint *endpoint, struct ipc_state *caller, int result,
                        struct ipc_state *reply, bool here) {
    bool woken = here ? sched_wake_here(caller->thread, result, KEEP_LENT)
                      : sched_wake(caller->thread, result);
    if (woken) {
        state_unlink(endpoint, caller);
        if (reply != NULL) {
            content_move(caller, reply);
        }
        state_finish(caller);
    }
    return woken;
}

/* Take the first caller whose message fits; others learn that they do not. Lock held. */
static bool caller_take(struct endpoint *endpoint, struct ipc_state *state) {
    while (endpoint->queued != 0) {
        struct ipc_state *caller = caller_first(endpoint);
        int error = content_fits(&caller->content, state);
        state_unlink(endpoint, caller);
        if (error == E_OK) {
            caller_pass(endpoint, caller, state);
            lent_accept(state->thread, priority_lent(state, caller->priority));
            return true;
        }
        sched_wake(caller->thread, error); /* one that was killed finds itself out as well */
        state_finish(caller);
    }
    return false;
}

/* Take the oldest notice of a closed session. Lock held. */
static bool closed_take(struct endpoint *endpoint, struct ipc_state *state) {
    if (list_empty(&endpoint->closed)) {
        return false;
    }
    struct session *session = LIST_FIRST(&endpoint->closed, struct session, link);
    list_remove(&session->link);
    notice_give(state, session);
    /* Who is queued waits for this, too. */
    u32 queued = endpoint->queued != 0 ? caller_first(endpoint)->priority : 0;
    lent_accept(state->thread, priority_lent(state, queued));
    return true;
}

int endpoint_receive(struct endpoint *endpoint, struct ipc_state *state, u64 deadline) {
    server_enter(endpoint, state);
    spinlock_acquire(&endpoint->lock);
    if (closed_take(endpoint, state) || caller_take(endpoint, state)) {
        spinlock_release(&endpoint->lock);
        return E_OK;
    }
    if (endpoint->dead) {
        spinlock_release(&endpoint->lock);
        return E_DEAD;
    }
    lent_accept(state->thread, 0);
    receiver_wait(endpoint, state);
    int result = sched_wait(NULL, &endpoint->lock, deadline, true);
    endpoint_settle(endpoint, state);
    return result;
}

/* ---- Replying -------------------------------------------------------------------------------- */

/* The caller that TOKEN names, or null: most often the one that STATE has received last. */
static struct ipc_state *awaiting_find(struct endpoint *endpoint, const struct ipc_state *state,
                                       u64 token) {
    if (state->serving == endpoint && state->caller != NULL &&
        (token == TOKEN_LAST || state->caller->content.token == token)) {
        return state->caller;
    }
    LIST_FOR_EACH(link, &endpoint->awaiting) {
        struct ipc_state *caller = LIST_ENTRY(link, struct ipc_state, link);
        /* One that does not wait any more leaves, and another one may be kept under the same key. */
        if (caller->content.token == token && caller->thread->state == THREAD_WAITING) {
            return caller;
        }
    }
    return NULL;
}

int endpoint_reply(struct endpoint *endpoint, struct ipc_state *state, u64 token, bool receives) {
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = awaiting_find(endpoint, state, token);
    int error = caller != NULL ? content_fits(&state->content, caller) : E_NOTFOUND;
    if (error == E_OK && !caller_wake(endpoint, caller, E_OK, state, receives)) {
        error = E_NOTFOUND;
    }
    spinlock_release(&endpoint->lock);
    return error;
}

struct quarter *endpoint_fault_quarter(struct endpoint *endpoint, const struct ipc_state *state,
                                       u64 token, u32 *offset) {
    struct quarter *quarter = NULL;
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = awaiting_find(endpoint, state, token);
    if (caller != NULL && caller->fault_quarter != NULL) {
        quarter = caller->fault_quarter; /* the caller's reference lasts until it has woken */
        quarter_reference(quarter);
        *offset = caller->fault_offset;
    }
    spinlock_release(&endpoint->lock);
    return quarter;
}

int endpoint_reply_receive(struct endpoint *endpoint, struct ipc_state *state, u64 token) {
    if (state->serving != endpoint) {
        return E_AGAIN;
    }
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = awaiting_find(endpoint, state, token);
    if (caller == NULL || content_fits(&state->content, caller) != E_OK ||
        !caller_begin(arch_cpu(), run_queue_own(), endpoint, caller)) {
        spinlock_release(&endpoint->lock);
        return E_AGAIN;
    }
    state_unlink(endpoint, caller);
    content_move(caller, state);
    state_finish(caller);
    receiver_wait(endpoint, state);
    lent_set(state->thread, 0);
    int result = sched_switch_to(caller->thread, &endpoint->lock);
    endpoint_settle(endpoint, state);
    return result;
}

/* ---- Callers that are kept ------------------------------------------------------------------- */

void endpoint_keep(struct endpoint *endpoint, struct ipc_state *state, uword key) {
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = state->serving == endpoint ? state->caller : NULL;
    if (caller != NULL && caller->is_short) {
        caller->content.token = KEPT_TOKEN(key);
        caller->server = NULL;
        state->caller = NULL;
    }
    spinlock_release(&endpoint->lock);
}

/* CALLER, which awaits a reply, is the one whose message STATE has received last. Lock held. */
static void caller_turn_to(struct ipc_state *state, struct ipc_state *caller) {
    if (caller->server != NULL) {
        caller->server->caller = NULL;
    }
    caller->server = state;
    state->caller = caller;
    state->received_token = caller->content.token;
}

int endpoint_reply_turn(struct endpoint *endpoint, struct ipc_state *state, uword key) {
    int error = E_NOTFOUND;
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *last = state->serving == endpoint ? state->caller : NULL;
    struct ipc_state *kept = awaiting_find(endpoint, state, KEPT_TOKEN(key));
    if (last != NULL && !last->is_short) {
        error = E_INVALID;
    } else if (state->serving == endpoint && kept != NULL && kept != last) {
        if (last != NULL && !caller_wake(endpoint, last, E_OK, state, false)) {
            last->server = NULL; /* it was killed, and leaves by itself */
        }
        caller_turn_to(state, kept);
        error = E_OK;
    }
    spinlock_release(&endpoint->lock);
    return error;
}

int endpoint_reply_check(struct endpoint *endpoint, const struct ipc_state *state, u64 token) {
    spinlock_acquire(&endpoint->lock);
    const struct ipc_state *caller = awaiting_find(endpoint, state, token);
    int error = caller != NULL ? content_fits(&state->content, caller) : E_NOTFOUND;
    spinlock_release(&endpoint->lock);
    return error;
}

bool endpoint_awaits(struct endpoint *endpoint, u64 token) {
    spinlock_acquire(&endpoint->lock);
    bool awaits = awaiting_find(endpoint, thread_current()->ipc, token) != NULL;
    spinlock_release(&endpoint->lock);
    return awaits;
}

void endpoint_refuse(struct endpoint *endpoint, u64 token, int refusal) {
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = awaiting_find(endpoint, thread_current()->ipc, token);
    if (caller != NULL) {
        caller_wake(endpoint, caller, refusal, NULL, false);
    }
    spinlock_release(&endpoint->lock);
}
