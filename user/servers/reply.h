/* SPDX-License-Identifier: MIT */
/*
 * How every server answers a caller (user/lib/protocol.h: the label of a reply is 0 or an errno).
 */
#ifndef USER_REPLY_H
#define USER_REPLY_H

#include <errno.h>
#include <quartet.h>
#include <stdbool.h>
#include <string.h>

#include "user/lib/protocol.h"

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

/* The same for who asked by a short message (enum small_label), with at most SMALL_BYTES bytes, or none
 * if COUNT says what has been written. */
static inline bool reply_small(uint64_t token, int error, const void *bytes, uint32_t count) {
    uintptr_t word[SHORT_WORDS] = {0};
    if (bytes != NULL) {
        memcpy(word, bytes, count);
    }
    struct message reply = {.label = error != 0 ? (uint32_t)SMALL_ERROR(error) : count,
                            .word = {word[0], word[1], word[2]},
                            .token = token};
    return ipc_reply(HANDLE_SERVICE, &reply) >= 0;
}

#endif
