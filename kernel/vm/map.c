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
#include "kernel/sched/sched.h"
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

/* Replace the region table by NEW and unlock; the old one goes. */
static void regions_replace(struct quarter *quarter, struct region_table *new) {
    struct region_table *old = quarter->regions;
    quarter->regions = new;
    quarter_unlock(quarter);
    region_table_release(old);
}

/* The end of a change under the lock: NEW takes over, or on ERROR is dropped. Unlocks. */
static int regions_finish(struct quarter *quarter, struct region_table *new, int error) {
    if (error) {
        quarter_unlock(quarter);
        region_table_release(new);
        return error;
    }
    regions_replace(quarter, new);
    return 0;
}

/* ---- Map ------------------------------------------------------------------------------------- */

static int map_region(struct quarter *quarter, const struct region *region) {
    struct region_table *new = region_table_create();
    if (!new) {
        return E_NOMEM;
    }
    quarter_lock(quarter);
    int error = region_overlaps(quarter->regions, region->start, region->end)
                    ? E_EXISTS
                    : region_insert(new, quarter->regions, region);
    return regions_finish(quarter, new, error);
}

int quarter_map(struct quarter *quarter, u32 offset, u32 length, u32 rights) {
    bool paged = rights & MAP_PAGED;
    rights &= ~MAP_PAGED;
    int error = range_check(quarter, offset, length);
    error = error ? error : rights_check(rights);
    if (error) {
        return error;
    }
    struct region region = {.start = offset,
                            .end = offset + length,
                            .rights = (u8)rights,
                            .kind = paged ? REGION_PAGED : REGION_ANONYMOUS};
    return map_region(quarter, &region);
}

int regions_complete(struct region_table *regions, u32 start, u32 end, u32 rights,
                     struct region_table **result) {
    struct region hole = {.rights = (u8)rights, .kind = REGION_PAGED};
    *result = regions;
    while (region_hole(*result, start, end, &hole)) {
        struct region_table *new = region_table_create();
        int error = new ? region_insert(new, *result, &hole) : E_NOMEM;
        if (*result != regions) {
            region_table_release(*result);
        }
        *result = new;
        if (error) {
            region_table_release(new);
            *result = regions;
            return error;
        }
    }
    return 0;
}

int quarter_map_boot_image(struct quarter *quarter, u32 offset, frame_t first, u32 pages) {
    int error = pages > QUARTER_SIZE / PAGE_SIZE
                    ? E_RANGE
                    : range_check(quarter, offset, pages << PAGE_SHIFT);
    if (error) {
        return error;
    }
    struct region region = {.start = offset,
                            .end = offset + (pages << PAGE_SHIFT),
                            .rights = RIGHT_READ,
                            .kind = REGION_BOOT_IMAGE,
                            .first_frame = first.number};
    return map_region(quarter, &region);
}

int quarter_map_device(struct quarter *quarter, u32 offset, frame_t first, u32 pages, u32 rights) {
    int error = range_check(quarter, offset, pages << PAGE_SHIFT);
    error = error ? error : rights & RIGHT_EXECUTE ? E_INVALID : rights_check(rights);
    if (error) {
        return error;
    }
    struct region region = {.start = offset,
                            .end = offset + (pages << PAGE_SHIFT),
                            .rights = (u8)rights,
                            .kind = REGION_DEVICE,
                            .first_frame = first.number};
    return map_region(quarter, &region);
}

/* ---- Ragged ends ----------------------------------------------------------------------------- */

/* The directory entries of a range whose first or last 2 MiB it covers only in part. At most
 * two. */
struct edges {
    u32 count;
    u32 index[2];
};

static struct edges edges_of(u32 start, u32 end) {
    struct edges edges = {0};
    if (start % TABLE_SPAN != 0 || end - start < TABLE_SPAN) {
        edges.index[edges.count++] = directory_index(start);
    }
    if (end % TABLE_SPAN != 0 && (edges.count == 0 || directory_index(end) != edges.index[0])) {
        edges.index[edges.count++] = directory_index(end);
    }
    return edges;
}

static bool edges_have(const struct edges *edges, u32 index) {
    return (edges->count > 0 && edges->index[0] == index) ||
           (edges->count > 1 && edges->index[1] == index);
}

/* Make what is present at the edges own 4 KiB tables, so that single entries may change. */
static int edges_own(struct quarter *quarter, const struct edges *edges) {
    for (u32 i = 0; i < edges->count; i++) {
        entry_t *table;
        if (entry_is(arch_entry_read(&quarter->directory[edges->index[i]]), ENTRY_PRESENT)) {
            int error = table_own(quarter, edges->index[i], &table);
            if (error) {
                return error;
            }
        }
    }
    return 0;
}

/* The pages of [START, END) that lie in directory entry INDEX, as table indexes [*FIRST, *LAST). */
static void edge_clip(u32 index, u32 start, u32 end, u32 *first, u32 *last) {
    u32 base = index << TABLE_SHIFT;
    *first = start > base ? table_index(start) : 0;
    *last = end - base >= TABLE_SPAN ? TABLE_ENTRIES : table_index(end);
}

/* ---- Unmap ----------------------------------------------------------------------------------- */

struct graveyard {
    entry_t *directory;
    frame_t edge[2]; /* empty tables for the ragged ends */
    struct region_table *regions;
};

static void graveyard_destroy(struct graveyard *graveyard) {
    for (u32 i = 0; i < 2; i++) {
        if (!frame_is_none(graveyard->edge[i])) {
            frame_release(graveyard->edge[i]);
        }
    }
    if (graveyard->directory) {
        frame_release(arch_low_frame(graveyard->directory));
    }
    region_table_release(graveyard->regions);
}

static bool graveyard_create(struct graveyard *graveyard, const struct edges *edges) {
    *graveyard = (struct graveyard){0};
    graveyard->regions = region_table_create();
    frame_t directory = graveyard->regions ? frame_allocate(FRAME_LOW, NULL, NULL) : FRAME_NONE;
    if (frame_is_none(directory)) {
        graveyard_destroy(graveyard);
        return false;
    }
    arch_frame_zero(directory);
    graveyard->directory = table_entries(directory);
    for (u32 i = 0; i < edges->count; i++) {
        graveyard->edge[i] = frame_allocate(FRAME_LOW, NULL, NULL);
        if (frame_is_none(graveyard->edge[i])) {
            graveyard_destroy(graveyard);
            return false;
        }
        arch_frame_zero(graveyard->edge[i]);
    }
    return true;
}

/* Empty it of what was in [START, END): that is unreachable and shot down. */
static void graveyard_bury(struct graveyard *graveyard, u32 start, u32 end) {
    u32 steps = 0;
    for (u32 i = directory_index(start); i <= directory_index(end - 1); i++) {
        steps += directory_entry_discard(graveyard->directory[i]);
        if (steps >= DISCARD_STEPS) {
            steps = 0;
            sched_preemption_point();
        }
    }
    frame_release(arch_low_frame(graveyard->directory));
}

/* Move single entries of own table INDEX into an edge table of the graveyard; true if there are
 * any. */
static bool bury_pages(struct quarter *quarter, struct graveyard *graveyard, u32 edge, u32 index,
                       u32 start, u32 end) {
    entry_t *table = table_entries(arch_entry_frame(arch_entry_read(&quarter->directory[index])));
    entry_t *grave = table_entries(graveyard->edge[edge]);
    u32 first, last, moved = 0;
    edge_clip(index, start, end, &first, &last);
    for (u32 i = first; i < last; i++) {
        if (entry_is(arch_entry_read(&table[i]), ENTRY_PRESENT)) {
            grave[i] = table_take(quarter, table, i);
            moved++;
            TLBSAN_DOWNGRADE(quarter, (index << TABLE_SHIFT) + (i << PAGE_SHIFT), 1);
            if (!entry_is(grave[i], ENTRY_DEVICE)) {
                TLBSAN_FRAME(quarter, arch_entry_frame(grave[i]));
            }
        }
    }
    frame_set_used(graveyard->edge[edge], moved);
    graveyard->directory[index] = arch_entry_make(graveyard->edge[edge], ENTRY_OPEN);
    graveyard->edge[edge] = FRAME_NONE; /* the directory has it now */
    return moved != 0;
}

/* Move a whole directory entry. */
static void bury_entry(struct quarter *quarter, struct graveyard *graveyard, u32 index) {
    entry_t entry = directory_set(quarter, index, (entry_t){0});
    graveyard->directory[index] = entry;
    TLBSAN_DOWNGRADE(quarter, index << TABLE_SHIFT, TABLE_ENTRIES);
    TLBSAN_FRAME(quarter, arch_entry_frame(entry));
    if (entry_is(entry, ENTRY_LARGE)) {
        quarter->resident -= LARGE_FRAMES;
    } else {
        quarter->resident -= frame_used(arch_entry_frame(entry));
        quarter->tables--;
    }
}

static int unmap_prepare(struct quarter *quarter, struct graveyard *graveyard,
                         const struct edges *edges, u32 start, u32 end) {
    if (!region_overlaps(quarter->regions, start, end)) {
        return E_NOTFOUND;
    }
    int error = region_remove(graveyard->regions, quarter->regions, start, end);
    return error ? error : edges_own(quarter, edges);
}

static void unmap_commit(struct quarter *quarter, struct graveyard *graveyard,
                         const struct edges *edges, u32 start, u32 end) {
    u32 edge = 0;
    bool any = false;
    for (u32 i = directory_next(quarter, directory_index(start));
         i < TABLE_ENTRIES && i << TABLE_SHIFT < end; i = directory_next(quarter, i + 1)) {
        if (edges_have(edges, i)) {
            any |= bury_pages(quarter, graveyard, edge++, i, start, end);
        } else {
            any = true;
            bury_entry(quarter, graveyard, i);
        }
    }
    if (any) {
        quarter_shootdown(quarter, start, (end - start) >> PAGE_SHIFT, CAUSE_UNMAP);
    }
}

int quarter_unmap(struct quarter *quarter, u32 offset, u32 length) {
    int error = range_check(quarter, offset, length);
    if (error) {
        return error;
    }
    u32 end = offset + length;
    struct edges edges = edges_of(offset, end);
    struct graveyard graveyard;
    if (!graveyard_create(&graveyard, &edges)) {
        return E_NOMEM;
    }
    quarter_lock(quarter);
    error = unmap_prepare(quarter, &graveyard, &edges, offset, end);
    if (error) {
        quarter_unlock(quarter);
        graveyard_destroy(&graveyard);
        return error;
    }
    unmap_commit(quarter, &graveyard, &edges, offset, end);
    regions_replace(quarter, graveyard.regions);
    for (u32 i = 0; i < 2; i++) { /* edges with nothing present used no grave */
        if (!frame_is_none(graveyard.edge[i])) {
            frame_release(graveyard.edge[i]);
        }
    }
    graveyard_bury(&graveyard, offset, end);
    return 0;
}

/* ---- Protect --------------------------------------------------------------------------------- */

/* Does any region in the range have a right that RIGHTS lacks? Only then must entries change: new
 * rights are found by the next fault. */
static bool rights_shrink(const struct quarter *quarter, u32 start, u32 end, u32 rights) {
    while (start < end) {
        const struct region *region = region_find(quarter->regions, start);
        if (region->rights & ~rights) {
            return true;
        }
        start = region->end;
    }
    return false;
}

static u32 flags_without(u32 flags, u32 rights) {
    if (!(rights & RIGHT_WRITE)) {
        flags &= ~(u32)(ENTRY_WRITE | ENTRY_COW);
    }
    return rights & RIGHT_EXECUTE ? flags : flags & ~(u32)ENTRY_EXECUTE;
}

/* True if there are any. */
static bool protect_pages(struct quarter *quarter, u32 index, u32 start, u32 end, u32 rights) {
    entry_t *table = table_entries(arch_entry_frame(arch_entry_read(&quarter->directory[index])));
    u32 first, last;
    bool any = false;
    edge_clip(index, start, end, &first, &last);
    for (u32 i = first; i < last; i++) {
        entry_t entry = arch_entry_read(&table[i]);
        if (entry_is(entry, ENTRY_PRESENT)) {
            any = true;
            arch_entry_exchange(&table[i],
                                arch_entry_make(arch_entry_frame(entry),
                                                flags_without(arch_entry_flags(entry), rights)));
            TLBSAN_DOWNGRADE(quarter, (index << TABLE_SHIFT) + (i << PAGE_SHIFT), 1);
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

static void protect_commit(struct quarter *quarter, const struct edges *edges, u32 start, u32 end,
                           u32 rights) {
    bool any = false;
    for (u32 i = directory_next(quarter, directory_index(start));
         i < TABLE_ENTRIES && i << TABLE_SHIFT < end; i = directory_next(quarter, i + 1)) {
        if (edges_have(edges, i)) {
            any |= protect_pages(quarter, i, start, end, rights);
        } else {
            any = true;
            protect_entry(quarter, i, rights);
        }
    }
    if (any) {
        quarter_shootdown(quarter, start, (end - start) >> PAGE_SHIFT, CAUSE_PROTECT);
    }
}

/* A device never gets more rights than its handle gave. */
static bool device_gains(const struct quarter *quarter, u32 start, u32 end, u32 rights) {
    while (start < end) {
        const struct region *region = region_find(quarter->regions, start);
        if (region->kind == REGION_DEVICE && (rights & ~region->rights)) {
            return true;
        }
        start = region->end;
    }
    return false;
}

static int protect_locked(struct quarter *quarter, struct region_table *new, u32 start, u32 end,
                          u32 rights) {
    struct edges edges = edges_of(start, end);
    if (!region_covers(quarter->regions, start, end)) {
        return E_NOTFOUND;
    }
    if (device_gains(quarter, start, end, rights)) {
        return E_RIGHTS;
    }
    bool shrinks = rights_shrink(quarter, start, end, rights);
    int error = region_set_rights(new, quarter->regions, start, end, (u8)rights);
    if (!error && shrinks) {
        error = edges_own(quarter, &edges);
    }
    if (!error && shrinks) {
        protect_commit(quarter, &edges, start, end, rights);
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
