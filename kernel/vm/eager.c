/* SPDX-License-Identifier: MIT */
/*
 * cow=eager on the kernel's command line: a COPY copies every page that can be written at once, so
 * that what copy-on-write is worth can be measured in the same kernel (`make bench-cascade`). Nothing
 * here runs without it. Each table is copied under the lock of the copy, which nobody else knows yet.
 */
#include "kernel/vm/quarter.h"
#include "kernel/vm/table.h"

bool quarter_copies_eagerly;

void quarter_copy_eagerly(void) { quarter_copies_eagerly = true; }

/* A frame of its own for the page in PLACE. No CPU has an entry of the copy: so no shootdown. */
static int place_copy(struct quarter *copy, const struct region *region, entry_t *place) {
    frame_t frame, old = arch_entry_frame(arch_entry_read(place));
    int error = frame_allocate(FRAME_USER, copy->budget, &frame);
    if (error) {
        return error;
    }
    arch_frame_copy(frame, old);
    arch_entry_exchange(place, arch_entry_make(frame, entry_flags_for(copy, region, true)));
    frame_release(old);
    return 0;
}

/* Pages that stay shared, or are never written, stay as they are. */
static bool place_is_to_copy(entry_t entry, const struct region *region) {
    return entry_is(entry, ENTRY_PRESENT) && !entry_is(entry, ENTRY_SHARED) && region &&
           (region->rights & RIGHT_WRITE) && !region_is_fixed(region);
}

static int table_copy_pages(struct quarter *copy, u32 index) {
    const struct region *region = NULL;
    entry_t *table;
    int error = table_own(copy, index, &table);
    for (u32 i = 0; !error && i < TABLE_ENTRIES; i++) {
        u32 offset = (index << TABLE_SHIFT) + (i << PAGE_SHIFT);
        if (!region || offset < region->start || offset >= region->end) {
            region = region_find(copy->regions, offset);
        }
        if (place_is_to_copy(arch_entry_read(&table[i]), region)) {
            error = place_copy(copy, region, &table[i]);
        }
    }
    return error;
}

int quarter_copy_pages(struct quarter *copy) {
    int error = 0;
    for (u32 i = directory_next(copy, 0); !error && i < TABLE_ENTRIES;
         i = directory_next(copy, i + 1)) {
        quarter_lock(copy);
        error = table_copy_pages(copy, i);
        quarter_unlock(copy);
    }
    return error;
}
