/* SPDX-License-Identifier: MIT */
/*
 * What the programs have in common that check the library (libcheck, threadcheck, filecheck,
 * pollcheck): a line for each check that fails, and at the end "N passed, N failed".
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* In the file that has main(); threads may check too. */
extern unsigned check_passed, check_failed;

#define CHECK_COUNTERS unsigned check_passed, check_failed

static inline bool check_line(bool good, const char *what, const char *file, int line) {
    int error = errno;
    __atomic_add_fetch(good ? &check_passed : &check_failed, 1, __ATOMIC_RELAXED);
    if (!good) {
        const char *slash = strrchr(file, '/');
        printf("FAILED %s:%d: %s (errno %d)\n", slash != NULL ? slash + 1 : file, line, what,
               error);
    }
    errno = error;
    return good;
}
#define CHECK(condition) check_line(condition, #condition, __FILE__, __LINE__)

/* The status to exit with. */
static inline int check_end(void) {
    printf("%u passed, %u failed\n", check_passed, check_failed);
    return check_failed != 0;
}

#endif
