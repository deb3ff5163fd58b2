/* SPDX-License-Identifier: MIT */
/*
 * limit RESOURCE=NUMBER... COMMAND...: run a command under a budget of its own inside the present
 * one. Frames can be given as memory: frames=16M.
 */
#include "run.h"

#define USAGE                                          \
    "limit RESOURCE=NUMBER... COMMAND [ARGUMENT]...\n" \
    "  RESOURCE: frames (of 4 KiB; or a size such as 16M), processes, threads, quarters"

static uint32_t *limit_find(struct process_limits *limits, const char *name, size_t length) {
    const struct {
        const char *name;
        uint32_t *value;
    } resources[] = {{"frames", &limits->frames},
                     {"processes", &limits->processes},
                     {"threads", &limits->threads},
                     {"quarters", &limits->quarters}};
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        if (strlen(resources[i].name) == length && memcmp(resources[i].name, name, length) == 0) {
            return resources[i].value;
        }
    }
    return NULL;
}

/* NAME=NUMBER[K|M] into LIMITS; 0 or -1. */
static int limit_parse(struct process_limits *limits, const char *text) {
    size_t length = strcspn(text, "=");
    uint32_t *value = limit_find(limits, text, length);
    char *end;
    unsigned long number = strtoul(text + length + 1, &end, 10);
    if (value == NULL || end == text + length + 1 || number == 0 || number > UINT32_MAX / 256) {
        return -1;
    }
    if (value == &limits->frames && (*end == 'K' || *end == 'M')) {
        number = *end == 'M' ? number * 256 : (number + 3) / 4;
        end++;
    }
    *value = (uint32_t)number;
    return *end == '\0' ? 0 : -1;
}

int main(int argc, char **argv) {
    struct process_limits limits = {0};
    int i = 1;
    for (; i < argc && strchr(argv[i], '=') != NULL; i++) {
        if (limit_parse(&limits, argv[i]) != 0) {
            fprintf(stderr, "limit: %s: not a limit\n", argv[i]);
            return command_usage(USAGE, 0);
        }
    }
    if (i == 1 || i == argc) {
        return command_usage(USAGE, i < argc && strcmp(argv[i], "-h") == 0 ? 'h' : 0);
    }
    long result = process_limit(&limits);
    if (result < 0) {
        fprintf(stderr, "limit: %s\n", quartet_error_text(result));
        return EXIT_FAILURE;
    }
    execvp(argv[i], argv + i);
    command_fail("limit", argv[i]);
    return run_failed();
}
