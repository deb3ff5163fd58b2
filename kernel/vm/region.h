/* SPDX-License-Identifier: MIT */
/*
 * The regions of a quarter: a sorted array in one page, itself copy-on-write, so that COPY takes
 * one reference however many regions there are. A table with more than one reference is immutable.
 * Guarded by the lock of the quarter that refers to it. No two neighbours that agree in rights and
 * kind touch (they are merged).
 */
#ifndef KERNEL_REGION_H
#define KERNEL_REGION_H

#include "kernel/base/types.h"

enum region_kind {
    REGION_ANONYMOUS,  /* zero-filled on first touch */
    REGION_BOOT_IMAGE, /* the initrd's frames, never freed */
    REGION_PAGED,      /* absent pages are asked of the quarter's pager */
    REGION_DEVICE,     /* physical pages that are no RAM: device/memory.h */
};

struct region {
    u32 start, end; /* page-aligned offsets, half-open */
    u8 rights;      /* RIGHT_READ|WRITE|EXECUTE; never write and execute */
    u8 kind;
    u16 reserved;
    u32 first_frame; /* REGION_BOOT_IMAGE, REGION_DEVICE: the frame at START */
};

#define REGION_LIMIT ((PAGE_SIZE - 16) / sizeof(struct region))

struct region_table {
    u32 references;
    u32 count;
    u32 padding[2];
    struct region region[REGION_LIMIT];
};

/* Its pages are certain frames, not any. */
static inline bool region_is_fixed(const struct region *region) {
    return region->kind == REGION_BOOT_IMAGE || region->kind == REGION_DEVICE;
}

/* The region that covers OFFSET, or null. TABLE may be null (no regions). */
const struct region *region_find(const struct region_table *table, u32 offset);

/* True if regions cover [START, END) without a hole. */
bool region_covers(const struct region_table *table, u32 start, u32 end);
/* True if any region has a byte in [START, END). */
bool region_overlaps(const struct region_table *table, u32 start, u32 end);

/* The first part of [START, END) that no region covers, in *HOLE's start and end; false: none. */
bool region_hole(const struct region_table *table, u32 start, u32 end, struct region *hole);

/* Each builds in TO (a table of one reference, contents ignored) the result of a change to FROM,
 * and changes nothing else: E_LIMIT if it would not fit. FROM may be null. */
int region_insert(struct region_table *to, const struct region_table *from,
                  const struct region *region);
int region_remove(struct region_table *to, const struct region_table *from, u32 start, u32 end);
int region_set_rights(struct region_table *to, const struct region_table *from, u32 start, u32 end,
                      u8 rights);

struct region_table *region_table_create(void); /* null: no memory */
void region_table_reference(struct region_table *table);
void region_table_release(struct region_table *table); /* null is allowed */

#endif
