/* SPDX-License-Identifier: MIT */
/*
 * System calls on endpoints and sessions. The work, and what happens when a side dies, is in ipc/.
 * Rights: READ on an endpoint to receive, reply and create sessions; WRITE on an endpoint or
 * session to call.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/pager.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"

#define SESSION_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)

static int endpoint_lookup(int handle, struct endpoint **endpoint) {
    void *object;
    int error = handle_lookup(&process_current()->handles, handle, OBJECT_ENDPOINT, RIGHT_READ,
                              &object, NULL, NULL);
    *endpoint = object;
    return error;
}

static void endpoint_put(struct endpoint *endpoint) {
    object_release(endpoint, OBJECT_ENDPOINT, 0);
}

long call_endpoint_create(uword a UNUSED, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct endpoint *endpoint;
    int error = endpoint_create(&endpoint);
    return error != E_OK ? -error : object_install(endpoint, OBJECT_ENDPOINT, RIGHTS_ALL);
}

/* A session that got no handle is freed without a notice: the server would learn of a badge that it
 * never gave. */
long call_endpoint_session(uword handle, uword badge, uword c UNUSED, uword d UNUSED) {
    struct endpoint *endpoint;
    struct session *session;
    int error = endpoint_lookup((int)handle, &endpoint);
    if (error != E_OK) {
        return -error;
    }
    error = session_create(endpoint, (u32)badge, &session);
    endpoint_put(endpoint);
    if (error != E_OK) {
        return -error;
    }
    int index =
        handle_install(&process_current()->handles, session, OBJECT_SESSION, SESSION_RIGHTS);
    if (index < 0) {
        session_free(session);
    }
    return index;
}

/* Call what HANDLE names by CALL, with ARGUMENT. The reference keeps a session from closing
 * meanwhile. */
static long call_by(long (*call)(struct endpoint *, u64, uword), uword handle, uword argument) {
    struct object_found found;
    struct endpoint *endpoint;
    u64 badge;
    int error = object_lookup((int)handle, 0, &found);
    if (error != E_OK) {
        return -error;
    }
    error = call_target(found.object, found.type, found.rights, &endpoint, &badge);
    long result = error != E_OK ? -error : call(endpoint, badge, argument);
    object_release(found.object, found.type, 0);
    return result;
}

static long call_long(struct endpoint *endpoint, u64 badge, uword message) {
    return -ipc_call(endpoint, badge, message);
}

static long call_short(struct endpoint *endpoint, u64 badge, uword label) {
    return ipc_call_short(endpoint, badge, (u32)label);
}

long call_ipc_call(uword handle, uword message, uword c UNUSED, uword d UNUSED) {
    return call_by(call_long, handle, message);
}

long call_ipc_call_short_generally(uword handle, uword label) {
    return (u32)label > SHORT_LABEL_LIMIT ? -E_INVALID : call_by(call_short, handle, label);
}

static long with_endpoint(uword handle, uword message, int (*operation)(struct endpoint *, uword)) {
    struct endpoint *endpoint;
    int error = endpoint_lookup((int)handle, &endpoint);
    if (error == E_OK) {
        error = operation(endpoint, message);
        endpoint_put(endpoint);
    }
    return -error;
}

long call_ipc_receive(uword handle, uword message, uword c UNUSED, uword d UNUSED) {
    return with_endpoint(handle, message, ipc_receive);
}

long call_ipc_reply(uword handle, uword message, uword c UNUSED, uword d UNUSED) {
    return with_endpoint(handle, message, ipc_reply);
}

long call_ipc_reply_receive(uword handle, uword message, uword c UNUSED, uword d UNUSED) {
    return with_endpoint(handle, message, ipc_reply_receive);
}

static bool label_is_short(uword label) { return (u32)label <= SHORT_LABEL_LIMIT; }

static long short_with_endpoint(uword handle, uword argument,
                                long (*operation)(struct endpoint *, uword)) {
    struct endpoint *endpoint;
    int error = endpoint_lookup((int)handle, &endpoint);
    if (error != E_OK) {
        return -error;
    }
    long result = operation(endpoint, argument);
    endpoint_put(endpoint);
    return result;
}

static long receive_short(struct endpoint *endpoint, uword argument UNUSED) {
    return ipc_receive_short(endpoint);
}

long call_ipc_receive_short(uword handle, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    return short_with_endpoint(handle, 0, receive_short);
}

long call_ipc_reply_short(uword handle, uword label, uword c UNUSED, uword d UNUSED) {
    return label_is_short(label) ? short_with_endpoint(handle, label, ipc_reply_short) : -E_INVALID;
}

long call_ipc_reply_receive_short_generally(uword handle, uword label) {
    return label_is_short(label) ? short_with_endpoint(handle, label, ipc_reply_receive_short)
                                 : -E_INVALID;
}

/* ---- Callers that are answered later --------------------------------------------------------- */

long call_ipc_room(uword message, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    return -ipc_room(message);
}

long call_ipc_keep_receive_short(uword handle, uword key, uword c UNUSED, uword d UNUSED) {
    return short_with_endpoint(handle, key, ipc_keep_receive_short);
}

long call_ipc_reply_turn_short(uword handle, uword label, uword key, uword d UNUSED) {
    struct endpoint *endpoint;
    if (!label_is_short(label)) {
        return -E_INVALID;
    }
    int error = endpoint_lookup((int)handle, &endpoint);
    if (error == E_OK) {
        error = ipc_reply_turn_short(endpoint, (u32)label, key);
        endpoint_put(endpoint);
    }
    return -error;
}
