/* SPDX-License-Identifier: MIT */
/*
 * What must not be in a TLB, and when.
 *
 *   when a quarter is unlocked      of the entries that changed under its lock nothing stale is usable
 *                                   on any CPU: their shootdown is over
 *   when a kept tag is loaded       nothing stale comes back with it
 *   when a frame is freed           no CPU can use, or walk, what it has cached of it
 *   when user mode is entered       no global translation is another space's
 *
 * Stale: it grants more, or other, than a walk of the loaded root does. A quarter that somebody has
 * locked is let off: the change is not over. What is cached under a tag that is not loaded hurts
 * nobody until it is.
 */
#include "arch/sim/tlb.h"
#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/base/spinlock.h"

/* ---- One cached entry ------------------------------------------------------------------------ */

static void check_leaf(struct sim_cpu *cpu, const struct cached *item, const char *after) {
    struct path path;
    bool found = sim_walk_root(cpu->root_frame, item->address, &path);
    bool large = item->kind == CACHED_LARGE;
    if (!found || path.frame.number != item->frame.number || path.large != large) {
        sim_fail("sim: after %s a stale %stranslation of %#x is cached by CPU %u: to frame %#x%s, "
                 "the tables say %#x%s",
                 after, item->tag == SIM_TAG_GLOBAL ? "global " : "", item->address, item->cpu,
                 item->frame.number, large ? " (2 MiB)" : "", found ? path.frame.number : 0,
                 !found       ? " (nothing)"
                 : path.large ? " (2 MiB)"
                              : "");
    }
    if ((item->write && !path.write) || (item->execute && !path.execute)) {
        sim_fail("sim: after %s a cached translation of %#x on CPU %u still allows %s", after,
                 item->address, item->cpu, item->write && !path.write ? "writing" : "execution");
    }
}

static void check_upper(struct sim_cpu *cpu, const struct cached *item, const char *after) {
    entry_t root = cpu->root[SLOT_OF(item->address)];
    entry_t entry = {0};
    if (sim_present(root)) {
        entry = *sim_entry_in(arch_entry_frame(root), sim_directory_index(item->address));
    }
    if (!sim_present(entry) || (entry.raw & SIM_ENTRY_LARGE) ||
        arch_entry_frame(entry).number != item->frame.number) {
        sim_fail("sim: after %s a stale directory entry of %#x is cached by CPU %u: to table %#x, "
                 "memory says %#llx",
                 after, item->address, item->cpu, item->frame.number,
                 (unsigned long long)entry.raw);
    }
    if ((item->write && !(sim_writable(root) && sim_writable(entry))) ||
        (item->execute && !(sim_executable(root) && sim_executable(entry)))) {
        sim_fail("sim: after %s a cached directory entry of %#x on CPU %u has rights that memory "
                 "has not",
                 after, item->address, item->cpu);
    }
}

/* Global ones can be used in user mode only: what a CPU in the middle of a switch still has must be
 * gone by then. */
static bool usable_now(const struct sim_cpu *cpu, const struct cached *item) {
    bool global = item->tag == SIM_TAG_GLOBAL;
    return cpu->loaded && (global ? cpu->user || !sim_interleaving : item->tag == cpu->tag);
}

bool sim_changing(const struct sim_cpu *cpu, u32 slot) {
    return sim_knobs.changing && sim_knobs.changing(cpu->root_object, slot);
}

static void check_item(struct sim_cpu *cpu, const struct cached *item, const char *after) {
    if (!usable_now(cpu, item) || sim_changing(cpu, SLOT_OF(item->address))) {
        return;
    }
    if (item->kind == CACHED_UPPER) {
        check_upper(cpu, item, after);
    } else {
        check_leaf(cpu, item, after);
    }
}

static void check_address_list(struct sim_cpu *cpu, struct link *list, const char *after) {
    for (struct link *link = list; link; link = link->next) {
        check_item(cpu, CACHED_OF(link, of_address), after);
    }
}

static void check_tag(struct sim_cpu *cpu, u32 tag, const char *after) {
    for (struct link *link = cpu->tags ? cpu->tags[tag].cached : NULL; link; link = link->next) {
        check_item(cpu, CACHED_OF(link, of_tag), after);
    }
}

/* ---- When a change is over ------------------------------------------------------------------- */

#define CHANGES 48u
#define CHANGES_SINGLE 8u /* single pages of one table that are told apart */

struct change {
    u32 directory_index, table_index;
    bool whole;
};

/* What each CPU has changed since it last unlocked a quarter. */
static struct changes {
    u32 count;
    bool all;
    struct change change[CHANGES];
} changes[ARCH_CPU_LIMIT];

void sim_note_all(void) { changes[arch_cpu()->number].all = true; }

void sim_note_change(u32 directory_index, u32 table_index, bool whole) {
    struct changes *own = &changes[arch_cpu()->number];
    u32 same = 0;
    for (u32 i = 0; i < own->count; i++) {
        struct change *change = &own->change[i];
        if (change->directory_index == directory_index) {
            if (change->whole || (!whole && change->table_index == table_index)) {
                return;
            }
            if (whole || ++same == CHANGES_SINGLE) {
                change->whole = true;
                return;
            }
        }
    }
    if (own->count == CHANGES) {
        own->all = true;
        return;
    }
    own->change[own->count++] = (struct change){directory_index, table_index, whole};
    sim_note_address(SLOT_BASE(sim_random_below(SLOT_COUNT)) + (directory_index << TABLE_SHIFT) +
                     (table_index << PAGE_SHIFT));
}

static void check_change(struct sim_cpu *cpu, u32 slot, const struct change *change,
                         const char *after) {
    u32 address = SLOT_BASE(slot) + (change->directory_index << TABLE_SHIFT);
    struct span *span = cpu->span[address >> TABLE_SHIFT];
    if (!span || span->count == 0) {
        return;
    }
    if (!change->whole) {
        check_address_list(cpu, span->leaf[change->table_index], after);
        return;
    }
    check_address_list(cpu, span->upper, after);
    check_address_list(cpu, span->large, after);
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        check_address_list(cpu, span->leaf[i], after);
    }
}

static void check_changes(const struct changes *own, const char *after) {
    if (own->all) {
        sim_check_translations(after);
        return;
    }
    SIM_CPUS_FOR_EACH(i, sim_cpus_loaded) {
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            if (!sim_present(sim_cpus[i].root[slot]) || sim_changing(&sim_cpus[i], slot)) {
                continue;
            }
            for (u32 k = 0; k < own->count; k++) {
                check_change(&sim_cpus[i], slot, &own->change[k], after);
            }
        }
    }
}

void sim_lock_acquired(struct spinlock *lock) {
    if (sim_knobs.lock_acquired) {
        sim_knobs.lock_acquired(lock);
    }
}

void sim_lock_released(struct spinlock *lock) {
    struct changes *own = &changes[arch_cpu()->number];
    if (lock->class == LOCK_QUARTER && (own->count != 0 || own->all)) {
        struct changes over = *own;
        own->count = 0;
        own->all = false;
        check_changes(&over, "a change of a quarter");
    }
    if (sim_knobs.lock_released) {
        sim_knobs.lock_released(lock);
    }
}

/* ---- When a kept tag, or user mode, is entered ----------------------------------------------- */

void sim_check_kept(struct sim_cpu *cpu) { check_tag(cpu, cpu->tag, "a load that keeps its tag"); }

void sim_user(bool user) {
    struct sim_cpu *cpu = arch_cpu()->arch.sim;
    cpu->user = user;
    if (user) {
        check_tag(cpu, SIM_TAG_GLOBAL, "the return to user mode");
    }
}

void sim_check_no_global(const char *after) {
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        if (sim_cpus[i].tags && sim_cpus[i].tags[SIM_TAG_GLOBAL].cached) {
            sim_fail("sim: after %s CPU %u still caches a global translation of %#x", after, i,
                     CACHED_OF(sim_cpus[i].tags[SIM_TAG_GLOBAL].cached, of_tag)->address);
        }
    }
}

/* ---- When a frame is freed ------------------------------------------------------------------- */

static void check_freed_directory(frame_t frame) {
    SIM_CPUS_FOR_EACH(i, sim_cpus_loaded) {
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            entry_t root = sim_cpus[i].root[slot];
            if (sim_present(root) && arch_entry_frame(root).number == frame.number) {
                sim_fail("sim: freed frame %#x is the directory of slot %u on CPU %u", frame.number,
                         slot, (u32)i);
            }
        }
    }
}

static void check_freed_list(frame_t frame, frame_t first) {
    for (struct link *link = cached_of_frame(first); link; link = link->next) {
        const struct cached *item = CACHED_OF(link, of_frame);
        u32 frames = item->kind == CACHED_LARGE ? LARGE_FRAMES : 1;
        if (frame.number - item->frame.number < frames && usable_now(&sim_cpus[item->cpu], item)) {
            sim_fail("sim: frame %#x is freed while CPU %u caches it as %s of address %#x",
                     frame.number, item->cpu, item->kind == CACHED_UPPER ? "the table" : "a page",
                     item->address);
        }
    }
}

void sim_check_freed(frame_t frame) {
    frame_t block = {frame.number & ~(LARGE_FRAMES - 1)};
    check_freed_directory(frame);
    check_freed_list(frame, frame);
    if (block.number != frame.number) {
        check_freed_list(frame, block);
    }
}

void sim_root_check_unloaded(frame_t root) {
    SIM_CPUS_FOR_EACH(i, sim_cpus_loaded) {
        if (sim_cpus[i].root_frame.number == root.number) {
            sim_fail("sim: root %#x is destroyed while CPU %u has it loaded", root.number, (u32)i);
        }
    }
}

/* ---- Everything ------------------------------------------------------------------------------ */

void sim_check_translations(const char *after) {
    SIM_CPUS_FOR_EACH(i, sim_cpus_loaded) {
        struct sim_cpu *cpu = &sim_cpus[i];
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            entry_t now = *sim_entry_in(cpu->root_frame, slot);
            if ((now.raw ^ cpu->root[slot].raw) & ~SIM_ENTRY_ACCESSED) {
                sim_fail("sim: after %s the root that CPU %u has loaded was edited in slot %u",
                         after, (u32)i, slot);
            }
        }
        check_tag(cpu, cpu->tag, after);
        check_tag(cpu, SIM_TAG_GLOBAL, after);
    }
}

u32 sim_tlb_count(void) {
    u32 count = 0;
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        for (u32 tag = 0; sim_cpus[i].tags && tag < SIM_TAGS; tag++) {
            for (struct link *link = sim_cpus[i].tags[tag].cached; link; link = link->next) {
                count += CACHED_OF(link, of_tag)->kind != CACHED_UPPER;
            }
        }
    }
    return count;
}
