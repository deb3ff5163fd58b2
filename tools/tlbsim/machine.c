/* SPDX-License-Identifier: MIT */
/* What all machines do alike: see machine.h. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/tlbsim/machine.h"

/* ---- Accesses ---------------------------------------------------------------------------------- */

struct forget {
    uint64_t tag;
    uint32_t first, pages;
};

static void entry_forget(struct entry *entry, void *context) {
    const struct forget *forget = context;
    if ((forget->tag == NO_TAG || entry->tag == forget->tag) &&
        entry_within(entry, forget->first, forget->pages)) {
        entry->valid = false;
    }
}

void machine_forget(struct machine *machine, uint64_t tag, uint32_t first, uint32_t pages) {
    struct forget forget = {tag, first, pages};
    tlb_each(&machine->tlb, entry_forget, &forget);
}

/* The fault that a store to an entry from before takes: the processor forgets it and walks again. */
static void machine_hit(struct machine *machine, struct entry *entry, const struct entry *now,
                        bool store) {
    struct counts *counts = &machine->counts;
    counts->stale += entry->frame != now->frame || (entry->writable && !now->writable);
    if (store && !entry->writable) {
        counts->upgrades++;
        entry->writable = now->writable;
    } else {
        counts->hits++;
    }
}

void machine_access(struct machine *machine, struct entry entry, bool store, bool cold) {
    entry.tag = machine->tag[entry.page / SLOT_PAGES];
    struct entry *found = tlb_find(&machine->tlb, entry.tag, entry.page, entry.large);
    if (found) {
        machine_hit(machine, found, &entry, store);
        return;
    }
    machine->counts.misses++;
    machine->counts.cold += cold;
    if (machine->kind->walk) {
        machine->kind->walk(machine, &entry);
    }
    tlb_insert(&machine->tlb, entry);
}

/* ---- What it holds ------------------------------------------------------------------------------ */

struct key {
    uint64_t sub_id, page;
};

static int key_compare(const void *a, const void *b) {
    const struct key *one = a, *other = b;
    return one->sub_id != other->sub_id
               ? (one->sub_id > other->sub_id) - (one->sub_id < other->sub_id)
               : (one->page > other->page) - (one->page < other->page);
}

struct sample {
    const struct machine *machine;
    struct key *key;
    size_t count;
    uint64_t bad;
};

static void entry_sample(struct entry *entry, void *context) {
    struct sample *sample = context;
    const struct machine_kind *kind = sample->machine->kind;
    if (kind->good && !kind->good(sample->machine, entry)) {
        sample->bad++;
    } else {
        sample->key[sample->count++] =
            (struct key){entry->sub_id, (uint64_t)entry->page << 1 | entry->large};
    }
}

/* How many entries are one more of a translation that is there already. */
void machine_sample(struct machine *machine) {
    const struct tlb *tlb = &machine->tlb;
    size_t most =
        (size_t)tlb->small.sets * tlb->small.ways + (size_t)tlb->large.sets * tlb->large.ways;
    struct sample sample = {machine, checked(malloc(most * sizeof *sample.key)), 0, 0};
    tlb_each(&machine->tlb, entry_sample, &sample);
    qsort(sample.key, sample.count, sizeof *sample.key, key_compare);
    uint64_t duplicates = 0;
    for (size_t i = 1; i < sample.count; i++) {
        duplicates += key_compare(&sample.key[i - 1], &sample.key[i]) == 0;
    }
    struct counts *counts = &machine->counts;
    counts->samples++;
    counts->good += sample.count;
    counts->bad += sample.bad;
    counts->duplicates += duplicates;
    counts->duplicates_peak =
        duplicates > counts->duplicates_peak ? duplicates : counts->duplicates_peak;
    free(sample.key);
}

static void entry_count(struct entry *entry, void *context) {
    struct sample *sample = context;
    const struct machine_kind *kind = sample->machine->kind;
    sample->count += !kind->good || kind->good(sample->machine, entry);
}

uint64_t machine_good(struct machine *machine) {
    struct sample sample = {.machine = machine};
    tlb_each(&machine->tlb, entry_count, &sample);
    return sample.count;
}

void metric_print(const char *who, const char *metric, uint64_t value) {
    printf("%s\t%s\t%llu\n", who, metric, (unsigned long long)value);
}

void machine_print(const struct machine *machine) {
    const struct counts *counts = &machine->counts;
    const struct {
        const char *metric;
        uint64_t value;
    } rows[] = {{"hits", counts->hits},
                {"misses", counts->misses},
                {"cold", counts->cold},
                {"upgrades", counts->upgrades},
                {"stale", counts->stale},
                {"loads", counts->loads},
                {"flushed_loads", counts->flushed_loads},
                {"copy_dropped", counts->copy_dropped},
                {"copy_hashed", counts->copy_hashed},
                {"hash_fills", counts->hash_fills},
                {"hash_evictions", counts->hash_evictions},
                {"hash_peak", counts->hash_peak},
                {"samples", counts->samples},
                {"good", counts->good},
                {"bad", counts->bad},
                {"duplicates", counts->duplicates},
                {"duplicates_peak", counts->duplicates_peak}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        metric_print(machine->kind->name, rows[i].metric, rows[i].value);
    }
}
