/* SPDX-License-Identifier: MIT */
/*
 * How every server answers a caller (user/lib/protocol.h: the label of a reply is 0 or an errno).
 */
#ifndef USER_REPLY_H
#define USER_REPLY_H

#include <errno.h>
#include <quartet.h>
#include <stdbool.h>

/* Answer the caller behind TOKEN. False if it is gone or cannot take LENGTH bytes. */
static inline bool reply_send(uint64_t token, int error, uint64_t word, const void *bytes,
                              uint32_t length) {
    struct message reply = {.label = (uint32_t)error,
                            .word = {word},
                            .token = token,
                            .send_length = length,
                            .send_buffer = (uintptr_t)bytes};
    long result = ipc_reply(HANDLE_SERVICE, &reply);
    if (result == -E_TOOBIG) {
        /* It asked for more than it has room for. */
        reply = (struct message){.label = EINVAL, .token = token};
        ipc_reply(HANDLE_SERVICE, &reply);
    }
    return result >= 0;
}

#endif
