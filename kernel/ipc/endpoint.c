/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: their beginning, the lists in which threads wait at them, and everything that can die
 * while they do. How a message changes hands is in exchange.c.
 *
 * A caller's way through the lists, each step under the endpoint's lock:
 *
 *     IDLE ──call──> QUEUED ──receive──> AWAITING ──reply──> IDLE
 *              │                            ^
 *              └──── a receiver waits ──────┘
 *     from QUEUED and AWAITING back to IDLE: killed, time-out, or the endpoint dies
 *
 * A thread is woken before its state is changed: sched_wake says whether it still waited, and the
 * phase becomes IDLE last of all. One that finds its phase IDLE after its sleep has all that it was
 * given; one that does not takes the lock and looks again, and if it was killed or timed out takes
 * itself out; so a reply that comes later finds no such token.
 *
 * Symptom of a broken invariant: a caller that nobody wakes (it stands in no list and is not IDLE).
 */
#include <string.h>

#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/ipc/state.h"
#include "kernel/process/process.h"
#include "kernel/vm/quarter.h"

static struct cache endpoint_cache = CACHE("endpoint", sizeof(struct endpoint), 8);

int endpoint_create(struct endpoint **result) {
    struct endpoint *endpoint = cache_allocate(&endpoint_cache);
    if (endpoint == NULL) {
        return E_NOMEM;
    }
    endpoint->references = 1;
    endpoint->next_token = 1;
    spinlock_init(&endpoint->lock, LOCK_ENDPOINT, 0, "endpoint");
    for (u32 i = 0; i < PRIORITY_LEVELS; i++) {
        list_init(&endpoint->callers[i]);
    }
    list_init(&endpoint->awaiting);
    list_init(&endpoint->receivers);
    list_init(&endpoint->servers);
    list_init(&endpoint->closed);
    *result = endpoint;
    return E_OK;
}

void endpoint_reference(struct endpoint *endpoint) { atomic_increment(&endpoint->references); }

void endpoint_release(struct endpoint *endpoint) {
    if (atomic_decrement(&endpoint->references) == 0) {
        ASSERT(endpoint->readers == 0 && endpoint->queued == 0 && list_empty(&endpoint->awaiting) &&
                   list_empty(&endpoint->closed),
               "an endpoint with %u readers, callers or notices has lost its last reference",
               endpoint->readers);
        cache_free(&endpoint_cache, endpoint);
    }
}

/* ---- States in lists ------------------------------------------------------------------------- */

void caller_queue(struct endpoint *endpoint, struct ipc_state *state) {
    state->priority = state->thread->priority;
    state->phase = IPC_QUEUED;
    list_append(&endpoint->callers[state->priority], &state->link);
    endpoint->queued |= 1u << state->priority;
}

struct ipc_state *caller_first(const struct endpoint *endpoint) {
    u32 priority = 31 - (u32)__builtin_clz(endpoint->queued);
    return LIST_FIRST(&endpoint->callers[priority], struct ipc_state, link);
}

void state_unlink(struct endpoint *endpoint, struct ipc_state *state) {
    list_remove(&state->link);
    if (state->phase == IPC_QUEUED && list_empty(&endpoint->callers[state->priority])) {
        endpoint->queued &= ~(1u << state->priority);
    }
    if (state->phase == IPC_AWAITING && state->server != NULL) {
        state->server->caller = NULL;
        state->server = NULL;
    }
}

void state_finish(struct ipc_state *state) {
    __atomic_store_n(&state->phase, IPC_IDLE, __ATOMIC_RELEASE);
}

void endpoint_settle(struct endpoint *endpoint, struct ipc_state *state) {
    if (__atomic_load_n(&state->phase, __ATOMIC_ACQUIRE) == IPC_IDLE) {
        return;
    }
    spinlock_acquire(&endpoint->lock);
    if (state->phase != IPC_IDLE) {
        state_unlink(endpoint, state);
        state_finish(state);
    }
    spinlock_release(&endpoint->lock);
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

/* End the wait of STATE with E_DEAD. */
static void state_wake_dead(struct endpoint *endpoint, struct ipc_state *state) {
    state_unlink(endpoint, state);
    sched_wake(state->thread, E_DEAD);
    state_finish(state);
}

static void list_wake_dead(struct endpoint *endpoint, struct list *list) {
    while (!list_empty(list)) {
        state_wake_dead(endpoint, LIST_FIRST(list, struct ipc_state, link));
    }
}

/* The last reader is gone: nobody will ever receive or reply. The notices go, too. */
static void endpoint_die(struct endpoint *endpoint) {
    endpoint->dead = true;
    while (endpoint->queued != 0) {
        state_wake_dead(endpoint, caller_first(endpoint));
    }
    list_wake_dead(endpoint, &endpoint->awaiting);
    list_wake_dead(endpoint, &endpoint->receivers);
    while (!list_empty(&endpoint->closed)) {
        struct session *session = LIST_FIRST(&endpoint->closed, struct session, link);
        list_remove(&session->link);
        session_free(session); /* not the endpoint's last reference: the caller has one */
    }
}

void endpoint_handle_added(struct endpoint *endpoint, u32 rights) {
    if (rights & RIGHT_READ) {
        spinlock_acquire(&endpoint->lock);
        endpoint->readers++;
        spinlock_release(&endpoint->lock);
    }
}

void endpoint_handle_removed(struct endpoint *endpoint, u32 rights) {
    if (rights & RIGHT_READ) {
        spinlock_acquire(&endpoint->lock);
        ASSERT(endpoint->readers > 0, "an endpoint loses a reader that it never had");
        if (--endpoint->readers == 0) {
            endpoint_die(endpoint);
        }
        spinlock_release(&endpoint->lock);
    }
}

void endpoint_server_ended(struct endpoint *endpoint, const struct process *process) {
    spinlock_acquire(&endpoint->lock);
    struct list *next;
    for (struct list *link = endpoint->awaiting.next; link != &endpoint->awaiting; link = next) {
        struct ipc_state *caller = LIST_ENTRY(link, struct ipc_state, link);
        next = link->next;
        if (caller->receiver == process) {
            state_wake_dead(endpoint, caller);
        }
    }
    spinlock_release(&endpoint->lock);
}

/* ---- Closed sessions ------------------------------------------------------------------------- */

void notice_give(struct ipc_state *state, struct session *session) {
    state->content = (struct ipc_content){.kind = MESSAGE_CLOSED, .badge = session->badge};
    session_free(session);
}

/* Wake a receiver with the notice of SESSION. False: none waits. Lock held. */
static bool closed_deliver(struct endpoint *endpoint, struct session *session) {
    while (!list_empty(&endpoint->receivers)) {
        struct ipc_state *receiver = LIST_FIRST(&endpoint->receivers, struct ipc_state, link);
        state_unlink(endpoint, receiver);
        bool woken = sched_wake(receiver->thread, E_OK);
        if (woken) {
            notice_give(receiver, session);
        }
        state_finish(receiver);
        if (woken) {
            return true;
        }
    }
    return false;
}

void endpoint_closed(struct endpoint *endpoint, struct session *session) {
    endpoint_reference(endpoint); /* the session's own may go with it */
    spinlock_acquire(&endpoint->lock);
    bool dead = endpoint->dead;
    if (!dead && !closed_deliver(endpoint, session)) {
        list_append(&endpoint->closed, &session->link);
    }
    spinlock_release(&endpoint->lock);
    if (dead) {
        session_free(session);
    }
    endpoint_release(endpoint);
}
