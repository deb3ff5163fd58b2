/* SPDX-License-Identifier: MIT */
/* The monitor's command on addresses: walk. See commands.h. */
#include "arch/arch.h"
#include "debug/monitor/commands.h"
#include "kernel/base/cpu.h"
#include "kernel/base/print.h"
#include "kernel/process/process.h"
#include "kernel/vm/region.h"
#include "kernel/vm/space.h"
#include "kernel/vm/table.h"

#define ENTRY_TEXT 64u

/* ---- The entries ----------------------------------------------------------------------------- */

static void step_print(const struct arch_walk_step *step) {
    char text[ENTRY_TEXT];
    arch_entry_text(step->entry, step->leaf, text, sizeof(text));
    print("  %-9s %3u  %016llx", step->level, step->index, (unsigned long long)step->entry.raw);
    if (!entry_is(step->entry, ENTRY_PRESENT)) {
        print("  not present\n");
        return;
    }
    frame_t frame = arch_entry_frame(step->entry);
    print("  frame 0x%x", frame.number);
    if (frame_is_managed(frame)) {
        print(", %u references", frame_references(frame));
    }
    print("  %s%s\n", text, step->leaf && entry_is(step->entry, ENTRY_LARGE) ? "  2 MiB" : "");
}

/* ---- What a fault would do ------------------------------------------------------------------- */

/* The two entries of a quarter's own tables on the way to an address; 0 where there is none. */
struct way {
    entry_t directory, page;
};

static bool way_allows(const struct way *way, u32 flags) {
    bool large = entry_is(way->directory, ENTRY_LARGE);
    return (arch_entry_flags(way->directory) & flags) == flags &&
           (large || (arch_entry_flags(way->page) & flags) == flags);
}

static struct way way_find(const struct quarter *quarter, u32 offset) {
    struct way way = {.directory = arch_entry_read(&quarter->directory[directory_index(offset)])};
    if (entry_is(way.directory, ENTRY_PRESENT) && !entry_is(way.directory, ENTRY_LARGE)) {
        entry_t *table = table_entries(arch_entry_frame(way.directory));
        way.page = arch_entry_read(&table[table_index(offset)]);
    }
    return way;
}

/* Region and rights are there, the entries do not allow it: as vm/fault.c will see to it. */
static void remedy_print(const struct quarter *quarter, const struct region *region,
                         const struct way *way, bool write) {
    bool present = entry_is(way->page, ENTRY_PRESENT);
    if (entry_is(way->directory, ENTRY_LARGE)) {
        print("opens the 2 MiB page, or splits it\n");
        return;
    }
    if (!present && region->kind == REGION_PAGED) {
        print("%s\n", quarter->pager.object ? "asks the pager" : fault_sentence(FAULT_NO_PAGER));
        return;
    }
    if (!entry_is(way->directory, ENTRY_PRESENT)) {
        print("a new table; ");
    } else if (frame_references(arch_entry_frame(way->directory)) > 1) {
        print("copies the table; ");
    }
    if (!present) {
        print("%s\n", region_is_fixed(region) ? "maps the frame of the region" : "a zeroed page");
    } else if (write && !leaf_exclusive(way->page)) {
        print("copies the page\n");
    } else {
        print("opens the entry\n");
    }
}

static void access_print(const struct space_slot *slot, u32 offset, u32 access, u32 flags) {
    const struct quarter *quarter = slot->quarter;
    const struct region *region = region_find(quarter->regions, offset);
    struct way way = way_find(quarter, offset);
    print("  %-8s ", access == RIGHT_WRITE  ? "write:"
                     : access == RIGHT_READ ? "read:"
                                            : "execute:");
    if (region == NULL) {
        bool asked = quarter->pager.object != NULL && (slot->view & access) != 0;
        print("%s\n", asked ? "asks the pager" : fault_sentence(FAULT_NO_REGION));
    } else if (!(region->rights & slot->view & access)) {
        print("%s\n", fault_sentence(FAULT_RIGHTS));
    } else if (way_allows(&way, flags)) {
        print("is allowed\n");
    } else {
        remedy_print(quarter, region, &way, access == RIGHT_WRITE);
    }
}

static void faults_print(const struct space *space, u32 address) {
    u32 offset = SLOT_OFFSET(address);
    const struct space_slot *slot = &space->slot[SLOT_OF(address)];
    if (slot->quarter == NULL) {
        print("  slot %u: %s\n", SLOT_OF(address), fault_sentence(FAULT_NO_QUARTER));
        return;
    }
    print("  quarter %llu, view %s\n", (unsigned long long)slot->quarter->sub_id,
          monitor_rights(slot->view).text);
    const struct region *region = region_find(slot->quarter->regions, offset);
    if (region != NULL) {
        monitor_region_print(region, SLOT_OF(address));
    }
    access_print(slot, offset, RIGHT_READ, ENTRY_PRESENT);
    access_print(slot, offset, RIGHT_WRITE, ENTRY_PRESENT | ENTRY_WRITE);
    access_print(slot, offset, RIGHT_EXECUTE, ENTRY_PRESENT | ENTRY_EXECUTE);
}

/* ---- walk ------------------------------------------------------------------------------------ */

/* The space to walk in: that of a process, or the loaded one (null: the kernel's). False: the process
 * is not there. */
static bool space_choose(const struct monitor_words *words, const struct space **space) {
    *space = arch_cpu()->loaded;
    if (words->count == 2) {
        return true;
    }
    const struct process *process = monitor_process_named(words, 2);
    *space = process != NULL ? process->space : NULL;
    return *space != NULL;
}

enum monitor_result monitor_walk(const struct monitor_words *words) {
    struct arch_walk_step steps[ARCH_WALK_LEVELS];
    const struct space *space;
    u64 address;
    if (!monitor_number(words->word[1], &address) || (uword)address != address) {
        return MONITOR_USAGE;
    }
    if (!space_choose(words, &space)) {
        return MONITOR_DONE;
    }
    u32 count = arch_walk(space != NULL ? &space->root : NULL, (uword)address, steps);
    for (u32 i = 0; i < count; i++) {
        step_print(&steps[i]);
    }
    if (space != NULL && address < ARCH_USER_TOP) {
        faults_print(space, (u32)address);
    }
    return MONITOR_DONE;
}
