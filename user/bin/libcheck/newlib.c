/* SPDX-License-Identifier: MIT */
/* newlib above all this: formats, numbers, expressions, time, the environment. */
#include <sys/types.h> /* regex.h wants it first */

#include <regex.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "user/bin/libcheck/libcheck.h"

void check_newlib(void) {
    char text[80];
    regex_t expression;
    struct timespec before, after;
    snprintf(text, sizeof(text), "%d %s %05x %lld %.3f", -5, "abc", 0xbeef, 1234567890123LL, 2.5);
    CHECK(strcmp(text, "-5 abc 0beef 1234567890123 2.500") == 0);
    CHECK(strtod("0.125", NULL) == 0.125);
    CHECK(regcomp(&expression, "^a.*z$", REG_NOSUB) == 0);
    CHECK(regexec(&expression, "abcz", 0, NULL, 0) == 0 &&
          regexec(&expression, "abc", 0, NULL, 0) != 0);
    regfree(&expression);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0 && usleep(3000) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec >=
          3000000);
    CHECK(getenv("PATH") != NULL && setenv("X", "1", 1) == 0 && strcmp(getenv("X"), "1") == 0);
    CHECK(strcmp(quartet_error_name(-E_NOMEM), "E_NOMEM") == 0);
}
