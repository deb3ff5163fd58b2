/* SPDX-License-Identifier: MIT */
/*
 * Region tables (see region.h): pure functions from one sorted array to another, so that a change
 * that does not fit or cannot be allocated leaves the old table as it was.
 */
#include "kernel/vm/region.h"

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/vm/frame.h"

/* The index of the first region that ends after OFFSET. */
static u32 region_index(const struct region_table *table, u32 offset) {
    u32 low = 0, high = table ? table->count : 0;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (table->region[middle].end > offset) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

const struct region *region_find(const struct region_table *table, u32 offset) {
    u32 index = region_index(table, offset);
    if (!table || index == table->count || table->region[index].start > offset) {
        return NULL;
    }
    return &table->region[index];
}

bool region_covers(const struct region_table *table, u32 start, u32 end) {
    for (u32 index = region_index(table, start); table && index < table->count; index++) {
        if (table->region[index].start > start) {
            return false;
        }
        start = table->region[index].end;
        if (start >= end) {
            return true;
        }
    }
    return false;
}

bool region_overlaps(const struct region_table *table, u32 start, u32 end) {
    u32 index = region_index(table, start);
    return table && index < table->count && table->region[index].start < end;
}

bool region_hole(const struct region_table *table, u32 start, u32 end, struct region *hole) {
    u32 index = region_index(table, start);
    for (; table && index < table->count && table->region[index].start <= start; index++) {
        start = table->region[index].end;
    }
    bool next = table && index < table->count && table->region[index].start < end;
    hole->start = start;
    hole->end = next ? table->region[index].start : end;
    return start < end;
}

static bool region_continues(const struct region *left, const struct region *right) {
    return left->end == right->start && left->rights == right->rights &&
           left->kind == right->kind &&
           (!region_is_fixed(left) ||
            left->first_frame + ((left->end - left->start) >> PAGE_SHIFT) == right->first_frame);
}

/* Append to a table under construction, merging with its last region. */
static int region_append(struct region_table *to, const struct region *region) {
    if (region->start == region->end) {
        return 0;
    }
    struct region *last = to->count ? &to->region[to->count - 1] : NULL;
    if (last && region_continues(last, region)) {
        last->end = region->end;
        return 0;
    }
    if (to->count == REGION_LIMIT) {
        return E_LIMIT;
    }
    to->region[to->count++] = *region;
    return 0;
}

/* The part of REGION within [START, END); empty if there is none. */
static struct region region_clip(const struct region *region, u32 start, u32 end) {
    struct region part = *region;
    part.start = region->start > start ? region->start : start;
    part.end = region->end < end ? region->end : end;
    if (part.start >= part.end) {
        part.end = part.start;
    } else if (region_is_fixed(&part)) {
        part.first_frame += (part.start - region->start) >> PAGE_SHIFT;
    }
    return part;
}

static int region_append_clipped(struct region_table *to, const struct region *region, u32 start,
                                 u32 end) {
    struct region part = region_clip(region, start, end);
    return region_append(to, &part);
}

int region_insert(struct region_table *to, const struct region_table *from,
                  const struct region *region) {
    u32 count = from ? from->count : 0;
    u32 at = region_index(from, region->start);
    int error = 0;
    to->count = 0;
    for (u32 i = 0; i < at && !error; i++) {
        error = region_append(to, &from->region[i]);
    }
    error = error ? error : region_append(to, region);
    for (u32 i = at; i < count && !error; i++) {
        error = region_append(to, &from->region[i]);
    }
    return error;
}

int region_remove(struct region_table *to, const struct region_table *from, u32 start, u32 end) {
    int error = 0;
    to->count = 0;
    for (u32 i = 0; from && i < from->count && !error; i++) {
        error = region_append_clipped(to, &from->region[i], 0, start);
        error = error ? error : region_append_clipped(to, &from->region[i], end, UINT32_MAX);
    }
    return error;
}

int region_set_rights(struct region_table *to, const struct region_table *from, u32 start, u32 end,
                      u8 rights) {
    int error = 0;
    to->count = 0;
    for (u32 i = 0; from && i < from->count && !error; i++) {
        struct region changed = region_clip(&from->region[i], start, end);
        changed.rights = rights;
        error = region_append_clipped(to, &from->region[i], 0, start);
        error = error ? error : region_append(to, &changed);
        error = error ? error : region_append_clipped(to, &from->region[i], end, UINT32_MAX);
    }
    return error;
}

/* ---- The page that holds a table ------------------------------------------------------------- */

struct region_table *region_table_create(void) {
    frame_t frame = frame_allocate(FRAME_LOW, NULL, NULL);
    if (frame_is_none(frame)) {
        return NULL;
    }
    struct region_table *table = arch_low_pointer(frame);
    table->references = 1;
    table->count = 0;
    return table;
}

void region_table_reference(struct region_table *table) { atomic_increment(&table->references); }

void region_table_release(struct region_table *table) {
    if (table && atomic_decrement(&table->references) == 0) {
        frame_release(arch_low_frame(table));
    }
}
