/* SPDX-License-Identifier: MIT */
/*
 * Programs that show something until somebody presses q, at the serial line or the keyboard. A thread
 * waits for the key; the console gives keys as they come meanwhile. Where no more keys come, because
 * the console's server has ended, that counts as a q.
 */
#ifndef LEAVE_H
#define LEAVE_H

#include <quartet.h>

#include <stdbool.h>
#include <unistd.h>

#include "user/lib/protocol.h"

static uint32_t leaving;
static int leave_mode; /* of the console, before */

static int leave_keys_read(void *unused) {
    char key = 0;
    (void)unused;
    while (key != 'q' && read(STDIN_FILENO, &key, 1) == 1) {
    }
    __atomic_store_n(&leaving, 1, __ATOMIC_RELEASE);
    futex_wake((uintptr_t)&leaving, 1);
    return 0;
}

/* 0, or -1 with errno set. */
static inline int leave_start(void) {
    leave_mode = quartet_console_mode(CONSOLE_KILL);
    return leave_mode < 0 || quartet_thread_start(leave_keys_read, NULL) == NULL ? -1 : 0;
}

/* Wait for q, at most MICROSECONDS; true: it has come. */
static inline bool leave_wait(uint32_t microseconds) {
    futex_wait((uintptr_t)&leaving, 0, microseconds);
    return __atomic_load_n(&leaving, __ATOMIC_ACQUIRE);
}

static inline void leave_end(void) { quartet_console_mode((uint64_t)leave_mode); }

#endif
