/* SPDX-License-Identifier: MIT */
/*
 * The monitor's commands on quarters. The kernel keeps no list of them, so they are looked for where
 * they can be reached from: spaces, loans and handle tables of processes, and the CPUs. One that is
 * only in a message on its way is not found. See commands.h.
 */
#include "debug/monitor/commands.h"
#include "kernel/base/cpu.h"
#include "kernel/base/print.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/region.h"
#include "kernel/vm/table.h"

/* ---- Finding --------------------------------------------------------------------------------- */

/* The quarter with the lowest sub-ID above AFTER, as far as one has been looked for. */
struct search {
    u64 after;
    struct quarter *best;
};

static void consider(struct search *search, struct quarter *quarter) {
    if (quarter != NULL && quarter->sub_id > search->after &&
        (search->best == NULL || quarter->sub_id < search->best->sub_id)) {
        search->best = quarter;
    }
}

static void consider_space(struct search *search, const struct space *space) {
    for (u32 slot = 0; space != NULL && slot < SLOT_COUNT; slot++) {
        consider(search, space->slot[slot].quarter);
    }
}

static void consider_handles(struct search *search, const struct handle_table *table) {
    for (u32 i = 0; i < table->end && i < HANDLE_LIMIT; i++) {
        if (table->handles[i].type == OBJECT_QUARTER) {
            consider(search, table->handles[i].object);
        }
    }
}

static void consider_process(struct search *search, const struct process *process) {
    consider_space(search, process->space);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (process->loans >> slot & 1) {
            consider(search, process->loan[slot].before.quarter);
        }
    }
    consider_handles(search, &process->handles);
}

struct quarter *monitor_quarter_next(u64 after) {
    struct search search = {.after = after};
    FOR_EACH_PROCESS(process) { consider_process(&search, process); }
    for (u32 i = 0; i < cpu_count; i++) {
        consider_space(&search, cpus[i].loaded);
    }
    return search.best;
}

/* ---- quarters -------------------------------------------------------------------------------- */

#define SHOWN_LIMIT 6u /* processes in a line */

static bool space_has(const struct space *space, const struct quarter *quarter) {
    return space != NULL && space->slot[quarter->slot].quarter == quarter;
}

/* The processes that have QUARTER in its slot, with the view where it is not a full one. */
static void users_print(const struct quarter *quarter) {
    u32 shown = 0;
    FOR_EACH_PROCESS(process) {
        if (!space_has(process->space, quarter)) {
            continue;
        }
        if (++shown > SHOWN_LIMIT) {
            print(" ...");
            return;
        }
        u32 view = process->space->slot[quarter->slot].view;
        print(" %u%s", process->pid, view == VIEW_FULL ? "" : monitor_rights(view).text);
    }
}

enum monitor_result monitor_quarters(const struct monitor_words *words) {
    (void)words;
    u32 count = 0;
    print("  SUBID SLOT  REFS  PAGES TABLES REGIONS  PROCESSES\n");
    for (struct quarter *quarter = NULL;
         (quarter = monitor_quarter_next(quarter ? quarter->sub_id : 0)) != NULL;) {
        print("%7llu %4u %5u %6u %6u %7u ", (unsigned long long)quarter->sub_id, quarter->slot,
              quarter->references, quarter->resident, quarter->tables,
              quarter->regions ? quarter->regions->count : 0);
        users_print(quarter);
        print("\n");
        count++;
    }
    print("%u found, %u exist\n", count, quarter_count());
    return MONITOR_DONE;
}

/* ---- quarter --------------------------------------------------------------------------------- */

void monitor_region_print(const struct region *region, u32 slot) {
    static const char *const kinds[] = {"anonymous", "boot image", "paged", "device"};
    u32 base = SLOT_BASE(slot);
    print("  region %08x-%08x  %s  %s\n", base + region->start, base + (region->end - 1),
          monitor_rights(region->rights).text,
          region->kind < ARRAY_LENGTH(kinds) ? kinds[region->kind] : "of no kind");
}

static void regions_print(const struct quarter *quarter) {
    const struct region_table *regions = quarter->regions;
    for (u32 i = 0; regions != NULL && i < regions->count && i < REGION_LIMIT; i++) {
        monitor_region_print(&regions->region[i], quarter->slot);
    }
}

/* The ownership rule at work: who may change what the directory refers to. */
static void directory_print(const struct quarter *quarter) {
    u32 own = 0, closed = 0, shared = 0, large = 0;
    for (u32 i = 0; i < arch_directory_entries(quarter->slot); i++) {
        entry_t entry = arch_entry_read(&quarter->directory[i]);
        if (!entry_is(entry, ENTRY_PRESENT)) {
            continue;
        }
        if (entry_is(entry, ENTRY_LARGE)) {
            large++;
        } else if (frame_references(arch_entry_frame(entry)) > 1) {
            shared++;
        } else if (entry_is(entry, ENTRY_WRITE)) {
            own++;
        } else {
            closed++;
        }
    }
    print(
        "  directory at frame 0x%x: %u own tables, %u own and closed, %u shared, %u large pages\n",
        arch_low_frame(quarter->directory).number, own, closed, shared, large);
}

static void counters_print(const struct quarter *quarter) {
    print("  generation %llu, %llu faults, %llu shootdowns, %llu interrupts sent, %llu saved\n",
          (unsigned long long)quarter->generation, (unsigned long long)quarter->faults,
          (unsigned long long)quarter->shootdowns, (unsigned long long)quarter->interrupts_sent,
          (unsigned long long)quarter->interrupts_saved);
}

static void running_print(const struct quarter *quarter) {
    print("  loaded on CPUs");
    for (u32 i = 0; i < cpu_count; i++) {
        if (space_has(cpus[i].loaded, quarter)) {
            print(" %u", i);
        }
    }
    print("; in processes");
    users_print(quarter);
    print("\n");
}

static void quarter_print(const struct quarter *quarter) {
    print("quarter %llu at %p: slot %u, %u references, %u pages, %u tables, budget %u%s%s%s\n",
          (unsigned long long)quarter->sub_id, (const void *)quarter, quarter->slot,
          quarter->references, quarter->resident, quarter->tables, quarter->budget->index,
          quarter->lock->locked ? ", locked" : "", quarter->commons ? ", the commons" : "",
          quarter->pager.object ? ", has a pager" : "");
    running_print(quarter);
    directory_print(quarter);
    counters_print(quarter);
    regions_print(quarter);
}

enum monitor_result monitor_quarter(const struct monitor_words *words) {
    u64 wanted;
    if (!monitor_number(words->word[1], &wanted) || wanted == 0) {
        return MONITOR_USAGE;
    }
    struct quarter *quarter = monitor_quarter_next(wanted - 1);
    if (quarter == NULL || quarter->sub_id != wanted) {
        print("no process can reach a quarter %llu\n", (unsigned long long)wanted);
    } else {
        quarter_print(quarter);
    }
    return MONITOR_DONE;
}
