/* SPDX-License-Identifier: MIT */
/*
 * What removes translations from a simulated CPU, and nothing else does: loads of a root and the
 * invalidations of arch.h, each exactly as far as the contract promises (SDM 3A 4.10.4.1).
 *
 *                                loaded tag       another tag      global      root entries
 *     arch_root_load, no keep    -                all of it goes   stay        of its tag go
 *     arch_root_load, keep       -                come back        stay        come back
 *     arch_invalidate, pages     those pages'     stay             pages' go   stay
 *     arch_invalidate, 0         all of it        stay             stay        read again
 *     arch_tag_invalidate        stay             those pages'     stay        stay
 *     arch_invalidate_all        all              all              all         go
 *
 * Without tags (sim_knobs.tags) every load is one of tag 0 without keep.
 */
#include <stdlib.h>

#include "arch/sim/tlb.h"
#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"

static struct sim_cpu *own_cpu(void) { return arch_cpu()->arch.sim; }

u32 arch_tag_count(void) { return sim_knobs.tags ? ARCH_TAGS : 0; }
bool arch_tag_invalidates(void) { return sim_knobs.tag_invalidates; }
bool arch_global_usable(void) { return sim_knobs.global; }

/* ---- Loads ----------------------------------------------------------------------------------- */

static void tags_prepare(struct sim_cpu *cpu) {
    if (!cpu->tags) {
        cpu->tags = calloc(SIM_TAGS, sizeof(struct sim_tag));
        if (!cpu->tags) {
            sim_fail("sim: the host has no memory for the tags of a CPU");
        }
    }
}

static void tag_forget(struct sim_cpu *cpu, u32 tag) {
    cached_remove_tag(cpu, tag);
    cpu->tags[tag].rooted = false;
}

/* The root entries of the new root, as the CPU knows them: what it has cached under the tag goes
 * before what memory says. */
static void roots_take(struct sim_cpu *cpu) {
    struct sim_tag *tag = &cpu->tags[cpu->tag];
    if (tag->rooted && !ARCH_VIEW_DIRECTORIES && tag->root_frame.number != cpu->root_frame.number) {
        sim_fail("sim: tag %#o is kept for root %#x: walks under it may still go by root %#x",
                 cpu->tag, cpu->root_frame.number, tag->root_frame.number);
    }
    tag->root_frame = cpu->root_frame;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        entry_t now = *sim_entry_in(cpu->root_frame, slot);
        bool cached = tag->rooted && !ARCH_VIEW_DIRECTORIES;
        cpu->root[slot] = cached ? tag->root[slot] : now;
        tag->root[slot] = cpu->root[slot];
        if ((now.raw ^ cpu->root[slot].raw) & ~SIM_ENTRY_ACCESSED) {
            sim_fail("sim: tag %#o is kept for a root that is another in slot %u: %#llx is cached, "
                     "%#llx is there",
                     cpu->tag, slot, (unsigned long long)cpu->root[slot].raw,
                     (unsigned long long)now.raw);
        }
    }
    tag->rooted = true;
}

void arch_root_load_untagged(const struct arch_root *root) { arch_root_load(root, 0, false); }

void arch_root_load(const struct arch_root *root, u32 tag, bool keep) {
    sim_point_locked();
    struct sim_cpu *cpu = own_cpu();
    if (arch_interrupts_enabled()) {
        sim_fail("sim: a root is loaded with interrupts on");
    }
    if (sim_knobs.tags && tag >= ARCH_TAGS) {
        sim_fail("sim: tag %#o does not exist", tag);
    }
    tags_prepare(cpu);
    cpu->tag = (u16)(sim_knobs.tags ? tag : 0);
    keep = keep && sim_knobs.tags;
    if (!keep) {
        tag_forget(cpu, cpu->tag);
    }
    cpu->loaded = root != NULL;
    cpu->root_object = root;
    cpu->root_frame = root ? root->frame : FRAME_NONE;
    sim_cpus_loaded &= ~cpu_bit(arch_cpu());
    if (root) {
        sim_cpus_loaded |= cpu_bit(arch_cpu());
        roots_take(cpu);
        sim_check_kept(cpu);
    } else {
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            cpu->root[slot] = (entry_t){0};
        }
    }
    if (sim_knobs.root_loaded) {
        sim_knobs.root_loaded(root, tag, keep);
    }
}

/* ---- Invalidations --------------------------------------------------------------------------- */

static u64 range_end(u32 address, u32 pages) {
    u64 end = (u64)(address & ~(PAGE_SIZE - 1)) + (u64)pages * PAGE_SIZE;
    if (end > ARCH_USER_TOP) {
        sim_fail("sim: invalidation of %u pages at %#x leaves the user addresses", pages, address);
    }
    return end;
}

void arch_invalidate(u32 address, u32 pages) {
    sim_point_locked();
    struct sim_cpu *cpu = own_cpu();
    if (pages == 0) {
        cached_remove_tag(cpu, cpu->tag);
    }
    u64 end = pages ? range_end(address, pages) : 0;
    for (u64 at = address & ~(PAGE_SIZE - 1); at < end; at += PAGE_SIZE) {
        cached_remove_address(cpu, cpu->tag, (u32)at);
        cached_remove_address(cpu, SIM_TAG_GLOBAL, (u32)at);
    }
}

void arch_tag_invalidate(u32 tag, u32 address, u32 pages) {
    sim_point_locked();
    struct sim_cpu *cpu = own_cpu();
    if (!sim_knobs.tags || !sim_knobs.tag_invalidates || tag >= ARCH_TAGS || pages == 0) {
        sim_fail("sim: invalidation of %u pages under tag %#o, which this CPU cannot do", pages,
                 tag);
    }
    if (cpu->loaded && tag == cpu->tag) {
        sim_fail("sim: arch_tag_invalidate of tag %#o, which is loaded", tag);
    }
    u64 end = range_end(address, pages);
    for (u64 at = address & ~(PAGE_SIZE - 1); at < end; at += PAGE_SIZE) {
        cached_remove_address(cpu, tag, (u32)at);
    }
}

void arch_invalidate_all(void) {
    sim_point_locked();
    struct sim_cpu *cpu = own_cpu();
    for (u32 tag = 0; cpu->tags && tag < SIM_TAGS; tag++) {
        tag_forget(cpu, tag);
    }
    if (cpu->loaded) {
        roots_take(cpu);
    }
}

void sim_forget_fault(struct sim_cpu *cpu, u32 address) {
    cached_remove_address(cpu, cpu->tag, address);
}

void sim_cpus_start(void) {
    cached_start();
    sim_places_start();
    sim_cpus_loaded = 0;
    for (u32 i = 0; i < ARCH_CPU_LIMIT; i++) {
        sim_cpus[i] = (struct sim_cpu){.loaded = false};
        cpus[i] = (struct cpu){.arch = {.sim = &sim_cpus[i]}, .number = i};
    }
    sim_cpu_select(0);
}
