/* SPDX-License-Identifier: MIT */
/*
 * Kills: of a process in every state that it can be in, at any moment. The status is the kill's, and whoever dealt with
 * the dead one goes on.
 */
#include "torture.h"

#include "user/lib/protocol.h"

int endpoint, session;
static int empty_pipe[2];

/* A call that waits until somebody ends it. */
static void call_any(int handle, uint32_t label) {
    static char bytes[8];
    struct message message = {.label = label,
                              .word = {sizeof(bytes), FILE_HERE},
                              .receive_size = sizeof(bytes),
                              .receive_buffer = (uintptr_t)bytes};
    ipc_call(handle, &message);
}

static void state_spin(void) {
    for (;;) {
    }
}
static void state_yield(void) {
    for (;;)
        thread_yield();
}
static void state_sleep(void) { nap(60000); }
static void state_futex(void) { futex_wait((uintptr_t)&word[STOP], 0, FUTEX_FOREVER); }
static void state_call(void) { call_any(session, 0); }
static void state_pipe(void) { call_any(empty_pipe[0], FILE_READ); }
static void state_console(void) { call_any(HANDLE_CONSOLE, FILE_READ); }
static void state_exec(void) { execl("/bin/sleep", "sleep", "60", NULL); }
static void state_receive(void) {
    struct message message = {0};
    ipc_receive(endpoint, &message);
}
static void state_wait(void) {
    long child = process_clone(PLAN_FORK, 0, 0, 0);
    if (child == 0) {
        nap(20);
        process_exit(0);
    }
    end(child);
    nap(60000);
}
static void state_touch(void) {
    demo_fresh_area(2, 6 * MIB);
    for (uint32_t at = 0; at < 6 * MIB; at += PAGE_SIZE) {
        *(volatile char *)demo_pointer(2, at) = 1;
    }
    for (;;) {
        quarter_copy(QUARTET_SLOT(2)); /* until the table is full */
    }
}
static void state_clone(void) {
    for (;;) {
        long child = process_clone(PLAN_FORK, 0, 0, 0);
        if (child == 0) {
            process_exit(0);
        }
        end(child);
    }
}

static void (*const states[])(void) = {state_spin,    state_yield, state_sleep,   state_futex,
                                       state_call,    state_pipe,  state_console, state_exec,
                                       state_receive, state_wait,  state_touch,   state_clone};
#define STATES (sizeof(states) / sizeof(states[0]))

static void state_enter(uint32_t state) {
    states[state]();
    process_exit(1);
}

/* A caller that is killed after its message has been received: the reply finds nobody. */
static void kill_awaiting(void) {
    long child = start(FORK_SHARING, call_for_ever, 0);
    struct message message = {0};
    claim(ipc_receive(endpoint, &message) == 0, "a message from the caller", 0);
    process_kill((int)child, CODE_KILL);
    claim(end(child) == (STATUS_KILLED | CODE_KILL), "the caller was killed", 0);
    EXPECT(E_NOTFOUND, ipc_reply(endpoint, &message));
}

static void receive_one(uint32_t unused) {
    (void)unused;
    struct message message = {0};
    ipc_receive(endpoint, &message);
    word[ARRIVED] = 1;
    nap(60000);
}

static void call_once(uint32_t unused) {
    (void)unused;
    struct message message = {0};
    process_exit(ipc_call(session, &message) == -E_DEAD ? CODE_KILL : 1);
}

/* A server that is killed after it has received a message: its caller learns of it, though others
 * can still receive. */
static void kill_server(void) {
    word[ARRIVED] = 0;
    long server = start(FORK_SHARING, receive_one, 0);
    long caller = start(FORK_SHARING, call_once, 0);
    while (word[ARRIVED] == 0) {
        nap(1);
    }
    process_kill((int)server, CODE_KILL);
    claim(end(server) == (STATUS_KILLED | CODE_KILL), "the server was killed", 0);
    claim(end(caller) == CODE_KILL, "its caller got E_DEAD", 0);
}

void call_for_ever(uint32_t unused) {
    (void)unused;
    state_call();
}

void attack_kills(void) {
    endpoint = (int)demo_must("endpoint_create", endpoint_create());
    session = (int)demo_must("endpoint_session", endpoint_session(endpoint, 7));
    claim(pipe(empty_pipe) == 0, "a pipe", errno);
    for (uint32_t round = 0; round < 8 * STATES; round++) {
        uint32_t state = round % STATES, delay = random_below(4000);
        int stopped = random_below(6) == 0;
        long child = start(FORK_SHARING | (stopped ? CLONE_STOPPED : 0), state_enter, state);
        if (round >= STATES && delay > 1000) {
            thread_sleep(delay);
        } else if (round >= STATES && delay > 500) {
            thread_yield();
        }
        claim(process_kill((int)child, 40 + state) == 0, "process_kill", (long)state);
        process_kill((int)child, 3); /* the first one counts */
        uint32_t status = end(child);
        claim(status == (STATUS_KILLED | (40 + state)), "the status is the kill's",
              (long)(state << 16 | status));
    }
    for (int i = 0; i < 20; i++) {
        kill_awaiting();
        kill_server();
    }
}
