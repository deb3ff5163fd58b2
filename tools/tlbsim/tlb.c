/* SPDX-License-Identifier: MIT */
/* The TLB of tlb.h. */
#include "tools/tlbsim/tlb.h"

#include <stdio.h>
#include <stdlib.h>

void *checked(void *memory) {
    if (!memory) {
        fprintf(stderr, "tlbsim: no memory\n");
        exit(1);
    }
    return memory;
}

static void array_initialise(struct array *array, uint32_t sets, uint32_t ways) {
    *array = (struct array){sets, ways, checked(calloc((size_t)sets * ways, sizeof(struct entry)))};
}

void tlb_initialise(struct tlb *tlb, const struct geometry *geometry) {
    array_initialise(&tlb->small, geometry->sets, geometry->ways);
    array_initialise(&tlb->large, geometry->large_sets, geometry->large_ways);
    tlb->clock = 0;
}

static uint32_t first_page(uint32_t page, bool large) {
    return large ? page & ~(LARGE_PAGES - 1) : page;
}

static struct entry *set_of(struct tlb *tlb, uint32_t page, bool large, uint32_t *ways) {
    struct array *array = large ? &tlb->large : &tlb->small;
    *ways = array->ways;
    return &array->entry[(large ? page / LARGE_PAGES : page) % array->sets * array->ways];
}

struct entry *tlb_find(struct tlb *tlb, uint64_t tag, uint32_t page, bool large) {
    uint32_t ways;
    struct entry *set = set_of(tlb, page, large, &ways);
    for (uint32_t i = 0; i < ways; i++) {
        if (set[i].valid && set[i].tag == tag && set[i].page == first_page(page, large)) {
            set[i].used = ++tlb->clock;
            return &set[i];
        }
    }
    return NULL;
}

void tlb_insert(struct tlb *tlb, struct entry entry) {
    uint32_t ways;
    struct entry *set = set_of(tlb, entry.page, entry.large, &ways), *victim = set;
    for (uint32_t i = 0; i < ways && victim->valid; i++) {
        if (!set[i].valid || set[i].used < victim->used) {
            victim = &set[i];
        }
    }
    entry.valid = true;
    entry.page = first_page(entry.page, entry.large);
    entry.used = ++tlb->clock;
    *victim = entry;
}

static void array_each(struct array *array, void (*what)(struct entry *, void *), void *context) {
    for (size_t i = 0; i < (size_t)array->sets * array->ways; i++) {
        if (array->entry[i].valid) {
            what(&array->entry[i], context);
        }
    }
}

void tlb_each(struct tlb *tlb, void (*what)(struct entry *, void *), void *context) {
    array_each(&tlb->small, what, context);
    array_each(&tlb->large, what, context);
}

bool entry_within(const struct entry *entry, uint32_t first, uint32_t pages) {
    uint32_t length = entry->large ? LARGE_PAGES : 1;
    return pages == 0 || (entry->page < first + pages && first < entry->page + length);
}
