/* SPDX-License-Identifier: MIT */
/*
 * Entries and roots. What the contract of arch.h asks of a caller is checked here: publish only
 * over a non-present entry, exchange only over a present one, no change in a table that others
 * share (the ownership rule), no step from a 2 MiB page to a table or back without a clear and a
 * shootdown (hazard 36).
 */
#include <string.h>

#include "arch/sim/sim.h"
#include "kernel/base/interleave.h"
#include "kernel/vm/frame.h"

#define KERNEL_MARK \
    (SIM_ENTRY_PRESENT | SIM_ENTRY_WRITE | SIM_ENTRY_NO_EXECUTE | 0xBEEF000ull) /* no user bit */

static bool entry_present(entry_t entry) { return (entry.raw & SIM_ENTRY_PRESENT) != 0; }

entry_t arch_entry_make(frame_t frame, u32 flags) {
    if (!(flags & ENTRY_PRESENT) || frame_is_none(frame)) {
        sim_fail("sim: an entry is made from frame %#x and flags %#x", frame.number, flags);
    }
    if ((flags & ENTRY_LARGE) && frame.number % LARGE_FRAMES != 0) {
        sim_fail("sim: a 2 MiB entry is made for the unaligned frame %#x", frame.number);
    }
    u64 raw = frame_address(frame) | SIM_ENTRY_PRESENT | SIM_ENTRY_USER;
    raw |= flags & ENTRY_WRITE ? SIM_ENTRY_WRITE : 0;
    raw |= flags & ENTRY_LARGE ? SIM_ENTRY_LARGE : 0;
    raw |= flags & ENTRY_GLOBAL ? SIM_ENTRY_GLOBAL : 0;
    raw |= flags & ENTRY_COW ? SIM_ENTRY_COW : 0;
    raw |= flags & ENTRY_SHARED ? SIM_ENTRY_SHARED : 0;
    raw |= flags & ENTRY_DEVICE ? SIM_ENTRY_DEVICE : 0;
    raw |= flags & ENTRY_ACCESSED ? SIM_ENTRY_ACCESSED : 0;
    raw |= flags & ENTRY_DIRTY ? SIM_ENTRY_DIRTY : 0;
    raw |= flags & ENTRY_EXECUTE || !sim_knobs.no_execute ? 0 : SIM_ENTRY_NO_EXECUTE;
    return (entry_t){raw};
}

u32 arch_entry_flags(entry_t entry) {
    u64 raw = entry.raw;
    if (raw == 0) {
        return 0;
    }
    return (raw & SIM_ENTRY_PRESENT ? ENTRY_PRESENT : 0) |
           (raw & SIM_ENTRY_WRITE ? ENTRY_WRITE : 0) |
           (raw & SIM_ENTRY_NO_EXECUTE ? 0 : ENTRY_EXECUTE) |
           (raw & SIM_ENTRY_LARGE ? ENTRY_LARGE : 0) | (raw & SIM_ENTRY_COW ? ENTRY_COW : 0) |
           (raw & SIM_ENTRY_GLOBAL ? ENTRY_GLOBAL : 0) |
           (raw & SIM_ENTRY_SHARED ? ENTRY_SHARED : 0) |
           (raw & SIM_ENTRY_DEVICE ? ENTRY_DEVICE : 0) |
           (raw & SIM_ENTRY_ACCESSED ? ENTRY_ACCESSED : 0) |
           (raw & SIM_ENTRY_DIRTY ? ENTRY_DIRTY : 0);
}

static void entry_check_owner(const entry_t *entry, const char *what) {
    frame_t table = arch_low_frame(entry);
    if (sim_knobs.immutable_tables && sim_frame_references(table) != 1) {
        sim_fail("sim: %s of entry %u in table %#x, which has %u references (one that is shared is "
                 "immutable)",
                 what, (u32)((uword)entry % PAGE_SIZE / sizeof(entry_t)), table.number,
                 sim_frame_references(table));
    }
}

static void entry_check_value(entry_t value) {
    if ((value.raw & SIM_ENTRY_GLOBAL) && !sim_knobs.global) {
        sim_fail("sim: entry %#llx is global, which this CPU does not know",
                 (unsigned long long)value.raw);
    }
    frame_t frame = arch_entry_frame(value);
    bool exists =
        value.raw & SIM_ENTRY_DEVICE ? sim_frame_is_device(frame) : sim_frame_exists(frame);
    if (entry_present(value) && !exists) {
        sim_fail("sim: entry %#llx points to no memory", (unsigned long long)value.raw);
    }
    if (value.raw != 0 && !entry_present(value)) {
        sim_fail("sim: entry %#llx is neither present nor empty", (unsigned long long)value.raw);
    }
}

void arch_entry_publish(entry_t *entry, entry_t value) {
    sim_point();
    entry_t old = arch_entry_read(entry);
    if (entry_present(old)) {
        sim_fail("sim: publish of %#llx over the present entry %#llx",
                 (unsigned long long)value.raw, (unsigned long long)old.raw);
    }
    if (!entry_present(value)) {
        sim_fail("sim: publish of an entry that is not present");
    }
    entry_check_value(value);
    entry_check_owner(entry, "publish");
    sim_entry_about_to_change(entry, value);
    __atomic_store_n(&entry->raw, value.raw, __ATOMIC_RELEASE);
    sim_entry_changed(entry);
}

entry_t arch_entry_exchange(entry_t *entry, entry_t value) {
    sim_point_locked();
    entry_t old = arch_entry_read(entry);
    if (!entry_present(old)) {
        sim_fail("sim: exchange with %#llx over an entry that is not present",
                 (unsigned long long)value.raw);
    }
    if (!(old.raw & SIM_ENTRY_USER)) {
        sim_fail("sim: the kernel's own directory entry %#llx is changed",
                 (unsigned long long)old.raw);
    }
    if (entry_present(value) && ((old.raw ^ value.raw) & SIM_ENTRY_LARGE)) {
        sim_fail("sim: %#llx replaces %#llx: page sizes change without a clear and a shootdown",
                 (unsigned long long)value.raw, (unsigned long long)old.raw);
    }
    entry_check_value(value);
    entry_check_owner(entry, "exchange");
    sim_entry_about_to_change(entry, value);
    old.raw = __atomic_exchange_n(&entry->raw, value.raw,
                                  __ATOMIC_ACQ_REL); /* with the A and D set until now */
    sim_entry_changed(entry);
    return old;
}

entry_t arch_entry_protect(entry_t *entry, entry_t seen) {
    u32 flags = arch_entry_flags(seen);
    if (!(flags & ENTRY_WRITE) || (flags & ENTRY_COW)) {
        sim_fail("sim: entry %#llx is protected and was not writable",
                 (unsigned long long)seen.raw);
    }
    entry_t closed =
        arch_entry_make(arch_entry_frame(seen), (flags & ~(u32)ENTRY_WRITE) | ENTRY_COW);
    arch_entry_exchange(entry, closed);
    return closed;
}

/* ---- Roots ----------------------------------------------------------------------------------- */

int arch_root_create(struct arch_root *root, const struct arch_slot slots[SLOT_COUNT]) {
    root->frame = frame_allocate_low();
    if (frame_is_none(root->frame)) {
        return E_NOMEM;
    }
    entry_t *entries = arch_low_pointer(root->frame);
    memset(entries, 0, PAGE_SIZE);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (frame_is_none(slots[slot].directory)) {
            continue;
        }
        if (!(slots[slot].rights & RIGHT_READ)) {
            sim_fail("sim: root slot %u with rights %#x, which lack read", slot,
                     slots[slot].rights);
        }
        u32 flags = ENTRY_PRESENT | ENTRY_WRITE | ENTRY_EXECUTE;
        if (!SIM_VIEW_DIRECTORIES) {
            flags = ENTRY_PRESENT | (slots[slot].rights & RIGHT_WRITE ? ENTRY_WRITE : 0) |
                    (slots[slot].rights & RIGHT_EXECUTE ? ENTRY_EXECUTE : 0);
        }
        entries[slot] = arch_entry_make(slots[slot].directory, flags);
    }
    return 0;
}

void arch_root_destroy(struct arch_root *root) {
    sim_root_check_unloaded(root->frame);
    frame_release(root->frame);
    root->frame = FRAME_NONE;
}

u32 arch_root_spare_frames(void) { return 0; }

u32 arch_directory_entries(u32 slot) {
    return SIM_VIEW_DIRECTORIES && slot == 3 ? 384 : TABLE_ENTRIES;
}

void arch_directory_prepare(entry_t *directory, u32 slot) {
    for (u32 index = arch_directory_entries(slot); index < TABLE_ENTRIES; index++) {
        directory[index] = (entry_t){KERNEL_MARK};
    }
}
