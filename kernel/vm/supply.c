/* SPDX-License-Identifier: MIT */
/*
 * Supply of pages: MOVE, COPY and SHARE between two quarters. With both locks held a few pages are
 * prepared (all that can fail), then committed; then both locks go, and interrupts come in.
 *
 *            the source's entry            the frame                 the new entry
 *     MOVE   goes, with a shootdown        keeps its count           own if the count is one, else COW
 *     COPY   write-protected, shootdown    one reference more        COW
 *     SHARE  gets ENTRY_SHARED             one reference more        ENTRY_SHARED
 *
 * The shootdown comes before the new entry: nobody writes through the source what the other side
 * reads already. All entries of a frame agree in ENTRY_SHARED. So SHARE gives the source a frame of
 * its own first if others have it copy-on-write, and COPY of a shared page copies its bytes.
 *
 * Who pays: a moved frame that nobody else has is charged to the quarter that gets it. Frames that
 * become shared stay charged as they were; who writes to a copy pays for its own.
 * Read next: table.h, process/pager.c (who asks).
 */
#include "kernel/vm/supply.h"

#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/table.h"
#include "debug/tlbsan.h"

#define BATCH_PAGES 32u /* with both locks held; a shootdown of as many still goes page by page */

/* The pages that one hold of the locks supplies: COUNT neighbours, in one table on each side. */
struct batch {
    struct quarter *to, *from;
    entry_t *to_table, *from_table; /* own */
    u32 offset, from_offset, count, mode;
    u32 wanted; /* bit i: page i is absent in TO, and in place in FROM */
    u32 shared; /* bit i: page i is shared on purpose in TO */
    /* What TO gets, with a reference. Known when it is committed, but for a COPY of a shared page: that
     * is of its bytes, and prepared. */
    frame_t given[BATCH_PAGES];
};

static u32 page_at(u32 offset, u32 i) { return offset + (i << PAGE_SHIFT); }

static entry_t *to_place(const struct batch *batch, u32 i) {
    return &batch->to_table[table_index(batch->offset) + i];
}

static entry_t *from_place(const struct batch *batch, u32 i) {
    return &batch->from_table[table_index(batch->from_offset) + i];
}

/* ---- Preparing: what can fail ---------------------------------------------------------------- */

/* A private frame for what page I of a shared source holds now. */
static int bytes_copy(struct batch *batch, u32 i, frame_t source) {
    int error = frame_allocate(FRAME_USER, batch->to->budget, &batch->given[i]);
    if (!error) {
        arch_frame_copy(batch->given[i], source);
    }
    return error;
}

/* Make the source's page I what MODE needs. */
static int source_prepare(struct batch *batch, u32 i, const struct region *region) {
    u32 offset = page_at(batch->from_offset, i);
    entry_t *place = from_place(batch, i);
    if (!entry_is(arch_entry_read(place), ENTRY_PRESENT)) {
        int error = region->kind == REGION_PAGED
                        ? E_NOTFOUND
                        : page_fill(batch->from, region, batch->from_table, offset);
        if (error) {
            return error;
        }
    }
    frame_t frame = arch_entry_frame(arch_entry_read(place));
    bool shared = entry_is(arch_entry_read(place), ENTRY_SHARED);
    bool alone = frame_references(frame) == 1;
    switch (batch->mode) {
    case PAGER_MOVE:
        return alone ? frame_charge(frame, batch->to->budget) : 0;
    case PAGER_COPY:
        return shared ? bytes_copy(batch, i, frame) : 0;
    default:
        return alone || shared ? 0 : page_copy(batch->from, region, place, offset);
    }
}

static int page_prepare(struct batch *batch, u32 i) {
    const struct region *to = region_find(batch->to->regions, page_at(batch->offset, i));
    const struct region *from = region_find(batch->from->regions, page_at(batch->from_offset, i));
    batch->given[i] = FRAME_NONE;
    if (!to) {
        return E_NOTFOUND;
    }
    if (to->kind == REGION_DEVICE || (from && from->kind == REGION_DEVICE)) {
        return E_INVALID; /* the pages of a device are where they are */
    }
    if (entry_is(arch_entry_read(to_place(batch, i)), ENTRY_PRESENT)) {
        return 0;
    }
    int error = from ? source_prepare(batch, i, from) : E_NOTFOUND;
    batch->wanted |= error ? 0 : 1u << i;
    return error;
}

static int tables_own(struct batch *batch) {
    int error = table_own(batch->to, directory_index(batch->offset), &batch->to_table);
    return error ? error
                 : table_own(batch->from, directory_index(batch->from_offset), &batch->from_table);
}

static int pages_prepare(struct batch *batch, u32 count) {
    struct quarter *to = batch->to;
    if (entry_is(arch_entry_read(&to->directory[directory_index(batch->offset)]), ENTRY_LARGE)) {
        batch->count = count; /* all of it is there */
        return 0;
    }
    if (!region_find(to->regions, batch->offset) ||
        !region_find(batch->from->regions, batch->from_offset)) {
        return E_NOTFOUND;
    }
    int error = tables_own(batch);
    while (!error && batch->count < count) {
        error = page_prepare(batch, batch->count);
        batch->count += !error;
    }
    return error;
}

/* In *RESULT, REGIONS with paged ones of RIGHTS added where [START, END) has none: REGIONS itself if
 * there is no such place, else a table of its own. 0; E_NOMEM or E_LIMIT: it is REGIONS. */
static int regions_complete(struct region_table *regions, u32 start, u32 end, u32 rights,
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

/* Up to COUNT pages. On an error, those before the one that failed are ready. The regions that are
 * added stay if a page is. */
static int batch_prepare(struct batch *batch, u32 count, u32 rights) {
    struct quarter *to = batch->to;
    struct region_table *old = to->regions, *new = old;
    int error =
        rights ? regions_complete(old, batch->offset, page_at(batch->offset, count), rights, &new)
               : 0;
    to->regions = new;
    error = error ? error : pages_prepare(batch, count);
    if (new != old && batch->count == 0) {
        to->regions = old;
        region_table_release(new);
    } else if (new != old) {
        region_table_release(old);
    }
    return error;
}

/* ---- Committing: what cannot ----------------------------------------------------------------- */

#define FOR_EACH_WANTED(i, batch)                                                             \
    for (u32 left_ = (batch)->wanted, i; left_ != 0 && (i = (u32)__builtin_ctz(left_), true); \
         left_ &= left_ - 1)

/* Page I of FROM becomes what MODE makes of it, and what TO gets is noted. True if FROM has fewer
 * rights to it now. */
static bool page_give(struct batch *batch, u32 i) {
    entry_t *place = from_place(batch, i), entry = arch_entry_read(place);
    frame_t frame = arch_entry_frame(entry);
    bool shrinks = false;
    switch (batch->mode) {
    case PAGER_MOVE:
        table_take(batch->from, batch->from_table, table_index(batch->from_offset) + i);
        TLBSAN_FRAME(batch->from, frame);
        batch->shared |= entry_is(entry, ENTRY_SHARED) ? 1u << i : 0;
        shrinks = true;
        break;
    case PAGER_COPY:
        if (!frame_is_none(batch->given[i])) {
            return false;
        }
        shrinks = entry_is(entry, ENTRY_WRITE);
        if (shrinks) {
            arch_entry_protect(place, entry);
        }
        frame_reference(frame);
        break;
    default:
        arch_entry_exchange(place, arch_entry_make(frame, arch_entry_flags(entry) | ENTRY_SHARED));
        frame_reference(frame);
        batch->shared |= 1u << i;
    }
    batch->given[i] = frame;
    return shrinks;
}

static void page_show(struct batch *batch, u32 i) {
    u32 offset = page_at(batch->offset, i);
    const struct region *region = region_find(batch->to->regions, offset);
    frame_t frame = batch->given[i];
    u32 shared = batch->shared >> i & 1 ? ENTRY_SHARED : 0;
    u32 flags = entry_flags_for(batch->to, region, shared || frame_references(frame) == 1);
    table_put(batch->to, batch->to_table, table_index(offset),
              arch_entry_make(frame, flags | shared));
    VM_COUNT(pages_supplied);
}

static void batch_commit(struct batch *batch) {
    bool shrunk = false;
    FOR_EACH_WANTED(i, batch) { shrunk |= page_give(batch, i); }
    if (shrunk) {
        TLBSAN_DOWNGRADE(batch->from, batch->from_offset, batch->count);
        quarter_shootdown(batch->from, batch->from_offset, batch->count, CAUSE_SUPPLY);
    }
    FOR_EACH_WANTED(i, batch) { page_show(batch, i); }
}

/* ---- The loop -------------------------------------------------------------------------------- */

static u32 pages_left_in_table(u32 offset) { return TABLE_ENTRIES - table_index(offset); }

static u32 batch_length(u32 offset, u32 from_offset, u32 pages) {
    u32 count = pages < BATCH_PAGES ? pages : BATCH_PAGES;
    u32 to_room = pages_left_in_table(offset), from_room = pages_left_in_table(from_offset);
    count = count < to_room ? count : to_room;
    return count < from_room ? count : from_room;
}

static int supply_check(const struct quarter *to, u32 offset, const struct quarter *from,
                        u32 from_offset, u32 pages, u32 mode, u32 rights) {
    if (to == from || pages > QUARTER_SIZE / PAGE_SIZE || mode < PAGER_MOVE || mode > PAGER_SHARE) {
        return E_INVALID;
    }
    int error = range_check(to, offset, pages << PAGE_SHIFT);
    error = error ? error : range_check(from, from_offset, pages << PAGE_SHIFT);
    return error || rights == 0 ? error : rights_check(rights);
}

int quarter_supply_pages(struct quarter *to, u32 offset, struct quarter *from, u32 from_offset,
                         u32 pages, u32 mode, u32 rights, u32 *done) {
    *done = 0;
    int error = supply_check(to, offset, from, from_offset, pages, mode, rights);
    while (!error && *done < pages) {
        struct batch batch = {.to = to,
                              .from = from,
                              .offset = page_at(offset, *done),
                              .from_offset = page_at(from_offset, *done),
                              .mode = mode};
        u32 count = batch_length(batch.offset, batch.from_offset, pages - *done);
        quarter_lock_both(to, from);
        error = batch_prepare(&batch, count, rights);
        batch_commit(&batch);
        quarter_unlock_both(to, from);
        *done += batch.count;
        sched_preemption_point();
    }
    return error;
}
