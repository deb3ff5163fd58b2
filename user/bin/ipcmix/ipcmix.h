/* SPDX-License-Identifier: MIT */
/*
 * What the driver of ipcmix and its actors share: a board in slot 0, which all of them have. The
 * driver puts a command into an actor's place and wakes it; the actor does it, adds what it saw to
 * the digest, and is idle again, unless it waits in the command until others do theirs.
 */
#ifndef IPCMIX_H
#define IPCMIX_H

#include "user/bin/many.h"

#define ACTORS 6u
#define ENDPOINTS 3u
#define SESSIONS 2u /* of each endpoint */

enum action {
    CALL_SHORT,
    CALL_LONG,
    RECEIVE_SHORT,
    RECEIVE_LONG,
    REPLY_SHORT,
    REPLY_LONG,
    REPLY_RECEIVE_SHORT,
    REPLY_RECEIVE_LONG,
    SERVE, /* reply and receive, COUNT times */
    CALL_OFTEN,
    CLOSE,
    PRIORITY,
    ACTIONS
};

struct command {
    uint32_t action, count, label, odd;
    int32_t handle;
    uint64_t word[4];
};

struct actor_board {
    uint32_t given; /* futex: counts the commands */
    uint32_t done;  /* how many of them are done */
    uint32_t priority;
    struct command command;
};

struct mix_board {
    uint64_t digest;
    uint32_t results, successes, errors[32]; /* by code */
    struct actor_board actor[ACTORS];
};
#define BOARD_OFFSET 0x20000000u
#define BOARD ((struct mix_board *)demo_pointer(0, BOARD_OFFSET))

/* VALUE is part of what was seen. Nobody else runs meanwhile: see ../ipcmix.c. */
static inline void digest_add(uint64_t value) {
    BOARD->digest = (BOARD->digest ^ value) * 0x100000001B3ull;
    BOARD->digest ^= BOARD->digest >> 29;
}

static inline void result_add(uint64_t who, long result) {
    BOARD->results++;
    BOARD->successes += result >= 0;
    if (result < 0 && result > -32) {
        BOARD->errors[-result]++;
    }
    digest_add(who);
    digest_add((uint64_t)(int64_t)result);
}

/* Do commands of place NUMBER for ever. (actor.c) */
int actor_run(void *number);

#endif
