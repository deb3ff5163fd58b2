/* SPDX-License-Identifier: MIT */
/*
 * TLBSAN: see tlbsan.h. A quarter's part is under its lock; a CPU's shadows are its own, interrupts
 * off. `armed` is the one field that others read: a CPU may be behind it only while the shootdown
 * that it stands for waits for that CPU, and it is set after that wait.
 */
#ifdef TLBSAN

#include "debug/tlbsan.h"

#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/space.h"

/* The real ones. */
#undef arch_invalidate
#undef arch_tag_invalidate
#undef arch_invalidate_all

#define EMPTY 0u /* no quarter: nothing is cached */

/* What may be cached of one slot under one tag. */
struct shadow {
    u64 sub_id;     /* EMPTY, or of which quarter */
    u64 generation; /* up to which its downgrades have been forgotten */
};

#define TAGS_IN_FRAME (PAGE_SIZE / ((u32)sizeof(struct shadow) * SLOT_COUNT))

typedef struct shadow shadow_set[SLOT_COUNT];
static shadow_set *shadows[ARCH_CPU_LIMIT][ARCH_TAGS / TAGS_IN_FRAME];

/* By sub-ID: the last generation whose shootdown has returned. A place that another quarter has
 * taken tells nothing. */
#define DONE_PLACES 1024u
static u64 done[DONE_PLACES]; /* atomic: as struct frame's hazard */

int tlbsan_initialise(void) {
    u32 count = arch_tag_count() != 0 ? arch_tag_count() / TAGS_IN_FRAME : 1;
    for (u32 i = 0; i < count; i++) {
        frame_t frame = frame_allocate_low();
        if (frame_is_none(frame)) {
            return E_NOMEM;
        }
        arch_frame_zero(frame);
        shadows[arch_cpu()->number][i] = arch_low_pointer(frame);
    }
    return 0;
}

static struct shadow *shadow_of(const struct cpu *cpu, u32 tag, u32 slot) {
    return &shadows[cpu->number][tag / TAGS_IN_FRAME][tag % TAGS_IN_FRAME][slot];
}

/* ---- Downgrades: the quarter's lock is held -------------------------------------------------- */

void tlbsan_downgrade(struct quarter *quarter, u32 offset, u32 pages, const char *file, u32 line) {
    struct tlbsan_quarter *own = &quarter->tlbsan;
    if (own->count == 0) {
        own->file = file;
        own->line = line;
    }
    if (own->count == TLBSAN_RANGES) {
        own->count = 1; /* too many to tell apart: the whole quarter */
        own->range[0].pages = 0;
    } else {
        own->range[own->count++] = (struct tlbsan_range){offset, pages};
    }
    own->needed = quarter->generation + 1;
}

/* In one word, because quarters that share a table may let go of it at the same time. */
static u64 hazard_make(u64 sub_id, u64 generation) { return sub_id << 32 | (u32)generation; }

void tlbsan_frame(const struct quarter *quarter, frame_t frame, const char *file, u32 line) {
    struct frame *place = &frame_table[frame.number];
    place->hazard_file = file;
    place->hazard_line = line;
    atomic_write_64(&place->hazard, hazard_make(quarter->sub_id, quarter->generation + 1));
}

void tlbsan_frame_freed(frame_t frame) {
    struct frame *place = &frame_table[frame.number];
    u64 hazard = atomic_read_64(&place->hazard);
    u32 sub_id = (u32)(hazard >> 32), at = sub_id % DONE_PLACES;
    u64 known = atomic_read_64(&done[at]);
    ASSERT(
        hazard == 0 || (u32)(known >> 32) != sub_id || (u32)known >= (u32)hazard,
        "frame %x is freed by CPU %u, and no shootdown of quarter %u has followed the downgrade at "
        "%s:%u, which took its entry away",
        frame.number, arch_cpu()->number, sub_id, place->hazard_file, place->hazard_line);
    atomic_write_64(&place->hazard, 0);
}

void tlbsan_shot(struct quarter *quarter) {
    atomic_write_64(&done[quarter->sub_id % DONE_PLACES],
                    hazard_make(quarter->sub_id, quarter->generation));
    quarter->tlbsan.count = 0;
}

void tlbsan_unlock(struct quarter *quarter) {
    struct tlbsan_quarter *own = &quarter->tlbsan;
    if (own->needed == own->armed) {
        return;
    }
    ASSERT(quarter->generation >= own->needed,
           "quarter %llu is unlocked, and no shootdown has followed the downgrade at %s:%u",
           (unsigned long long)quarter->sub_id, own->file, own->line);
    own->armed_file = own->file;
    own->armed_line = own->line;
    atomic_write_64(&own->armed, own->needed);
}

/* ---- What CPUs forget ------------------------------------------------------------------------ */

/* True if [ADDRESS, ADDRESS + PAGES * 4 KiB) covers all that the quarter has outstanding. */
static bool outstanding_covered(const struct quarter *quarter, u32 address, u32 pages) {
    const struct tlbsan_quarter *own = &quarter->tlbsan;
    u32 first = SLOT_OFFSET(address) >> PAGE_SHIFT;
    for (u32 i = 0; i < own->count; i++) {
        u32 start = own->range[i].offset >> PAGE_SHIFT;
        if (own->range[i].pages == 0 || start < first ||
            start + own->range[i].pages > first + pages) {
            return false;
        }
    }
    return own->count != 0;
}

/* A range is forgotten under TAG: that covers one generation, if it covers its downgrades. */
static void shadow_forget(const struct cpu *cpu, u32 tag, u32 address, u32 pages) {
    u32 slot = SLOT_OF(address);
    struct quarter *quarter = cpu->loaded ? cpu->loaded->slot[slot].quarter : NULL;
    struct shadow *shadow = shadow_of(cpu, tag, slot);
    if (!quarter || shadow->sub_id != quarter->sub_id) {
        return;
    }
    u64 generation = atomic_read_64(&quarter->generation);
    if (shadow->generation + 1 == generation && outstanding_covered(quarter, address, pages)) {
        shadow->generation = generation;
    }
}

/* Nothing of SPACE is cached under TAG from before now: what is needed next is what comes next. */
static void shadow_renew(const struct cpu *cpu, const struct space *space, u32 tag) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        struct quarter *quarter = space ? space->slot[slot].quarter : NULL;
        *shadow_of(cpu, tag, slot) =
            (struct shadow){.sub_id = quarter ? quarter->sub_id : EMPTY,
                            .generation = quarter ? atomic_read_64(&quarter->generation) : 0};
    }
}

/* The generation is read before the flush: a later one is not covered. */
void tlbsan_invalidate(u32 address, u32 pages) {
    const struct cpu *cpu = arch_cpu();
    if (pages == 0) {
        shadow_renew(cpu, cpu->loaded, cpu->tag);
    } else {
        shadow_forget(cpu, cpu->tag, address, pages);
    }
    arch_invalidate(address, pages);
}

void tlbsan_tag_invalidate(u32 tag, u32 address, u32 pages) {
    shadow_forget(arch_cpu(), tag, address, pages);
    arch_tag_invalidate(tag, address, pages);
}

void tlbsan_invalidate_all(void) {
    const struct cpu *cpu = arch_cpu();
    u32 count = arch_tag_count() != 0 ? arch_tag_count() : 1;
    for (u32 tag = 0; tag < count; tag++) {
        shadow_renew(cpu, NULL, tag); /* what is being loaded is not in cpu->loaded yet */
    }
    arch_invalidate_all();
}

/* ---- Checks ---------------------------------------------------------------------------------- */

static void shadow_check(const struct cpu *cpu, const struct space *space, u32 tag, u32 slot,
                         const char *when) {
    struct quarter *quarter = space->slot[slot].quarter;
    struct shadow *shadow = shadow_of(cpu, tag, slot);
    if (shadow->sub_id == EMPTY) {
        shadow->sub_id = quarter->sub_id; /* it fills from now on */
        shadow->generation = atomic_read_64(&quarter->generation);
    }
    ASSERT(shadow->sub_id == quarter->sub_id,
           "CPU %u %s with translations of quarter %llu under tag %x, where quarter %llu is now",
           cpu->number, when, (unsigned long long)shadow->sub_id, tag,
           (unsigned long long)quarter->sub_id);
    ASSERT(shadow->generation >= atomic_read_64(&quarter->tlbsan.armed),
           "CPU %u %s and has never flushed what quarter %llu lost at %s:%u (tag %x, generation "
           "%llu of %llu)",
           cpu->number, when, (unsigned long long)quarter->sub_id, quarter->tlbsan.armed_file,
           quarter->tlbsan.armed_line, tag, (unsigned long long)shadow->generation,
           (unsigned long long)quarter->tlbsan.armed);
}

static void loaded_check(const struct cpu *cpu, const struct space *space, u32 tag,
                         const char *when) {
    for (u32 slot = 0; space && slot < SLOT_COUNT; slot++) {
        if (space->slot[slot].quarter) {
            shadow_check(cpu, space, tag, slot, when);
        }
    }
}

void tlbsan_check_user(void) {
    const struct cpu *cpu = arch_cpu();
    loaded_check(cpu, cpu->loaded, cpu->tag, "has run a program");
}

void tlbsan_root_load(const struct space *space, u32 tag, bool keep) {
    const struct cpu *cpu = arch_cpu();
    loaded_check(cpu, cpu->loaded, cpu->tag, "leaves a space");
    if (space && keep) {
        loaded_check(cpu, space, tag, "keeps a tag");
    } else if (space) {
        shadow_renew(cpu, space, tag);
    }
    arch_root_load(space ? &space->root : NULL, tag, keep);
}

#endif
