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
#include "kernel/base/panic.h"
#include "kernel/ipc/state.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"

#ifdef IPC_GENERAL_ONLY

long call_ipc_call_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    return call_ipc_call_short_generally(handle, label, 0, 0);
}

long call_ipc_reply_receive_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    return call_ipc_reply_receive_short_generally(handle, label, 0, 0);
}

long kernel_thread_resumed(void) { panic("a thread is parked"); }

#else

/* What the registers of FROM say, and LABEL, becomes the message to TO, whose state STATE is. A PARKED
 * one has the label as the result of its call. */
static inline void words_give(struct ipc_state *state, const struct thread *to, bool parked,
                              const struct thread *from, u32 label, u64 badge) {
    const struct arch_message *source = arch_message(from->kernel_stack);
    struct arch_message *target = arch_message(to->kernel_stack);
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        target->word[i] = source->word[i];
    }
    target->badge = (uword)badge;
    state->phase = IPC_IDLE;
    if (UNLIKELY(!parked)) {
        state->content.label = label;
        state->in_registers = true;
    }
}

/* A parked thread goes on that was not given its message here: its wait has ended in another way. */
long kernel_thread_resumed(void) {
    sched_arrive();
    struct thread *thread = thread_current();
    struct ipc_state *state = thread->ipc;
    struct session *session = state->session;
    endpoint_settle(session != NULL ? session->endpoint : state->serving, state);
    long returned = ipc_short_return(state, thread->wake_result);
    if (session != NULL) {
        state->session = NULL;
        session_release(session);
    }
    return returned;
}

/* The session behind HANDLE of PROCESS, which may be called, referenced, so that it does not close
 * meanwhile; null: it is for the general way to say what is wrong with it. */
static inline struct session *session_take(struct handle_table *table, u32 handle) {
    spinlock_acquire_brief(&table->lock);
    const struct handle *place = &table->handles[handle];
    if (LIKELY(handle < table->end && place->type == OBJECT_SESSION &&
               (place->rights & RIGHT_WRITE))) {
        struct session *session = place->object;
        atomic_increment(&session->references);
        spinlock_release_brief(&table->lock);
        return session;
    }
    spinlock_release_brief(&table->lock);
    return NULL;
}

long call_ipc_call_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = cpu->queue;
    struct thread *thread = cpu->current;
    struct ipc_state *state = thread->ipc;
    if (UNLIKELY(state == NULL || (u32)label > SHORT_LABEL_LIMIT)) {
        return call_ipc_call_short_generally(handle, label, 0, 0);
    }
    struct session *session = session_take(&thread->process->handles, (u32)handle);
    if (UNLIKELY(session == NULL)) {
        return call_ipc_call_short_generally(handle, label, 0, 0);
    }
    struct endpoint *endpoint = session->endpoint;
    spinlock_acquire_brief(&endpoint->lock);
    struct ipc_state *receiver = LIST_FIRST(&endpoint->receivers, struct ipc_state, link);
    if (UNLIKELY(list_empty(&endpoint->receivers) || !receiver->is_short ||
                 !receiver_begin(cpu, queue, receiver, thread->priority))) {
        spinlock_release_brief(&endpoint->lock);
        session_release(session);
        return call_ipc_call_short_generally(handle, label, 0, 0);
    }
    struct thread *server = receiver->thread;
    bool parked = sched_parked(server);
    state->session = session;
    state->is_short = true;
    list_unlink(&receiver->link);
    caller_received(endpoint, state, receiver);
    words_give(receiver, server, parked, thread, (u32)label, session->badge);
    return sched_park(cpu, queue, thread, server, parked, &endpoint->lock, (long)(u32)label);
}

/* HANDLE is a right to receive from ENDPOINT (null: false, for a free place has no rights). Looked at
 * without the table's lock: if another thread closes it at this moment, this call came first. */
static inline bool receives_from(const struct handle_table *table, u32 handle,
                                 const struct endpoint *endpoint) {
    if (handle >= HANDLES_INLINE) {
        return false;
    }
    const struct handle *place = &__atomic_load_n(&table->handles, __ATOMIC_RELAXED)[handle];
    return handle < table->end && place->object == endpoint && (place->rights & RIGHT_READ);
}

/* The parked CALLER's call ends. False: its session has been closed meanwhile, and the notice of that
 * stands in ENDPOINT's list now. Lock held. */
static inline bool session_put(struct endpoint *endpoint, struct ipc_state *caller) {
    struct session *session = caller->session;
    caller->session = NULL;
    if (LIKELY(session != NULL) && UNLIKELY(atomic_decrement(&session->references) == 0)) {
        list_append(&endpoint->closed, &session->link);
        return false;
    }
    return true;
}

/* The caller that the server of STATE can reply to and then wait: nobody else wants anything of it.
 * QUEUE, this CPU's, is locked then. Lock held. */
static inline struct ipc_state *caller_ready(const struct cpu *cpu, struct run_queue *queue,
                                             struct endpoint *endpoint,
                                             const struct ipc_state *state) {
    struct ipc_state *caller = state->caller;
    if (UNLIKELY(caller == NULL || !caller->is_short ||
                 !caller_begin(cpu, queue, endpoint, caller))) {
        return NULL;
    }
    if (UNLIKELY(!session_put(endpoint, caller))) {
        spinlock_release_brief(&queue->lock);
        return NULL;
    }
    return caller;
}

long call_ipc_reply_receive_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    struct cpu *cpu = arch_cpu();
    struct run_queue *queue = cpu->queue;
    struct thread *thread = cpu->current;
    struct ipc_state *state = thread->ipc;
    if (UNLIKELY(state == NULL || (u32)label > SHORT_LABEL_LIMIT ||
                 !receives_from(&thread->process->handles, (u32)handle, state->serving))) {
        return call_ipc_reply_receive_short_generally(handle, label, 0, 0);
    }
    struct endpoint *endpoint = state->serving;
    spinlock_acquire_brief(&endpoint->lock);
    struct ipc_state *caller = caller_ready(cpu, queue, endpoint, state);
    if (UNLIKELY(caller == NULL)) {
        spinlock_release_brief(&endpoint->lock);
        return call_ipc_reply_receive_short_generally(handle, label, 0, 0);
    }
    struct thread *client = caller->thread;
    bool parked = sched_parked(client);
    list_unlink(&caller->link);
    caller->server = NULL;
    state->caller = NULL;
    state->is_short = true;
    receiver_wait(endpoint, state);
    words_give(caller, client, parked, thread, (u32)label, 0);
    thread->lent = 0;
    thread->priority = thread->base_priority;
    return sched_park(cpu, queue, thread, client, parked, &endpoint->lock, (long)(u32)label);
}

#endif
