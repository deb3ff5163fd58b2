/* SPDX-License-Identifier: MIT */
/* sleep SECONDS: wait. SECONDS may have a fraction. */
#include "command.h"

#include <quartet.h>

#define USAGE "sleep SECONDS"
#define MICROSECONDS 1000000u
#define LONGEST 4000u /* seconds in one call */

/* "2", "0.25" or ".5" in microseconds, or -1. Without floating point, which not every machine has
 * fast. */
static int64_t parse(const char *text) {
    char *end;
    if (strspn(text, "0123456789.") != strlen(text) || strpbrk(text, "0123456789") == NULL) {
        return -1;
    }
    int64_t value = (int64_t)strtoul(text, &end, 10) * MICROSECONDS;
    if (*end == '.') {
        end++;
    }
    for (uint32_t unit = MICROSECONDS / 10; *end >= '0' && *end <= '9'; end++, unit /= 10) {
        value += (int64_t)(*end - '0') * unit;
    }
    return *end == '\0' ? value : -1;
}

int main(int argc, char **argv) {
    int64_t left = argc == 2 ? parse(argv[1]) : -1;
    if (left < 0) {
        return command_usage(USAGE, argc == 2 && strcmp(argv[1], "-h") == 0 ? 'h' : 0);
    }
    while (left > 0) {
        uint32_t part =
            left > (int64_t)LONGEST * MICROSECONDS ? LONGEST * MICROSECONDS : (uint32_t)left;
        thread_sleep(part);
        left -= part;
    }
    return EXIT_SUCCESS;
}
