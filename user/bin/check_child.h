/* SPDX-License-Identifier: MIT */
/* For those of the checking programs (check.h) that look at how children end. */
#ifndef CHECK_CHILD_H
#define CHECK_CHILD_H

#include <sys/wait.h>
#include <unistd.h>

#include "user/bin/check.h"

/* The status with which a child ends that runs FUNCTION, as wait() tells it. */
static inline int child_status(void (*function)(void)) {
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        function();
        _exit(99);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

#endif
