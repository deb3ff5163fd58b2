/* SPDX-License-Identifier: MIT */
/*
 * Regions come, go and change rights. Each call prepares all that can fail, then commits: on an
 * error nothing that a user can see has changed. One shootdown a call, and no page is let go before
 * it.
 *
 * Unmap moves the entries of the range into a *graveyard*: a directory that no CPU walks. Whole
 * tables and 2 MiB pages move by one directory entry; only the ragged ends go page by page. After
 * the shootdown, the graveyard is emptied as a dying quarter is: in bounded steps, without a lock.
 */
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/vm/table.h"
#include "debug/tlbsan.h"

/* ---- Arguments ------------------------------------------------------------------------------- */

int range_check(const struct quarter *quarter, u32 offset, u32 length) {
    u32 limit = arch_directory_entries(quarter->slot) << TABLE_SHIFT;
    if ((offset | length) % PAGE_SIZE != 0) {
        return E_ALIGN;
    }
    if (length == 0) {
        return E_INVALID;
    }
    return offset > limit || length > limit - offset ? E_RANGE : 0;
}

/* Rights without read exist on no x86; write and execute together are never given. */
int rights_check(u32 rights) {
    if (rights & ~(u32)(RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) || !(rights & RIGHT_READ) ||
        (rights & (RIGHT_WRITE | RIGHT_EXECUTE)) == (RIGHT_WRITE | RIGHT_EXECUTE)) {
        return E_INVALID;
    }
    return 0;
}

/* The end of a change under the lock: NEW takes over, or on ERROR is dropped. Unlocks. */
static int regions_finish(struct quarter *quarter, struct region_table *new, int error) {
    struct region_table *gone = error ? new : quarter->regions;
    if (!error) {
        quarter->regions = new;
    }
    quarter_unlock(quarter);
    region_table_release(gone);
    return error;
}

/* ---- Map ------------------------------------------------------------------------------------- */

static int map_region(struct quarter *quarter, u32 offset, u32 length, u32 rights,
                      enum region_kind kind, frame_t first) {
    int error = range_check(quarter, offset, length);
    error = error ? error : rights_check(rights);
    if (error) {
        return error;
    }
    struct region region = {.start = offset,
                            .end = offset + length,
                            .rights = (u8)rights,
                            .kind = (u8)kind,
                            .first_frame = first.number};
    struct region_table *new = region_table_create();
    if (!new) {
        return E_NOMEM;
    }
    quarter_lock(quarter);
    error = region_overlaps(quarter->regions, region.start, region.end)
                ? E_EXISTS
                : region_insert(new, quarter->regions, &region);
    return regions_finish(quarter, new, error);
}

int quarter_map(struct quarter *quarter, u32 offset, u32 length, u32 rights) {
    enum region_kind kind = rights & MAP_PAGED ? REGION_PAGED : REGION_ANONYMOUS;
    return map_region(quarter, offset, length, rights & ~MAP_PAGED, kind, FRAME_NONE);
}

static int map_frames(struct quarter *quarter, u32 offset, u32 pages, u32 rights,
                      enum region_kind kind, frame_t first) {
    return pages > QUARTER_SIZE / PAGE_SIZE
               ? E_RANGE
               : map_region(quarter, offset, pages << PAGE_SHIFT, rights, kind, first);
}

int quarter_map_boot_image(struct quarter *quarter, u32 offset, frame_t first, u32 pages) {
    return map_frames(quarter, offset, pages, RIGHT_READ, REGION_BOOT_IMAGE, first);
}

int quarter_map_device(struct quarter *quarter, u32 offset, frame_t first, u32 pages, u32 rights) {
    return rights & RIGHT_EXECUTE
               ? E_INVALID
               : map_frames(quarter, offset, pages, rights, REGION_DEVICE, first);
}

/* ---- A range, by directory entries ----------------------------------------------------------- */

/* If [START, END) covers only a part of directory entry INDEX, and something is there: make that an
 * own 4 KiB table, so that single entries may change. */
static int end_own(struct quarter *quarter, u32 index, u32 start, u32 end) {
    entry_t *table;
    bool present = entry_is(arch_entry_read(&quarter->directory[index]), ENTRY_PRESENT);
    return present && !part_is_whole(part_at(index, start, end)) ? table_own(quarter, index, &table)
                                                                 : 0;
}

static int ends_own(struct quarter *quarter, u32 start, u32 end) {
    int error = end_own(quarter, directory_index(start), start, end);
    return error ? error : end_own(quarter, directory_index(end - 1), start, end);
}

/* ---- Unmap ----------------------------------------------------------------------------------- */

/* Empty it of what was in [START, END): that is unreachable and shot down. */
static void graveyard_bury(entry_t *graveyard, u32 start, u32 end) {
    u32 steps = 0;
    for (u32 i = directory_index(start); i < directory_end(end); i++) {
        directory_entry_discard_step(graveyard[i], &steps);
    }
    frame_release(arch_low_frame(graveyard));
}

/* A table for the single pages of directory entry INDEX, if [START, END) covers only a part of it. */
static int grave_dig(entry_t *graveyard, u32 index, u32 start, u32 end) {
    frame_t table;
    if (part_is_whole(part_at(index, start, end)) || entry_is(graveyard[index], ENTRY_PRESENT)) {
        return 0;
    }
    int error = frame_allocate(FRAME_LOW, NULL, &table);
    if (!error) {
        arch_frame_zero(table);
        graveyard[index] = arch_entry_make(table, ENTRY_OPEN);
    }
    return error;
}

/* Null: no memory. */
static entry_t *graveyard_create(u32 start, u32 end) {
    frame_t directory;
    if (frame_allocate(FRAME_LOW, NULL, &directory) != 0) {
        return NULL;
    }
    arch_frame_zero(directory);
    entry_t *graveyard = table_entries(directory);
    if (grave_dig(graveyard, directory_index(start), start, end) != 0 ||
        grave_dig(graveyard, directory_index(end - 1), start, end) != 0) {
        graveyard_bury(graveyard, start, end);
        return NULL;
    }
    return graveyard;
}

/* Move single entries; true if there are any. */
static bool bury_pages(struct quarter *quarter, entry_t *graveyard, u32 index, struct part part) {
    entry_t *table = table_at(quarter, index);
    entry_t *grave = table_entries(arch_entry_frame(graveyard[index]));
    u32 moved = 0;
    for (u32 i = part.first; i < part.end; i++) {
        if (entry_is(arch_entry_read(&table[i]), ENTRY_PRESENT)) {
            grave[i] = table_take(quarter, table, i);
            moved++;
            TLBSAN_DOWNGRADE(quarter, page_offset(index, i), 1);
            if (!entry_is(grave[i], ENTRY_DEVICE)) {
                TLBSAN_FRAME(quarter, arch_entry_frame(grave[i]));
            }
        }
    }
    frame_set_used(arch_low_frame(grave), moved);
    return moved != 0;
}

/* Move a whole directory entry. */
static void bury_entry(struct quarter *quarter, entry_t *graveyard, u32 index) {
    entry_t entry = directory_set(quarter, index, (entry_t){0});
    graveyard[index] = entry;
    TLBSAN_DOWNGRADE(quarter, index << TABLE_SHIFT, TABLE_ENTRIES);
    TLBSAN_FRAME(quarter, arch_entry_frame(entry));
    if (entry_is(entry, ENTRY_LARGE)) {
        quarter->resident -= LARGE_FRAMES;
    } else {
        quarter->resident -= frame_used(arch_entry_frame(entry));
        quarter->tables--;
    }
}

static void unmap_commit(struct quarter *quarter, entry_t *graveyard, u32 start, u32 end) {
    bool any = false;
    DIRECTORY_FOR_EACH(i, quarter, directory_index(start), directory_end(end)) {
        struct part part = part_at(i, start, end);
        if (part_is_whole(part)) {
            any = true;
            bury_entry(quarter, graveyard, i);
        } else {
            any |= bury_pages(quarter, graveyard, i, part);
        }
    }
    if (any) {
        quarter_shootdown(quarter, start, (end - start) >> PAGE_SHIFT, CAUSE_UNMAP);
    }
}

static int unmap_locked(struct quarter *quarter, struct region_table *new, entry_t *graveyard,
                        u32 start, u32 end) {
    if (!region_overlaps(quarter->regions, start, end)) {
        return E_NOTFOUND;
    }
    int error = region_remove(new, quarter->regions, start, end);
    error = error ? error : ends_own(quarter, start, end);
    if (!error) {
        unmap_commit(quarter, graveyard, start, end);
    }
    return error;
}

int quarter_unmap(struct quarter *quarter, u32 offset, u32 length) {
    u32 end = offset + length;
    int error = range_check(quarter, offset, length);
    if (error) {
        return error;
    }
    struct region_table *new = region_table_create();
    entry_t *graveyard = new ? graveyard_create(offset, end) : NULL;
    if (!graveyard) {
        region_table_release(new);
        return E_NOMEM;
    }
    quarter_lock(quarter);
    error = unmap_locked(quarter, new, graveyard, offset, end);
    regions_finish(quarter, new, error);
    graveyard_bury(graveyard, offset, end);
    return error;
}

/* ---- Protect --------------------------------------------------------------------------------- */

/* May [START, END) get RIGHTS: E_NOTFOUND where there is no region, E_RIGHTS for a device, which
 * never gets more than its handle gave. *SHRINKS: some region has a right that RIGHTS lacks. Only
 * then must entries change: new rights are found by the next fault. */
static int protect_check(const struct quarter *quarter, u32 start, u32 end, u32 rights,
                         bool *shrinks) {
    *shrinks = false;
    while (start < end) {
        const struct region *region = region_find(quarter->regions, start);
        if (!region) {
            return E_NOTFOUND;
        }
        if (region->kind == REGION_DEVICE && (rights & ~region->rights)) {
            return E_RIGHTS;
        }
        *shrinks |= (region->rights & ~rights) != 0;
        start = region->end;
    }
    return 0;
}

static u32 flags_without(u32 flags, u32 rights) {
    if (!(rights & RIGHT_WRITE)) {
        flags &= ~(u32)(ENTRY_WRITE | ENTRY_COW);
    }
    return rights & RIGHT_EXECUTE ? flags : flags & ~(u32)ENTRY_EXECUTE;
}

/* True if there are any. */
static bool protect_pages(struct quarter *quarter, u32 index, struct part part, u32 rights) {
    entry_t *table = table_at(quarter, index);
    bool any = false;
    for (u32 i = part.first; i < part.end; i++) {
        entry_t entry = arch_entry_read(&table[i]);
        if (entry_is(entry, ENTRY_PRESENT)) {
            any = true;
            arch_entry_exchange(&table[i],
                                arch_entry_make(arch_entry_frame(entry),
                                                flags_without(arch_entry_flags(entry), rights)));
            TLBSAN_DOWNGRADE(quarter, page_offset(index, i), 1);
        }
    }
    return any;
}

/* A whole table or 2 MiB page: close the directory entry, and let table_own() settle the pages if
 * one is needed. */
static void protect_entry(struct quarter *quarter, u32 index, u32 rights) {
    entry_t entry = arch_entry_read(&quarter->directory[index]);
    u32 flags = flags_without(arch_entry_flags(entry), rights);
    if (!(rights & RIGHT_WRITE)) {
        flags |= ENTRY_COW;
    }
    directory_set(quarter, index, arch_entry_make(arch_entry_frame(entry), flags));
    TLBSAN_DOWNGRADE(quarter, index << TABLE_SHIFT, TABLE_ENTRIES);
}

static void protect_commit(struct quarter *quarter, u32 start, u32 end, u32 rights) {
    bool any = false;
    DIRECTORY_FOR_EACH(i, quarter, directory_index(start), directory_end(end)) {
        struct part part = part_at(i, start, end);
        if (part_is_whole(part)) {
            any = true;
            protect_entry(quarter, i, rights);
        } else {
            any |= protect_pages(quarter, i, part, rights);
        }
    }
    if (any) {
        quarter_shootdown(quarter, start, (end - start) >> PAGE_SHIFT, CAUSE_PROTECT);
    }
}

static int protect_locked(struct quarter *quarter, struct region_table *new, u32 start, u32 end,
                          u32 rights) {
    bool shrinks;
    int error = protect_check(quarter, start, end, rights, &shrinks);
    error = error ? error : region_set_rights(new, quarter->regions, start, end, (u8)rights);
    if (error || !shrinks) {
        return error;
    }
    error = ends_own(quarter, start, end);
    if (!error) {
        protect_commit(quarter, start, end, rights);
    }
    return error;
}

int quarter_protect(struct quarter *quarter, u32 offset, u32 length, u32 rights) {
    int error = range_check(quarter, offset, length);
    error = error ? error : rights_check(rights);
    if (error) {
        return error;
    }
    struct region_table *new = region_table_create();
    if (!new) {
        return E_NOMEM;
    }
    quarter_lock(quarter);
    error = protect_locked(quarter, new, offset, offset + length, rights);
    return regions_finish(quarter, new, error);
}
