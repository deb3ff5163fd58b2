/* SPDX-License-Identifier: MIT */
/*
 * tlbsim TRACE [NAME=NUMBER...]: run a trace (trace.h) through all machines (machine.h).
 *
 * Prints lines "MACHINE<TAB>METRIC<TAB>NUMBER"; machine "trace" has what is no machine's. Counted is what
 * lies between the marks BEGIN and END; what comes before fills the TLBs. Numbers, with their defaults:
 *
 *     entries=1536 ways=12              of the TLB for 4 KiB pages; at least 16 sets
 *     large_entries=32 large_ways=4     of the one for 2 MiB pages; at least 8 sets
 *     digits=7                          hot quarters of a slot (context)
 *     regions=262144                    region IDs (region)
 *     hash=2097152                      bytes of the hashed page table
 *     root=8192                         bytes of a space's root: PML4 and PDPT, or 32 on pae
 *
 * Status 1: the trace is broken, or an entry was hit that should have been invalidated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/abi.h"
#include "tools/tlbsim/machine.h"
#include "tools/tlbsim/tables.h"
#include "tools/tlbsim/trace.h"

#define SAMPLE_LOADS 8u /* the TLBs are looked at on every eighth load of a space */
#define SEEN_BITS 22u

static struct machine machines[] = {{.kind = &untagged},
                                    {.kind = &context},
                                    {.kind = &region},
                                    {.kind = &hashed},
                                    {.kind = &hashed_private}};
#define EACH_MACHINE(machine)                \
    for (struct machine *machine = machines; \
         machine < machines + sizeof machines / sizeof *machines; machine++)

static bool counting;
static struct space now; /* that is loaded */
static struct {
    uint64_t accesses, instructions; /* before BEGIN */
    uint64_t records, loads, copies, copied_entries, clones, faults, shootdowns;
} run; /* since BEGIN */

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "tlbsim: %s\n", what);
    exit(1);
}

/* ---- Which translations have been seen --------------------------------------------------------- */

static struct seen { uint64_t sub_id, page_and_frame; } * seen;

/* Is this the first access to this page and frame of the quarter? */
static bool seen_first(uint64_t sub_id, uint32_t page, uint32_t frame) {
    uint64_t key = (uint64_t)page << 32 | frame;
    uint64_t at = (sub_id * 0x9E3779B97F4A7C15u ^ key * 0xC2B2AE3D27D4EB4Fu) >> (64 - SEEN_BITS);
    for (uint32_t tries = 0; tries < 1u << SEEN_BITS; tries++) {
        struct seen *place = &seen[(at + tries) & ((1u << SEEN_BITS) - 1)];
        if (place->sub_id == 0) {
            *place = (struct seen){sub_id, key};
            return true;
        }
        if (place->sub_id == sub_id && place->page_and_frame == key) {
            return false;
        }
    }
    fail("the trace has too many pages");
}

/* ---- Accesses ---------------------------------------------------------------------------------- */

static void take_access(uint64_t word) {
    uint32_t page = TRACE_PAGE(word), slot = page / SLOT_PAGES;
    struct entry entry = {.page = page,
                          .frame = TRACE_FRAME(word),
                          .large = word & TRACE_LARGE,
                          .writable = word & TRACE_WRITABLE,
                          .sub_id = now.sub_id[slot]};
    if (entry.sub_id == 0) {
        fail("the trace has an access where no quarter is");
    }
    bool cold =
        seen_first(entry.sub_id, entry.large ? page & ~(LARGE_PAGES - 1) : page, entry.frame);
    EACH_MACHINE(machine) { machine_access(machine, entry, word & TRACE_STORE, cold); }
}

/* ---- Events ------------------------------------------------------------------------------------ */

static struct space space_of(const uint64_t *record) {
    struct space space = {.id = record[1]};
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        space.sub_id[slot] = record[2 + 3 * slot];
        space.view[slot] = record[3 + 3 * slot];
    }
    return space;
}

static void take_load(const uint64_t *record) {
    now = space_of(record);
    run.loads++;
    EACH_MACHINE(machine) {
        if (counting && run.loads % SAMPLE_LOADS == 0) {
            machine_sample(machine);
        }
        machine->now = now;
        machine->counts.loads++;
        machine->kind->load(machine, &now);
    }
}

static void take_shootdown(const uint64_t *record) {
    struct shootdown shootdown = {.sub_id = record[1],
                                  .slot = (uint32_t)(record[2] >> 30),
                                  .first = (uint32_t)(record[2] >> 12),
                                  .pages = (uint32_t)record[3],
                                  .copy = record[4] == CAUSE_COPY};
    run.shootdowns++;
    EACH_MACHINE(machine) {
        size_t before = shootdown.copy ? machine_good(machine) : 0;
        machine->kind->shootdown(machine, &shootdown);
        machine->counts.copy_dropped += shootdown.copy ? before - machine_good(machine) : 0;
    }
}

/* What the processor had for the address is forgotten under the tag of the access (SDM 3A 4.10.4.1). */
static void take_fault(const uint64_t *record) {
    uint32_t page = (uint32_t)(record[2] >> 12), slot = page / SLOT_PAGES;
    run.faults++;
    EACH_MACHINE(machine) {
        if (machine->now.sub_id[slot] == record[1]) {
            machine_forget(machine, machine->tag[slot], page, 1);
        }
    }
}

static void take_quarter_end(const uint64_t *record) {
    EACH_MACHINE(machine) {
        if (machine->kind->quarter_end) {
            machine->kind->quarter_end(machine, record[1]);
        }
    }
}

static void take_space(const uint64_t *record, bool made) {
    struct space space = space_of(record);
    tables_space(&space, made);
    EACH_MACHINE(machine) {
        if (!made && machine->kind->space_end) {
            machine->kind->space_end(machine, space.id);
        }
    }
}

static uint64_t root_bytes = 8192;

static void take_begin(const uint64_t *record) {
    memset(&run, 0, sizeof run);
    counting = true;
    run.accesses = record[1];
    run.instructions = record[2];
    tables_reset(root_bytes);
    EACH_MACHINE(machine) {
        machine->counts = (struct counts){0};
        machine->counts.hash_peak = machine->kind->hashed ? machine->kind->hashed(machine) : 0;
    }
}

static void take_end(const uint64_t *record) {
    struct table_peaks tables = tables_peaks();
    counting = false;
    metric_print("trace", "accesses", record[1] - run.accesses);
    metric_print("trace", "instructions", record[2] - run.instructions);
    metric_print("trace", "records", run.records);
    metric_print("trace", "loads", run.loads);
    metric_print("trace", "faults", run.faults);
    metric_print("trace", "shootdowns", run.shootdowns);
    metric_print("trace", "clones", run.clones);
    metric_print("trace", "copies", run.copies);
    metric_print("trace", "copied_entries", run.copied_entries);
    metric_print("trace", "spaces_peak", tables.spaces);
    metric_print("trace", "table_bytes", tables.shared);
    metric_print("trace", "table_bytes_unshared_copies", tables.unshared_copies);
    metric_print("trace", "table_bytes_private", tables.private);
    metric_print("trace", "leaves", tables.leaves);
    metric_print("trace", "leaves_private", tables.leaves_private);
    EACH_MACHINE(machine) { machine_print(machine); }
}

static void take(const uint64_t *record) {
    run.records++;
    switch ((enum trace_kind)(record[0] & 0xFF)) {
    case TRACE_ACCESS:
        take_access(record[0]);
        break;
    case TRACE_LOAD:
        take_load(record);
        break;
    case TRACE_SPACE:
    case TRACE_SPACE_END:
        take_space(record, (record[0] & 0xFF) == TRACE_SPACE);
        break;
    case TRACE_QUARTER:
        break;
    case TRACE_QUARTER_END:
        take_quarter_end(record);
        break;
    case TRACE_COPY:
        run.copies++;
        run.copied_entries += record[3];
        break;
    case TRACE_CLONE:
        run.clones++;
        break;
    case TRACE_SHOOTDOWN:
        take_shootdown(record);
        break;
    case TRACE_FAULT:
        take_fault(record);
        break;
    case TRACE_BEGIN:
        take_begin(record);
        break;
    case TRACE_END:
        take_end(record);
        break;
    case TRACE_TABLES:
        tables_begin(record);
        break;
    case TRACE_OWNED:
        tables_owned(record);
        break;
    default:
        fail("the trace has a record of an unknown kind");
    }
}

/* ---- Main -------------------------------------------------------------------------------------- */

static void read_trace(const char *path) {
    FILE *file = fopen(path, "rb");
    uint64_t record[256];
    if (!file) {
        perror(path);
        exit(1);
    }
    while (fread(record, sizeof *record, 1, file) == 1) {
        size_t words = (record[0] & 0xFF) == TRACE_ACCESS ? 0 : record[0] >> 8 & 0xFF;
        if (words && fread(record + 1, sizeof *record, words, file) != words) {
            fail("the trace ends within a record");
        }
        take(record);
    }
    fclose(file);
}

struct number {
    const char *name;
    uint32_t value;
};

static uint32_t entries_sets(uint32_t entries, uint32_t ways, uint32_t least) {
    uint32_t sets = ways ? entries / ways : 0;
    if (sets < least || sets % least != 0 || sets * ways != entries) {
        fail("a TLB needs a multiple of 16 sets, one for 2 MiB pages of 8");
    }
    return sets;
}

int main(int argc, char **argv) {
    struct number numbers[] = {{"entries", 1536},  {"ways", 12},  {"large_entries", 32},
                               {"large_ways", 4},  {"digits", 7}, {"regions", 1u << 18},
                               {"hash", 2u << 20}, {"root", 8192}};
    enum { COUNT = sizeof numbers / sizeof *numbers };
    for (int i = 2; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        struct number *number = numbers;
        while (value && number < numbers + COUNT &&
               (strlen(number->name) != (size_t)(value - argv[i]) ||
                strncmp(number->name, argv[i], (size_t)(value - argv[i])) != 0)) {
            number++;
        }
        if (!value || number == numbers + COUNT) {
            fail("an argument is no NAME=NUMBER that the head of tlbsim.c has");
        }
        number->value = (uint32_t)strtoul(value + 1, NULL, 0);
    }
    if (argc < 2 || numbers[4].value < 1 || numbers[4].value > 7 || numbers[5].value < 4 ||
        numbers[6].value < 64) {
        fail("usage: tlbsim TRACE [NAME=NUMBER...]; digits 1 to 7, regions from 4, hash from 64");
    }
    struct options options = {
        .geometry = {entries_sets(numbers[0].value, numbers[1].value, TRACE_FILTER),
                     numbers[1].value,
                     entries_sets(numbers[2].value, numbers[3].value, TRACE_FILTER_LARGE),
                     numbers[3].value},
        .digits = numbers[4].value,
        .regions = numbers[5].value,
        .hash_bytes = numbers[6].value};
    root_bytes = numbers[7].value;
    seen = checked(calloc((size_t)1 << SEEN_BITS, sizeof *seen));
    EACH_MACHINE(machine) {
        tlb_initialise(&machine->tlb, &options.geometry);
        machine->kind->initialise(machine, &options);
    }
    read_trace(argv[1]);
    EACH_MACHINE(machine) {
        if (machine->counts.stale) {
            fprintf(stderr, "tlbsim: %s: %llu hits of entries that were not invalidated\n",
                    machine->kind->name, (unsigned long long)machine->counts.stale);
            return 1;
        }
    }
    return 0;
}
