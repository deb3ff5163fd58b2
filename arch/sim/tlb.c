/* SPDX-License-Identifier: MIT */
/*
 * The adversarial TLB. It holds translations until something the contract names removes them: a load
 * of their tag that does not keep, an invalidation, a page fault at their address. Around every
 * change of an entry each CPU whose loaded root reaches it caches all that goes through it, so the
 * TLB holds at all times what a CPU may hold at worst. Other tags' entries stay, and are neither
 * used nor filled (SDM 3A 4.10.2, 4.10.4.1).
 *
 * Read next: cached.c (the set), check.c (what is wrong), access.c.
 */
#include "arch/sim/tlb.h"

#include <stdlib.h>

#include "kernel/base/cpu.h"

struct sim_cpu sim_cpus[ARCH_CPU_LIMIT];
uword sim_cpus_loaded;

/* ---- Walks ----------------------------------------------------------------------------------- */

/* From a directory entry to the leaf. WRITE and EXECUTE: what it and those above allow. */
static bool path_through_table(frame_t table, bool write, bool execute, u32 address,
                               struct path *path) {
    entry_t *leaf = sim_entry_in(table, sim_table_index(address));
    entry_t entry = arch_entry_read(leaf);
    if (!sim_present(entry)) {
        return false;
    }
    *path = (struct path){.write = write && sim_writable(entry),
                          .execute = execute && sim_executable(entry),
                          .global = (entry.raw & SIM_ENTRY_GLOBAL) != 0,
                          .walked = true,
                          .frame = arch_entry_frame(entry),
                          .leaf = leaf};
    return true;
}

/* Through a root entry; reads directory and table from memory. */
static bool path_through_root(entry_t root, u32 address, struct path *path) {
    if (!sim_present(root)) {
        return false;
    }
    entry_t *upper = sim_entry_in(arch_entry_frame(root), sim_directory_index(address));
    entry_t entry = arch_entry_read(upper);
    if (!sim_present(entry)) {
        return false;
    }
    bool write = sim_writable(root) && sim_writable(entry);
    bool execute = sim_executable(root) && sim_executable(entry);
    if (entry.raw & SIM_ENTRY_LARGE) {
        frame_t frame = {arch_entry_frame(entry).number + sim_table_index(address)};
        *path = (struct path){.write = write,
                              .execute = execute,
                              .large = true,
                              .global = (entry.raw & SIM_ENTRY_GLOBAL) != 0,
                              .walked = true,
                              .frame = frame,
                              .leaf = upper};
        return true;
    }
    return path_through_table(arch_entry_frame(entry), write, execute, address, path);
}

bool sim_walk_root(frame_t root, u32 address, struct path *path) {
    return path_through_root(*sim_entry_in(root, SLOT_OF(address)), address, path);
}

static void paths_add(struct path paths[PATHS_LIMIT], u32 *count, const struct path *path) {
    for (u32 i = 0; i < *count; i++) {
        if (paths[i].frame.number == path->frame.number && paths[i].write == path->write &&
            paths[i].execute == path->execute && paths[i].leaf == path->leaf &&
            paths[i].large == path->large && paths[i].global == path->global) {
            return;
        }
    }
    if (*count < PATHS_LIMIT) {
        paths[(*count)++] = *path;
    }
}

static struct path path_of_cached(const struct cached *item, u32 address) {
    bool large = item->kind == CACHED_LARGE;
    u32 frame = item->frame.number + (large ? sim_table_index(address) : 0);
    return (struct path){.write = item->write,
                         .execute = item->execute,
                         .large = large,
                         .global = item->tag == SIM_TAG_GLOBAL,
                         .frame = {frame},
                         .leaf = item->entry};
}

u32 sim_paths(struct sim_cpu *cpu, u32 address, struct path paths[PATHS_LIMIT]) {
    u32 count = 0;
    struct path path;
    for (u8 kind = CACHED_LEAF; kind <= CACHED_LARGE; kind++) {
        CACHED_FOR_EACH(item, cpu, address, kind) {
            path = path_of_cached(item, address);
            paths_add(paths, &count, &path);
        }
    }
    CACHED_FOR_EACH(item, cpu, address, CACHED_UPPER) {
        if (path_through_table(item->frame, item->write, item->execute, address, &path)) {
            paths_add(paths, &count, &path);
        }
    }
    if (cpu->loaded && path_through_root(cpu->root[SLOT_OF(address)], address, &path)) {
        paths_add(paths, &count, &path);
    }
    return count;
}

/* ---- Fills ----------------------------------------------------------------------------------- */

static void mark_accessed(entry_t *entry) {
    __atomic_fetch_or(&entry->raw, SIM_ENTRY_ACCESSED, __ATOMIC_RELAXED);
}

/* Cache the directory entry for ADDRESS if it leads to a table. */
static void fill_upper(struct sim_cpu *cpu, u32 address) {
    entry_t root = cpu->root[SLOT_OF(address)];
    if (!cpu->loaded || !sim_present(root)) {
        return;
    }
    entry_t *upper = sim_entry_in(arch_entry_frame(root), sim_directory_index(address));
    entry_t entry = arch_entry_read(upper);
    if (!sim_present(entry) || (entry.raw & SIM_ENTRY_LARGE)) {
        return;
    }
    mark_accessed(upper);
    struct cached cached = {.address = address & ~(TABLE_SPAN - 1),
                            .kind = CACHED_UPPER,
                            .tag = cpu->tag,
                            .write = sim_writable(root) && sim_writable(entry),
                            .execute = sim_executable(root) && sim_executable(entry),
                            .frame = arch_entry_frame(entry),
                            .entry = upper};
    cached_add(cpu, &cached);
}

struct cached *sim_fill(struct sim_cpu *cpu, u32 address, const struct path *path) {
    u32 span = path->large ? TABLE_SPAN : PAGE_SIZE;
    u32 first = path->frame.number - (path->large ? sim_table_index(address) : 0);
    struct cached cached = {.address = address & ~(span - 1),
                            .kind = path->large ? CACHED_LARGE : CACHED_LEAF,
                            .tag = path->global ? SIM_TAG_GLOBAL : cpu->tag,
                            .write = path->write,
                            .execute = path->execute,
                            .frame = {first},
                            .entry = path->leaf};
    fill_upper(cpu, address);
    if (path->walked) {
        mark_accessed(path->leaf);
    }
    return cached_add(cpu, &cached);
}

/* Cache every translation of ADDRESS that CPU can come by. */
static void fill_all_paths(struct sim_cpu *cpu, u32 address) {
    struct path paths[PATHS_LIMIT];
    u32 count = sim_paths(cpu, address, paths);
    for (u32 i = 0; i < count; i++) {
        sim_fill(cpu, address, &paths[i]);
    }
    fill_upper(cpu, address);
}

void sim_speculate(u32 address) {
    SIM_CPUS_FOR_EACH(i, sim_cpus_loaded) { fill_all_paths(&sim_cpus[i], address); }
}

/* ---- Fills around a change ------------------------------------------------------------------- */

/* The 2 MiB at ADDRESS: its table's present entries, all or some, or the large page. */
static void fill_span(struct sim_cpu *cpu, u32 address, entry_t upper) {
    if (!sim_present(upper)) {
        return;
    }
    if (upper.raw & SIM_ENTRY_LARGE) {
        fill_all_paths(cpu, address);
        return;
    }
    const entry_t *table = sim_entry_in(arch_entry_frame(upper), 0);
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        if (sim_present(table[i]) && (sim_knobs.span_fills >= TABLE_ENTRIES ||
                                      sim_random_below(TABLE_ENTRIES) < sim_knobs.span_fills)) {
            fill_all_paths(cpu, address + i * PAGE_SIZE);
        }
    }
    fill_upper(cpu, address);
}

/* Where in directories the table of each frame stands: index + 1, as noted when an entry to it was
 * published; copies of a directory have it in the same place. */
#define PLACE_UNKNOWN 0u
#define PLACE_SEVERAL 0xFFFFu
static u16 *place_of_table;

static void place_note(frame_t table, u32 index) {
    u16 *place = &place_of_table[table.number];
    *place = *place == PLACE_UNKNOWN || *place == index + 1 ? (u16)(index + 1) : PLACE_SEVERAL;
}

void sim_place_forget(frame_t frame) { place_of_table[frame.number] = PLACE_UNKNOWN; }

/* ENTRIES is a directory on CPU: cache what it leads to by way of TABLE's entry INDEX. */
static void fill_through_directory(struct sim_cpu *cpu, u32 slot, const entry_t *entries,
                                   frame_t table, u32 index) {
    u64 wanted = frame_address(table) | SIM_ENTRY_PRESENT;
    u16 place = place_of_table[table.number];
    u32 first = place == PLACE_SEVERAL ? 0 : place - 1u;
    u32 last = place == PLACE_SEVERAL ? TABLE_ENTRIES : place;
    for (u32 i = first; place != PLACE_UNKNOWN && i < last; i++) {
        if ((entries[i].raw & (SIM_ENTRY_FRAME | SIM_ENTRY_PRESENT | SIM_ENTRY_LARGE)) == wanted) {
            fill_all_paths(cpu, SLOT_BASE(slot) + i * TABLE_SPAN + index * PAGE_SIZE);
        }
    }
}

/* Find every address whose walk on CPU goes through entry INDEX of TABLE and cache what is there. */
static void fill_through(struct sim_cpu *cpu, frame_t table, u32 index) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (!sim_present(cpu->root[slot])) {
            continue;
        }
        frame_t directory = arch_entry_frame(cpu->root[slot]);
        const entry_t *entries = sim_entry_in(directory, 0);
        if (directory.number == table.number) {
            fill_span(cpu, SLOT_BASE(slot) + index * TABLE_SPAN, entries[index]);
        } else {
            fill_through_directory(cpu, slot, entries, table, index);
        }
    }
}

/* The same for cached directory entries that lead to TABLE, which memory may no longer hold. */
static void fill_through_stale(frame_t table, u32 index) {
    struct link *next, *link = cached_of_frame(table);
    for (; link; link = next) {
        next = link->next;
        struct cached *item = CACHED_OF(link, of_frame);
        struct sim_cpu *cpu = &sim_cpus[item->cpu];
        if (item->kind == CACHED_UPPER && cpu->loaded && item->tag == cpu->tag) {
            fill_all_paths(cpu, item->address + index * PAGE_SIZE);
        }
    }
}

static void fill_around(const entry_t *entry) {
    frame_t table = arch_low_frame(entry);
    u32 index = (u32)((uword)entry % PAGE_SIZE / sizeof(entry_t));
    if (sim_knobs.speculate) {
        SIM_CPUS_FOR_EACH(i, sim_cpus_loaded) { fill_through(&sim_cpus[i], table, index); }
        fill_through_stale(table, index);
    }
}

/* Two page sizes must not be live for one address (hazard 36): when a directory entry becomes
 * present, nothing of the other size may still be cached there. */
static void check_page_sizes(struct sim_cpu *cpu, u32 address, bool large) {
    CACHED_FOR_EACH(item, cpu, address, CACHED_LARGE) {
        if (!large) {
            sim_fail("sim: a table is put at %#x while a 2 MiB translation of it is cached",
                     address);
        }
    }
    for (u32 i = 0; large && i < TABLE_ENTRIES; i++) {
        CACHED_FOR_EACH(item, cpu, address + i * PAGE_SIZE, CACHED_LEAF) {
            sim_fail("sim: a 2 MiB page is put at %#x while 4 KiB translations of it are cached",
                     address);
        }
    }
}

static void check_directory_change(frame_t directory, u32 index, entry_t value) {
    SIM_CPUS_FOR_EACH(i, sim_cpus_loaded) {
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            entry_t root = sim_cpus[i].root[slot];
            if (sim_present(root) && arch_entry_frame(root).number == directory.number) {
                check_page_sizes(&sim_cpus[i], SLOT_BASE(slot) + index * TABLE_SPAN,
                                 (value.raw & SIM_ENTRY_LARGE) != 0);
            }
        }
    }
}

void sim_entry_about_to_change(const entry_t *entry, entry_t value) {
    frame_t table = arch_low_frame(entry);
    u32 index = (u32)((uword)entry % PAGE_SIZE / sizeof(entry_t));
    fill_around(entry);
    if (sim_present(value)) {
        check_directory_change(table, index, value);
        if (!(value.raw & SIM_ENTRY_LARGE)) {
            place_note(arch_entry_frame(value), index);
        }
    }
}

void sim_entry_changed(const entry_t *entry) {
    frame_t table = arch_low_frame(entry);
    u32 index = (u32)((uword)entry % PAGE_SIZE / sizeof(entry_t));
    u16 place = place_of_table[table.number];
    fill_around(entry);
    if (place == PLACE_UNKNOWN) {
        sim_note_change(index, 0, true); /* a directory */
    } else if (place == PLACE_SEVERAL) {
        sim_note_all();
    } else {
        sim_note_change(place - 1u, index, false);
    }
}

/* ---- Fills for no reason --------------------------------------------------------------------- */

#define RECENT 64u
static u32 recent[RECENT], recent_count;

void sim_note_address(u32 address) { recent[recent_count++ % RECENT] = address; }

void sim_speculate_somewhere(void) {
    u32 cpu = sim_random_below(cpu_count);
    if (sim_knobs.speculate && sim_cpus[cpu].loaded) {
        fill_all_paths(&sim_cpus[cpu], recent[sim_random_below(RECENT)]);
    }
}

void sim_places_start(void) {
    free(place_of_table);
    place_of_table = calloc(sim_frame_limit(), sizeof(u16));
    if (!place_of_table) {
        sim_fail("sim: the host has no memory for %u places", sim_frame_limit());
    }
}
