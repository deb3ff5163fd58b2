/* SPDX-License-Identifier: MIT */
/*
 * Rows of bench about processes that share memory, and what that costs.
 *
 * clone_thread          a thread of the library, which ends at once, and is joined
 * clone_share_1024m     as clone_share, with 1 GiB touched
 * futex_roundtrip       two processes that share slot 2 wake each other by futexes
 * mmap_munmap           a region of 16 pages, never touched, and away again
 * page_table_bytes_N    all page tables of N processes that share 512 MiB, in 4 KiB pages: a table is
 *                       counted where it is reachable, a shared quarter's once
 * cascade_P             a fork of CASCADE MiB in 4 KiB pages, of which the child writes P per cent, and
 *                       the wait for its end
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 100
#define MAPPED_BYTES (16 * PAGE_SIZE)
#define SHARED_BYTES (512 * MIB)
#define SHARERS 64
#define CASCADE 64u

static const uint8_t plan_sharer = PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY);
static const uint8_t plan_fork = PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY);

/* ---- Threads, and processes that share all --------------------------------------------------- */

static int thread_ends(void *unused) {
    (void)unused;
    return 0;
}

void bench_clone_thread(void) {
    struct result result = result_none();
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        uint64_t from = ticks();
        struct quartet_thread *thread = quartet_thread_start(thread_ends, NULL);
        quartet_thread_join(thread, NULL);
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("clone_thread", result, 1);
}

void bench_clone_share_1024m(void) {
    area_renew();
    area_map(0, QUARTER_SIZE);
    touch(0, QUARTER_SIZE);
    clone_share_row("clone_share_1024m");
    area_renew();
}

/* ---- Futexes --------------------------------------------------------------------------------- */

/* Two words, a line apart, in slot 2. */
#define BALL ((volatile uint32_t *)(uintptr_t)AREA)
#define BALL_CHILD 0
#define BALL_PARENT 16

static void ball_give(int side) {
    BALL[side] = 1;
    futex_wake((uintptr_t)&BALL[side], 1);
}

static void ball_take(int side) {
    while (BALL[side] == 0) {
        futex_wait((uintptr_t)&BALL[side], 0, FUTEX_FOREVER);
    }
    BALL[side] = 0;
}

void bench_futex_roundtrip(void) {
    struct result result = result_none();
    area_renew();
    area_map(0, PAGE_SIZE);
    long child = checked("process_clone", process_clone(plan_sharer, 0, 0, 0));
    if (child == 0) {
        for (;;) {
            ball_take(BALL_CHILD);
            ball_give(BALL_PARENT);
        }
    }
    for (int run = 0; run < WARM_UPS + RUNS; run++) {
        uint64_t from = ticks();
        for (int i = 0; i < ROUNDS; i++) {
            ball_give(BALL_CHILD);
            ball_take(BALL_PARENT);
        }
        uint64_t to = ticks();
        if (run >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("futex_roundtrip", result, ROUNDS);
    checked("process_kill", process_kill((int)child, 9));
    child_wait(child);
    area_renew();
}

/* ---- Memory ---------------------------------------------------------------------------------- */

void bench_mmap_munmap(void) {
    struct result result = result_none();
    area_renew();
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        uint64_t from = ticks();
        quarter_map(QUARTET_SLOT(2), 0, MAPPED_BYTES, RIGHT_READ | RIGHT_WRITE);
        quarter_unmap(QUARTET_SLOT(2), 0, MAPPED_BYTES);
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("mmap_munmap", result, 1);
}

/* The directory and tables of what this process has in SLOT. */
static uint64_t slot_table_bytes(int slot) {
    struct quarter_stat stat;
    checked("quarter_stat", quarter_stat(QUARTET_SLOT(slot), &stat));
    return (1 + (uint64_t)stat.tables) * PAGE_SIZE;
}

/* Those of the slots that it shares with nobody, and the root: on `long` two tables, on `pae` a line of
 * 32 bytes. */
static uint64_t own_table_bytes(void) {
    return slot_table_bytes(0) + slot_table_bytes(1) + slot_table_bytes(3) +
           (sizeof(void *) == 8 ? 2 * PAGE_SIZE : 32);
}

void bench_page_table_bytes(void) {
    volatile uint64_t *bytes = (volatile uint64_t *)(uintptr_t)AREA;
    long child[SHARERS];
    area_renew();
    area_map(0, SHARED_BYTES);
    touch(0, SHARED_BYTES);
    split_pages(SHARED_BYTES);
    memset((void *)bytes, 0, PAGE_SIZE);
    bytes[0] = slot_table_bytes(2) + own_table_bytes();
    for (int i = 1; i < SHARERS; i++) {
        child[i] = checked("process_clone", process_clone(plan_sharer, 0, 0, 0));
        if (child[i] == 0) {
            bytes[i] = own_table_bytes();
            for (;;) {
                thread_sleep(1000000);
            }
        }
        while (bytes[i] == 0) {
            thread_yield();
        }
    }
    for (int i = 0; i < SHARERS; i++) {
        char name[32];
        bytes[i] += i ? bytes[i - 1] : 0;
        snprintf(name, sizeof(name), "page_table_bytes_%d", i + 1);
        if (i + 1 == 2 || i + 1 == 16 || i + 1 == SHARERS) {
            report_number(name, bytes[i]);
        }
    }
    for (int i = 1; i < SHARERS; i++) {
        checked("process_kill", process_kill((int)child[i], 9));
        child_wait(child[i]);
    }
    area_renew();
}

/* ---- What a fork costs with the writes after it ---------------------------------------------- */

/* Write to PERCENT of the pages, evenly spread. */
static void write_part(uint32_t percent) {
    for (uint32_t page = 0, due = 0; page < CASCADE * MIB / PAGE_SIZE; page++) {
        due += percent;
        if (due >= 100) {
            due -= 100;
            touch(page * PAGE_SIZE, PAGE_SIZE);
        }
    }
}

void bench_cascade(void) {
    static const uint32_t percents[] = {0, 1, 2, 5, 10, 20, 50, 100};
    area_renew();
    area_map(0, CASCADE * MIB);
    touch(0, CASCADE * MIB);
    split_pages(CASCADE * MIB);
    for (size_t row = 0; row < sizeof percents / sizeof *percents; row++) {
        struct result result = result_none();
        for (int i = 0; i < 3; i++) {
            for (uint32_t at = 0; at < CASCADE * MIB; at += 2 * MIB) {
                touch(at, PAGE_SIZE);
            }
            uint64_t from = ticks();
            long child = checked("process_clone", process_clone(plan_fork, 0, 0, 0));
            if (child == 0) {
                write_part(percents[row]);
                process_exit(0);
            }
            child_wait(child);
            uint64_t to = ticks();
            result_add(&result, from, to);
        }
        char name[32];
        snprintf(name, sizeof(name), "cascade_%lu", (unsigned long)percents[row]);
        report(name, result, 1);
    }
    area_renew();
}
