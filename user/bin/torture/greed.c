/* SPDX-License-Identifier: MIT */
/*
 * Attacks by taking: processes, budgets, handles, threads. Every refusal must be an error that changes nothing, and
 * whatever was taken must come back.
 */
#include "torture.h"

#include "user/lib/protocol.h"

static void bomb(uint32_t budget) {
    if (budget != 0) {
        claim(limit(4096, budget, 0, 0) == 0, "a budget for the bomb", budget);
    }
    while (!word[STOP]) {
        long child = process_clone(FORK_SHARING, 0, 0, 0);
        if (child < 0) {
            __atomic_or_fetch(&word[ERRORS], 1u << -child, __ATOMIC_RELAXED);
            nap(1);
        }
    }
}

void attack_bomb(void) {
    long child = start(FORK_SHARING, bomb, 24);
    nap(200);
    struct info_machine machine;
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof(machine));
    word[STOP] = 1;
    end(child);
    claim(machine.processes < 24 + 16, "the bomb stays in its budget", machine.processes);
    claim(word[ERRORS] == 1u << E_LIMIT || word[ERRORS] == (1u << E_LIMIT | 1u << E_NOMEM),
          "a fork bomb meets E_LIMIT", (long)word[ERRORS]);
}

static void budgets_nested(uint32_t unused) {
    (void)unused;
    long result = 0;
    for (uint32_t i = 0; i < 2000 && result == 0; i++) {
        result = limit(0, 0, 0, 0);
    }
    claim(result == -E_LIMIT, "budgets inside budgets have an end", result);
    word[READY] = 1;
    while (!word[STOP]) {
        nap(1);
    }
}

static int sleeper_thread(void *argument) {
    (void)argument;
    nap(60000);
    return 0;
}

static void budgets_refused(uint32_t unused) {
    (void)unused;
    quartet_thread_start(sleeper_thread, NULL);
    for (int i = 0; i < 1000; i++) {
        EXPECT(E_LIMIT, limit(0, 0, 1, 0));
    }
    claim(limit(0, 0, 2, 0) == 0, "a budget after a thousand that were refused", 0);
}

/* Nested budgets of one job leave places for others; refused ones take none. */
void attack_budgets(void) {
    long child = start(FORK_SHARING, budgets_nested, 0);
    while (!word[READY]) {
        nap(1);
    }
    word[STOP] = 1;
    claim(end(child) == 0, "nested budgets", 0);
    claim(run(FORK_SHARING, budgets_refused, 0) == 0, "refused budgets", 0);
}

/* With a full table every call that makes a handle is refused, and changes nothing. */
void attack_handles(void) {
    long last = handle_dup(QUARTET_SLOT(1), RIGHT_READ, QUARTET_NONE);
    for (long handle = last; handle >= 0;
         handle = handle_dup(QUARTET_SLOT(1), RIGHT_READ, QUARTET_NONE)) {
        last = handle;
    }
    struct message message = {.label = FILE_PIPE};
    struct message open_message = {
        .label = FILE_OPEN, .send_buffer = (uintptr_t) "/", .send_length = 1};
    for (int i = 0; i < 100; i++) {
        EXPECT(E_LIMIT, process_clone(PLAN_FORK, 0, 0, 0));
        EXPECT(E_LIMIT, process_clone(PLAN_THREAD | CLONE_STOPPED, 0, 0, 0));
        EXPECT(E_LIMIT, endpoint_create());
        EXPECT(E_LIMIT, quarter_create(2));
        EXPECT(E_LIMIT, quarter_copy(QUARTET_SLOT(1)));
        EXPECT(E_LIMIT, space_get(1));
        EXPECT(E_LIMIT, process_open(HANDLE_SYSTEM, 1));
        EXPECT(E_LIMIT, ipc_call(HANDLE_FILES, &message));
        EXPECT(E_LIMIT, ipc_call(HANDLE_FILES, &open_message));
    }
    handle_close((int)last);
    EXPECT(E_LIMIT, ipc_call(HANDLE_FILES, &message)); /* two handles come, one fits */
    claim(handle_dup(QUARTET_SLOT(1), 0, QUARTET_NONE) == last, "the one free index is free still",
          last);
}

static void thread_any(uintptr_t number) {
    for (;;) {
        if (number % 4 == 0) {
            futex_wait((uintptr_t)&word[STOP], 0, FUTEX_FOREVER);
        } else if (number % 4 == 1) {
            nap(1);
        } else {
            thread_yield();
        }
    }
}

static void threads_bomb(uint32_t unused) {
    static char stack[64][1024];
    long result = limit(0, 0, 20, 0);
    uint32_t count = 0;
    for (; result >= 0 && count < 64; count++) {
        result =
            thread_create((uintptr_t)thread_any, (uintptr_t)stack[count] + 1008, count, unused);
    }
    claim(result == -E_LIMIT && count == 20, "twenty threads and no more", result);
    nap(5); /* then the process ends, with its threads in all states */
}

void attack_threads(void) {
    for (int i = 0; i < 5; i++) {
        claim(run(PLAN_FORK, threads_bomb, 0) == 0, "a process full of threads ends", i);
    }
}
