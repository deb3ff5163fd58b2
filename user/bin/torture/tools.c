/* SPDX-License-Identifier: MIT */
/*
 * The tools of torture.h.
 */
#include "torture.h"

uint32_t seed = 1;

uint32_t random_below(uint32_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

int broken;

void claim(int holds, const char *what, long value) {
    if (!holds) {
        broken++;
        printf("  FAIL  %s (%ld)\n", what, value);
        fflush(stdout);
    }
}

void expect(int error, long result, const char *call) { claim(result == -error, call, result); }

uint64_t milliseconds(void) {
    uint64_t now = 0;
    clock_now(&now);
    return now / 1000000;
}

void nap(uint32_t most) { thread_sleep(most * 1000); }

long start(uint32_t plan, void (*function)(uint32_t), uint32_t argument) {
    long child = process_clone(plan, 0, 0, 0);
    if (child == 0) {
        broken = 0;
        function(argument);
        process_exit(broken != 0);
    }
    return child;
}

uint32_t end(long child) { return child < 0 ? NOBODY : demo_wait(child); }

uint32_t end_within(long child, uint32_t longest) {
    struct process_status status;
    uint64_t last = milliseconds() + longest;
    while (child >= 0 && process_wait((int)child, WAIT_NOHANG, &status) == -E_AGAIN) {
        if (milliseconds() >= last) {
            process_kill((int)child, CODE_KILL);
            break;
        }
        nap(1);
    }
    return end(child);
}

uint32_t run(uint32_t plan, void (*function)(uint32_t), uint32_t argument) {
    return end(start(plan, function, argument));
}

long limit(uint32_t frames, uint32_t processes, uint32_t threads, uint32_t quarters) {
    const struct process_limits limits = {frames, processes, threads, quarters};
    return process_limit(&limits);
}

void handles_close_all(void) {
    for (int i = 0; i < HANDLE_LIMIT; i++) {
        handle_close(i);
    }
}

int is_fault(uint32_t status) { return (status & STATUS_FAULT) != 0; }
