/* SPDX-License-Identifier: MIT */
/*
 * Sessions: an endpoint and a badge, which the server chose and the client cannot change. While its
 * count is above zero a session stands in no list; then it becomes its own notice in the endpoint's
 * list of closed ones, so that telling the server needs no memory, and is freed when that has been
 * received.
 */
#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/ipc/ipc.h"

static struct cache session_cache = CACHE("session", sizeof(struct session), 8);

int session_create(struct endpoint *endpoint, u64 badge, struct session **result) {
    if (!atomic_add_below(&endpoint->sessions, 1, SESSION_LIMIT)) {
        return E_LIMIT;
    }
    struct session *session = cache_allocate(&session_cache);
    if (session == NULL) {
        atomic_decrement(&endpoint->sessions);
        return E_NOMEM;
    }
    session->references = 1;
    session->badge = badge;
    session->endpoint = endpoint;
    endpoint_reference(endpoint);
    list_init(&session->link);
    *result = session;
    return E_OK;
}

void session_reference(struct session *session) { atomic_increment(&session->references); }

void session_release(struct session *session) {
    if (atomic_decrement(&session->references) == 0) {
        endpoint_closed(session->endpoint, session);
    }
}

void session_free(struct session *session) {
    atomic_decrement(&session->endpoint->sessions);
    endpoint_release(session->endpoint);
    cache_free(&session_cache, session);
}
