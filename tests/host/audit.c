/* SPDX-License-Identifier: MIT */
/*
 * The audit: every reference count, statistic and right in the VM, compared with what a full walk
 * of all quarters of the world says. And the digest, by which a failed operation shows that it has
 * changed nothing.
 */
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"
#include "kernel/vm/table.h"
#include "tests/host/world.h"

#define AUDIT_QUARTERS 512

static struct {
    const char *after;
    struct quarter *quarter[AUDIT_QUARTERS];
    u32 quarter_holders[AUDIT_QUARTERS];
    u32 quarter_count;
    struct space *space[WORLD_PROCESSES];
    u32 space_holders[WORLD_PROCESSES];
    u32 space_count;
    u32 *expected; /* references of each frame */
    u8 *visited;   /* tables that have been counted */
    u8 *shared;    /* of each frame: 1 an entry has ENTRY_SHARED, 2 one lacks it */
    u32 *large;    /* 2 MiB entries of each block */
    u32 baseline;  /* managed frames taken before the world began */
} a;

/* ---- Who is there ---------------------------------------------------------------------------- */

static void add_quarter(struct quarter *quarter) {
    for (u32 i = 0; i < a.quarter_count; i++) {
        if (a.quarter[i] == quarter) {
            a.quarter_holders[i]++;
            return;
        }
    }
    CHECK(a.quarter_count < AUDIT_QUARTERS, "too many quarters for the audit");
    a.quarter[a.quarter_count] = quarter;
    a.quarter_holders[a.quarter_count++] = 1;
}

static void add_space(struct space *space) {
    for (u32 i = 0; i < a.space_count; i++) {
        if (a.space[i] == space) {
            a.space_holders[i]++;
            return;
        }
    }
    a.space[a.space_count] = space;
    a.space_holders[a.space_count++] = 1;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (space->slot[slot].quarter) {
            add_quarter(space->slot[slot].quarter);
        }
    }
}

static void collect(void) {
    a.quarter_count = a.space_count = 0;
    for (u32 i = 0; i < WORLD_PROCESSES; i++) {
        if (world.process[i]) {
            add_space(world.process[i]);
        }
    }
    for (u32 i = 0; i < WORLD_HANDLES; i++) {
        if (world.handle[i]) {
            add_quarter(world.handle[i]);
        }
    }
}

static void check_holders(void) {
    CHECK(a.quarter_count == quarter_count(), "after %s: %u quarters alive, %u held", a.after,
          quarter_count(), a.quarter_count);
    CHECK(a.space_count == space_count(), "after %s: %u spaces alive, %u held", a.after,
          space_count(), a.space_count);
    for (u32 i = 0; i < a.quarter_count; i++) {
        CHECK(a.quarter[i]->references == a.quarter_holders[i],
              "after %s: quarter %llu has %u references, %u holders", a.after,
              (unsigned long long)a.quarter[i]->sub_id, a.quarter[i]->references,
              a.quarter_holders[i]);
    }
    for (u32 i = 0; i < a.space_count; i++) {
        CHECK(a.space[i]->references == a.space_holders[i],
              "after %s: space %llu has %u references, %u processes", a.after,
              (unsigned long long)a.space[i]->id, a.space[i]->references, a.space_holders[i]);
    }
    for (u32 i = 0; i < a.quarter_count;
         i++) { /* the running mask names the CPUs that have it loaded */
        u64 running = 0;
        for (u32 cpu = 0; cpu < cpu_count; cpu++) {
            const struct space *loaded = cpus[cpu].loaded;
            running |= (u64)(loaded && loaded->slot[a.quarter[i]->slot].quarter == a.quarter[i])
                       << cpu;
        }
        CHECK(quarter_running(a.quarter[i]) == running,
              "after %s: quarter %llu: running mask %llx, should be %llx", a.after,
              (unsigned long long)a.quarter[i]->sub_id, (unsigned long long)quarter_running(a.quarter[i]),
              (unsigned long long)running);
    }
}

/* ---- The walk -------------------------------------------------------------------------------- */

static u32 rights_of(u32 flags) {
    return (flags & ENTRY_PRESENT ? RIGHT_READ : 0) | (flags & ENTRY_WRITE ? RIGHT_WRITE : 0) |
           (flags & ENTRY_EXECUTE ? RIGHT_EXECUTE : 0);
}

/* A page at OFFSET, with what both levels allow together. */
static void check_page(struct quarter *quarter, u32 offset, u32 upper, u32 flags) {
    const struct region *region = region_find(quarter->regions, offset);
    CHECK(region, "after %s: page at offset %#x of quarter %llu lies in no region", a.after, offset,
          (unsigned long long)quarter->sub_id);
    u32 rights = rights_of(upper & flags);
    rights &= sim_knobs.no_execute ? ~0u : ~RIGHT_EXECUTE;
    CHECK(!(rights & ~(u32)region->rights),
          "after %s: page at %#x of quarter %llu allows %x, its region %x", a.after, offset,
          (unsigned long long)quarter->sub_id, rights, region->rights);
}

/* One of a device: nothing counts it, and no other frame may stand there. */
static void check_device_page(struct quarter *quarter, u32 offset, u32 upper, entry_t entry) {
    check_page(quarter, offset, upper, arch_entry_flags(entry));
    const struct region *region = region_find(quarter->regions, offset);
    u32 frame = region->first_frame + ((offset - region->start) >> PAGE_SHIFT);
    CHECK(region->kind == REGION_DEVICE && frame == arch_entry_frame(entry).number &&
              entry_is(entry, ENTRY_SHARED),
          "after %s: a device's entry at %#x for frame %#x is in a region of kind %u", a.after,
          offset, arch_entry_frame(entry).number, region->kind);
}

static void walk_table(struct quarter *quarter, u32 index, entry_t upper, u32 *resident) {
    frame_t frame = arch_entry_frame(upper);
    const entry_t *table = arch_low_pointer(frame);
    bool first = !a.visited[frame.number];
    u32 present = 0;
    a.expected[frame.number]++;
    a.visited[frame.number] = 1;
    CHECK(!entry_is(upper, ENTRY_WRITE) || frame_references(frame) == 1,
          "after %s: quarter %llu may write through entry %u to a table with %u references",
          a.after, (unsigned long long)quarter->sub_id, index, frame_references(frame));
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        u32 flags = arch_entry_flags(table[i]);
        if (!(flags & ENTRY_PRESENT)) {
            CHECK(table[i].raw == 0, "after %s: entry %u of table %#x is %#llx", a.after, i,
                  frame.number, (unsigned long long)table[i].raw);
            continue;
        }
        present++;
        frame_t page = arch_entry_frame(table[i]);
        if (flags & ENTRY_DEVICE) {
            check_device_page(quarter, (index << TABLE_SHIFT) + (i << PAGE_SHIFT),
                              arch_entry_flags(upper), table[i]);
            continue;
        }
        a.shared[page.number] |= flags & ENTRY_SHARED ? 1 : 2;
        CHECK(a.shared[page.number] != 3,
              "after %s: frame %#x is shared on purpose by one entry, and not by another", a.after,
              page.number);
        a.expected[page.number] += first;
        check_page(quarter, (index << TABLE_SHIFT) + (i << PAGE_SHIFT), arch_entry_flags(upper),
                   flags);
        bool both = (arch_entry_flags(upper) & flags & ENTRY_WRITE) && !(flags & ENTRY_SHARED);
        CHECK(!both || frame_references(page) == 1,
              "after %s: quarter %llu writes to frame %#x of %u references", a.after,
              (unsigned long long)quarter->sub_id, page.number, frame_references(page));
    }
    CHECK(frame_used(frame) == present, "after %s: table %#x counts %u entries and has %u", a.after,
          frame.number, frame_used(frame), present);
    *resident += present;
}

static void walk_large(struct quarter *quarter, u32 index, entry_t entry, u32 *resident) {
    frame_t first = arch_entry_frame(entry);
    a.large[first.number / LARGE_FRAMES]++;
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        check_page(quarter, (index << TABLE_SHIFT) + (i << PAGE_SHIFT), ~0u,
                   arch_entry_flags(entry));
    }
    CHECK(!entry_is(entry, ENTRY_WRITE) || frame_large_exclusive(first),
          "after %s: quarter %llu may write to the 2 MiB page %#x, which is not its own", a.after,
          (unsigned long long)quarter->sub_id, first.number);
    *resident += LARGE_FRAMES;
}

static void check_views(struct quarter *quarter) {
    for (u32 view = 0; view < VIEW_COUNT; view++) {
        const entry_t *directory = quarter->view_directory[view];
        if (!directory) {
            continue;
        }
        a.expected[arch_low_frame(directory).number]++;
        for (u32 i = 0; i < arch_directory_entries(quarter->slot); i++) {
            entry_t wanted = directory_entry_for_view(quarter->directory[i], view << 1);
            u64 different =
                (wanted.raw ^ directory[i].raw) & ~(SIM_ENTRY_ACCESSED | SIM_ENTRY_DIRTY);
            CHECK(!different,
                  "after %s: view %u of quarter %llu differs in entry %u: %#llx, should be %#llx",
                  a.after, view, (unsigned long long)quarter->sub_id, i,
                  (unsigned long long)directory[i].raw, (unsigned long long)wanted.raw);
        }
    }
}

static void check_kernel_entries(struct quarter *quarter) {
    static entry_t pristine[TABLE_ENTRIES];
    arch_directory_prepare(pristine, quarter->slot);
    for (u32 i = arch_directory_entries(quarter->slot); i < TABLE_ENTRIES; i++) {
        CHECK(quarter->directory[i].raw == pristine[i].raw,
              "after %s: the kernel's entry %u is changed", a.after, i);
    }
}

static void walk_quarter(struct quarter *quarter) {
    u32 resident = 0, tables = 0;
    a.expected[arch_low_frame(quarter->directory).number]++;
    for (u32 i = 0; i < arch_directory_entries(quarter->slot); i++) {
        entry_t entry = quarter->directory[i];
        bool present = entry_is(entry, ENTRY_PRESENT);
        bool noted = quarter->present[i / PRESENT_BITS] >> i % PRESENT_BITS & 1;
        CHECK(present == noted,
              "after %s: directory entry %u of quarter %llu is noted as %spresent", a.after, i,
              (unsigned long long)quarter->sub_id, noted ? "" : "not ");
        if (!present) {
            CHECK(entry.raw == 0, "after %s: directory entry %u is %#llx", a.after, i,
                  (unsigned long long)entry.raw);
        } else if (entry_is(entry, ENTRY_LARGE)) {
            walk_large(quarter, i, entry, &resident);
        } else {
            walk_table(quarter, i, entry, &resident);
            tables++;
        }
    }
    CHECK(resident == quarter->resident,
          "after %s: quarter %llu counts %u resident pages and has %u", a.after,
          (unsigned long long)quarter->sub_id, quarter->resident, resident);
    CHECK(tables == quarter->tables, "after %s: quarter %llu counts %u tables and has %u", a.after,
          (unsigned long long)quarter->sub_id, quarter->tables, tables);
    check_views(quarter);
    check_kernel_entries(quarter);
}

static void check_regions(struct quarter *quarter) {
    const struct region_table *table = quarter->regions;
    if (!table) {
        return;
    }
    u32 holders = 0;
    for (u32 i = 0; i < a.quarter_count; i++) {
        holders += a.quarter[i]->regions == table;
    }
    a.expected[arch_low_frame(table).number] = 1;
    CHECK(table->references == holders,
          "after %s: region table of quarter %llu has %u references, %u holders", a.after,
          (unsigned long long)quarter->sub_id, table->references, holders);
    for (u32 i = 0; i < table->count; i++) {
        const struct region *region = &table->region[i];
        CHECK(region->start < region->end && (region->start | region->end) % PAGE_SIZE == 0,
              "after %s: region %u is [%#x, %#x)", a.after, i, region->start, region->end);
        if (i == 0) {
            continue;
        }
        const struct region *before = region - 1;
        bool mergeable = before->end == region->start && before->rights == region->rights &&
                         before->kind == region->kind && !region_is_fixed(region);
        CHECK(before->end <= region->start && !mergeable,
              "after %s: regions %u and %u overlap or are not merged", a.after, i - 1, i);
    }
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static bool frame_of_ram(frame_t frame) {
    return frame_is_managed(frame) && sim_frame_exists(frame);
}

static bool frame_of_boot(frame_t frame) {
    const u64 at = frame_address(frame);
    return frame.number >= 0x140 &&
           at < frame_address((frame_t){0x148}); /* the initrd: one reference more */
}

static void check_frames(void) {
    u32 free = 0, unknown = 0;
    for (u32 block = 0; block * LARGE_FRAMES < sim_frame_limit(); block++) {
        CHECK(!a.large[block] ||
                  a.large[block] == frame_large_references((frame_t){block * LARGE_FRAMES}),
              "after %s: block %u has %u large references, %u entries", a.after, block,
              frame_large_references((frame_t){block * LARGE_FRAMES}), a.large[block]);
    }
    for (u32 i = 1; i < sim_frame_limit(); i++) {
        frame_t frame = {i};
        if (!frame_of_ram(frame)) {
            CHECK(a.expected[i] == 0, "after %s: frame %#x is no RAM and is in use", a.after, i);
            continue;
        }
        u32 references = frame_references(frame);
        u32 expected = a.expected[i] + (a.large[i / LARGE_FRAMES] != 0);
        expected += expected && frame_of_boot(frame);
        free += references == 0;
        unknown += references != 0 && expected == 0;
        CHECK(expected == 0 || expected == references,
              "after %s: frame %#x has %u references, a walk finds %u", a.after, i, references,
              expected);
    }
    CHECK(free == frame_free_count(), "after %s: %u frames are free, the allocator says %u",
          a.after, free, frame_free_count());
    /* The rest are slabs of the object caches: at most one frame for each object. */
    u32 slabs = unknown > a.baseline ? unknown - a.baseline : 0;
    CHECK(slabs <= quarter_count() + space_count() + 2, "after %s: %u frames belong to nobody",
          a.after, slabs);
}

static u32 frames_taken_at_start(void) {
    u32 ram = 0;
    for (u32 i = 1; i < sim_frame_limit(); i++) {
        ram += frame_of_ram((frame_t){i});
    }
    return ram - world.frames_at_start;
}

void audit(const char *after) {
    u32 limit = sim_frame_limit();
    if (!a.expected) {
        a.expected = malloc(limit * sizeof(u32));
        a.visited = malloc(limit);
        a.shared = malloc(limit);
        a.large = malloc((limit / LARGE_FRAMES + 1) * sizeof(u32));
        a.baseline = frames_taken_at_start();
    }
    a.after = after;
    memset(a.expected, 0, limit * sizeof(u32));
    memset(a.visited, 0, limit);
    memset(a.shared, 0, limit);
    memset(a.large, 0, (limit / LARGE_FRAMES + 1) * sizeof(u32));
    collect();
    check_holders();
    for (u32 i = 0; i < a.quarter_count; i++) {
        walk_quarter(a.quarter[i]);
        check_regions(a.quarter[i]);
    }
    for (u32 i = 0; i < a.space_count; i++) {
        a.expected[a.space[i]->root.frame.number]++;
    }
    check_frames();
    sim_check_translations(after);
}

/* ---- Digest ---------------------------------------------------------------------------------- */

static u64 mix(u64 hash, u64 value) {
    hash ^= value;
    hash *= 0x9E3779B97F4A7C15ull;
    return hash ^ hash >> 29;
}

static u64 digest_page(u64 hash, u32 offset, frame_t frame) {
    const u64 *words = (const u64 *)sim_frame_bytes(frame);
    u64 any = 0, content = offset;
    for (u32 i = 0; i < PAGE_SIZE / sizeof(u64); i++) {
        any |= words[i];
        content = mix(content, words[i]);
    }
    return any ? mix(hash, content)
               : hash; /* a page of zeros and one that is not there read the same */
}

static u64 digest_pages(u64 hash, const struct quarter *quarter) {
    for (u32 i = 0; i < arch_directory_entries(quarter->slot); i++) {
        entry_t upper = quarter->directory[i];
        for (u32 k = 0; entry_is(upper, ENTRY_PRESENT) && k < TABLE_ENTRIES; k++) {
            u32 offset = (i << TABLE_SHIFT) + (k << PAGE_SHIFT);
            if (entry_is(upper, ENTRY_LARGE)) {
                hash = digest_page(hash, offset, (frame_t){arch_entry_frame(upper).number + k});
            } else {
                entry_t entry = ((const entry_t *)arch_low_pointer(arch_entry_frame(upper)))[k];
                hash = entry_is(entry, ENTRY_PRESENT)
                           ? digest_page(hash, offset, arch_entry_frame(entry))
                           : hash;
            }
        }
    }
    return hash;
}

static u64 digest_quarter(u64 hash, struct quarter *quarter, bool strict) {
    hash = mix(hash, quarter->sub_id);
    hash = mix(hash, quarter->slot);
    hash = mix(hash, quarter->references);
    for (u32 i = 0; quarter->regions && i < quarter->regions->count; i++) {
        const struct region *region = &quarter->regions->region[i];
        hash = mix(mix(hash, region->start), region->end);
        hash = mix(mix(hash, region->rights), region->kind);
    }
    if (strict) {
        hash = mix(mix(hash, quarter->resident), quarter->tables);
    }
    return digest_pages(hash, quarter);
}

u64 world_digest(bool strict) {
    u64 hash = 1;
    collect();
    hash = mix(mix(hash, quarter_count()), space_count());
    hash = mix(hash, budget_root.resource[BUDGET_QUARTERS].used);
    for (u32 i = 0; i < WORLD_PROCESSES; i++) {
        hash = mix(hash, world.process[i] ? world.process[i]->id : 0);
        hash = world.process[i] ? mix(hash, world.process[i]->references) : hash;
    }
    for (u32 i = 0; i < a.quarter_count; i++) {
        hash = digest_quarter(hash, a.quarter[i], strict);
    }
    if (strict) {
        hash = mix(mix(hash, frame_free_count()), budget_root.resource[BUDGET_FRAMES].used);
    }
    return hash;
}
