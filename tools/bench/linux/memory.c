/* SPDX-License-Identifier: MIT */
/* Rows about memory: faults, mapping, and what page tables take. */
#define _GNU_SOURCE
#include "init.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAULT_PAGES 128u
#define FAULT_BYTES (FAULT_PAGES * PAGE_SIZE)
#define MAPPED_BYTES (16 * PAGE_SIZE)
#define SHARED_BYTES (512 * MIB)
#define SHARERS 64

/* The first write to each page but the first, which also pays for the table. */
static struct result measure_writes(volatile char *area) {
    struct result result = result_none();
    area[0] = 1;
    for (size_t page = 1; page < FAULT_PAGES; page++) {
        uint64_t from = ticks();
        area[page * PAGE_SIZE] = 1;
        uint64_t to = ticks();
        result_add(&result, from, to);
    }
    return result;
}

static void bench_anonymous_fault(void) {
    volatile char *area = area_map(FAULT_BYTES, MAP_PRIVATE, false);
    report("anon_fault", measure_writes(area), 1);
    area_unmap(area, FAULT_BYTES);
}

static void bench_copy_on_write_fault(void) {
    volatile char *area = area_map(FAULT_BYTES, MAP_PRIVATE, false);
    touch(area, FAULT_BYTES, PAGE_SIZE);
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            pause();
        }
    }
    report("cow_fault", measure_writes(area), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    area_unmap(area, FAULT_BYTES);
}

/* The child's first touch of pages that the parent touched in a shared mapping. Linux maps up to 16 at
 * one fault that reads (so the mean is reported), and one at one that writes. */
static void bench_shared_first_touch(bool write) {
    volatile char *area = area_map(FAULT_BYTES, MAP_SHARED, false);
    touch(area, FAULT_BYTES, PAGE_SIZE);
    volatile struct result *out = (volatile struct result *)(area + 64);
    pid_t child = fork();
    if (child == 0) {
        struct result result = result_none();
        for (size_t page = 1; page < FAULT_PAGES; page++) {
            uint64_t from = ticks();
            if (write) {
                area[page * PAGE_SIZE] = 1;
            } else {
                (void)area[page * PAGE_SIZE];
            }
            uint64_t to = ticks();
            result_add(&result, from, to);
        }
        out->smallest = result.smallest;
        out->sum = result.sum;
        out->count = result.count;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    struct result result = {out->smallest, out->sum, out->count};
    report_mean(write ? "shared_first_write" : "shared_first_touch", result);
    area_unmap(area, FAULT_BYTES);
}

static void bench_mmap_munmap(void) {
    struct result result = result_none();
    for (int i = 0; i < WARM_UPS + RUNS; i++) {
        uint64_t from = ticks();
        void *area =
            mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(area, MAPPED_BYTES);
        uint64_t to = ticks();
        if (i >= WARM_UPS) {
            result_add(&result, from, to);
        }
    }
    report("mmap_munmap", result, 1);
}

/* ---- Page tables ----------------------------------------------------------------------------- */

/* The bytes of this process's page tables, as the kernel counts them. */
static uint64_t table_bytes(void) {
    char text[4096];
    int file = open("/proc/self/status", O_RDONLY);
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    checked(length > 0, "/proc/self/status");
    text[length] = '\0';
    char *at = strstr(text, "VmPTE:");
    checked(at != NULL, "VmPTE");
    return strtoull(at + 6, NULL, 10) * 1024;
}

/* Processes that share SHARED_BYTES, in each of which all of it is mapped: a page of each 2 MiB is
 * touched, and takes a table. The children live until the last has looked. */
static void bench_page_table_bytes(void) {
    volatile char *area = area_map(SHARED_BYTES, MAP_SHARED, false);
    volatile uint64_t *bytes =
        mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child[SHARERS];
    int hold[2];
    char byte;
    checked(pipe(hold) == 0, "pipe");
    touch(area, SHARED_BYTES, PAGE_SIZE);
    bytes[0] = table_bytes();
    for (int i = 1; i < SHARERS; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            close(hold[1]);
            for (size_t at = 0; at < SHARED_BYTES; at += 2 * MIB) {
                (void)area[at];
            }
            bytes[i] = table_bytes();
            (void)!read(hold[0], &byte, 1);
            _exit(0);
        }
        while (bytes[i] == 0) {
            usleep(1000);
        }
    }
    close(hold[1]);
    uint64_t sum = 0;
    for (int i = 0; i < SHARERS; i++) {
        sum += bytes[i];
        if (i + 1 == 2 || i + 1 == 16 || i + 1 == 64) {
            char name[32];
            snprintf(name, sizeof name, "page_table_bytes_%d", i + 1);
            report_number(name, sum);
        }
    }
    for (int i = 1; i < SHARERS; i++) {
        waitpid(child[i], NULL, 0);
    }
    close(hold[0]);
    area_unmap(area, SHARED_BYTES);
}

void bench_memory(void) {
    bench_anonymous_fault();
    bench_copy_on_write_fault();
    bench_shared_first_touch(false);
    bench_shared_first_touch(true);
    bench_mmap_munmap();
    bench_page_table_bytes();
}
