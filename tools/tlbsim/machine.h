/* SPDX-License-Identifier: MIT */
/*
 * A machine: a TLB and what its tags mean. All machines see the same trace; they differ in which tag an
 * access in a slot has, and in what a load of a space and a shootdown leave of the TLB.
 *
 *     untagged.c   no tags: a load of another space forgets everything (x86 without PCIDs)
 *     context.c    a tag for each space, of four octal digits (x86 with PCIDs; docs/tlb.md)
 *     region.c     a tag for each quarter and view (region IDs of IA-64, spaces of PA-RISC)
 *     hashed.c     segment IDs and a hashed page table (PowerPC): an ID for each quarter, or, to
 *                  compare, for each slot of each space
 */
#ifndef TLBSIM_MACHINE_H
#define TLBSIM_MACHINE_H

#include "tools/tlbsim/tlb.h"

#define SLOTS 4u
#define SLOT_PAGES (1u << 18)
#define NO_TAG UINT64_MAX

/* Above this many pages a whole context, or quarter, is forgotten: RANGE_LIMIT of the kernel. */
#define RANGE_LIMIT 32u

struct space {
    uint64_t id; /* 0: the kernel's */
    uint64_t sub_id[SLOTS], view[SLOTS];
};

struct shootdown {
    uint64_t sub_id;
    uint32_t slot, first, pages; /* PAGES 0: all of the quarter */
    bool copy;                   /* for a COPY of it */
};

struct options {
    struct geometry geometry;
    uint32_t digits;     /* hot quarters of a slot, up to 7 */
    uint32_t regions;    /* region IDs */
    uint32_t hash_bytes; /* of the hashed page table, a power of two */
};

struct counts {
    uint64_t hits, misses, cold; /* cold: of the misses, the first access to that page and frame */
    uint64_t upgrades; /* stores that found an entry from before the page was made writable */
    uint64_t stale;    /* hits that a missing invalidation explains: there must be none */
    uint64_t flushed_loads, loads;
    uint64_t copy_dropped; /* good entries that shootdowns for COPY took */
    uint64_t copy_hashed;  /* entries of the hashed page table that they took */
    uint64_t hash_fills, hash_evictions, hash_peak;           /* peak: good entries in it */
    uint64_t samples, duplicates, duplicates_peak, good, bad; /* sums over samples, of entries */
};

struct machine {
    const struct machine_kind *kind;
    struct tlb tlb;
    struct counts counts;
    uint64_t tag[SLOTS]; /* of an access now; NO_TAG: nothing there */
    struct space now;
    void *own; /* the kind's */
};

struct machine_kind {
    const char *name;
    void (*initialise)(struct machine *machine, const struct options *options);
    void (*load)(struct machine *machine, const struct space *space);
    void (*shootdown)(struct machine *machine, const struct shootdown *shootdown);
    /* Can an entry still be hit? Null: all can. */
    bool (*good)(const struct machine *machine, const struct entry *entry);
    /* After a miss that ENTRY answers. Null: nothing. */
    void (*walk)(struct machine *machine, const struct entry *entry);
    void (*quarter_end)(struct machine *machine, uint64_t sub_id);
    void (*space_end)(struct machine *machine, uint64_t id);
    uint64_t (*hashed)(const struct machine *machine); /* good entries in the hashed page table */
};

extern const struct machine_kind untagged, context, region, hashed, hashed_private;

/* An access that finds ENTRY in the page tables; its tag is filled in here. COLD: the first to it. */
void machine_access(struct machine *machine, struct entry entry, bool store, bool cold);
void machine_sample(struct machine *machine);      /* count what the TLB holds now */
uint64_t machine_good(struct machine *machine);    /* entries that can be hit */
void machine_print(const struct machine *machine); /* all counts, each with metric_print */
void metric_print(const char *who, const char *metric, uint64_t value);

/* Forget the entries that have TAG (NO_TAG: any) and lie in PAGES from FIRST on (0: all). */
void machine_forget(struct machine *machine, uint64_t tag, uint32_t first, uint32_t pages);

#endif
