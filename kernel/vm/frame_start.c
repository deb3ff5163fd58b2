/* SPDX-License-Identifier: MIT */
/*
 * The start of the frame allocator: the loader's map of memory becomes blocks of free frames. Runs
 * once, on the boot CPU, before anything allocates. The frame table and the blocks live in low memory
 * that is taken off the map. Read next: frame.c.
 */
#include <string.h>

#include "kernel/base/print.h"
#include "kernel/boot/boot_info.h"
#include "kernel/vm/frame_zone.h"

static u32 block_count(void) { return (frame_end + LARGE_FRAMES - 1) / LARGE_FRAMES; }

/* What no allocation may get: the kernel, the initrd, the allocator's own tables. */
static struct boot_range taken[3];

static const struct boot_range *taken_find(physical_t start, physical_t end) {
    for (u32 i = 0; i < ARRAY_LENGTH(taken); i++) {
        if (start < taken[i].end && taken[i].start < end) {
            return &taken[i];
        }
    }
    return NULL;
}

static u64 page_round_up(u64 bytes) { return (bytes + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1); }

/* The first place in low RAM for SIZE bytes that nothing has taken; 0: there is none. */
static physical_t place_tables(const struct boot_info *boot, u64 size) {
    physical_t lowest = frame_address((frame_t){arch_memory_reserved_low()});
    for (u32 i = 0; i < boot->range_count; i++) {
        physical_t start = boot->range[i].start < lowest ? lowest : boot->range[i].start;
        while (start + size <= boot->range[i].end &&
               arch_frame_is_low((frame_t){(u32)((start + size - 1) >> PAGE_SHIFT)})) {
            const struct boot_range *hit = taken_find(start, start + size);
            if (!hit) {
                return start;
            }
            start = page_round_up(hit->end);
        }
    }
    return 0;
}

/* Put COUNT frames (1 or LARGE_FRAMES) of one block into the free set, while nothing else runs. */
static void free_at_start(u32 number, u32 count) {
    struct block *block = &frame_blocks[number / LARGE_FRAMES];
    if (count == LARGE_FRAMES) {
        memset(block->free, 0xFF, sizeof(block->free));
    } else {
        block->free[number % LARGE_FRAMES / 64] |= 1ull << number % 64;
    }
    block->free_count += count;
    zone_of(block)->total += count;
}

static bool is_taken(u32 number, u32 count) {
    return taken_find(frame_address((frame_t){number}), frame_address((frame_t){number + count}));
}

/* Free [AT, END) but for what is taken: by whole blocks where that goes, since there are many. */
static void free_range_at_start(u32 at, u32 end) {
    while (at < end) {
        bool whole =
            at % LARGE_FRAMES == 0 && end - at >= LARGE_FRAMES && !is_taken(at, LARGE_FRAMES);
        u32 count = whole ? LARGE_FRAMES : 1;
        if (whole || !is_taken(at, 1)) {
            free_at_start(at, count);
        }
        at += count;
    }
}

/* Frames that are no RAM, or taken, have a reference that is never dropped. */
static void hold_the_rest(void) {
    for (u32 number = 0; number < frame_end; number++) {
        const struct block *block = &frame_blocks[number / LARGE_FRAMES];
        if (block->free_count == LARGE_FRAMES) {
            number += LARGE_FRAMES - 1; /* the first of a block that is all free */
        } else if (!(block->free[number % LARGE_FRAMES / 64] >> number % 64 & 1)) {
            frame_table[number].references = 1;
            frame_table[number].budget = BUDGET_NOBODY;
        }
    }
}

/* From the last on: a list has the lowest block first. */
static void link_blocks(void) {
    for (u32 i = block_count(); i-- > 0;) {
        list_init(&frame_blocks[i].link);
        block_relink(&frame_blocks[i], 0);
    }
}

/* The first frame number past the RAM that can be managed: the tables may take at most half of what
 * is low, so that a very large machine loses its far end instead of its kernel. */
static u32 choose_frame_end(const struct boot_info *boot) {
    u64 low = 0, end = 0;
    for (u32 i = 0; i < boot->range_count; i++) {
        u64 first = boot->range[i].start >> PAGE_SHIFT, last = boot->range[i].end >> PAGE_SHIFT;
        for (u64 at = first; at < last && arch_frame_is_low((frame_t){(u32)at});
             at += LARGE_FRAMES) {
            low += LARGE_FRAMES;
        }
        end = last > end ? last : end;
    }
    u64 limit = low / 2 * PAGE_SIZE / (sizeof(struct frame) + 1);
    if (end > limit && end > UINT32_MAX / 2) {
        end = UINT32_MAX / 2;
    }
    if (end > limit) {
        print("memory: only the first %llu of %llu MiB can be managed\n",
              (unsigned long long)limit >> (20 - PAGE_SHIFT),
              (unsigned long long)end >> (20 - PAGE_SHIFT));
        end = limit;
    }
    return (u32)end;
}

static void zone_start(struct zone *zone) {
    memset(zone, 0, sizeof(*zone));
    list_init(&zone->whole);
    list_init(&zone->partial);
}

void frame_initialise(const struct boot_info *boot) {
    zone_start(&zone_low);
    zone_start(&zone_high);
    frame_end = choose_frame_end(boot);
    u64 size = page_round_up(block_count() * (u64)sizeof(struct block) +
                             frame_end * (u64)sizeof(struct frame));
    taken[0] = (struct boot_range){boot->kernel_start, boot->kernel_end};
    taken[1] = (struct boot_range){boot->initrd_start, boot->initrd_end};
    taken[2] = (struct boot_range){0};
    physical_t tables = place_tables(boot, size);
    if (tables == 0) {
        panic("memory: no %llu KiB of low memory for the frame table",
              (unsigned long long)size >> 10);
    }
    taken[2] = (struct boot_range){tables, tables + size};
    frame_blocks = arch_low_pointer((frame_t){(u32)(tables >> PAGE_SHIFT)});
    memset(frame_blocks, 0, (size_t)size);
    frame_table = (struct frame *)(frame_blocks + block_count());
    u32 lowest = arch_memory_reserved_low() ? arch_memory_reserved_low() : 1;
    for (u32 i = 0; i < boot->range_count; i++) {
        u64 at = boot->range[i].start >> PAGE_SHIFT, end = boot->range[i].end >> PAGE_SHIFT;
        at = at < lowest ? lowest : at;
        end = end > frame_end ? frame_end : end;
        if (at < end) {
            free_range_at_start((u32)at, (u32)end);
        }
    }
    hold_the_rest();
    link_blocks();
    if (frame_total() < 256) {
        panic("memory: %u KiB are not enough to start", frame_total() * 4);
    }
}
