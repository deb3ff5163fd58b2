/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator: see frame.h for the picture. Free lists and bitmaps are guarded by
 * LOCK_FRAMES, reference counts are atomic. A block is in its zone's list `whole` (all 512 free),
 * `partial`, or in none (all taken). High blocks exist on pae only. The tables live in low memory
 * that frame_initialise takes off the boot map.
 */
#include "kernel/vm/frame.h"

#include <string.h>

#include "arch/arch.h"
#include "kernel/base/print.h"
#include "kernel/base/spinlock.h"
#include "kernel/boot/boot_info.h"
#include "kernel/object/budget.h"

#define BUDGET_NOBODY 0xFFFFu

struct zone {
    struct list whole, partial;
};

static struct spinlock frame_lock = SPINLOCK(LOCK_FRAMES, "frames");
static struct zone zone_low, zone_high;
struct frame *frame_table;
struct block *frame_blocks;
static u32 frame_end;                     /* frame_table[0..frame_end) exist */
static u32 total_count, high_count;       /* immutable after the start */
static u32 free_frames, high_free_frames; /* lock */

static struct frame *frame_of(frame_t frame) {
    ASSERT(frame.number != 0 && frame.number < frame_end, "frame %x is outside memory (%x frames)",
           frame.number, frame_end);
    return &frame_table[frame.number];
}

static struct block *block_of(frame_t frame) { return &frame_blocks[frame.number / LARGE_FRAMES]; }

static struct zone *zone_of_block(const struct block *block) {
    frame_t last = {(u32)(block - frame_blocks) * LARGE_FRAMES + LARGE_FRAMES - 1};
    return arch_frame_is_low(last) ? &zone_low : &zone_high;
}

/* ---- Start: the boot map becomes blocks ------------------------------------------------------ */

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
    total_count += count;
    free_frames += count;
    if (!arch_frame_is_low((frame_t){number})) {
        high_count += count;
        high_free_frames += count;
    }
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
        struct zone *zone = zone_of_block(&frame_blocks[i]);
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

void frame_initialise(const struct boot_info *boot) {
    list_init(&zone_low.whole);
    list_init(&zone_low.partial);
    list_init(&zone_high.whole);
    list_init(&zone_high.partial);
    total_count = high_count = free_frames = high_free_frames = 0;
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
    if (free_frames < 256) {
        panic("memory: %u KiB are not enough to start", free_frames * 4);
    }
}

/* ---- Taking and giving back, under the lock -------------------------------------------------- */

/* BLOCK had BEFORE free frames: keep the counts, and the list that it belongs to. */
static void relink(struct block *block, u32 before) {
    struct zone *zone = zone_of_block(block);
    free_frames += block->free_count - before;
    high_free_frames += zone == &zone_high ? block->free_count - before : 0;
    bool was_linked = before != 0;
    if (was_linked && before != LARGE_FRAMES && block->free_count != 0 &&
        block->free_count != LARGE_FRAMES) {
        return; /* partial before and after */
    }
    if (was_linked) {
        list_remove(&block->link);
    }
    if (block->free_count == LARGE_FRAMES) {
        list_prepend(&zone->whole, &block->link);
    } else if (block->free_count != 0) {
        list_prepend(&zone->partial, &block->link);
    }
}

static frame_t take_bits(struct block *block, u32 bit, u32 count) {
    u32 before = block->free_count;
    u64 mask = (count == 64 ? ~0ull : (1ull << count) - 1) << bit % 64;
    block->free[bit / 64] &= ~mask;
    block->free_count -= count;
    relink(block, before);
    return (frame_t){(u32)(block - frame_blocks) * LARGE_FRAMES + bit};
}

static frame_t take_one(struct zone *zone) {
    struct list *source = !list_empty(&zone->partial) ? &zone->partial : &zone->whole;
    if (list_empty(source)) {
        return FRAME_NONE;
    }
    struct block *block = LIST_FIRST(source, struct block, link);
    for (u32 word = 0; word < BLOCK_WORDS; word++) {
        if (block->free[word] != 0) {
            return take_bits(block, word * 64 + (u32)__builtin_ctzll(block->free[word]), 1);
        }
    }
    panic("block %x counts %u free frames but has none", (u32)(block - frame_blocks),
          block->free_count);
}

static void give_back(frame_t frame, u32 count) {
    struct block *block = block_of(frame);
    u32 before = block->free_count;
    for (u32 i = 0; i < count; i++) {
        u32 bit = (frame.number + i) % LARGE_FRAMES;
        ASSERT(!(block->free[bit / 64] >> bit % 64 & 1), "frame %x is freed twice",
               frame.number + i);
        block->free[bit / 64] |= 1ull << bit % 64;
    }
    block->free_count += count;
    relink(block, before);
}

/* ---- Single frames --------------------------------------------------------------------------- */

static void set_error(int *error, int value) {
    if (error) {
        *error = value;
    }
}

/* Arm a frame that has just been taken. */
static void frame_begin(frame_t frame, struct budget *budget) {
    struct frame *f = &frame_table[frame.number];
    ASSERT(f->references == 0, "free frame %x has %u references", frame.number, f->references);
    f->budget = budget ? budget->index : BUDGET_NOBODY;
    f->used = 0;
    __atomic_store_n(&f->references, 1, __ATOMIC_RELEASE);
}

frame_t frame_allocate(enum frame_zone zone, struct budget *budget, int *error) {
    if (budget && budget_charge(budget, BUDGET_FRAMES, 1) != 0) {
        set_error(error, E_LIMIT);
        return FRAME_NONE;
    }
    spinlock_acquire(&frame_lock);
    frame_t frame = zone == FRAME_USER ? take_one(&zone_high) : FRAME_NONE;
    if (frame_is_none(frame)) {
        frame = take_one(&zone_low);
    }
    spinlock_release(&frame_lock);
    if (frame_is_none(frame)) {
        if (budget) {
            budget_refund(budget, BUDGET_FRAMES, 1);
        }
        set_error(error, E_NOMEM);
        return FRAME_NONE;
    }
    frame_begin(frame, budget);
    return frame;
}

bool frame_drop(frame_t frame) {
    u32 now = atomic_decrement(&frame_of(frame)->references);
    ASSERT(now != UINT32_MAX, "frame %x has no reference to drop", frame.number);
    return now == 0;
}

void frame_free(frame_t frame) {
    u16 payer = frame_of(frame)->budget;
    spinlock_acquire(&frame_lock);
    give_back(frame, 1);
    spinlock_release(&frame_lock);
    if (payer != BUDGET_NOBODY) {
        budget_refund(budget_by_index(payer), BUDGET_FRAMES, 1);
    }
}

void frame_release(frame_t frame) {
    if (frame_drop(frame)) {
        frame_free(frame);
    }
}

u32 frame_used(frame_t table) { return frame_of(table)->used; }
void frame_set_used(frame_t table, u32 used) { frame_of(table)->used = (u16)used; }

/* ---- Runs of low frames: kernel stacks ------------------------------------------------------- */

/* A free, aligned run of COUNT (1, 2, 4, 8) bits in a block, or LARGE_FRAMES. */
static u32 find_run(const struct block *block, u32 count) {
    u64 aligned = count == 1   ? ~0ull
                  : count == 2 ? 0x5555555555555555ull
                  : count == 4 ? 0x1111111111111111ull
                               : 0x0101010101010101ull;
    for (u32 word = 0; word < BLOCK_WORDS; word++) {
        u64 fit = block->free[word] & aligned;
        for (u32 i = 1; i < count; i++) {
            fit &= block->free[word] >> i;
        }
        if (fit != 0) {
            return word * 64 + (u32)__builtin_ctzll(fit);
        }
    }
    return LARGE_FRAMES;
}

static frame_t take_run(struct list *list, u32 count) {
    LIST_FOR_EACH(link, list) {
        struct block *block = LIST_ENTRY(link, struct block, link);
        u32 bit = find_run(block, count);
        if (bit != LARGE_FRAMES) {
            return take_bits(block, bit, count);
        }
    }
    return FRAME_NONE;
}

frame_t frame_allocate_low_run(u32 count) {
    spinlock_acquire(&frame_lock);
    frame_t first = take_run(&zone_low.partial, count);
    if (frame_is_none(first)) {
        first = take_run(&zone_low.whole, count);
    }
    spinlock_release(&frame_lock);
    for (u32 i = 0; i < count && !frame_is_none(first); i++) {
        frame_begin((frame_t){first.number + i}, NULL);
    }
    return first;
}

void frame_free_low_run(frame_t first, u32 count) {
    for (u32 i = 0; i < count; i++) {
        bool last = frame_drop((frame_t){first.number + i});
        ASSERT(last, "frame %x of a kernel stack is still referred to", first.number + i);
    }
    spinlock_acquire(&frame_lock);
    give_back(first, count);
    spinlock_release(&frame_lock);
}

/* ---- 2 MiB pages ----------------------------------------------------------------------------- */

static frame_t take_whole(struct zone *zone) {
    if (list_empty(&zone->whole)) {
        return FRAME_NONE;
    }
    struct block *block = LIST_FIRST(&zone->whole, struct block, link);
    memset(block->free, 0, sizeof(block->free));
    block->free_count = 0;
    relink(block, LARGE_FRAMES);
    return (frame_t){(u32)(block - frame_blocks) * LARGE_FRAMES};
}

frame_t frame_allocate_large(struct budget *budget, int *error) {
    if (budget && budget_charge(budget, BUDGET_FRAMES, LARGE_FRAMES) != 0) {
        set_error(error, E_LIMIT);
        return FRAME_NONE;
    }
    spinlock_acquire(&frame_lock);
    frame_t first = take_whole(&zone_high);
    if (frame_is_none(first)) {
        first = take_whole(&zone_low);
    }
    spinlock_release(&frame_lock);
    if (frame_is_none(first)) {
        if (budget) {
            budget_refund(budget, BUDGET_FRAMES, LARGE_FRAMES);
        }
        set_error(error, E_NOMEM);
        return FRAME_NONE;
    }
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        frame_begin((frame_t){first.number + i}, budget);
    }
    block_of(first)->large = 1;
    return first;
}

u32 frame_large_references(frame_t frame) { return atomic_read(&block_of(frame)->large); }

bool frame_large_exclusive(frame_t frame) {
    if (frame_large_references(frame) != 1) {
        return false;
    }
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        if (frame_references((frame_t){frame.number + i}) != 1) {
            return false;
        }
    }
    return true;
}

/* All frames of a block that nobody refers to any more, paid for by one budget: one refund, one
 * relink. */
static void free_whole(frame_t first, u16 payer) {
    spinlock_acquire(&frame_lock);
    give_back(first, LARGE_FRAMES);
    spinlock_release(&frame_lock);
    if (payer != BUDGET_NOBODY) {
        budget_refund(budget_by_index(payer), BUDGET_FRAMES, LARGE_FRAMES);
    }
}

bool frame_release_large(frame_t frame) {
    u32 now = atomic_decrement(&block_of(frame)->large);
    ASSERT(now != UINT32_MAX, "2 MiB page at frame %x has no reference to drop", frame.number);
    if (now != 0) {
        return false;
    }
    bool last[LARGE_FRAMES];
    u32 gone = 0;
    u16 payer = frame_of(frame)->budget;
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        last[i] = frame_drop((frame_t){frame.number + i});
        gone += last[i];
    }
    if (gone == LARGE_FRAMES) {
        free_whole(frame, payer);
        return true;
    }
    for (u32 i = 0; i < LARGE_FRAMES; i++) { /* others still map some of them by 4 KiB entries */
        if (last[i]) {
            frame_free((frame_t){frame.number + i});
        }
    }
    return true;
}

void frame_split_large(frame_t frame) {
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        frame_reference((frame_t){frame.number + i});
    }
    frame_release_large(frame);
}

/* ---- Counts ---------------------------------------------------------------------------------- */

u32 frame_total(void) { return total_count; }
u32 frame_free_count(void) { return free_frames; }
u32 frame_high_total(void) { return high_count; }
u32 frame_high_free_count(void) { return high_free_frames; }
bool frame_is_managed(frame_t frame) { return frame.number != 0 && frame.number < frame_end; }
