/* SPDX-License-Identifier: MIT */
/*
 * The rows about messages. The other side is a process of its own, a fork, so that each message
 * changes the space; it ends when its endpoint or pipe does.
 */
#include "user/bin/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 100

/* A fork that runs SERVE(ENDPOINT); *SESSION calls it. Its process handle. */
static int server_start(void (*serve)(int endpoint), int *session) {
    int endpoint = (int)checked("endpoint_create", endpoint_create());
    *session = (int)checked("endpoint_session", endpoint_session(endpoint, 1));
    long child = checked("process_clone", process_clone(PLAN_FORK, 0, 0, 0));
    if (child == 0) {
        serve(endpoint);
        process_exit(0);
    }
    checked("handle_close", handle_close(endpoint));
    return (int)child;
}

static void server_end(int child, int session) {
    checked("handle_close", handle_close(session));
    checked("process_kill", process_kill(child, 9));
    child_wait(child);
}

/* ROUNDS times ONCE(ARGUMENT), as one result a run. In line, and ONCE with it. */
static inline __attribute__((always_inline)) struct result measure(void (*once)(int), int argument) {
    struct result result = result_none();
    for (int run = 0; run < WARM_UPS + RUNS; run++) {
        uint64_t from = ticks();
        for (int i = 0; i < ROUNDS; i++) {
            once(argument);
        }
        uint64_t to = ticks();
        if (run >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    return result;
}

/* ---- Short messages -------------------------------------------------------------------------- */

static void serve_short(int endpoint) {
    struct short_message words;
    long label = ipc_receive_short(endpoint, &words);
    while (label >= 0) {
        label = ipc_reply_receive_short(endpoint, (uint32_t)label, &words);
    }
}

static void call_short(int session) {
    struct short_message words = {.word = {1, 2, 3}};
    checked("ipc_call_short", ipc_call_short(session, 7, &words));
}

void bench_ipc_roundtrip(void) {
    int session, child = server_start(serve_short, &session);
    report("ipc_roundtrip", measure(call_short, session), ROUNDS);
    server_end(child, session);
}

/* Two threads of one process: no other space is loaded. */
static int thread_endpoint;

static int serve_short_thread(void *unused) {
    (void)unused;
    serve_short(thread_endpoint);
    return 0;
}

void bench_ipc_roundtrip_threads(void) {
    thread_endpoint = (int)checked("endpoint_create", endpoint_create());
    int session = (int)checked("endpoint_session", endpoint_session(thread_endpoint, 1));
    struct quartet_thread *thread = quartet_thread_start(serve_short_thread, NULL);
    report("ipc_roundtrip_threads", measure(call_short, session), ROUNDS);
    handle_close(session);
    handle_close(thread_endpoint);
    quartet_thread_join(thread, NULL);
}

/* The server stays on the second CPU, this one on the first: each way is an interrupt. */
static void serve_short_beside(int endpoint) {
    checked("thread_pin", thread_pin(1));
    serve_short(endpoint);
}

void bench_ipc_roundtrip_cross(void) {
    if (thread_pin(1) < 0) {
        return; /* there is but one CPU */
    }
    checked("thread_pin", thread_pin(0));
    int session, child = server_start(serve_short_beside, &session);
    thread_sleep(50000); /* it waits by then */
    report("ipc_roundtrip_cross", measure(call_short, session), ROUNDS);
    server_end(child, session);
    checked("thread_pin", thread_pin(THREAD_ANY_CPU));
}

/* ---- Long ones, without bytes ---------------------------------------------------------------- */

static void serve_long(int endpoint) {
    struct message message = {0};
    long result = ipc_receive(endpoint, &message);
    while (result >= 0) {
        result = ipc_reply_receive(endpoint, &message);
    }
}

static void call_long(int session) {
    struct message message = {.word = {1, 2, 3, 4}};
    checked("ipc_call", ipc_call(session, &message));
}

void bench_ipc_roundtrip_long(void) {
    int session, child = server_start(serve_long, &session);
    report("ipc_roundtrip_long", measure(call_long, session), ROUNDS);
    server_end(child, session);
}

/* ---- Lending --------------------------------------------------------------------------------- */

static void serve_lent(int endpoint) {
    struct message_lend lend = {.quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE, QUARTET_NONE},
                                .accept = 1u << 2};
    struct message message = {.lend = (uintptr_t)&lend};
    long result = ipc_receive(endpoint, &message);
    while (result >= 0) {
        result = ipc_reply_receive(endpoint, &message);
    }
}

static void call_lend(int session) {
    struct message_lend lend = {
        .quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_SLOT(2), QUARTET_NONE},
        .rights = {[2] = RIGHT_READ | RIGHT_WRITE}};
    struct message message = {.lend = (uintptr_t)&lend};
    checked("ipc_call", ipc_call(session, &message));
}

static void bench_lend(const char *name, uint32_t length) {
    area_renew();
    int session, child = server_start(serve_lent, &session);
    if (length != 0) {
        area_map(0, length);
        touch(0, length);
    }
    report(name, measure(call_lend, session), ROUNDS);
    server_end(child, session);
    area_renew();
}

void bench_ipc_lend_0m(void) { bench_lend("ipc_lend_0m", 0); }
void bench_ipc_lend_512m(void) { bench_lend("ipc_lend_512m", 512 * MIB); }

/* ---- Pipes ----------------------------------------------------------------------------------- */

static int to_child[2], to_parent[2];

static void pass(int from, int to) {
    char byte;
    if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1) {
        exit(1);
    }
}

/* A byte to a child and back, through the library and the file server. */
static void pipe_once(int unused) {
    (void)unused;
    char byte = 'x';
    if (write(to_child[1], &byte, 1) != 1 || read(to_parent[0], &byte, 1) != 1) {
        fprintf(stderr, "bench: a pipe has broken\n");
        exit(1);
    }
}

void bench_pipe_roundtrip(void) {
    if (pipe(to_child) < 0 || pipe(to_parent) < 0) {
        perror("bench: pipe");
        exit(1);
    }
    pid_t child = fork();
    if (child == 0) {
        close(to_child[1]);
        for (;;) {
            pass(to_child[0], to_parent[1]);
        }
    }
    report("pipe_roundtrip", measure(pipe_once, 0), ROUNDS);
    close(to_child[1]);
    waitpid(child, NULL, 0);
    close(to_child[0]);
    close(to_parent[0]);
    close(to_parent[1]);
}
