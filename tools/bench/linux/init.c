/* SPDX-License-Identifier: MIT */
/*
 * The first program of the Linux that `make bench-compare` boots: prints "name<TAB>number", a line a
 * row, on the serial line, and switches the machine off. Static, and no file but this one. Figures are
 * time-stamp ticks, which are instructions under QEMU's -icount shift=0: the row `calibration` is a loop
 * of CALIBRATION instructions. Every figure is the smallest of several runs, less an empty bracket, so
 * a tick of the clock is in it only where the work lasts from one to the next. Lines that begin with
 * "#" say what the kernel is and what it has switched on.
 */
#define _GNU_SOURCE
#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CALIBRATION 2000000u

static uint64_t empty_bracket;

static void switch_off(void) {
    fflush(stdout);
    reboot(RB_POWER_OFF);
    for (;;) {
        pause();
    }
}

void checked(bool good, const char *what) {
    if (!good) {
        perror(what);
        switch_off();
    }
}

struct result result_none(void) {
    return (struct result){.smallest = UINT64_MAX};
}

void result_add(struct result *result, uint64_t from, uint64_t to) {
    uint64_t cost = to - from > empty_bracket ? to - from - empty_bracket : 0;
    result->smallest = cost < result->smallest ? cost : result->smallest;
    result->sum += cost;
    result->count++;
}

void report_number(const char *name, uint64_t number) {
    printf("%s\t%llu\n", name, (unsigned long long)number);
    fflush(stdout);
}

/* The line with # is as that of bench -v: tools/bench/compare looks for what took as long. */
void report(const char *name, struct result result, uint64_t units) {
    report_number(name, result.smallest / units);
    printf("# ticks of %s: %llu for %llu, and %llu of the bracket\n", name,
           (unsigned long long)result.smallest, (unsigned long long)units,
           (unsigned long long)empty_bracket);
}

void report_mean(const char *name, struct result result) {
    report_number(name, result.sum / result.count);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

volatile char *area_map(size_t length, int flags, bool huge) {
    size_t room = length + 2 * MIB;
    char *all = mmap(NULL, room, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    checked(all != MAP_FAILED, "mmap");
    char *area = (char *)(((uintptr_t)all + 2 * MIB - 1) & ~(2 * MIB - 1));
    if (area > all) {
        munmap(all, (size_t)(area - all));
    }
    munmap(area + length, room - length - (size_t)(area - all));
    if (!huge && (flags & MAP_PRIVATE)) {
        checked(madvise(area, length, MADV_NOHUGEPAGE) == 0, "madvise");
    }
    return area;
}

void area_unmap(volatile char *area, size_t length) { munmap((char *)area, length); }

void touch(volatile char *area, size_t length, size_t stride) {
    for (size_t at = 0; at < length; at += stride) {
        area[at] = 1;
    }
}

/* ---- The machine ----------------------------------------------------------------------------- */

/* A file's lines, each after "# NAME: ". */
static void show(const char *name, const char *path) {
    char line[512];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        printf("# %s: %s", name, line);
    }
    if (file) {
        fclose(file);
    }
}

static void show_machine(void) {
    static const char *const weaknesses[] = {"meltdown", "spectre_v1", "spectre_v2",
                                             "spec_store_bypass", "retbleed"};
    struct utsname machine;
    char path[128];
    uname(&machine);
    printf("# linux: %s %s\n", machine.release, machine.version);
    show("command line", "/proc/cmdline");
    show("transparent huge pages", "/sys/kernel/mm/transparent_hugepage/enabled");
    for (size_t i = 0; i < sizeof weaknesses / sizeof *weaknesses; i++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/vulnerabilities/%s", weaknesses[i]);
        show(weaknesses[i], path);
    }
}

static void calibrate(void) {
    struct result result = result_none();
    for (int i = 0; i < 100; i++) {
        uint64_t from = ticks(), to = ticks();
        result_add(&result, from, to);
    }
    empty_bracket = result.smallest;
    result = result_none();
    for (int run = 0; run < RUNS; run++) {
        uint32_t count = CALIBRATION / 2;
        uint64_t from = ticks();
        __asm__ volatile("1: dec %0; jnz 1b" : "+r"(count));
        uint64_t to = ticks();
        result_add(&result, from, to);
    }
    report("calibration", result, 1);
}

static void files_mount(void) {
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    int line = open("/dev/ttyS0", O_RDWR);
    for (int i = 0; i < 3; i++) {
        dup2(line, i);
    }
}

int main(void) {
    uint64_t started = ticks();
    files_mount();
    show_machine();
    calibrate();
    report_number("boot_to_user", started);
    bench_messages();
    bench_memory();
    bench_processes();
    printf("# end\n");
    switch_off();
}
