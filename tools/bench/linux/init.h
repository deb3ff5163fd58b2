/* SPDX-License-Identifier: MIT */
/*
 * What the files of the Linux side of `make bench-compare` share. Rows have the names of those of
 * user/bin/bench, and do the same work by Linux's means.
 */
#ifndef INIT_H
#define INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIB (1024ul * 1024ul)
#define PAGE_SIZE 4096ul
#define WARM_UPS 3
#define RUNS 12

struct result {
    uint64_t smallest, sum, count;
};

static inline uint64_t ticks(void) {
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

void checked(bool good, const char *what); /* or the end of the machine with a message */
struct result result_none(void);
void result_add(struct result *result, uint64_t from, uint64_t to);
void report(const char *name, struct result result, uint64_t units); /* the smallest */
void report_mean(const char *name, struct result result);            /* of all results */
void report_number(const char *name, uint64_t number);

/* LENGTH bytes of anonymous memory, aligned to 2 MiB, MAP_PRIVATE or MAP_SHARED; HUGE: as the kernel
 * likes, which by Debian's default is with 2 MiB pages where they are private; else 4 KiB ones. */
volatile char *area_map(size_t length, int flags, bool huge);
void area_unmap(volatile char *area, size_t length);
void touch(volatile char *area, size_t length, size_t stride);

/* process.c */
void bench_processes(void);
/* memory.c */
void bench_memory(void);
/* message.c */
void bench_messages(void);

#endif
