/* SPDX-License-Identifier: MIT */
/*
 * The walker and the ownership rule: see table.h. Every function runs under the lock of the quarter
 * that it is given; between quarters only the atomic counts of frames are shared.
 */
#include "kernel/vm/table.h"

#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "debug/tlbsan.h"

/* ---- Directory entries ----------------------------------------------------------------------- */

u32 directory_next(const struct quarter *quarter, u32 index) {
    u32 word = index / PRESENT_BITS;
    if (index >= TABLE_ENTRIES) {
        return TABLE_ENTRIES;
    }
    uword bits = quarter->present[word] & ~(uword)0 << index % PRESENT_BITS;
    while (bits == 0) {
        if (++word == PRESENT_WORDS) {
            return TABLE_ENTRIES;
        }
        bits = quarter->present[word];
    }
    return word * PRESENT_BITS + (u32)__builtin_ctzl(bits);
}

entry_t directory_set(struct quarter *quarter, u32 index, entry_t entry) {
    uword bit = (uword)1 << index % PRESENT_BITS;
    for (u32 view = 0; ARCH_VIEW_DIRECTORIES && view < VIEW_COUNT; view++) {
        if (quarter->view_directory[view]) {
            entry_set(&quarter->view_directory[view][index],
                      directory_entry_for_view(entry, view << 1));
        }
    }
    if (entry_is(entry, ENTRY_PRESENT)) {
        quarter->present[index / PRESENT_BITS] |= bit;
    } else {
        quarter->present[index / PRESENT_BITS] &= ~bit;
    }
    return entry_set(&quarter->directory[index], entry);
}

/* ---- Table entries --------------------------------------------------------------------------- */

u32 entry_flags_for(const struct quarter *quarter, const struct region *region, bool exclusive) {
    u32 flags = ENTRY_PRESENT | (quarter->commons == COMMONS_ON ? ENTRY_GLOBAL : 0);
    if (region->rights & RIGHT_WRITE) {
        flags |= exclusive ? ENTRY_WRITE : ENTRY_COW;
    }
    return region->rights & RIGHT_EXECUTE ? flags | ENTRY_EXECUTE : flags;
}

void table_put(struct quarter *quarter, entry_t *table, u32 index, entry_t entry) {
    frame_t frame = arch_low_frame(table);
    frame_set_used(frame, frame_used(frame) + 1);
    quarter->resident++;
    arch_entry_publish(&table[index], entry);
}

entry_t table_take(struct quarter *quarter, entry_t *table, u32 index) {
    frame_t frame = arch_low_frame(table);
    frame_set_used(frame, frame_used(frame) - 1);
    quarter->resident--;
    return arch_entry_exchange(&table[index], (entry_t){0});
}

/* Release the pages of a table whose last reference has gone, and the table. */
static void table_empty(frame_t frame) {
    entry_t *table = table_entries(frame);
    u32 left = frame_used(frame);
    for (u32 i = 0; left != 0; i++) {
        ASSERT(i < TABLE_ENTRIES, "table %x lacks %u of its used entries", frame.number, left);
        entry_t page = arch_entry_read(&table[i]);
        if (entry_is(page, ENTRY_PRESENT)) {
            leaf_release(page);
            left--;
        }
    }
    frame_free(frame);
}

/* ---- The ownership rule ---------------------------------------------------------------------- */

/* Nothing there yet: an empty table, built off line and published with one store (hazard 37). */
static int table_create(struct quarter *quarter, u32 index, entry_t **result) {
    frame_t table;
    int error = frame_allocate(FRAME_LOW, quarter->budget, &table);
    if (error) {
        return error;
    }
    arch_frame_zero(table);
    quarter->tables++;
    directory_set(quarter, index, arch_entry_make(table, ENTRY_OPEN));
    *result = table_entries(table);
    return 0;
}

/* What an entry becomes in an own table: the region's rights, and WRITE only where nobody else
 * refers to the frame. REGION is a cursor: neighbouring pages mostly have the same one. */
static entry_t entry_settle(struct quarter *quarter, entry_t entry, u32 offset,
                            const struct region **region, bool exclusive) {
    if (!*region || offset < (*region)->start || offset >= (*region)->end) {
        *region = region_find(quarter->regions, offset);
        ASSERT(*region, "page at offset %x of quarter %llu is in no region", offset,
               (unsigned long long)quarter->sub_id);
    }
    u32 keep = arch_entry_flags(entry) & ENTRY_KEPT;
    u32 flags = entry_flags_for(quarter, *region, exclusive || (keep & ENTRY_SHARED)) | keep;
    return arch_entry_make(arch_entry_frame(entry), flags);
}

/* The count has dropped to one (or never rose: a protect closed it): take WRITE from the entries
 * whose frames others still refer to, then open the directory entry. Rights only grow, seen from
 * the CPUs: they had no write access at all here since the directory entry was closed. So no
 * shootdown. */
static void table_reclaim(struct quarter *quarter, u32 index, frame_t frame) {
    entry_t *table = table_entries(frame);
    const struct region *region = NULL;
    u32 left = frame_used(frame);
    for (u32 i = 0; left != 0; i++) {
        entry_t entry = arch_entry_read(&table[i]);
        if (entry_is(entry, ENTRY_PRESENT)) {
            left--;
            bool exclusive = leaf_exclusive(entry);
            u32 offset = page_offset(index, i);
            arch_entry_exchange(&table[i],
                                entry_settle(quarter, entry, offset, &region, exclusive));
        }
    }
    directory_set(quarter, index, arch_entry_make(frame, ENTRY_OPEN));
    VM_COUNT(table_reclaims);
}

/* Others refer to the table too: copy it, with a reference on every frame for the new entry. The
 * old one is let go only after a shootdown, because a cached directory entry would still walk it
 * (hazards 2 and 34). */
static int table_copy(struct quarter *quarter, u32 index, frame_t old, entry_t **result) {
    frame_t copy;
    int error = frame_allocate(FRAME_LOW, quarter->budget, &copy);
    if (error) {
        return error;
    }
    arch_frame_zero(copy);
    entry_t *from = table_entries(old), *to = table_entries(copy);
    const struct region *region = NULL;
    u32 left = frame_used(old);
    for (u32 i = 0; left != 0; i++) {
        entry_t entry = arch_entry_read(&from[i]);
        if (entry_is(entry, ENTRY_PRESENT)) {
            left--;
            leaf_reference(entry);
            to[i] = entry_settle(quarter, entry, page_offset(index, i), &region, false);
        }
    }
    frame_set_used(copy, frame_used(old));
    directory_set(quarter, index, arch_entry_make(copy, ENTRY_OPEN));
    TLBSAN_DOWNGRADE(quarter, index << TABLE_SHIFT, 1); /* one page drops the cached upper levels */
    TLBSAN_FRAME(quarter, old);
    quarter_shootdown(quarter, index << TABLE_SHIFT, 1, CAUSE_TABLE_COPY);
    if (frame_drop(old)) {
        table_empty(old); /* the others left while we copied */
    }
    VM_COUNT(table_copies);
    *result = to;
    return 0;
}

/* A 2 MiB page becomes 512 entries of a new table. Large and small translations must not live for
 * one address at a time: clear, shoot down, then set (hazard 36). */
static int table_split(struct quarter *quarter, u32 index, entry_t large, entry_t **result) {
    frame_t table, first = arch_entry_frame(large);
    int error = frame_allocate(FRAME_LOW, quarter->budget, &table);
    if (error) {
        return error;
    }
    bool exclusive = frame_large_exclusive(first);
    entry_t *entries = table_entries(table);
    const struct region *region = NULL;
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        entry_t entry = arch_entry_make((frame_t){first.number + i}, ENTRY_PRESENT);
        entries[i] = entry_settle(quarter, entry, page_offset(index, i), &region, exclusive);
    }
    frame_set_used(table, TABLE_ENTRIES);
    directory_set(quarter, index, (entry_t){0});
    TLBSAN_DOWNGRADE(quarter, index << TABLE_SHIFT, TABLE_ENTRIES);
    quarter_shootdown(quarter, index << TABLE_SHIFT, TABLE_ENTRIES, CAUSE_SPLIT);
    frame_split_large(first);
    quarter->tables++;
    directory_set(quarter, index, arch_entry_make(table, ENTRY_OPEN));
    VM_COUNT(large_splits);
    *result = entries;
    return 0;
}

int table_own(struct quarter *quarter, u32 index, entry_t **result) {
    entry_t entry = arch_entry_read(&quarter->directory[index]);
    u32 flags = arch_entry_flags(entry);
    frame_t frame = arch_entry_frame(entry);
    if (!(flags & ENTRY_PRESENT)) {
        return table_create(quarter, index, result);
    }
    if (flags & ENTRY_LARGE) {
        return table_split(quarter, index, entry, result);
    }
    if ((flags & ENTRY_OPEN) != ENTRY_OPEN) {
        /* The count can only fall under us: another quarter gains a reference by copying *this*
         * directory, which needs our lock (hazard 20). */
        if (frame_references(frame) > 1) {
            return table_copy(quarter, index, frame, result);
        }
        table_reclaim(quarter, index, frame);
    }
    *result = table_entries(frame);
    return 0;
}

/* ---- Letting go ------------------------------------------------------------------------------ */

u32 directory_entry_discard(entry_t entry) {
    frame_t frame = arch_entry_frame(entry);
    if (!entry_is(entry, ENTRY_PRESENT)) {
        return 0;
    }
    if (entry_is(entry, ENTRY_LARGE)) {
        return frame_release_large(frame) ? TABLE_ENTRIES + 1 : 1;
    }
    if (!frame_drop(frame)) {
        return 1; /* others share the table: everything in it stays */
    }
    u32 used = frame_used(frame);
    table_empty(frame);
    return used + 1;
}
