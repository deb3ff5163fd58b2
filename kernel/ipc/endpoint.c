/* SPDX-License-Identifier: MIT */
/*
 * Endpoints: where callers and receivers meet, and everything that can die while they do.
 *
 * A caller's way through the lists, each step under the endpoint's lock:
 *
 *     IDLE ──call──> QUEUED ──receive──> AWAITING ──reply──> IDLE
 *                      └── killed, or the endpoint dies ──┘
 *
 * A thread is woken before its state is changed: sched_wake says whether it still waited, and it
 * cannot look at its state before it has the lock. One that was killed first finds its phase
 * unchanged and takes itself out; so a reply that comes later finds no such token.
 *
 * Symptom of a broken invariant: a caller that nobody wakes (it stands in no list and is not IDLE).
 */
#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"

static struct cache endpoint_cache = CACHE("endpoint", sizeof(struct endpoint), 8);

int endpoint_create(struct endpoint **result) {
    struct endpoint *endpoint = cache_allocate(&endpoint_cache);
    if (endpoint == NULL) {
        return E_NOMEM;
    }
    endpoint->references = 1;
    endpoint->next_token = 1;
    spinlock_init(&endpoint->lock, LOCK_ENDPOINT, 0, "endpoint");
    list_init(&endpoint->callers);
    list_init(&endpoint->awaiting);
    list_init(&endpoint->receivers);
    list_init(&endpoint->closed);
    *result = endpoint;
    return E_OK;
}

void endpoint_reference(struct endpoint *endpoint) { atomic_increment(&endpoint->references); }

void endpoint_release(struct endpoint *endpoint) {
    if (atomic_decrement(&endpoint->references) == 0) {
        ASSERT(endpoint->readers == 0 && list_empty(&endpoint->callers) &&
                   list_empty(&endpoint->awaiting) && list_empty(&endpoint->closed),
               "an endpoint with %u readers, callers or notices has lost its last reference",
               endpoint->readers);
        cache_free(&endpoint_cache, endpoint);
    }
}

/* Wake every thread of LIST with E_DEAD. */
static void list_wake_dead(struct list *list) {
    while (!list_empty(list)) {
        struct ipc_state *state = LIST_FIRST(list, struct ipc_state, link);
        list_remove(&state->link);
        state->phase = IPC_IDLE;
        sched_wake(state->thread, E_DEAD);
    }
}

/* The last reader is gone: nobody will ever receive or reply. The notices go, too. */
static void endpoint_die(struct endpoint *endpoint) {
    endpoint->dead = true;
    list_wake_dead(&endpoint->callers);
    list_wake_dead(&endpoint->awaiting);
    list_wake_dead(&endpoint->receivers);
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
            list_remove(&caller->link);
            caller->phase = IPC_IDLE;
            sched_wake(caller->thread, E_DEAD);
        }
    }
    spinlock_release(&endpoint->lock);
}

/* There is something to receive: wake the thread that has waited longest, by WAKE. One that was
 * killed meanwhile does not count. Lock held. */
static void receiver_wake(struct endpoint *endpoint, bool (*wake)(struct thread *, int)) {
    while (!list_empty(&endpoint->receivers)) {
        struct ipc_state *receiver = LIST_FIRST(&endpoint->receivers, struct ipc_state, link);
        list_remove(&receiver->link);
        receiver->phase = IPC_IDLE;
        if (wake(receiver->thread, E_OK)) {
            return;
        }
    }
}

/* Move what FROM has under way to TO, bytes by swapping frames. Lock held; one of them waits. */
static void content_move(struct ipc_state *to, struct ipc_state *from) {
    u8 *page = to->page;
    to->page = from->page;
    from->page = page;
    to->content = from->content;
    from->content.handle_count = 0;
}

/* After STATE's thread has woken: take it out of its list if nobody else has done so. */
static void state_settle(struct endpoint *endpoint, struct ipc_state *state) {
    spinlock_acquire(&endpoint->lock);
    if (state->phase != IPC_IDLE) {
        list_remove(&state->link);
        state->phase = IPC_IDLE;
    }
    spinlock_release(&endpoint->lock);
}

int endpoint_call(struct endpoint *endpoint, struct ipc_state *state) {
    spinlock_acquire(&endpoint->lock);
    if (endpoint->dead) {
        spinlock_release(&endpoint->lock);
        return E_DEAD;
    }
    state->phase = IPC_QUEUED;
    list_append(&endpoint->callers, &state->link);
    receiver_wake(endpoint, sched_wake_here);
    int result = sched_wait(NULL, &endpoint->lock, WAIT_FOREVER, true);
    state_settle(endpoint, state);
    return result;
}

/* End the wait of CALLER, which stands in a list, by WAKE. False if it was killed: it leaves by
 * itself. */
static bool caller_wake(struct ipc_state *caller, int result, bool (*wake)(struct thread *, int)) {
    if (!wake(caller->thread, result)) {
        return false;
    }
    list_remove(&caller->link);
    caller->phase = IPC_IDLE;
    return true;
}

/* Take the oldest caller whose bytes fit into SIZE; others learn that they do not. Lock held. */
static bool caller_take(struct endpoint *endpoint, struct ipc_state *state, u32 size) {
    struct list *next;
    for (struct list *link = endpoint->callers.next; link != &endpoint->callers; link = next) {
        struct ipc_state *caller = LIST_ENTRY(link, struct ipc_state, link);
        next = link->next;
        if (caller->content.length > size) {
            caller_wake(caller, E_TOOBIG, sched_wake);
            continue;
        }
        list_remove(&caller->link);
        list_append(&endpoint->awaiting, &caller->link);
        caller->phase = IPC_AWAITING;
        caller->receiver = state->thread->process;
        caller->content.token = endpoint->next_token++;
        content_move(state, caller);
        return true;
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
    state->content = (struct ipc_content){.kind = MESSAGE_CLOSED, .badge = session->badge};
    session_free(session);
    return true;
}

int endpoint_receive(struct endpoint *endpoint, struct ipc_state *state, u32 size) {
    for (;;) {
        spinlock_acquire(&endpoint->lock);
        bool taken = closed_take(endpoint, state) || caller_take(endpoint, state, size);
        if (taken || endpoint->dead) {
            spinlock_release(&endpoint->lock);
            return taken ? E_OK : E_DEAD;
        }
        state->phase = IPC_RECEIVING;
        list_append(&endpoint->receivers, &state->link);
        int result = sched_wait(NULL, &endpoint->lock, WAIT_FOREVER, true);
        state_settle(endpoint, state);
        if (result != E_OK) {
            return result;
        }
    }
}

/* The caller that TOKEN names, or null. Lock held. */
static struct ipc_state *awaiting_find(struct endpoint *endpoint, u64 token) {
    LIST_FOR_EACH(link, &endpoint->awaiting) {
        struct ipc_state *caller = LIST_ENTRY(link, struct ipc_state, link);
        if (caller->content.token == token) {
            return caller;
        }
    }
    return NULL;
}

int endpoint_reply(struct endpoint *endpoint, struct ipc_state *state, u64 token, bool receives) {
    int error = E_NOTFOUND;
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = awaiting_find(endpoint, token);
    if (caller != NULL && state->content.length > caller->receive_size) {
        error = E_TOOBIG;
    } else if (caller != NULL &&
               caller_wake(caller, E_OK, receives ? sched_wake_here : sched_wake)) {
        content_move(caller, state);
        error = E_OK;
    }
    spinlock_release(&endpoint->lock);
    return error;
}

void endpoint_refuse(struct endpoint *endpoint, u64 token, int refusal) {
    spinlock_acquire(&endpoint->lock);
    struct ipc_state *caller = awaiting_find(endpoint, token);
    if (caller != NULL) {
        caller_wake(caller, refusal, sched_wake);
    }
    spinlock_release(&endpoint->lock);
}

void endpoint_closed(struct endpoint *endpoint, struct session *session) {
    spinlock_acquire(&endpoint->lock);
    bool dead = endpoint->dead;
    if (!dead) {
        list_append(&endpoint->closed, &session->link);
        receiver_wake(endpoint, sched_wake);
    }
    spinlock_release(&endpoint->lock);
    if (dead) {
        session_free(session); /* after the release: it may take the endpoint with it */
    }
}
