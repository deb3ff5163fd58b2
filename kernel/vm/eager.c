/* SPDX-License-Identifier: MIT */
/*
 * cow=eager on the kernel's command line: a COPY copies every page that can be written at once, so
 * that what copy-on-write is worth can be measured in the same kernel (`make bench-cascade`). Nothing
 * here runs without it. Each table is copied under the lock of the copy, which nobody else knows yet.
 */
#include "kernel/vm/quarter.h"
#include "kernel/vm/table.h"

bool quarter_copies_eagerly;

/* A frame of its own for the page in PLACE, unless it stays shared or is never written. No CPU has an
 * entry of the copy: so no shootdown. */
static int place_copy(struct quarter *copy, entry_t *place, u32 offset) {
    entry_t entry = arch_entry_read(place);
    if (!entry_is(entry, ENTRY_PRESENT) || entry_is(entry, ENTRY_SHARED)) {
        return 0;
    }
    const struct region *region = region_find(copy->regions, offset);
    if (!(region->rights & RIGHT_WRITE) || region_is_fixed(region)) {
        return 0;
    }
    frame_t frame;
    int error = frame_allocate(FRAME_USER, copy->budget, &frame);
    if (!error) {
        arch_frame_copy(frame, arch_entry_frame(entry));
        arch_entry_exchange(place, arch_entry_make(frame, entry_flags_for(copy, region, true)));
        frame_release(arch_entry_frame(entry));
    }
    return error;
}

static int table_copy_pages(struct quarter *copy, u32 index) {
    entry_t *table;
    int error = table_own(copy, index, &table);
    for (u32 i = 0; !error && i < TABLE_ENTRIES; i++) {
        error = place_copy(copy, &table[i], page_offset(index, i));
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
