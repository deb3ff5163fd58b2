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

static bool range_intersects(physical_t start, physical_t end, physical_t a, physical_t b) {
    return start < b && a < end;
}

/* The first place in low RAM for SIZE bytes that hits neither the kernel nor the initrd. */
static physical_t place_tables(const struct boot_info *boot, u64 size) {
    for (u32 i = 0; i < boot->range_count; i++) {
        physical_t start = boot->range[i].start, stop = boot->range[i].end;
        if (start < frame_address((frame_t){arch_memory_reserved_low()})) {
            start = frame_address((frame_t){arch_memory_reserved_low()});
        }
        while (start + size <= stop &&
               arch_frame_is_low((frame_t){(u32)((start + size - 1) >> PAGE_SHIFT)})) {
            if (range_intersects(start, start + size, boot->kernel_start, boot->kernel_end)) {
                start = (boot->kernel_end + PAGE_SIZE - 1) & ~(physical_t)(PAGE_SIZE - 1);
            } else if (range_intersects(start, start + size, boot->initrd_start,
                                        boot->initrd_end)) {
                start = (boot->initrd_end + PAGE_SIZE - 1) & ~(physical_t)(PAGE_SIZE - 1);
            } else {
                return start;
            }
        }
    }
    return 0;
}

static u64 tables_size(u64 frame_limit) {
    u64 block_limit = (frame_limit + LARGE_FRAMES - 1) / LARGE_FRAMES;
    u64 size = block_limit * sizeof(struct block) + frame_limit * sizeof(struct frame);
    return (size + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1);
}

/* Put frames NUMBER .. NUMBER + COUNT of one block, COUNT 1 or LARGE_FRAMES, into the free set while nothing else
 * runs. */
static void free_at_start(u32 number, u32 count) {
    struct block *block = &frame_blocks[number / LARGE_FRAMES];
    if (count == LARGE_FRAMES) {
        memset(block->free, 0xFF, sizeof(block->free));
    } else {
        block->free[number % LARGE_FRAMES / 64] |= 1ull << number % 64;
    }
    block->free_count += count;
    zone_of(block)->total += count;
    zone_of(block)->free += count;
}

/* What no allocation may get: the kernel, the initrd, our own tables. */
static bool taken_at_start(const struct boot_info *boot, u32 number, u32 count, physical_t tables,
                           u64 size) {
    physical_t start = frame_address((frame_t){number});
    physical_t end = start + (u64)count * PAGE_SIZE;
    return range_intersects(start, end, boot->kernel_start, boot->kernel_end) ||
           range_intersects(start, end, boot->initrd_start, boot->initrd_end) ||
           range_intersects(start, end, tables, tables + size);
}

/* Free [AT, END) but for what is taken: by whole blocks where that goes, since there are many. */
static void free_range_at_start(const struct boot_info *boot, u32 at, u32 end, physical_t tables,
                                u64 size) {
    while (at < end) {
        bool whole = at % LARGE_FRAMES == 0 && end - at >= LARGE_FRAMES &&
                     !taken_at_start(boot, at, LARGE_FRAMES, tables, size);
        u32 count = whole ? LARGE_FRAMES : 1;
        if (whole || !taken_at_start(boot, at, 1, tables, size)) {
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

static void link_blocks(void) {
    for (u32 i = 0; i < (frame_end + LARGE_FRAMES - 1) / LARGE_FRAMES; i++) {
        struct zone *zone = zone_of(&frame_blocks[i]);
        list_init(&frame_blocks[i].link);
        if (frame_blocks[i].free_count == LARGE_FRAMES) {
            list_append(&zone->whole, &frame_blocks[i].link);
        } else if (frame_blocks[i].free_count != 0) {
            list_append(&zone->partial, &frame_blocks[i].link);
        }
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
    u64 size = tables_size(frame_end);
    physical_t tables = place_tables(boot, size);
    if (tables == 0) {
        panic("memory: no %llu KiB of low memory for the frame table",
              (unsigned long long)size >> 10);
    }
    frame_blocks = arch_low_pointer((frame_t){(u32)(tables >> PAGE_SHIFT)});
    memset(frame_blocks, 0, (size_t)size);
    frame_table = (struct frame *)(frame_blocks + (frame_end + LARGE_FRAMES - 1) / LARGE_FRAMES);
    u32 lowest = arch_memory_reserved_low() ? arch_memory_reserved_low() : 1;
    for (u32 i = 0; i < boot->range_count; i++) {
        u64 at = boot->range[i].start >> PAGE_SHIFT, end = boot->range[i].end >> PAGE_SHIFT;
        at = at < lowest ? lowest : at;
        end = end > frame_end ? frame_end : end;
        if (at < end) {
            free_range_at_start(boot, (u32)at, (u32)end, tables, size);
        }
    }
    hold_the_rest();
    link_blocks();
    if (frame_total() < 256) {
        panic("memory: %u KiB are not enough to start", frame_total() * 4);
    }
}
