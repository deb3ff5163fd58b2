/* SPDX-License-Identifier: MIT */
/*
 * System calls on endpoints and sessions. The work, and what happens when a side dies, is in ipc/.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"

#define SESSION_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)

long do_endpoint_create(void) {
    struct endpoint *endpoint;
    int error = endpoint_create(&endpoint);
    return error != E_OK ? -error : object_install(endpoint, OBJECT_ENDPOINT, RIGHTS_ALL);
}

/* A session that got no handle is freed without a notice: the server would learn of a badge that it
 * never gave. */
long do_endpoint_session(struct endpoint *endpoint, u32 badge) {
    struct session *session;
    int error = session_create(endpoint, badge, &session);
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

/* The reference keeps a session from closing meanwhile. */
long do_ipc_call(int to, uword message) {
    struct handle found;
    struct endpoint *endpoint;
    u64 badge;
    int error = target_lookup(to, &found, &endpoint, &badge);
    if (error != E_OK) {
        return -error;
    }
    error = ipc_call(endpoint, badge, message);
    object_release(found.object, found.type, 0);
    return -error;
}

long do_ipc_receive(struct endpoint *endpoint, uword message) {
    return -ipc_receive(endpoint, message);
}

long do_ipc_reply(struct endpoint *endpoint, uword message) {
    return -ipc_reply(endpoint, message);
}

long do_ipc_reply_receive(struct endpoint *endpoint, uword message) {
    return -ipc_reply_receive(endpoint, message);
}

/* ---- Short messages: their words stand in the thread's registers ----------------------------- */

long do_ipc_call_short(int to, u32 label) {
    struct handle found;
    struct endpoint *endpoint;
    u64 badge;
    if (label > SHORT_LABEL_LIMIT) {
        return -E_INVALID;
    }
    int error = target_lookup(to, &found, &endpoint, &badge);
    if (error != E_OK) {
        return -error;
    }
    long result = ipc_call_short(endpoint, badge, label);
    object_release(found.object, found.type, 0);
    return result;
}

long do_ipc_receive_short(struct endpoint *endpoint) { return ipc_receive_short(endpoint); }

long do_ipc_reply_short(struct endpoint *endpoint, u32 label) {
    return label > SHORT_LABEL_LIMIT ? -E_INVALID : ipc_reply_short(endpoint, label);
}

long do_ipc_reply_receive_short(struct endpoint *endpoint, u32 label) {
    return label > SHORT_LABEL_LIMIT ? -E_INVALID : ipc_reply_receive_short(endpoint, label);
}

/* ---- Callers that are answered later --------------------------------------------------------- */

long do_ipc_room(uword message) { return -ipc_room(message); }

long do_ipc_keep_receive_short(struct endpoint *endpoint, u32 key) {
    return ipc_keep_receive_short(endpoint, key);
}

long do_ipc_reply_turn_short(struct endpoint *endpoint, u32 label, u32 key) {
    return label > SHORT_LABEL_LIMIT ? -E_INVALID : -ipc_reply_turn_short(endpoint, label, key);
}
