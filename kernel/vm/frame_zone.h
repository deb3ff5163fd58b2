/* SPDX-License-Identifier: MIT */
/*
 * Inside the frame allocator: what frame.c has in common with frame_start.c, which fills it at boot.
 */
#ifndef KERNEL_FRAME_ZONE_H
#define KERNEL_FRAME_ZONE_H

#include "arch/arch.h"
#include "kernel/vm/frame.h"

#define BUDGET_NOBODY 0xFFFFu

/* Free single frames that a CPU keeps for itself, so that faults of different CPUs do not meet at
 * the lock. They count as free. Owner CPU only, interrupts off; others read the count. */
#define CACHE_FRAMES 16u
struct frame_cache {
    u32 count;
    u32 frame[CACHE_FRAMES];
};

struct zone {
    u32 total; /* immutable after the start */
    struct frame_cache cache[ARCH_CPU_LIMIT];
    /* LOCK_FRAMES: */
    struct list whole, partial; /* blocks with all frames free, with some */
    u32 free;                   /* frames in blocks */
};

extern struct zone zone_low, zone_high; /* high: pae only */
extern u32 frame_end; /* frame_table[0..frame_end) exist; immutable after the start */

/* LOCK_FRAMES: BLOCK had BEFORE free frames: keep the zone's count, and the list that it belongs to. */
void block_relink(struct block *block, u32 before);

/* No block spans both zones' border. */
static inline struct zone *zone_of(const struct block *block) {
    frame_t last = {(u32)(block - frame_blocks) * LARGE_FRAMES + LARGE_FRAMES - 1};
    return arch_frame_is_low(last) ? &zone_low : &zone_high;
}

#endif
