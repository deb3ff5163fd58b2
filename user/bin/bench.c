/* SPDX-License-Identifier: MIT */
/*
 * bench [-v] [NAME...]: measure the kernel in time-stamp ticks and print "name<TAB>ticks", a line a
 * row. Under QEMU's -icount shift=0 a tick is one guest instruction, so runs repeat exactly; `make
 * bench` does that. Every figure is the smallest of several runs after warm-ups, less the cost of
 * an empty bracket. -v adds the largest on standard error: equal where the work is the same, and what
 * tools/bench/profile needs to know the row again: ticks measured, for how many units. Rows
 * that are measured in time, or that mean something only once, run when they are named. Those for
 * many CPUs are in bench/cpus.c, those for messages in bench/ipc.c and bench/pager.c, for devices in
 * bench/device.c, for what processes share in bench/process.c.
 */
#include "user/bin/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t empty_bracket, started; /* started: the ticks at the beginning of main */
static int verbose;

void fail(const char *what, long error) {
    fprintf(stderr, "bench: %s: %s\n", what, quartet_error_text(error));
    exit(1);
}

void result_add(struct result *result, uint64_t from, uint64_t to) {
    uint64_t cost = to - from > empty_bracket ? to - from - empty_bracket : 0;
    if (cost < result->smallest) {
        result->smallest = cost;
    }
    if (cost > result->largest) {
        result->largest = cost;
    }
}

struct result result_none(void) {
    return (struct result){.smallest = UINT64_MAX, .largest = 0};
}

void report(const char *name, struct result result, uint64_t units) {
    printf("%s\t%llu\n", name, (unsigned long long)(result.smallest / units));
    fflush(stdout);
    if (verbose) {
        fprintf(stderr, "%s: %llu to %llu; %llu for %llu, and %llu of the bracket\n", name,
                (unsigned long long)(result.smallest / units),
                (unsigned long long)(result.largest / units), (unsigned long long)result.smallest,
                (unsigned long long)units, (unsigned long long)empty_bracket);
    }
}

void report_number(const char *name, uint64_t number) {
    report(name, (struct result){number, number}, 1);
}

static void measure_empty_bracket(void) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 100; i++) {
        uint64_t from = ticks(), to = ticks();
        least = to - from < least ? to - from : least;
    }
    empty_bracket = least;
}

/* ---- Memory in slot 2 ------------------------------------------------------------------------ */

void area_renew(void) {
    struct space_change change = {.process = QUARTET_SELF, .flags = SPACE_CONSUME};
    for (int slot = 0; slot < 4; slot++) {
        change.quarter[slot] = QUARTET_KEEP;
    }
    change.quarter[2] = (int32_t)checked("quarter_create", quarter_create(2));
    change.rights[2] = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
    checked("space_set", space_set(&change));
}

void area_map(uint32_t offset, uint32_t length) {
    checked("quarter_map", quarter_map(QUARTET_SLOT(2), offset, length, RIGHT_READ | RIGHT_WRITE));
}

void touch(uint32_t offset, uint32_t length) {
    for (uint32_t at = offset; at < offset + length; at += PAGE_SIZE) {
        *(volatile uint32_t *)(uintptr_t)(AREA + at) = at;
    }
}

/* Turn the 2 MiB pages of a touched range into 4 KiB pages: a right that differs inside each splits
 * it. */
void split_pages(uint32_t length) {
    for (uint32_t at = 0; at < length; at += 2 * MIB) {
        checked("quarter_protect", quarter_protect(QUARTET_SLOT(2), at, PAGE_SIZE, RIGHT_READ));
        checked("quarter_protect",
                quarter_protect(QUARTET_SLOT(2), at, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    }
    touch(0, length);
}

/* ---- Calls, clones --------------------------------------------------------------------------- */

static void bench_null_system_call(void) {
    struct result result = result_none();
    for (int i = 0; i < 100; i++) {
        uint64_t from = ticks();
        thread_id();
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("null_syscall", result, 1);
}

static uint8_t child_stack[4096] __attribute__((aligned(16)));

static void child_ends(void) {
    process_exit(0);
    __builtin_unreachable();
}

void child_wait(long child) {
    struct process_status status;
    checked("process_wait", process_wait((int)child, 0, &status));
    checked("handle_close", handle_close((int)child));
}

void clone_share_row(const char *name) {
    struct result result = result_none();
    uintptr_t top = (uintptr_t)(child_stack + sizeof(child_stack)) - sizeof(uintptr_t);
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        uint64_t from = ticks();
        child_wait(checked("process_clone",
                           process_clone(PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_SHARE),
                                         (uintptr_t)child_ends, top, 0)));
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report(name, result, 1);
}

static void bench_clone_share(void) { clone_share_row("clone_share"); }

/* Fork, the child ends at once, wait. CALL: of that, the clone call alone, until the parent goes
 * on. Before each fork the parent writes to each 2 MiB of its MEBIBYTES, so that a fork finds them
 * as a working program leaves them: writable, and to be protected again. */
static void fork_measure(uint32_t mebibytes, struct result *all, struct result *call) {
    *all = *call = result_none();
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        for (uint32_t at = 0; at < mebibytes * MIB; at += 2 * MIB) {
            touch(at, PAGE_SIZE);
        }
        uint64_t from = ticks();
        long child = process_clone(PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY), 0, 0, 0);
        uint64_t between = ticks();
        if (child == 0) {
            process_exit(0);
        }
        child_wait(checked("process_clone", child));
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(all, from, to);
            result_add(call, from, between);
        }
    }
}

/* SMALL: in 4 KiB pages, which the names of both rows say. */
static void fork_row(uint32_t mebibytes, int small) {
    struct result all, call;
    char name[40];
    const char *pages = small ? "_4k_pages" : "";
    area_renew();
    if (mebibytes) {
        area_map(0, mebibytes * MIB);
        touch(0, mebibytes * MIB);
        if (small) {
            split_pages(mebibytes * MIB);
        }
    }
    fork_measure(mebibytes, &all, &call);
    snprintf(name, sizeof(name), "fork_%lum%s", (unsigned long)mebibytes, pages);
    report(name, all, 1);
    snprintf(name, sizeof(name), "fork_call_%lum%s", (unsigned long)mebibytes, pages);
    report(name, call, 1);
    area_renew();
}

static void bench_fork_0m(void) { fork_row(0, 0); }
static void bench_fork_1m(void) { fork_row(1, 0); }
static void bench_fork_64m(void) { fork_row(64, 0); }
static void bench_fork_512m(void) { fork_row(512, 0); }
static void bench_fork_512m_small(void) { fork_row(512, 1); }
static void bench_fork_1024m(void) { fork_row(1024, 0); }
static void bench_fork_1024m_small(void) { fork_row(1024, 1); }
static void bench_fork_64m_small(void) { fork_row(64, 1); }
static void bench_fork_256m(void) { fork_row(256, 0); }
static void bench_fork_256m_small(void) { fork_row(256, 1); }

/* A program that ends at once, from the call to its status. */
static void bench_spawn_wait(void) {
    struct result result = result_none();
    struct quartet_spawn spawn = {.program = {.path = "/bin/true"}, .plan = PLAN_SPAWN};
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        uint64_t from = ticks();
        child_wait(quartet_spawn(&spawn));
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("spawn_wait", result, 1);
}

/* ---- Faults ---------------------------------------------------------------------------------- */

#define FAULT_PAGES 128u

/* The cost of the first write to each page of a range but the first, which also pays for the
 * table. */
static struct result measure_writes(uint32_t offset) {
    struct result result = result_none();
    touch(offset, PAGE_SIZE);
    for (uint32_t page = 1; page < FAULT_PAGES; page++) {
        volatile uint32_t *word =
            (volatile uint32_t *)(uintptr_t)(AREA + offset + page * PAGE_SIZE);
        uint64_t from = ticks();
        *word = page;
        uint64_t to = ticks();
        result_add(&result, from, to);
    }
    return result;
}

static void bench_anonymous_fault(void) {
    area_renew();
    area_map(0, FAULT_PAGES * PAGE_SIZE); /* under 2 MiB: 4 KiB pages */
    report("anon_fault", measure_writes(0), 1);
    area_renew();
}

static void bench_copy_on_write_fault(void) {
    area_renew();
    area_map(0, FAULT_PAGES * PAGE_SIZE);
    touch(0, FAULT_PAGES * PAGE_SIZE);
    long child = checked("process_clone",
                         process_clone(PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY), 0, 0, 0));
    if (child == 0) {
        for (;;) {
            thread_sleep(1000000);
        }
    }
    report("cow_fault", measure_writes(0), 1);
    checked("process_kill", process_kill((int)child, 9));
    child_wait(child);
    area_renew();
}

/* The child's first touch of pages that the parent touched in a slot that they SHARE: a TLB miss,
 * and no fault. The smallest result is what the load and the bracket's own arithmetic leave. */
static void bench_shared_first_touch(void) {
    area_renew();
    area_map(0, FAULT_PAGES * PAGE_SIZE);
    touch(0, FAULT_PAGES * PAGE_SIZE);
    volatile struct result *out = (volatile struct result *)(uintptr_t)(AREA + 8);
    long child = checked("process_clone",
                         process_clone(PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), 0, 0, 0));
    if (child == 0) {
        struct result result = result_none();
        for (uint32_t page = 1; page < FAULT_PAGES; page++) {
            volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)(AREA + page * PAGE_SIZE);
            uint64_t from = ticks();
            (void)*word;
            uint64_t to = ticks();
            result_add(&result, from, to);
        }
        out->smallest = result.smallest;
        out->largest = result.largest;
        process_exit(0);
    }
    child_wait(child);
    report("shared_first_touch", (struct result){out->smallest, out->largest}, 1);
    area_renew();
}

/* ---- Switching ------------------------------------------------------------------------------- */

#define YIELDS 100u

static volatile uint32_t partner_runs, partner_stop;
static uint8_t partner_stack[4096] __attribute__((aligned(16)));

/* Where the emulator runs all CPUs by turns (-icount), a pause hands over to the next one. Without
 * it, one that spins could keep the others from ever running. */
static void partner(void) {
    partner_runs = 1;
    while (!partner_stop) {
        thread_yield();
        __builtin_ia32_pause();
    }
    partner_runs = 0;
    thread_exit(0);
    __builtin_unreachable();
}

static void partner_wait(uint32_t runs) {
    while (partner_runs != runs) {
        thread_yield();
        __builtin_ia32_pause();
    }
}

static void bench_context_switch(void) {
    struct result result = result_none();
    uintptr_t top = (uintptr_t)(partner_stack + sizeof(partner_stack)) - sizeof(uintptr_t);
    partner_stop = 0;
    checked("thread_create", thread_create((uintptr_t)partner, top, 0, 0));
    partner_wait(1);
    for (int run = 0; run < WARM_UPS + RUNS; run++) {
        uint64_t from = ticks();
        for (unsigned i = 0; i < YIELDS; i++) {
            thread_yield();
        }
        uint64_t to = ticks();
        if (run >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    partner_stop = 1;
    partner_wait(0);
    report("context_switch", result, 2 * YIELDS);
}

/* From reset to the first command of the shell's, if this is it: only on request, as later it means
 * nothing. */
static void bench_boot_to_shell(void) {
    report("boot_to_shell", (struct result){started, started}, 1);
}

/* ---- The list -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(void);
} rows[] = {
    {"null_syscall", bench_null_system_call},
    {"clone_share", bench_clone_share},
    {"fork_0m", bench_fork_0m},
    {"fork_1m", bench_fork_1m},
    {"fork_64m", bench_fork_64m},
    {"fork_512m", bench_fork_512m},
    {"fork_512m_4k_pages", bench_fork_512m_small},
    {"fork_1024m", bench_fork_1024m},
    {"fork_1024m_4k_pages", bench_fork_1024m_small},
    {"clone_share_1024m", bench_clone_share_1024m},
    {"clone_thread", bench_clone_thread},
    {"spawn_wait", bench_spawn_wait},
    {"anon_fault", bench_anonymous_fault},
    {"cow_fault", bench_copy_on_write_fault},
    {"shared_first_touch", bench_shared_first_touch},
    {"mmap_munmap", bench_mmap_munmap},
    {"page_table_bytes", bench_page_table_bytes},
    {"context_switch", bench_context_switch},
    {"futex_roundtrip", bench_futex_roundtrip},
    {"ipc_roundtrip", bench_ipc_roundtrip},
    {"ipc_roundtrip_threads", bench_ipc_roundtrip_threads},
    {"ipc_roundtrip_cross", bench_ipc_roundtrip_cross},
    {"ipc_roundtrip_long", bench_ipc_roundtrip_long},
    {"ipc_lend_0m", bench_ipc_lend_0m},
    {"ipc_lend_512m", bench_ipc_lend_512m},
    {"pipe_roundtrip", bench_pipe_roundtrip},
    {"pager_fault", bench_pager_fault},
    {"notification", bench_notification},
    {"irq_to_driver", bench_irq_to_driver},
    {"shootdown_1_of_8", bench_shootdown_1_of_8},
    {"shootdown_idle_sharers", bench_shootdown_idle_sharers},
    {"boot_to_shell", bench_boot_to_shell},
    {"fault_throughput", bench_fault_throughput},
    {"fork_64m_4k_pages", bench_fork_64m_small},
    {"fork_256m", bench_fork_256m},
    {"fork_256m_4k_pages", bench_fork_256m_small},
    {"cascade", bench_cascade},
};
#define ROWS_NAMED 6 /* the last ones run only when they are named */
#define ROWS_ALWAYS (sizeof(rows) / sizeof(rows[0]) - ROWS_NAMED)

static int wanted(const char *name, int count, char **names) {
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return 1;
        }
    }
    return count == 0;
}

int main(int argc, char **argv) {
    started = ticks();
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "-v") == 0) {
        verbose = 1;
        first = 2;
    }
    measure_empty_bracket();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((i < ROWS_ALWAYS || first < argc) && wanted(rows[i].name, argc - first, argv + first)) {
            rows[i].run();
        }
    }
    return 0;
}
