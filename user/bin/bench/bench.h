/* SPDX-License-Identifier: MIT */
/*
 * What the files of bench share: checked calls, the memory in slot 2 that is measured, the lines of
 * results. Rows that need one CPU are in ../bench.c, with the table of all; those for many CPUs are in
 * cpus.c.
 */
#ifndef BENCH_H
#define BENCH_H

#include <quartet.h>

#define MIB (1024u * 1024u)
#define AREA SLOT_BASE(2) /* everything that is measured on memory happens in slot 2 */

__attribute__((cold)) _Noreturn void fail(const char *what, long error);
/* RESULT, or the end of the program with a message. In line: it is part of what is measured. */
static inline long checked(const char *what, long result) {
    if (result < 0) {
        fail(what, result);
    }
    return result;
}

void area_renew(void); /* slot 2 gets a new, empty quarter */
void area_map(uint32_t offset, uint32_t length);
void touch(uint32_t offset, uint32_t length); /* write to each page */
void split_pages(uint32_t length); /* 4 KiB ones, from the beginning of what is touched */
void child_wait(long child);
void clone_share_row(const char *name);

void report_number(const char *name, uint64_t number);

/* cpus.c */
void bench_shootdown_1_of_8(void);
void bench_shootdown_idle_sharers(void);
void bench_fault_throughput(void);

/* ---- Measuring ------------------------------------------------------------------------------- */

#define WARM_UPS 3
#define RUNS 12

struct result {
    uint64_t smallest, largest;
};

static inline uint64_t ticks(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

struct result result_none(void);
void result_add(struct result *result, uint64_t from, uint64_t to);
/* Print a row: the smallest result, divided by UNITS. */
void report(const char *name, struct result result, uint64_t units);

/* ---- ipc.c ----------------------------------------------------------------------------------- */

void bench_ipc_roundtrip(void);
void bench_ipc_roundtrip_threads(void);
void bench_ipc_roundtrip_cross(void);
void bench_ipc_roundtrip_long(void);
void bench_ipc_lend_0m(void);
void bench_ipc_lend_512m(void);
void bench_pipe_roundtrip(void);

/* pager.c */
void bench_pager_fault(void);

/* process.c */
void bench_clone_thread(void);
void bench_clone_share_1024m(void);
void bench_futex_roundtrip(void);
void bench_mmap_munmap(void);
void bench_page_table_bytes(void);
void bench_cascade(void);

/* device.c */
void bench_notification(void);
void bench_irq_to_driver(void);

#endif
