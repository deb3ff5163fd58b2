/* SPDX-License-Identifier: MIT */
/*
 * Ends: processes that exit, fault or are killed, in any state, with threads on several CPUs; the
 * status must be the right one. And servers that are killed under their callers.
 */
#include "stress.h"

/* ---- States to be killed in ------------------------------------------------------------------ */

static __attribute__((noreturn)) int spin_thread(void *unused) {
    (void)unused;
    for (;;) {
        __builtin_ia32_pause();
    }
}

static void state_spin(void) { spin_thread(NULL); }
static void state_yield(void) {
    for (;;) {
        thread_yield();
    }
}
static void state_sleep(void) { thread_sleep(60000000); }
static void state_futex(void) {
    uint32_t word = 0;
    futex_wait((uintptr_t)&word, 0, FUTEX_FOREVER);
}
static void state_threads(void) {
    quartet_thread_start(spin_thread, NULL);
    quartet_thread_start(spin_thread, NULL);
    spin_thread(NULL);
}
static void state_clone(void) {
    struct process_status status;
    for (;;) {
        long child = process_clone(PLAN_FORK, 0, 0, 0);
        if (child == 0) {
            process_exit(0);
        }
        process_wait((int)child, 0, &status);
        handle_close((int)child);
    }
}
static void state_copy(void) {
    for (uint32_t i = 0;; i++) {
        *(volatile uint32_t *)demo_pointer(2, i % 8 * PAGE_SIZE) = i;
        handle_close((int)quarter_copy(QUARTET_SLOT(2)));
    }
}
static void state_map(void) {
    for (;;) {
        quarter_map(QUARTET_SLOT(2), 4 * MIB, 16 * PAGE_SIZE, RW);
        *(volatile uint32_t *)demo_pointer(2, 4 * MIB) = 1;
        quarter_unmap(QUARTET_SLOT(2), 4 * MIB, 16 * PAGE_SIZE);
    }
}

static void (*const states[])(void) = {state_spin,    state_yield, state_sleep, state_futex,
                                       state_threads, state_clone, state_copy,  state_map};
#define STATES (sizeof(states) / sizeof(states[0]))

static void state_enter(uint32_t state) {
    states[state]();
    process_exit(1);
}

static void kill_one(void) {
    uint32_t state = chance(STATES), code = 1 + chance(200);
    long child = stress_start(PLAN_FORK | CLONE_QUIET, state_enter, state);
    if (chance(3) > 0) {
        thread_sleep(chance(3000));
    }
    stress_must("process_kill", process_kill((int)child, code));
    process_kill((int)child, 255); /* the first one counts */
    stress_end(child, STATUS_KILLED | code, "a kill");
}

/* ---- Ends of its own ------------------------------------------------------------------------- */

static void fault_now(uint32_t address) { *(volatile uint32_t *)(uintptr_t)address = 1; }

/* With threads that spin on other CPUs: they must go too. */
static void exit_now(uint32_t code) {
    if (code % 2 != 0) {
        quartet_thread_start(spin_thread, NULL);
        thread_yield();
    }
    process_exit(code);
}

static void end_by_itself(void) {
    uint32_t code = chance(256);
    switch (chance(4)) {
    case 0:
        stress_end(stress_start(PLAN_FORK | CLONE_QUIET, fault_now, SLOT_BASE(2) + 512 * MIB),
                   STATUS_FAULT | FAULT_NO_REGION, "a fault");
        break;
    case 1:
        stress_end(stress_start(PLAN_FORK | CLONE_QUIET, fault_now, 0x00400000),
                   STATUS_FAULT | FAULT_RIGHTS, "a write to the text");
        break;
    default:
        stress_end(stress_start(PLAN_FORK, exit_now, code), code, "an exit");
    }
}

void stress_ends(void) {
    area_open(8 * PAGE_SIZE);
    for (uint32_t i = 0; i < 3; i++) {
        if (chance(3) > 0) {
            kill_one();
        } else {
            end_by_itself();
        }
    }
    area_close();
}

/* ---- Messages -------------------------------------------------------------------------------- */

#define CALLS 30u
#define CALLERS 2u

static int server_endpoint, server_session;
static uint32_t server_mortal;

static void server_run(uint32_t unused) {
    (void)unused;
    struct message message = {0};
    handle_close(server_session); /* its callers have it: when they are gone, a notice comes */
    long result = ipc_receive(server_endpoint, &message);
    while (result >= 0 && message.kind == MESSAGE_CALL) {
        message.label++;
        message.word[0] *= 3;
        result = ipc_reply_receive(server_endpoint, &message);
    }
    process_exit(result < 0 ? (uint32_t)-result : 0);
}

static int caller_thread(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument;
    for (uint32_t i = 0; i < CALLS; i++) {
        struct message message = {.label = i, .word = {number * 1000 + i}};
        long result = ipc_call(server_session, &message);
        if (result == -E_DEAD && server_mortal) {
            return 0;
        }
        if (result < 0 || message.label != i + 1 || message.word[0] != (number * 1000 + i) * 3) {
            stress_fail("messages: call %lu of %lu: %s, %lu", (unsigned long)i,
                        (unsigned long)number, quartet_error_name(result),
                        (unsigned long)message.word[0]);
            return 1;
        }
    }
    return 0;
}

void stress_messages(void) {
    struct quartet_thread *thread[CALLERS];
    server_endpoint = (int)stress_must("endpoint_create", endpoint_create());
    server_session = (int)stress_must("endpoint_session", endpoint_session(server_endpoint, 7));
    server_mortal = chance(3) == 0;
    long server = stress_start(PLAN_FORK, server_run, 0);
    handle_close(server_endpoint);
    for (uint32_t i = 0; i < CALLERS; i++) {
        thread[i] = quartet_thread_start(caller_thread, (void *)(uintptr_t)i);
        stress_must("quartet_thread_start", thread[i] == NULL ? -E_NOMEM : 0);
    }
    if (server_mortal) {
        thread_sleep(chance(2000));
        process_kill((int)server, 9);
    }
    for (uint32_t i = 0; i < CALLERS && thread[i] != NULL; i++) {
        quartet_thread_join(thread[i], NULL);
    }
    handle_close(server_session);
    stress_end(server, server_mortal ? STATUS_KILLED | 9 : 0, "a server");
}
