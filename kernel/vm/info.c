/* SPDX-License-Identifier: MIT */
/*
 * What system_info and quarter_stat tell of quarters: counters, and a walk over a region's pages.
 */
#include <string.h>

#include "kernel/base/cpu.h"
#include "kernel/vm/table.h"

struct vm_counters vm_counters[ARCH_CPU_LIMIT];

void vm_counters_sum(struct vm_counters *sum) {
    memset(sum, 0, sizeof(*sum));
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        const u64 *from = (const u64 *)&vm_counters[cpu];
        for (u32 i = 0; i < sizeof(*sum) / sizeof(u64); i++) {
            ((u64 *)sum)[i] += from[i];
        }
    }
}

void quarter_stat_fill(struct quarter *quarter, struct quarter_stat *stat) {
    quarter_lock(quarter);
    stat->sub_id = quarter->sub_id;
    stat->slot = quarter->slot;
    stat->references = atomic_read(&quarter->references);
    stat->resident = quarter->resident;
    stat->tables = quarter->tables;
    stat->regions = quarter->regions ? quarter->regions->count : 0;
    stat->view = VIEW_FULL;
    quarter_unlock(quarter);
}

static bool region_describe(struct quarter *quarter, u32 index, struct info_region *info) {
    quarter_lock(quarter);
    bool found = quarter->regions && index < quarter->regions->count;
    if (found) {
        const struct region *region = &quarter->regions->region[index];
        info->start = region->start;
        info->end = region->end;
        info->rights = region->rights;
        info->kind = region->kind;
        info->resident = info->shared = info->large = 0;
    }
    quarter_unlock(quarter);
    return found;
}

/* Count the pages of directory entry INDEX that lie in [INFO->start, INFO->end). */
static void entry_count(struct quarter *quarter, u32 index, struct info_region *info) {
    entry_t entry = arch_entry_read(&quarter->directory[index]);
    frame_t frame = arch_entry_frame(entry);
    if (entry_is(entry, ENTRY_LARGE)) {
        info->resident += LARGE_FRAMES;
        info->large++;
        info->shared += frame_large_references(frame) > 1 ? LARGE_FRAMES : 0;
        return;
    }
    struct part part = part_at(index, info->start, info->end);
    for (u32 i = part.first; i < part.end; i++) {
        entry_t page = arch_entry_read(&table_entries(frame)[i]);
        if (entry_is(page, ENTRY_PRESENT)) {
            info->resident++;
            info->shared +=
                !entry_is(page, ENTRY_DEVICE) &&
                (frame_references(frame) > 1 || frame_references(arch_entry_frame(page)) > 1);
        }
    }
}

int quarter_region_info(struct quarter *quarter, u32 index, struct info_region *info) {
    if (!region_describe(quarter, index, info)) {
        return E_NOTFOUND;
    }
    u32 end = directory_end(info->end);
    for (u32 i = directory_index(info->start); i < end; i++) {
        quarter_lock(quarter);
        i = directory_next(quarter, i);
        if (i < end) {
            entry_count(quarter, i, info);
        }
        quarter_unlock(quarter);
        sched_preemption_point();
    }
    return 0;
}
