/* SPDX-License-Identifier: MIT */
/*
 * States in the lists of an endpoint: for endpoint.c, exchange.c and fast.c. The endpoint's lock is
 * held.
 */
#ifndef KERNEL_IPC_STATE_H
#define KERNEL_IPC_STATE_H

#include "kernel/ipc/ipc.h"
#include "kernel/sched/direct.h"

/* STATE's thread calls, and waits to be received. */
void caller_queue(struct endpoint *endpoint, struct ipc_state *state);

/* The oldest caller of the highest priority. There is one. */
struct ipc_state *caller_first(const struct endpoint *endpoint);

/* STATE stands in the list that its phase names: take it out. Its phase stays. */
void state_unlink(struct endpoint *endpoint, struct ipc_state *state);

/* STATE is in no list any more, and all that it is to find stands in it. */
void state_finish(struct ipc_state *state);

/* SESSION's notice goes to STATE. */
void notice_give(struct ipc_state *state, struct session *session);

/* RECEIVER has what CALLER sent: CALLER awaits the reply. */
static inline void caller_received(struct endpoint *endpoint, struct ipc_state *caller,
                                   struct ipc_state *receiver) {
    caller->phase = IPC_AWAITING;
    caller->receiver = receiver->thread->process;
    caller->content.token = endpoint->next_token++;
    list_append(&endpoint->awaiting, &caller->link);
    if (receiver->caller != NULL) {
        receiver->caller->server = NULL;
    }
    receiver->caller = caller;
    receiver->received_token = caller->content.token;
    caller->server = receiver;
}

/* STATE's thread waits for a message. */
static inline void receiver_wait(struct endpoint *endpoint, struct ipc_state *state) {
    state->phase = IPC_RECEIVING;
    list_append(&endpoint->receivers, &state->link);
}

/* What a thread of PRIORITY lends to SERVER's: 0 if that one's own is as high. */
static inline u32 priority_lent(const struct ipc_state *server, u32 priority) {
    return priority > server->thread->base_priority ? priority : 0;
}

/* ---- Directly from thread to thread: QUEUE is that of CPU, this one, and locked after a true ---- */

/* RECEIVER can go on at once in the place of a caller of PRIORITY, which it is lent then. */
static inline __attribute__((always_inline)) bool receiver_begin(const struct cpu *cpu,
                                                                 struct run_queue *queue,
                                                                 const struct ipc_state *receiver,
                                                                 u32 priority) {
    struct thread *thread = receiver->thread;
    u32 lent = priority_lent(receiver, priority);
    u32 next = lent != 0 ? lent : thread->base_priority;
    if (UNLIKELY(!sched_switch_begin(cpu, queue, thread, next))) {
        return false;
    }
    thread->lent = (u8)lent;
    thread->priority = (u8)next;
    return true;
}

/* CALLER can go on at once in the place of a server that replies and then waits, for nobody else
 * wants anything of ENDPOINT. */
static inline __attribute__((always_inline)) bool caller_begin(const struct cpu *cpu,
                                                               struct run_queue *queue,
                                                               const struct endpoint *endpoint,
                                                               const struct ipc_state *caller) {
    return LIKELY(endpoint->queued == 0 && list_empty(&endpoint->closed)) &&
           sched_switch_begin(cpu, queue, caller->thread, caller->thread->priority);
}

#endif
