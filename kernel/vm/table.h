/* SPDX-License-Identifier: MIT */
/*
 * The walker: the way to a table whose entries may change. Directory entries are set here (and in
 * COPY's loop in quarter.c); fault.c and map.c change entries only in a table that table_own() has
 * given them. The ownership rule stands here.
 *
 *   A page-table page with a reference count above one is immutable. With a count of one it
 *   belongs to the lock of the one quarter that refers to it.
 *
 *   directory entry      means
 *   -----------------    -------------------------------------------------------------------------
 *   WRITE set            the table (or 2 MiB page) is this quarter's own: count one, settled
 *   COW set              write-protected here: by COPY, or by a protect of the whole 2 MiB. Before
 *                        anything in it changes, table_own() copies the table, or settles and
 *                        reopens it
 *   EXECUTE clear        nothing in it may run until table_own() has looked at the regions again
 *
 * All functions need the quarter's lock. Symptom when the rule breaks: a write in one process shows
 * up in another, or a frame's count does not match the entries that refer to it.
 */
#ifndef KERNEL_TABLE_H
#define KERNEL_TABLE_H

#include "kernel/sched/sched.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/quarter.h"

/* A directory entry of an own table. */
#define ENTRY_OPEN (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_EXECUTE)

static inline u32 directory_index(u32 offset) { return offset >> TABLE_SHIFT; }
static inline u32 table_index(u32 offset) { return offset >> PAGE_SHIFT & (TABLE_ENTRIES - 1); }
static inline entry_t *table_entries(frame_t table) { return arch_low_pointer(table); }

/* Of page I in directory entry INDEX. */
static inline u32 page_offset(u32 index, u32 i) {
    return (index << TABLE_SHIFT) + (i << PAGE_SHIFT);
}
/* The first directory entry past a range that ends at OFFSET. */
static inline u32 directory_end(u32 offset) { return (offset + TABLE_SPAN - 1) >> TABLE_SHIFT; }

static inline bool entry_is(entry_t entry, u32 flag) { return arch_entry_has(entry, flag); }

static inline entry_t entry_set(entry_t *place, entry_t entry) {
    entry_t old = arch_entry_read(place);
    if (entry_is(old, ENTRY_PRESENT)) {
        return arch_entry_exchange(place, entry);
    }
    arch_entry_publish(place, entry);
    return old;
}

/* The table that directory entry INDEX refers to. */
static inline entry_t *table_at(const struct quarter *quarter, u32 index) {
    return table_entries(arch_entry_frame(arch_entry_read(&quarter->directory[index])));
}

/* The next present directory entry at or after INDEX, or TABLE_ENTRIES; each from FIRST to before
 * END. */
u32 directory_next(const struct quarter *quarter, u32 index);
#define DIRECTORY_FOR_EACH(i, quarter, first, end) \
    for (u32 i = directory_next(quarter, first); i < (end); i = directory_next(quarter, i + 1))

/* Of a range, the pages in one directory entry: table indexes FIRST to before END. Only at the
 * range's ends is that not the whole entry. */
struct part {
    u32 first, end;
};

static inline struct part part_at(u32 index, u32 start, u32 end) {
    u32 base = index << TABLE_SHIFT;
    return (struct part){.first = start > base ? table_index(start) : 0,
                         .end = end - base >= TABLE_SPAN ? TABLE_ENTRIES : table_index(end)};
}

static inline bool part_is_whole(struct part part) {
    return part.first == 0 && part.end == TABLE_ENTRIES;
}

/* Leaves: what they refer to is counted, but for devices. EXCLUSIVE: writing is right, because
 * nobody else refers to the frame, or all do on purpose (a device is that, too: its entries have
 * ENTRY_SHARED). */
static inline void leaf_reference(entry_t leaf) {
    if (!entry_is(leaf, ENTRY_DEVICE)) {
        frame_reference(arch_entry_frame(leaf));
    }
}
static inline void leaf_release(entry_t leaf) {
    if (!entry_is(leaf, ENTRY_DEVICE)) {
        frame_release(arch_entry_frame(leaf));
    }
}
static inline bool leaf_exclusive(entry_t leaf) {
    return entry_is(leaf, ENTRY_SHARED) || frame_references(arch_entry_frame(leaf)) == 1;
}
/* What an entry of a page has from how the page came here, not from its region. */
#define ENTRY_KEPT (ENTRY_SHARED | ENTRY_DEVICE | ENTRY_ACCESSED | ENTRY_DIRTY)

/* quarter.c: a directory with only what the kernel keeps in it. 0, E_NOMEM or E_LIMIT. */
int directory_create(u32 slot, struct budget *budget, entry_t **result);
/* Set or clear (ENTRY = 0) directory entry INDEX in the directory and in those of its views; the
 * old entry. */
entry_t directory_set(struct quarter *quarter, u32 index, entry_t entry);
/* view.c: ENTRY as a view of rights VIEW shows it; let the views' directories follow QUARTER's, whose
 * present entries have changed. */
entry_t directory_entry_for_view(entry_t entry, u32 view);
void views_follow(struct quarter *quarter);

/* Make the table of directory entry INDEX the quarter's own 4 KiB table, whatever is there now:
 * nothing, a 2 MiB page, a shared table. 0 and *RESULT, or E_NOMEM / E_LIMIT with nothing changed
 * that a user can see. */
int table_own(struct quarter *quarter, u32 index, entry_t **result);

/* Put ENTRY into a non-present place of an own TABLE, or take it out again; counts used and
 * resident. */
void table_put(struct quarter *quarter, entry_t *table, u32 index, entry_t entry);
entry_t table_take(struct quarter *quarter, entry_t *table, u32 index);

/* The flags that a 4 KiB entry or 2 MiB entry of QUARTER may have for REGION, WRITE only if
 * EXCLUSIVE. */
u32 entry_flags_for(const struct quarter *quarter, const struct region *region, bool exclusive);

/* fault.c: put a page into a non-present place of own TABLE: zeroed, or of the boot image. 0, E_NOMEM
 * or E_LIMIT. */
int page_fill(struct quarter *quarter, const struct region *region, entry_t *table, u32 offset);
/* Give the page at OFFSET, whose entry in an own table is at PLACE, a frame of its own, by copying. */
int page_copy(struct quarter *quarter, const struct region *region, entry_t *place, u32 offset);

/* map.c: E_ALIGN, E_INVALID, E_RANGE; E_INVALID. */
int range_check(const struct quarter *quarter, u32 offset, u32 length);
int rights_check(u32 rights);

/* Drop what a detached directory entry refers to: the table with all that is in it, the page. Not
 * reachable by any CPU any more; no lock needed. Returns how many counts it touched, at most
 * TABLE_ENTRIES + 1. */
u32 directory_entry_discard(entry_t entry);

/* The same for one of many, no lock held: lets interrupts in after every DISCARD_STEPS counts. *STEPS:
 * those since, 0 before the first. */
#define DISCARD_STEPS 256u
static inline void directory_entry_discard_step(entry_t entry, u32 *steps) {
    *steps += directory_entry_discard(entry);
    if (*steps >= DISCARD_STEPS) {
        *steps = 0;
        sched_preemption_point();
    }
}

#endif
