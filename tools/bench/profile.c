/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU (its TCG plugin interface, version 1) that counts each instruction of a guest with
 * one CPU between two readings of the time-stamp counter by a user program. tools/bench/profile loads it
 * and reads what it writes:
 *
 *     span TOTAL REPEATS             each time between two readings
 *     window FROM TO TOTAL TIMES STRINGS     addresses of the two readings, 0: reset
 *     ADDRESS PAGE BYTES COUNT       a line for each instruction; PAGE tells one frame from another
 *
 * A window spans one to STEPS consecutive readings. Of all windows with the same two addresses it is
 * the smallest, as a row of bench is. The instruction at FROM is not in it, the one at TO is: so TOTAL
 * is the difference of the two readings under -icount shift=0. The emulator counts each repetition of a
 * string instruction as an instruction, and the look at the count that ends them: REPEATS says how many of
 * TOTAL are such, beyond the first ones, and STRINGS how many instructions they are of.
 */
#include "qemu_plugin.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_TOP 0xF0000000u /* addresses from here on are the kernel's, on both kernels */
#define STEPS 3u             /* the longest bracket has another reading inside */
#define BYTES 15u

struct instruction {
    uint64_t address, page;
    uint64_t count, interval; /* count is for the interval of that number */
    uint8_t length, bytes[BYTES];
    bool reading, repeats;
};

struct entry {
    struct instruction *instruction;
    uint64_t count;
};

struct interval {
    uint64_t from, total, repeats, strings;
    struct entry *entry;
    size_t entries, room;
};

struct window {
    struct window *next;
    uint64_t from, to, total, times, strings;
    struct entry *entry;
    size_t entries;
};

static struct interval intervals[STEPS]; /* the one numbered N at N % STEPS */
static uint64_t current;                 /* number of the interval that is under way */
static const struct instruction *last;   /* that ran */
static bool repeating;                   /* it was a repetition */
static struct window *windows;
static struct span { uint64_t total, repeats; } * spans;
static size_t span_count, span_room;
static bool only_spans;
static const char *output;

static void *checked(void *memory) {
    if (!memory) {
        fprintf(stderr, "profile: no memory\n");
        exit(1);
    }
    return memory;
}

static struct interval *interval_at(uint64_t number) { return &intervals[number % STEPS]; }

static void entry_add(struct interval *interval, struct instruction *instruction) {
    if (interval->entries == interval->room) {
        interval->room = interval->room ? 2 * interval->room : 4096;
        interval->entry =
            checked(realloc(interval->entry, interval->room * sizeof *interval->entry));
    }
    interval->entry[interval->entries++] = (struct entry){.instruction = instruction};
}

static void span_add(uint64_t total, uint64_t repeats) {
    if (span_count == span_room) {
        span_room = span_room ? 2 * span_room : 4096;
        spans = checked(realloc(spans, span_room * sizeof *spans));
    }
    spans[span_count++] = (struct span){total, repeats};
}

static struct window *window_find(uint64_t from, uint64_t to) {
    for (struct window *window = windows; window; window = window->next) {
        if (window->from == from && window->to == to) {
            return window;
        }
    }
    struct window *window = checked(calloc(1, sizeof *window));
    *window = (struct window){.next = windows, .from = from, .to = to, .total = UINT64_MAX};
    return windows = window;
}

/* The window is to hold the last STEPS_BACK intervals, which make TOTAL. */
static void window_keep(struct window *window, unsigned steps_back, uint64_t total) {
    size_t entries = 0;
    for (unsigned back = 0; back < steps_back; back++) {
        entries += interval_at(current - back)->entries;
    }
    window->entry = checked(realloc(window->entry, (entries + 1) * sizeof *window->entry));
    window->entries = window->strings = 0;
    window->total = total;
    for (unsigned back = 0; back < steps_back; back++) {
        struct interval *interval = interval_at(current - back);
        if (interval->entries) {
            memcpy(window->entry + window->entries, interval->entry,
                   interval->entries * sizeof *interval->entry);
        }
        window->entries += interval->entries;
        window->strings += interval->strings;
    }
}

static void interval_end(uint64_t address) {
    struct interval *ending = interval_at(current);
    for (size_t i = 0; i < ending->entries; i++) {
        ending->entry[i].count = ending->entry[i].instruction->count;
    }
    uint64_t total = 0, repeats = 0;
    for (unsigned steps = 1; steps <= STEPS && steps <= current + 1; steps++) {
        struct interval *first = interval_at(current - (steps - 1));
        total += first->total;
        repeats += first->repeats;
        span_add(total, repeats);
        struct window *window = window_find(first->from, address);
        window->times++;
        if (total < window->total) {
            window_keep(window, steps, total);
        }
    }
    struct interval *next = interval_at(++current);
    next->from = address;
    next->total = next->repeats = next->strings = 0;
    next->entries = 0;
}

static void executed(unsigned cpu, void *data) {
    (void)cpu;
    struct instruction *instruction = data;
    struct interval *interval = interval_at(current);
    if (instruction->interval != current + 1) {
        instruction->interval = current + 1;
        instruction->count = 0;
        entry_add(interval, instruction);
    }
    instruction->count++;
    interval->total++;
    /* By address: a repetition is in a block of its own. */
    bool again = instruction->repeats && last && instruction->address == last->address;
    interval->repeats += again;
    interval->strings += again && !repeating;
    repeating = again;
    last = instruction;
    if (instruction->reading) {
        interval_end(instruction->address);
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        struct instruction *instruction = checked(calloc(1, sizeof *instruction));
        size_t length = qemu_plugin_insn_size(insn);
        instruction->address = qemu_plugin_insn_vaddr(insn);
        instruction->page = (uintptr_t)qemu_plugin_insn_haddr(insn) >> 12;
        instruction->length = (uint8_t)(length < BYTES ? length : BYTES);
        memcpy(instruction->bytes, qemu_plugin_insn_data(insn), instruction->length);
        instruction->reading = instruction->address < USER_TOP && length == 2 &&
                               memcmp(instruction->bytes, "\x0f\x31", 2) == 0; /* RDTSC */
        instruction->repeats = instruction->bytes[0] == 0xF2 || instruction->bytes[0] == 0xF3;
        qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, QEMU_PLUGIN_CB_NO_REGS, instruction);
    }
}

static void entry_write(FILE *file, const struct entry *entry) {
    const struct instruction *instruction = entry->instruction;
    fprintf(file, "%llx %llx ", (unsigned long long)instruction->address,
            (unsigned long long)instruction->page);
    for (unsigned i = 0; i < instruction->length; i++) {
        fprintf(file, "%02x", instruction->bytes[i]);
    }
    fprintf(file, " %llu\n", (unsigned long long)entry->count);
}

static void windows_write(qemu_plugin_id_t id, void *data) {
    (void)id, (void)data;
    FILE *file = fopen(output, "w");
    if (!file) {
        perror(output);
        return;
    }
    for (size_t i = 0; i < span_count; i++) {
        fprintf(file, "span %llu %llu\n", (unsigned long long)spans[i].total,
                (unsigned long long)spans[i].repeats);
    }
    for (struct window *window = only_spans ? NULL : windows; window; window = window->next) {
        fprintf(file, "window %llx %llx %llu %llu %llu\n", (unsigned long long)window->from,
                (unsigned long long)window->to, (unsigned long long)window->total,
                (unsigned long long)window->times, (unsigned long long)window->strings);
        for (size_t i = 0; i < window->entries; i++) {
            entry_write(file, &window->entry[i]);
        }
    }
    if (fclose(file) != 0) {
        perror(output);
    }
}

/* The arguments: out=FILE, and spans=on for no windows. */
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_plugin_info_t *info,
                                           int count, char **arguments) {
    (void)info;
    only_spans = count == 2 && strcmp(arguments[1], "spans=on") == 0;
    if (count < 1 || strncmp(arguments[0], "out=", 4) != 0) {
        fprintf(stderr, "profile: the plugin needs out=FILE\n");
        return 1;
    }
    output = strdup(arguments[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, windows_write, NULL);
    return 0;
}
