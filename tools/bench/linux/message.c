/* SPDX-License-Identifier: MIT */
/* Rows about calls and messages: the empty call, yields, pipes, futexes; the other side is a fork. */
#define _GNU_SOURCE
#include "init.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 100
#define YIELDS 100

static void bench_null_system_call(void) {
    struct result result = result_none();
    for (int i = 0; i < 100; i++) {
        long number = SYS_gettid;
        uint64_t from = ticks();
        __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("null_syscall", result, 1);
}

/* ROUNDS times ONCE, as one result a run. */
static struct result measure(void (*once)(void)) {
    struct result result = result_none();
    for (int run = 0; run < WARM_UPS + RUNS; run++) {
        uint64_t from = ticks();
        for (int i = 0; i < ROUNDS; i++) {
            once();
        }
        uint64_t to = ticks();
        if (run >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    return result;
}

/* ---- Pipes ----------------------------------------------------------------------------------- */

static int to_child[2], to_parent[2];

static void pipe_once(void) {
    char byte = 'x';
    checked(write(to_child[1], &byte, 1) == 1 && read(to_parent[0], &byte, 1) == 1, "pipe");
}

static void bench_pipe_roundtrip(void) {
    checked(pipe(to_child) == 0 && pipe(to_parent) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(to_child[1]);
        while (read(to_child[0], &byte, 1) == 1 && write(to_parent[1], &byte, 1) == 1) {
        }
        _exit(0);
    }
    report("pipe_roundtrip", measure(pipe_once), ROUNDS);
    close(to_child[1]);
    waitpid(child, NULL, 0);
    close(to_child[0]);
    close(to_parent[0]);
    close(to_parent[1]);
}

/* ---- Futexes --------------------------------------------------------------------------------- */

/* Two words, a line apart, in memory that both processes have. */
static volatile uint32_t *ball;
#define BALL_CHILD 0
#define BALL_PARENT 16

static void futex(volatile uint32_t *word, int operation, uint32_t value) {
    syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void ball_give(int side) {
    ball[side] = 1;
    futex(&ball[side], FUTEX_WAKE, 1);
}

static void ball_take(int side) {
    while (ball[side] == 0) {
        futex(&ball[side], FUTEX_WAIT, 0);
    }
    ball[side] = 0;
}

static void futex_once(void) {
    ball_give(BALL_CHILD);
    ball_take(BALL_PARENT);
}

static void bench_futex_roundtrip(void) {
    ball = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            ball_take(BALL_CHILD);
            ball_give(BALL_PARENT);
        }
    }
    report("futex_roundtrip", measure(futex_once), ROUNDS);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    munmap((void *)ball, PAGE_SIZE);
}

/* ---- Switching ------------------------------------------------------------------------------- */

static volatile int partner_runs, partner_stop;

static void *partner(void *unused) {
    partner_runs = 1;
    while (!partner_stop) {
        sched_yield();
    }
    return unused;
}

static uint64_t switches(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
}

/* Two threads of one process that yield in turn, under SCHED_FIFO, where each yield of one switches to
 * the other; checked by the kernel's count of switches. */
static void bench_context_switch(void) {
    struct result result = result_none();
    struct sched_param parameter = {.sched_priority = 1};
    pthread_t thread;
    checked(sched_setscheduler(0, SCHED_FIFO, &parameter) == 0, "sched_setscheduler");
    partner_runs = partner_stop = 0;
    checked(pthread_create(&thread, NULL, partner, NULL) == 0, "pthread_create");
    while (!partner_runs) {
        sched_yield();
    }
    for (int run = 0; run < WARM_UPS + RUNS; run++) {
        uint64_t before = switches();
        uint64_t from = ticks();
        for (int i = 0; i < YIELDS; i++) {
            sched_yield();
        }
        uint64_t to = ticks();
        checked(switches() - before >= 2 * YIELDS, "yields that do not switch");
        if (run >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    partner_stop = 1;
    pthread_join(thread, NULL);
    parameter.sched_priority = 0;
    sched_setscheduler(0, SCHED_OTHER, &parameter);
    report("context_switch", result, 2 * YIELDS);
}

void bench_messages(void) {
    bench_null_system_call();
    bench_context_switch();
    bench_pipe_roundtrip();
    bench_futex_roundtrip();
}
