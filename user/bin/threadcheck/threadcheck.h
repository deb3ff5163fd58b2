/* SPDX-License-Identifier: MIT */
/* The parts of threadcheck, and what they share. */
#ifndef THREADCHECK_H
#define THREADCHECK_H

#include <pthread.h>
#include <quartet.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "user/bin/check_child.h"

/* threads.c */
void check_threads(void);
void check_ends(void);
void check_forks(void);

/* values.c */
void check_values(void);

/* locks.c */
void check_mutexes(void);
void check_conditions(void);
void check_rwlocks(void);
void check_meetings(void);
void check_semaphores(void);

/* shared.c */
void check_between_processes(void);
void check_shared_library(void);

/* The time in MILLISECONDS from now; negative: it has passed. */
static inline struct timespec time_in(long milliseconds) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    long nanoseconds = time.tv_nsec + milliseconds % 1000 * 1000000;
    time.tv_sec += milliseconds / 1000 + (nanoseconds >= 1000000000) - (nanoseconds < 0);
    time.tv_nsec = (nanoseconds + 1000000000) % 1000000000;
    return time;
}

static inline bool time_has_passed(const struct timespec *time) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > time->tv_sec ||
           (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

/* FUNCTION(ARGUMENT) in a thread of its own; what it returned. */
static inline void *elsewhere(void *(*function)(void *), void *argument) {
    pthread_t thread;
    void *value = NULL;
    CHECK(pthread_create(&thread, NULL, function, argument) == 0);
    CHECK(pthread_join(thread, &value) == 0);
    return value;
}

#endif
