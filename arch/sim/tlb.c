/* SPDX-License-Identifier: MIT */
/*
 * The adversarial TLB. It holds translations until something the contract names removes them:
 * arch_root_load (all), arch_invalidate (a range), a page fault (its address). Around every change
 * of an entry each CPU that reaches it caches all that goes through it, so the TLB holds at all
 * times what a CPU may hold at worst.
 *
 * Counters per frame say how many cached entries lead to it: a frame that is freed while one does
 * fails the test (hazards 1, 2, 41). Read next: access.c.
 */
#include "arch/sim/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/base/cpu.h"

struct sim_cpu sim_cpus[ARCH_CPU_LIMIT];
static u32 *cached_of_frame; /* how many cached entries lead to each frame; a 2 MiB page counts at
                                its first */

/* ---- The set of cached entries --------------------------------------------------------------- */

static u32 span_of(u8 kind) { return kind == CACHED_LEAF ? PAGE_SIZE : TABLE_SPAN; }

static u32 *bucket_of(struct sim_cpu *cpu, u32 address, u8 kind) {
    u32 key = kind == CACHED_LEAF ? address >> PAGE_SHIFT : (address >> TABLE_SHIFT) * 7 + 3 * kind;
    return &cpu->bucket[(key ^ key >> 12) % CACHED_BUCKETS];
}

static bool cached_covers(const struct cached *cached, u32 address, u8 kind) {
    return cached->kind == kind && (address & ~(span_of(kind) - 1)) == cached->address;
}

static struct cached *cached_at(struct sim_cpu *cpu, u32 index) {
    return index ? &cpu->cached[index - 1] : NULL;
}

#define CACHED_FOR_EACH(item, cpu, address, item_kind)                                    \
    for (struct cached *item = cached_at(cpu, *bucket_of(cpu, address, item_kind)); item; \
         item = cached_at(cpu, item->next))                                               \
        if (cached_covers(item, address, item_kind))

static void cached_grow(struct sim_cpu *cpu) {
    u32 capacity = cpu->capacity ? cpu->capacity * 2 : 1024;
    cpu->cached = realloc(cpu->cached, capacity * sizeof(struct cached));
    if (!cpu->cached) {
        sim_fail("sim: the host has no memory for %u TLB entries", capacity);
    }
    for (u32 i = cpu->capacity; i < capacity; i++) {
        cpu->cached[i].used = false;
        cpu->cached[i].next = cpu->free;
        cpu->free = i + 1;
    }
    cpu->capacity = capacity;
}

static struct cached *cached_add(struct sim_cpu *cpu, const struct cached *wanted) {
    CACHED_FOR_EACH(item, cpu, wanted->address, wanted->kind) {
        if (item->frame.number == wanted->frame.number && item->write == wanted->write &&
            item->execute == wanted->execute && item->entry == wanted->entry) {
            return item;
        }
    }
    if (cpu->free == 0) {
        cached_grow(cpu);
    }
    u32 index = cpu->free;
    struct cached *item = cached_at(cpu, index);
    cpu->free = item->next;
    *item = *wanted;
    item->used = true;
    u32 *bucket = bucket_of(cpu, item->address, item->kind);
    item->next = *bucket;
    *bucket = index;
    cpu->count++;
    cached_of_frame[item->frame.number]++;
    return item;
}

static void cached_remove(struct sim_cpu *cpu, struct cached *item) {
    u32 index = (u32)(item - cpu->cached) + 1;
    u32 *link = bucket_of(cpu, item->address, item->kind);
    while (*link != index) {
        link = &cached_at(cpu, *link)->next;
    }
    *link = item->next;
    cached_of_frame[item->frame.number]--;
    item->used = false;
    item->next = cpu->free;
    cpu->free = index;
    cpu->count--;
}

static void cached_remove_covering(struct sim_cpu *cpu, u32 address, u8 kind) {
    u32 index = *bucket_of(cpu, address, kind);
    while (index) {
        struct cached *item = cached_at(cpu, index);
        index = item->next;
        if (cached_covers(item, address, kind)) {
            cached_remove(cpu, item);
        }
    }
}

static void cached_remove_all(struct sim_cpu *cpu) {
    for (u32 i = 0; i < cpu->capacity && cpu->count != 0; i++) {
        if (cpu->cached[i].used) {
            cached_remove(cpu, &cpu->cached[i]);
        }
    }
}

/* ---- Walks ----------------------------------------------------------------------------------- */

static bool present(entry_t entry) {
    return (entry.raw & SIM_ENTRY_PRESENT) && (entry.raw & SIM_ENTRY_USER);
}
static bool writable(entry_t entry) { return (entry.raw & SIM_ENTRY_WRITE) != 0; }
static bool executable(entry_t entry) { return !(entry.raw & SIM_ENTRY_NO_EXECUTE); }

static entry_t *entry_in(frame_t table, u32 index) {
    return (entry_t *)sim_frame_bytes(table) + index;
}
static u32 directory_index(u32 address) { return SLOT_OFFSET(address) >> TABLE_SHIFT; }
static u32 table_index(u32 address) { return (address >> PAGE_SHIFT) % TABLE_ENTRIES; }

/* From a directory entry to the leaf. WRITE and EXECUTE: what it and those above allow. */
static bool path_through_table(frame_t table, bool write, bool execute, u32 address,
                               struct path *path) {
    entry_t *leaf = entry_in(table, table_index(address));
    entry_t entry = arch_entry_read(leaf);
    if (!present(entry)) {
        return false;
    }
    *path = (struct path){.write = write && writable(entry),
                          .execute = execute && executable(entry),
                          .walked = true,
                          .frame = arch_entry_frame(entry),
                          .leaf = leaf};
    return true;
}

/* Through a root entry; reads directory and table from memory. */
static bool path_through_root(entry_t root, u32 address, struct path *path) {
    if (!present(root)) {
        return false;
    }
    entry_t *upper = entry_in(arch_entry_frame(root), directory_index(address));
    entry_t entry = arch_entry_read(upper);
    if (!present(entry)) {
        return false;
    }
    bool write = writable(root) && writable(entry), execute = executable(root) && executable(entry);
    if (entry.raw & SIM_ENTRY_LARGE) {
        frame_t frame = {arch_entry_frame(entry).number + table_index(address)};
        *path = (struct path){.write = write,
                              .execute = execute,
                              .large = true,
                              .walked = true,
                              .frame = frame,
                              .leaf = upper};
        return true;
    }
    return path_through_table(arch_entry_frame(entry), write, execute, address, path);
}

bool sim_walk_root(frame_t root, u32 address, struct path *path) {
    return path_through_root(*entry_in(root, SLOT_OF(address)), address, path);
}

static void paths_add(struct path paths[PATHS_LIMIT], u32 *count, const struct path *path) {
    for (u32 i = 0; i < *count; i++) {
        if (paths[i].frame.number == path->frame.number && paths[i].write == path->write &&
            paths[i].execute == path->execute && paths[i].leaf == path->leaf &&
            paths[i].large == path->large) {
            return;
        }
    }
    if (*count < PATHS_LIMIT) {
        paths[(*count)++] = *path;
    }
}

u32 sim_paths(struct sim_cpu *cpu, u32 address, struct path paths[PATHS_LIMIT]) {
    u32 count = 0;
    struct path path;
    CACHED_FOR_EACH(item, cpu, address, CACHED_LEAF) {
        path = (struct path){.write = item->write,
                             .execute = item->execute,
                             .frame = item->frame,
                             .leaf = item->entry};
        paths_add(paths, &count, &path);
    }
    CACHED_FOR_EACH(item, cpu, address, CACHED_LARGE) {
        frame_t frame = {item->frame.number + table_index(address)};
        path = (struct path){.write = item->write,
                             .execute = item->execute,
                             .large = true,
                             .frame = frame,
                             .leaf = item->entry};
        paths_add(paths, &count, &path);
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
    if (!cpu->loaded || !present(root)) {
        return;
    }
    entry_t *upper = entry_in(arch_entry_frame(root), directory_index(address));
    entry_t entry = arch_entry_read(upper);
    if (!present(entry) || (entry.raw & SIM_ENTRY_LARGE)) {
        return;
    }
    mark_accessed(upper);
    struct cached cached = {.address = address & ~(TABLE_SPAN - 1),
                            .kind = CACHED_UPPER,
                            .write = writable(root) && writable(entry),
                            .execute = executable(root) && executable(entry),
                            .frame = arch_entry_frame(entry),
                            .entry = upper};
    cached_add(cpu, &cached);
}

struct cached *sim_fill(struct sim_cpu *cpu, u32 address, const struct path *path) {
    u8 kind = path->large ? CACHED_LARGE : CACHED_LEAF;
    u32 first = path->large ? path->frame.number - table_index(address) : path->frame.number;
    struct cached cached = {.address = address & ~(span_of(kind) - 1),
                            .kind = kind,
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
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        if (sim_cpus[i].loaded) {
            fill_all_paths(&sim_cpus[i], address);
        }
    }
}

/* The 2 MiB at ADDRESS: its table's every present entry, or the large page. */
static void fill_span(struct sim_cpu *cpu, u32 address, entry_t upper) {
    if (!present(upper)) {
        return;
    }
    if (upper.raw & SIM_ENTRY_LARGE) {
        fill_all_paths(cpu, address);
        return;
    }
    frame_t table = arch_entry_frame(upper);
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        if (present(*entry_in(table, i))) {
            fill_all_paths(cpu, address + i * PAGE_SIZE);
        }
    }
    fill_upper(cpu, address);
}

/* Find every address whose walk on CPU goes through ENTRY (of frame TABLE) and cache what is there.
 */
__attribute__((no_sanitize("address"))) static void fill_through(struct sim_cpu *cpu, frame_t table,
                                                                 u32 index) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (!present(cpu->root[slot])) {
            continue;
        }
        frame_t directory = arch_entry_frame(cpu->root[slot]);
        const entry_t *entries = entry_in(directory, 0);
        if (directory.number == table.number) {
            fill_span(cpu, SLOT_BASE(slot) + index * TABLE_SPAN, entries[index]);
            continue;
        }
        u64 wanted = frame_address(table) | SIM_ENTRY_PRESENT;
        for (u32 i = 0; i < TABLE_ENTRIES; i++) {
            if ((entries[i].raw & (SIM_ENTRY_FRAME | SIM_ENTRY_PRESENT | SIM_ENTRY_LARGE)) ==
                wanted) {
                fill_all_paths(cpu, SLOT_BASE(slot) + i * TABLE_SPAN + index * PAGE_SIZE);
            }
        }
    }
}

/* The same for cached directory entries that lead to TABLE, which memory may no longer hold. */
static void fill_through_stale(struct sim_cpu *cpu, frame_t table, u32 index) {
    if (cached_of_frame[table.number] == 0) {
        return;
    }
    for (u32 i = 0; i < cpu->capacity; i++) { /* fills may move the array: index it afresh */
        if (cpu->cached[i].used && cpu->cached[i].kind == CACHED_UPPER &&
            cpu->cached[i].frame.number == table.number) {
            fill_all_paths(cpu, cpu->cached[i].address + index * PAGE_SIZE);
        }
    }
}

static void fill_around(const entry_t *entry) {
    frame_t table = arch_low_frame(entry);
    u32 index = (u32)((uword)entry % PAGE_SIZE / sizeof(entry_t));
    for (u32 i = 0; i < ARCH_CPU_LIMIT && sim_knobs.speculate; i++) {
        if (sim_cpus[i].loaded) {
            fill_through(&sim_cpus[i], table, index);
            fill_through_stale(&sim_cpus[i], table, index);
        }
    }
}

/* Two page sizes must not be live for one address (hazard 36): when a directory entry becomes
 * present, nothing of the other size may still be cached there. */
static void check_page_sizes(struct sim_cpu *cpu, frame_t directory, u32 index, entry_t value) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (!present(cpu->root[slot]) ||
            arch_entry_frame(cpu->root[slot]).number != directory.number) {
            continue;
        }
        u32 address = SLOT_BASE(slot) + index * TABLE_SPAN;
        bool large = (value.raw & SIM_ENTRY_LARGE) != 0;
        CACHED_FOR_EACH(item, cpu, address, CACHED_LARGE) {
            if (!large) {
                sim_fail("sim: a table is put at %#x while a 2 MiB translation of it is cached",
                         address);
            }
        }
        for (u32 i = 0; large && i < TABLE_ENTRIES; i++) {
            CACHED_FOR_EACH(item, cpu, address + i * PAGE_SIZE, CACHED_LEAF) {
                sim_fail(
                    "sim: a 2 MiB page is put at %#x while 4 KiB translations of it are cached",
                    address);
            }
        }
    }
}

void sim_entry_about_to_change(const entry_t *entry, entry_t value) {
    fill_around(entry);
    for (u32 i = 0; i < ARCH_CPU_LIMIT && present(value); i++) {
        if (sim_cpus[i].loaded) {
            check_page_sizes(&sim_cpus[i], arch_low_frame(entry),
                             (u32)((uword)entry % PAGE_SIZE / sizeof(entry_t)), value);
        }
    }
}

void sim_entry_changed(const entry_t *entry) { fill_around(entry); }

/* ---- What removes translations --------------------------------------------------------------- */

static void cpu_forget_root(struct sim_cpu *cpu) {
    cached_remove_all(cpu);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (present(cpu->root[slot])) {
            cached_of_frame[arch_entry_frame(cpu->root[slot]).number]--;
        }
        cpu->root[slot] = (entry_t){0};
    }
    cpu->loaded = false;
    cpu->root_frame = FRAME_NONE;
}

void arch_root_load(const struct arch_root *root) {
    struct sim_cpu *cpu = arch_cpu()->arch.sim;
    if (arch_interrupts_enabled()) {
        sim_fail("sim: a root is loaded with interrupts on");
    }
    cpu_forget_root(cpu);
    if (!root) {
        return;
    }
    cpu->loaded = true;
    cpu->root_frame = root->frame;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        cpu->root[slot] = *entry_in(root->frame, slot);
        if (present(cpu->root[slot])) {
            cached_of_frame[arch_entry_frame(cpu->root[slot]).number]++;
        }
    }
}

void arch_invalidate(u32 address, u32 pages) {
    struct sim_cpu *cpu = arch_cpu()->arch.sim;
    if (pages == 0) {
        cached_remove_all(cpu);
        return;
    }
    u64 end = (u64)(address & ~(PAGE_SIZE - 1)) + (u64)pages * PAGE_SIZE;
    if (end > ARCH_USER_TOP) {
        sim_fail("sim: arch_invalidate(%#x, %u) leaves the user addresses", address, pages);
    }
    for (u64 at = address & ~(PAGE_SIZE - 1); at < end; at += PAGE_SIZE) {
        sim_forget_address(cpu, (u32)at);
    }
}

void sim_forget_address(struct sim_cpu *cpu, u32 address) {
    cached_remove_covering(cpu, address, CACHED_LEAF);
    cached_remove_covering(cpu, address, CACHED_LARGE);
    cached_remove_covering(cpu, address, CACHED_UPPER);
}

/* ---- Checks ---------------------------------------------------------------------------------- */

void sim_check_freed(frame_t frame) {
    frame_t block = {frame.number & ~(LARGE_FRAMES - 1)};
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        struct sim_cpu *cpu = &sim_cpus[i];
        for (u32 slot = 0; cpu->loaded && slot < SLOT_COUNT; slot++) {
            if (present(cpu->root[slot]) &&
                arch_entry_frame(cpu->root[slot]).number == frame.number) {
                sim_fail("sim: freed frame %#x is the directory of slot %u on CPU %u", frame.number,
                         slot, i);
            }
        }
        bool suspect = cached_of_frame[frame.number] != 0 || cached_of_frame[block.number] != 0;
        for (u32 k = 0; suspect && k < cpu->capacity; k++) {
            const struct cached *item = &cpu->cached[k];
            u32 frames = item->kind == CACHED_LARGE ? LARGE_FRAMES : 1;
            if (item->used && frame.number - item->frame.number < frames) {
                sim_fail("sim: frame %#x is freed while CPU %u caches it as %s of address %#x",
                         frame.number, i, item->kind == CACHED_UPPER ? "the table" : "a page",
                         item->address);
            }
        }
    }
}

void sim_root_check_unloaded(frame_t root) {
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        if (sim_cpus[i].loaded && sim_cpus[i].root_frame.number == root.number) {
            sim_fail("sim: root %#x is destroyed while CPU %u has it loaded", root.number, i);
        }
    }
}

static void check_leaf(struct sim_cpu *cpu, const struct cached *item, const char *after) {
    struct path path;
    bool found = sim_walk_root(cpu->root_frame, item->address, &path);
    bool large = item->kind == CACHED_LARGE;
    if (!found || path.frame.number != item->frame.number || path.large != large) {
        sim_fail("sim: after %s a stale translation of %#x is cached: to frame %#x%s, the tables "
                 "say %#x%s",
                 after, item->address, item->frame.number, large ? " (2 MiB)" : "",
                 found ? path.frame.number : 0,
                 !found       ? " (nothing)"
                 : path.large ? " (2 MiB)"
                              : "");
    }
    if ((item->write && !path.write) || (item->execute && !path.execute)) {
        sim_fail("sim: after %s a cached translation of %#x still allows %s", after, item->address,
                 item->write && !path.write ? "writing" : "execution");
    }
}

static void check_upper(struct sim_cpu *cpu, const struct cached *item, const char *after) {
    entry_t root = cpu->root[SLOT_OF(item->address)];
    entry_t entry = {0};
    if (present(root)) {
        entry = *entry_in(arch_entry_frame(root), directory_index(item->address));
    }
    if (!present(entry) || (entry.raw & SIM_ENTRY_LARGE) ||
        arch_entry_frame(entry).number != item->frame.number) {
        sim_fail("sim: after %s a stale directory entry of %#x is cached: to table %#x, memory "
                 "says %#llx",
                 after, item->address, item->frame.number, (unsigned long long)entry.raw);
    }
    if ((item->write && !(writable(root) && writable(entry))) ||
        (item->execute && !(executable(root) && executable(entry)))) {
        sim_fail("sim: after %s a cached directory entry of %#x has rights that memory has not",
                 after, item->address);
    }
}

void sim_check_translations(const char *after) {
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        struct sim_cpu *cpu = &sim_cpus[i];
        for (u32 slot = 0; cpu->loaded && slot < SLOT_COUNT; slot++) {
            entry_t now = *entry_in(cpu->root_frame, slot);
            if ((now.raw ^ cpu->root[slot].raw) & ~SIM_ENTRY_ACCESSED) {
                sim_fail("sim: after %s the root that CPU %u has loaded was edited in slot %u",
                         after, i, slot);
            }
        }
        for (u32 k = 0; cpu->loaded && k < cpu->capacity; k++) {
            const struct cached *item = &cpu->cached[k];
            if (item->used && item->kind == CACHED_UPPER) {
                check_upper(cpu, item, after);
            } else if (item->used) {
                check_leaf(cpu, item, after);
            }
        }
    }
}

u32 sim_tlb_count(void) {
    u32 count = 0;
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        for (u32 k = 0; k < sim_cpus[i].capacity; k++) {
            count += sim_cpus[i].cached[k].used && sim_cpus[i].cached[k].kind != CACHED_UPPER;
        }
    }
    return count;
}

void sim_cpus_start(void) {
    cached_of_frame = calloc(sim_frame_limit(), sizeof(u32));
    if (!cached_of_frame) {
        sim_fail("sim: the host has no memory for %u frame counters", sim_frame_limit());
    }
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        sim_cpus[i] = (struct sim_cpu){.loaded = false};
        cpus[i] = (struct cpu){.arch = {.sim = &sim_cpus[i]}, .number = i};
    }
    sim_cpu_select(0);
}
