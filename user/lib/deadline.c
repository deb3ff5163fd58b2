/* SPDX-License-Identifier: MIT */
/*
 * Waiting on a word until a point in time. All clocks count from the start of the machine
 * (posix_time.c), so a deadline of any of them is a number of nanoseconds of clock_now().
 */
#include <time.h>

#include "internal.h"

#define NANOSECONDS 1000000000u
#define LONGEST_WAIT 0x80000000u /* microseconds that the kernel takes at once */

bool deadline_make(const struct timespec *time, uint64_t *deadline) {
    if (time->tv_nsec < 0 || time->tv_nsec >= (long)NANOSECONDS)
        return false;
    uint64_t seconds = time->tv_sec > 0 ? (uint64_t)time->tv_sec : 0;
    bool far = seconds >= DEADLINE_NEVER / NANOSECONDS;
    *deadline = far ? DEADLINE_NEVER : seconds * NANOSECONDS + (uint64_t)time->tv_nsec;
    return true;
}

bool deadline_wait(uint32_t *word, uint32_t expected, uint64_t deadline) {
    uint64_t now;
    if (deadline == DEADLINE_NEVER) {
        futex_wait((uintptr_t)word, expected, FUTEX_FOREVER);
        return true;
    }
    if (clock_now(&now) < 0 || now >= deadline)
        return false;
    uint64_t left = (deadline - now + 999) / 1000;
    uint32_t part = left < LONGEST_WAIT ? (uint32_t)left : LONGEST_WAIT;
    /* Whoever was woken is in time, however late it runs: the wake was meant for it. */
    return futex_wait((uintptr_t)word, expected, part) != -E_TIMEOUT || part == LONGEST_WAIT;
}
