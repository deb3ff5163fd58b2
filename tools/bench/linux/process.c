/* SPDX-License-Identifier: MIT */
/*
 * Rows about processes: fork, clone and exec'less children that end at once. The calls are made without
 * the C library's wrappers, which would run handlers and update caches.
 */
#define _GNU_SOURCE
#include "init.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char child_stack[16384] __attribute__((aligned(16)));

static long fork_raw(void) { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }

static void child_wait(long child) {
    checked(syscall(SYS_wait4, child, NULL, 0, NULL) == child, "wait4");
}

static int child_ends(void *unused) {
    (void)unused;
    syscall(SYS_exit, 0);
    return 0;
}

/* A process that shares all, ends, and is waited for. */
static void bench_clone_share(const char *name) {
    struct result result = result_none();
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        uint64_t from = ticks();
        long child = clone(child_ends, child_stack + sizeof child_stack,
                           CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, NULL);
        checked(child > 0, "clone");
        child_wait(child);
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report(name, result, 1);
}

static void *thread_ends(void *unused) { return unused; }

static void bench_clone_thread(void) {
    struct result result = result_none();
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        pthread_t thread;
        uint64_t from = ticks();
        checked(pthread_create(&thread, NULL, thread_ends, NULL) == 0, "pthread_create");
        pthread_join(thread, NULL);
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("clone_thread", result, 1);
}

/* Fork, the child ends at once, wait; of that, the call alone. Before each fork the parent writes to
 * each 2 MiB, as in user/bin/bench.c. */
static void fork_row(const char *suffix, size_t mebibytes, bool huge) {
    struct result all = result_none(), call = result_none();
    size_t length = mebibytes * MIB;
    volatile char *area = length ? area_map(length, MAP_PRIVATE, huge) : NULL;
    touch(area, length, PAGE_SIZE);
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        touch(area, length, 2 * MIB);
        uint64_t from = ticks();
        long child = fork_raw();
        uint64_t between = ticks();
        if (child == 0) {
            syscall(SYS_exit, 0);
        }
        checked(child > 0, "fork");
        child_wait(child);
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&all, from, to);
            result_add(&call, from, between);
        }
    }
    char name[48];
    snprintf(name, sizeof name, "fork_%s%s", suffix, huge || !length ? "" : "_4k_pages");
    report(name, all, 1);
    snprintf(name, sizeof name, "fork_call_%s%s", suffix, huge || !length ? "" : "_4k_pages");
    report(name, call, 1);
    if (mebibytes == 1024 && huge) {
        bench_clone_share("clone_share_1024m");
    }
    if (length) {
        area_unmap(area, length);
    }
}

void bench_processes(void) {
    bench_clone_share("clone_share");
    bench_clone_thread();
    fork_row("0m", 0, true);
    static const struct {
        const char *name;
        size_t mebibytes;
    } sizes[] = {{"1m", 1}, {"64m", 64}, {"256m", 256}, {"512m", 512}, {"1024m", 1024}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fork_row(sizes[i].name, sizes[i].mebibytes, true);
        fork_row(sizes[i].name, sizes[i].mebibytes, false);
    }
}
