/* SPDX-License-Identifier: MIT */
/*
 * The fast path: a call, or a reply with which the server waits for the next call, when both sides
 * use short messages and the other one waits on this CPU. Nothing is queued and nobody is woken: one
 * thread stops and the other goes on, with what is left of the slice.
 *
 * All conditions come first, and each of them has its general case in exchange.c; what follows them
 * cannot fail. So the same calls have the same results without this file (make FAST_PATH=0, and
 * tests/guest/test_ipc.py compares them: hazard 44).
 *
 *     caller                                       server
 *     call_ipc_call_short ── sched_switch_to ──────────> returns from call_ipc_reply_receive_short
 *     returns <────────────────── sched_switch_to ── call_ipc_reply_receive_short
 *
 * Locks: handle table, endpoint, run queue, in this order; all but the last are released before the
 * switch, and that one by the thread that goes on.
 */
#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/sched/direct.h"
#include "kernel/syscall/syscall.h"

#ifdef IPC_GENERAL_ONLY

long call_ipc_call_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    return call_ipc_call_short_generally(handle, label);
}

long call_ipc_reply_receive_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    return call_ipc_reply_receive_short_generally(handle, label);
}

#else

/* What the registers of FROM's thread say, and LABEL, becomes the message in TO. */
static void words_give(struct ipc_state *to, const struct ipc_state *from, u32 label, u64 badge) {
    const struct arch_message *source = arch_message(from->thread->kernel_stack);
    struct arch_message *target = arch_message(to->thread->kernel_stack);
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        target->word[i] = source->word[i];
    }
    target->badge = (uword)badge;
    to->content.label = label;
    to->in_registers = true;
}

/* The thread of STATE goes on after its switch: with what was handed to it, here or in exchange.c. */
static long switched_return(struct endpoint *endpoint, struct ipc_state *state, int result) {
    if (UNLIKELY(result != E_OK || !state->in_registers)) {
        endpoint_settle(endpoint, state);
        return ipc_short_return(state, result);
    }
    state->in_registers = false;
    arch_message_return(state->thread->kernel_stack, (long)state->content.label);
    return (long)state->content.label;
}

/* The session behind HANDLE, which may be called; null: none, or something else. Lock held. */
static struct session *session_at(const struct handle_table *table, int handle) {
    const struct handle *place = &table->handles[handle];
    bool usable =
        (u32)handle < table->end && place->type == OBJECT_SESSION && (place->rights & RIGHT_WRITE);
    return usable ? place->object : NULL;
}

/* The receiver that a call from THREAD can go to at once, if there is one: this CPU's run queue is
 * locked then. Lock held. */
static struct ipc_state *receiver_ready(const struct endpoint *endpoint,
                                        const struct thread *thread, u32 *lent) {
    if (list_empty(&endpoint->receivers)) {
        return NULL;
    }
    struct ipc_state *receiver = LIST_FIRST(&endpoint->receivers, struct ipc_state, link);
    struct thread *server = receiver->thread;
    *lent = thread->priority > server->base_priority ? thread->priority : 0;
    u32 priority = *lent != 0 ? *lent : server->base_priority;
    return receiver->is_short && sched_switch_begin(server, priority) ? receiver : NULL;
}

/* The session behind HANDLE of the calling process, referenced, so that it does not close meanwhile;
 * null: it is for the general way to say what is wrong with it. */
static struct session *session_take(struct handle_table *table, int handle) {
    spinlock_acquire(&table->lock);
    struct session *session = session_at(table, handle);
    if (session != NULL) {
        atomic_increment(&session->references);
    }
    spinlock_release(&table->lock);
    return session;
}

/* A reference to SESSION goes: it was the last one only if the handle has been closed meanwhile. */
static void session_put(struct session *session) {
    if (UNLIKELY(atomic_decrement(&session->references) == 0)) {
        endpoint_closed(session->endpoint, session);
    }
}

long call_ipc_call_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    struct thread *thread = thread_current();
    struct ipc_state *state = thread->ipc;
    struct session *session = NULL;
    if (state != NULL && (u32)label <= SHORT_LABEL_LIMIT) {
        session = session_take(&thread->process->handles, (int)handle);
    }
    if (session == NULL) {
        return call_ipc_call_short_generally(handle, label);
    }
    struct endpoint *endpoint = session->endpoint;
    u32 lent;
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *receiver = receiver_ready(endpoint, thread, &lent);
    if (receiver == NULL) {
        spinlock_release(&endpoint->lock);
        session_put(session);
        return call_ipc_call_short_generally(handle, label);
    }
    state->is_short = true;
    list_remove(&receiver->link);
    endpoint_received(endpoint, state, receiver);
    words_give(receiver, state, (u32)label, session->badge);
    receiver->phase = IPC_IDLE;
    int result = sched_switch_to(receiver->thread, lent, &endpoint->lock);
    long returned = switched_return(endpoint, state, result);
    session_put(session);
    return returned;
}

/* HANDLE is a right to receive from ENDPOINT. Looked at without the table's lock: if another thread
 * closes it at this moment, this call came first. */
static bool receives_from(const struct handle_table *table, int handle,
                          const struct endpoint *endpoint) {
    if ((u32)handle >= HANDLES_INLINE) {
        return false;
    }
    const struct handle *place = &__atomic_load_n(&table->handles, __ATOMIC_RELAXED)[handle];
    return (u32)handle < table->end && place->object == endpoint && (place->rights & RIGHT_READ);
}

/* The caller that the server of STATE can reply to and then wait: nobody else wants anything of it.
 * This CPU's run queue is locked then. Lock held. */
static struct ipc_state *caller_ready(const struct endpoint *endpoint,
                                      const struct ipc_state *state) {
    struct ipc_state *caller = state->caller;
    bool alone = endpoint->queued == 0 && list_empty(&endpoint->closed);
    bool ready = caller != NULL && caller->is_short && alone &&
                 sched_switch_begin(caller->thread, caller->thread->priority);
    return ready ? caller : NULL;
}

long call_ipc_reply_receive_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    struct thread *thread = thread_current();
    struct ipc_state *state = thread->ipc;
    struct endpoint *endpoint = state != NULL ? state->serving : NULL;
    if (endpoint == NULL || (u32)label > SHORT_LABEL_LIMIT ||
        !receives_from(&thread->process->handles, (int)handle, endpoint)) {
        return call_ipc_reply_receive_short_generally(handle, label);
    }
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = caller_ready(endpoint, state);
    if (caller == NULL) {
        spinlock_release(&endpoint->lock);
        return call_ipc_reply_receive_short_generally(handle, label);
    }
    list_remove(&caller->link);
    state->caller = NULL;
    caller->server = NULL;
    words_give(caller, state, (u32)label, 0);
    caller->phase = IPC_IDLE;
    state->is_short = true;
    state->phase = IPC_RECEIVING;
    list_append(&endpoint->receivers, &state->link);
    lent_set(thread, 0);
    int result = sched_switch_to(caller->thread, KEEP_LENT, &endpoint->lock);
    return switched_return(endpoint, state, result);
}

#endif
