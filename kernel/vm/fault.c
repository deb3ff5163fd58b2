/* SPDX-License-Identifier: MIT */
/*
 * Answering page faults: demand zero, copy-on-write of tables and pages, 2 MiB pages. A fault takes
 * only the lock of the quarter that it is in, so threads that fault in different slots never meet.
 * What the region allows decides; the entries only remember it (hazards 21 and 24: the error code
 * is never trusted alone).
 */
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/vm/table.h"
#include "debug/tlbsan.h"
#include "debug/tlbtrace.h"

/* ---- 2 MiB pages ----------------------------------------------------------------------------- */

static bool region_fits_large(const struct region *region, u32 offset) {
    u32 start = offset & ~(TABLE_SPAN - 1);
    return region->kind == REGION_ANONYMOUS && region->start <= start &&
           region->end - start >= TABLE_SPAN;
}

/* Fill an empty directory entry with a zeroed 2 MiB page. An error only means: use small pages. */
static int large_fill(struct quarter *quarter, const struct region *region, u32 index) {
    frame_t first;
    int error = frame_allocate_large(quarter->budget, &first);
    if (error) {
        return error;
    }
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        arch_frame_zero((frame_t){first.number + i});
    }
    quarter->resident += LARGE_FRAMES;
    directory_set(quarter, index,
                  arch_entry_make(first, entry_flags_for(quarter, region, true) | ENTRY_LARGE));
    VM_COUNT(large_fills);
    return 0;
}

/* A present 2 MiB page refused the access at OFFSET. True: it allows it now. False: others share
 * it, or a protect has given REGION only a part of it: split it. */
static bool large_reopen(struct quarter *quarter, const struct region *region, u32 offset,
                         entry_t entry) {
    u32 index = directory_index(offset);
    frame_t first = arch_entry_frame(entry);
    if (!region_fits_large(region, offset) || !frame_large_exclusive(first)) {
        return false;
    }
    u32 flags = entry_flags_for(quarter, region, true) | ENTRY_LARGE;
    directory_set(quarter, index, arch_entry_make(first, flags));
    return true;
}

/* ---- 4 KiB pages ----------------------------------------------------------------------------- */

static void fixed_fill(struct quarter *quarter, const struct region *region, entry_t *table,
                       u32 offset) {
    frame_t frame = {region->first_frame + ((offset - region->start) >> PAGE_SHIFT)};
    entry_t entry;
    if (region->kind == REGION_DEVICE) {
        u32 flags = entry_flags_for(quarter, region, true) | ENTRY_DEVICE | ENTRY_SHARED;
        entry = arch_entry_make_device(frame, flags);
    } else { /* the kernel keeps a reference of its own on the boot image: it is never exclusive */
        frame_reference(frame);
        entry = arch_entry_make(frame, entry_flags_for(quarter, region, false));
    }
    table_put(quarter, table, table_index(offset), entry);
}

int page_fill(struct quarter *quarter, const struct region *region, entry_t *table, u32 offset) {
    if (region_is_fixed(region)) {
        fixed_fill(quarter, region, table, offset);
        return 0;
    }
    frame_t frame;
    int error = frame_allocate(FRAME_USER, quarter->budget, &frame);
    if (error) {
        return error;
    }
    arch_frame_zero(frame);
    table_put(quarter, table, table_index(offset),
              arch_entry_make(frame, entry_flags_for(quarter, region, true)));
    VM_COUNT(zero_fills);
    return 0;
}

/* Give the quarter a frame of its own for the page at OFFSET: the new one is in place, and seen by
 * all, before the old one is let go (hazard 17). Nobody may write the new one while a CPU can still
 * read the old one, so WRITE comes after the shootdown (tools/model/ownership.pml). */
int page_copy(struct quarter *quarter, const struct region *region, entry_t *place, u32 offset) {
    frame_t copy;
    int error = frame_allocate(FRAME_USER, quarter->budget, &copy);
    if (error) {
        return error;
    }
    frame_t old = arch_entry_frame(arch_entry_read(place));
    arch_frame_copy(copy, old);
    arch_entry_exchange(place, arch_entry_make(copy, entry_flags_for(quarter, region, false)));
    TLBSAN_DOWNGRADE(quarter, offset & ~(PAGE_SIZE - 1), 1);
    TLBSAN_FRAME(quarter, old);
    quarter_shootdown(quarter, offset & ~(PAGE_SIZE - 1), 1, CAUSE_PAGE_COPY);
    arch_entry_exchange(place, arch_entry_make(copy, entry_flags_for(quarter, region, true)));
    frame_release(old);
    VM_COUNT(page_copies);
    return 0;
}

/* A present page in an own table refused the access; the region allows it. */
static int page_reopen(struct quarter *quarter, const struct region *region, entry_t *place,
                       u32 offset, bool write) {
    entry_t entry = arch_entry_read(place);
    frame_t frame = arch_entry_frame(entry);
    bool exclusive = leaf_exclusive(entry);
    if (write && !exclusive) {
        return page_copy(quarter, region, place, offset);
    }
    u32 keep = arch_entry_flags(entry) & ENTRY_KEPT;
    arch_entry_exchange(place,
                        arch_entry_make(frame, entry_flags_for(quarter, region, exclusive) | keep));
    VM_COUNT(page_reclaims);
    return 0;
}

/* ---- The decision ---------------------------------------------------------------------------- */

static u32 access_flags(enum vm_access access) {
    return access == ACCESS_WRITE     ? ENTRY_PRESENT | ENTRY_WRITE
           : access == ACCESS_EXECUTE ? ENTRY_PRESENT | ENTRY_EXECUTE
                                      : ENTRY_PRESENT;
}

/* True if both levels allow the access as they stand: somebody else has served it, or a TLB was
 * behind. */
static bool walk_allows(struct quarter *quarter, u32 offset, enum vm_access access) {
    u32 wanted = access_flags(access);
    entry_t entry = arch_entry_read(&quarter->directory[directory_index(offset)]);
    if ((arch_entry_flags(entry) & wanted) != wanted) {
        return false;
    }
    if (entry_is(entry, ENTRY_LARGE)) {
        return true;
    }
    entry = arch_entry_read(&table_entries(arch_entry_frame(entry))[table_index(offset)]);
    return (arch_entry_flags(entry) & wanted) == wanted;
}

/* Make OFFSET accessible. Lock held, region and rights checked. 0, E_NOMEM or E_LIMIT. */
static int page_provide(struct quarter *quarter, const struct region *region, u32 offset,
                        enum vm_access access) {
    u32 index = directory_index(offset);
    entry_t entry = arch_entry_read(&quarter->directory[index]);
    if (!entry_is(entry, ENTRY_PRESENT) && region_fits_large(region, offset) &&
        large_fill(quarter, region, index) == 0) {
        return 0;
    }
    if (entry_is(entry, ENTRY_LARGE) && large_reopen(quarter, region, offset, entry)) {
        return 0;
    }
    entry_t *table;
    int error = table_own(quarter, index, &table);
    if (error) {
        return error;
    }
    entry_t *place = &table[table_index(offset)];
    u32 flags = arch_entry_flags(arch_entry_read(place));
    if (!(flags & ENTRY_PRESENT)) {
        return page_fill(quarter, region, table, offset);
    }
    if ((flags & access_flags(access)) == access_flags(access)) {
        return 0; /* owning the table was enough */
    }
    return page_reopen(quarter, region, place, offset, access == ACCESS_WRITE);
}

static int fault_locked(struct quarter *quarter, u32 offset, enum vm_access access, u32 view) {
    const struct region *region = region_find(quarter->regions, offset);
    if (!region) {
        return FAULT_NO_REGION;
    }
    if (!(region->rights & view & access)) {
        return FAULT_RIGHTS;
    }
    if (walk_allows(quarter, offset, access)) {
        /* Hazard 25. By the fault this CPU has forgotten what it had cached for the address (SDM 3A
         * 4.10.4.1), so the next try walks. */
        VM_COUNT(spurious_faults);
        return 0;
    }
    if (region->kind == REGION_PAGED && !walk_allows(quarter, offset, ACCESS_READ)) {
        return FAULT_NO_PAGER; /* the caller asks it, with no lock held */
    }
    return page_provide(quarter, region, offset, access) ? FAULT_NO_MEMORY : 0;
}

int quarter_fault(struct quarter *quarter, u32 offset, enum vm_access access, u32 view) {
    VM_COUNT(page_faults);
    quarter_lock(quarter);
    quarter->faults++;
    int reason = fault_locked(quarter, offset, access, view);
    quarter_unlock(quarter);
    tlbtrace_fault(quarter, offset);
    return reason;
}

/* ---- The kernel writes into a quarter -------------------------------------------------------- */

static int write_locked(struct quarter *quarter, u32 offset, const void *source, u32 length) {
    const struct region *region = region_find(quarter->regions, offset);
    entry_t *table;
    if (!region) {
        return E_NOTFOUND;
    }
    if (region->kind == REGION_DEVICE) {
        return E_INVALID; /* the kernel does not touch devices that are none of its own */
    }
    int error = table_own(quarter, directory_index(offset), &table);
    if (error) {
        return error;
    }
    entry_t *place = &table[table_index(offset)];
    if (!entry_is(arch_entry_read(place), ENTRY_PRESENT)) {
        error = page_fill(quarter, region, table, offset);
    }
    if (!error && !leaf_exclusive(arch_entry_read(place))) {
        error = page_copy(quarter, region, place, offset);
    }
    if (!error) {
        arch_frame_write(arch_entry_frame(arch_entry_read(place)), offset % PAGE_SIZE, source,
                         length);
    }
    return error;
}

int quarter_write(struct quarter *quarter, u32 offset, const void *source, u32 length) {
    ASSERT(length <= PAGE_SIZE - offset % PAGE_SIZE, "a write of %u bytes at %x crosses a page",
           length, offset);
    quarter_lock(quarter);
    int error = write_locked(quarter, offset, source, length);
    quarter_unlock(quarter);
    return error;
}
