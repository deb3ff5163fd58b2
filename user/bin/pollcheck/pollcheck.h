/* SPDX-License-Identifier: MIT */
/* The parts of pollcheck, and what they share. */
#ifndef POLLCHECK_H
#define POLLCHECK_H

#define _GNU_SOURCE /* pipe2 */

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <quartet.h>
#include <unistd.h>

#include "user/bin/check.h"

/* one.c: a few descriptors */
void check_states(void);
void check_waits(void);
void check_select(void);

/* many.c: many descriptors, many who wait, and who dies */
void check_many(void);
void check_conversation(void);
void check_deaths(void);

static inline uint64_t milliseconds_now(void) {
    uint64_t now = 0;
    clock_now(&now);
    return now / 1000000;
}

/* What poll() says of FILE; -1: nothing within that time. */
static inline int events_of(int file, int wanted, int milliseconds) {
    struct pollfd descriptor = {.fd = file, .events = (short)wanted, .revents = 0x5555};
    int ready = poll(&descriptor, 1, milliseconds);
    CHECK(ready == (descriptor.revents != 0));
    return ready == 0 ? -1 : descriptor.revents;
}

#endif
