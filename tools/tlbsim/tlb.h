/* SPDX-License-Identifier: MIT */
/*
 * A TLB whose entries carry a tag: set-associative, least recently used, an array for 4 KiB pages and one
 * for 2 MiB pages. What a tag means is the machine's business (machine.h).
 */
#ifndef TLBSIM_TLB_H
#define TLBSIM_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LARGE_PAGES 512u /* of 4 KiB in one of 2 MiB */

struct entry {
    bool valid, large, writable;
    uint32_t page, frame; /* page: virtual, of 4 KiB; the first of its 512 if large */
    uint64_t tag;
    uint64_t sub_id; /* whose translation it is: a processor would not know */
    uint64_t used;
};

struct array {
    uint32_t sets, ways;
    struct entry *entry;
};

struct tlb {
    struct array small, large;
    uint64_t clock;
};

struct geometry {
    uint32_t sets, ways, large_sets, large_ways;
};

void *checked(void *memory); /* or the end of the program */

void tlb_initialise(struct tlb *tlb, const struct geometry *geometry);
struct entry *tlb_find(struct tlb *tlb, uint64_t tag, uint32_t page, bool large); /* null: a miss */
/* Takes the place of the least recently used one of its set. */
void tlb_insert(struct tlb *tlb, struct entry entry);

/* For each valid entry, in any order: WHAT may change or invalidate it. */
void tlb_each(struct tlb *tlb, void (*what)(struct entry *entry, void *context), void *context);

/* Does ENTRY translate a page of the PAGES (0: all of the same quarter) from FIRST on? */
bool entry_within(const struct entry *entry, uint32_t first, uint32_t pages);

#endif
