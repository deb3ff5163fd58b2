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

bool region_covers(const struct region_table *table, u32 start, u32 end) {
    struct region hole;
    return !region_hole(table, start, end, &hole);
}

static bool region_continues(const struct region *left, const struct region *right) {
    return left->end == right->start && left->rights == right->rights &&
           left->kind == right->kind &&
           (!region_is_fixed(left) ||
            left->first_frame + ((left->end - left->start) >> PAGE_SHIFT) == right->first_frame);
}

/* Append to a table under construction, merging with its last region. */
static int region_append(struct region_table *to, const struct region *region) {
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

/* Append what FROM has in [START, END), with RIGHTS; 0: with the rights it has. */
static int region_append_range(struct region_table *to, const struct region_table *from, u32 start,
                               u32 end, u8 rights) {
    int error = 0;
    for (u32 i = 0; from && i < from->count && from->region[i].start < end && !error; i++) {
        struct region part = from->region[i];
        if (part.end <= start) {
            continue;
        }
        if (part.start < start) {
            part.first_frame += region_is_fixed(&part) ? (start - part.start) >> PAGE_SHIFT : 0;
            part.start = start;
        }
        part.end = part.end < end ? part.end : end;
        part.rights = rights ? rights : part.rights;
        error = region_append(to, &part);
    }
    return error;
}

int region_insert(struct region_table *to, const struct region_table *from,
                  const struct region *region) {
    to->count = 0;
    int error = region_append_range(to, from, 0, region->start, 0);
    error = error ? error : region_append(to, region);
    return error ? error : region_append_range(to, from, region->end, UINT32_MAX, 0);
}

int region_remove(struct region_table *to, const struct region_table *from, u32 start, u32 end) {
    to->count = 0;
    int error = region_append_range(to, from, 0, start, 0);
    return error ? error : region_append_range(to, from, end, UINT32_MAX, 0);
}

int region_set_rights(struct region_table *to, const struct region_table *from, u32 start, u32 end,
                      u8 rights) {
    to->count = 0;
    int error = region_append_range(to, from, 0, start, 0);
    error = error ? error : region_append_range(to, from, start, end, rights);
    return error ? error : region_append_range(to, from, end, UINT32_MAX, 0);
}

/* ---- The page that holds a table ------------------------------------------------------------- */

struct region_table *region_table_create(void) {
    frame_t frame = frame_allocate_low();
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
