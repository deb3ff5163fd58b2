/* SPDX-License-Identifier: MIT */
/*
 * hog RESOURCE: take frames, processes, threads, quarters or handles until the kernel refuses, say
 * how many there were and with which error it refused, and end. The status is 0 if the refusal was
 * E_LIMIT or E_NOMEM, or, for frames, which are refused by ending whoever touches one too many, if
 * a child ended that way. `hog bomb` forks for ever, as fast as it can, and its children do too:
 * see `limit`, and `^C`.
 */
#include "command.h"

#include <quartet.h>

#define USAGE "hog frames|processes|threads|quarters|handles|bomb"
#define FORK PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)

static int report(const char *resource, unsigned count, long error) {
    printf("hog: %u %s, then %s: %s\n", count, resource, quartet_error_name(error),
           quartet_error_text(error));
    return -error == E_LIMIT || -error == E_NOMEM ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Children that do nothing; all are ended before this returns. */
static int hog_processes(void) {
    long child[HANDLE_LIMIT];
    unsigned count = 0;
    long result;
    while (count < HANDLE_LIMIT && (result = process_clone(FORK, 0, 0, 0)) >= 0) {
        if (result == 0) {
            for (;;) {
                thread_sleep(1000000);
            }
        }
        child[count++] = result;
    }
    for (unsigned i = 0; i < count; i++) {
        struct process_status status;
        process_kill((int)child[i], 9);
        process_wait((int)child[i], 0, &status);
    }
    return report("processes", count, result);
}

static void sleeper(void) {
    for (;;) {
        thread_sleep(1000000);
    }
}

static int hog_threads(void) {
    static char stack[4096];
    unsigned count = 0;
    long result;
    while ((result = thread_create((uintptr_t)sleeper, (uintptr_t)(stack + sizeof(stack) - 16), 0,
                                   0)) >= 0) {
        count++;
    }
    return report("threads", count, result);
}

static int hog_quarters(void) {
    unsigned count = 0;
    long result;
    while ((result = quarter_create(2)) >= 0) {
        count++;
    }
    return report("quarters", count, result);
}

static int hog_handles(void) {
    unsigned count = 0;
    long result;
    while ((result = handle_dup(HANDLE_STDOUT, RIGHT_WRITE, QUARTET_NONE)) >= 0) {
        count++;
    }
    return report("handles", count, result);
}

/* Touch a gigabyte, bank by bank, in a child; the last page it got stands in a slot that it shares
 * with this process. */
static int hog_frames(void) {
    struct process_status status;
    volatile uint32_t *count = quartet_map(1, PAGE_SIZE);
    if (count == NULL) {
        return command_fail("hog", "map");
    }
    *count = 0;
    long child = process_clone(PLAN(PLAN_COPY, PLAN_SHARE, PLAN_FRESH, PLAN_COPY), 0, 0, 0);
    if (child == 0) {
        for (;;) {
            struct space_change change = {
                .process = QUARTET_SELF,
                .quarter = {QUARTET_KEEP, QUARTET_KEEP, (int32_t)quarter_create(2), QUARTET_KEEP},
                .rights = {0, 0, RIGHT_READ | RIGHT_WRITE, 0}};
            if (change.quarter[2] < 0 || space_set(&change) < 0 ||
                quarter_map(QUARTET_SLOT(2), 0, QUARTER_SIZE, RIGHT_READ | RIGHT_WRITE) < 0) {
                process_exit(EXIT_FAILURE);
            }
            for (uint32_t at = 0; at < QUARTER_SIZE; at += PAGE_SIZE, ++*count) {
                *(volatile char *)(uintptr_t)(SLOT_BASE(2) + at) = 1;
            }
        }
    }
    if (child < 0 || process_wait((int)child, 0, &status) < 0) {
        return report("frames", 0, child);
    }
    printf("hog: %lu frames, then the process was ended with status %#lx\n", (unsigned long)*count,
           (unsigned long)status.status);
    return status.status == (STATUS_FAULT | FAULT_NO_MEMORY) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int hog_bomb(void) {
    long child;
    while ((child = process_clone(FORK, 0, 0, 0)) != -E_NOSYS) { /* which never comes */
        if (child < 0) {
            thread_yield();
        }
    }
    return EXIT_FAILURE;
}

static const struct {
    const char *name;
    int (*function)(void);
} resources[] = {
    {"frames", hog_frames},     {"processes", hog_processes}, {"threads", hog_threads},
    {"quarters", hog_quarters}, {"handles", hog_handles},     {"bomb", hog_bomb},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < sizeof(resources) / sizeof(resources[0]); i++) {
        if (strcmp(argv[1], resources[i].name) == 0) {
            return command_end("hog", resources[i].function());
        }
    }
    return command_usage(USAGE, argc == 2 && strcmp(argv[1], "-h") == 0 ? 'h' : 0);
}
