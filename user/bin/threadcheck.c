/* SPDX-License-Identifier: MIT */
/*
 * threadcheck: POSIX threads, locks and semaphores, each call with what it promises and with its
 * errors, and the C library under processes that share it. Prints a line per failure and ends with
 * "N passed, N failed"; exits with 1 if any failed. A thread that is never woken shows as a run that
 * does not end. The checks stand in threadcheck/, by subject.
 */
#include "user/bin/threadcheck/threadcheck.h"

CHECK_COUNTERS;

int main(void) {
    check_threads();
    check_ends();
    check_forks();
    check_values();
    check_mutexes();
    check_conditions();
    check_rwlocks();
    check_meetings();
    check_semaphores();
    check_between_processes();
    check_shared_library();
    return check_end();
}
