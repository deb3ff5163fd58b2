/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator: see frame.h for the picture. Free lists and bitmaps are guarded by
 * LOCK_FRAMES, reference counts are atomic. A block is in its zone's list `whole` (all 512 free),
 * `partial`, or in none (all taken). Read next: frame_start.c, which sets all of it up.
 */
#include "kernel/vm/frame.h"

#include <string.h>

#include "kernel/base/cpu.h"
#include "kernel/base/spinlock.h"
#include "kernel/object/budget.h"
#include "kernel/vm/frame_zone.h"
#include "debug/tlbsan.h"

static struct spinlock frame_lock = SPINLOCK(LOCK_FRAMES, "frames");
struct zone zone_low, zone_high;
struct frame *frame_table;
struct block *frame_blocks;
u32 frame_end;

static struct frame *frame_of(frame_t frame) {
    ASSERT(frame.number != 0 && frame.number < frame_end, "frame %x is outside memory (%x frames)",
           frame.number, frame_end);
    return &frame_table[frame.number];
}

static struct block *block_of(frame_t frame) { return &frame_blocks[frame.number / LARGE_FRAMES]; }

/* ---- Taking and giving back, under the lock -------------------------------------------------- */

/* The list of a block of ZONE with FREE_COUNT free frames; null: none. */
static struct list *zone_list(struct zone *zone, u32 free_count) {
    return free_count == LARGE_FRAMES ? &zone->whole : free_count != 0 ? &zone->partial : NULL;
}

void block_relink(struct block *block, u32 before) {
    struct zone *zone = zone_of(block);
    struct list *from = zone_list(zone, before), *to = zone_list(zone, block->free_count);
    zone->free += block->free_count - before;
    if (from == to) {
        return;
    }
    if (from) {
        list_remove(&block->link);
    }
    if (to) {
        list_prepend(to, &block->link);
    }
}

static frame_t take_bits(struct block *block, u32 bit, u32 count) {
    u32 before = block->free_count;
    u64 mask = (count == 64 ? ~0ull : (1ull << count) - 1) << bit % 64;
    block->free[bit / 64] &= ~mask;
    block->free_count -= count;
    block_relink(block, before);
    return (frame_t){(u32)(block - frame_blocks) * LARGE_FRAMES + bit};
}

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
    ASSERT(count != 1, "block %x counts %u free frames but has none", (u32)(block - frame_blocks),
           block->free_count);
    return LARGE_FRAMES;
}

static frame_t list_take(struct list *list, u32 count) {
    LIST_FOR_EACH(link, list) {
        struct block *block = LIST_ENTRY(link, struct block, link);
        u32 bit = find_run(block, count);
        if (bit != LARGE_FRAMES) {
            return take_bits(block, bit, count);
        }
    }
    return FRAME_NONE;
}

static frame_t take_run(struct zone *zone, u32 count) {
    frame_t first = list_take(&zone->partial, count);
    return frame_is_none(first) ? list_take(&zone->whole, count) : first;
}

static frame_t take_whole(struct zone *zone) {
    if (list_empty(&zone->whole)) {
        return FRAME_NONE;
    }
    struct block *block = LIST_FIRST(&zone->whole, struct block, link);
    memset(block->free, 0, sizeof(block->free));
    block->free_count = 0;
    block_relink(block, LARGE_FRAMES);
    return (frame_t){(u32)(block - frame_blocks) * LARGE_FRAMES};
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
    block_relink(block, before);
}

/* ---- Each CPU's own -------------------------------------------------------------------------- */

/* Give frames back until COUNT are left. */
static void cache_drain(struct frame_cache *cache, u32 count) {
    spinlock_acquire(&frame_lock);
    while (cache->count > count) {
        give_back((frame_t){cache->frame[--cache->count]}, 1);
    }
    spinlock_release(&frame_lock);
}

static void cache_fill(struct frame_cache *cache, struct zone *zone) {
    frame_t frame;
    spinlock_acquire(&frame_lock);
    while (cache->count < CACHE_FRAMES / 2 && !frame_is_none(frame = take_run(zone, 1))) {
        cache->frame[cache->count++] = frame.number;
    }
    spinlock_release(&frame_lock);
}

static frame_t zone_take(struct zone *zone) {
    struct frame_cache *cache = &zone->cache[arch_cpu()->number];
    if (cache->count == 0) {
        cache_fill(cache, zone);
    }
    return cache->count == 0 ? FRAME_NONE : (frame_t){cache->frame[--cache->count]};
}

static void zone_put(struct zone *zone, frame_t frame) {
    struct frame_cache *cache = &zone->cache[arch_cpu()->number];
    if (cache->count == CACHE_FRAMES) {
        cache_drain(cache, CACHE_FRAMES / 2);
    }
    cache->frame[cache->count++] = frame.number;
}

/* ---- Single frames --------------------------------------------------------------------------- */

/* Arm a frame that has just been taken. */
static void frame_begin(frame_t frame, struct budget *budget) {
    struct frame *f = &frame_table[frame.number];
    ASSERT(f->references == 0, "free frame %x has %u references", frame.number, f->references);
    f->budget = budget ? budget->index : BUDGET_NOBODY;
    f->used = 0;
    __atomic_store_n(&f->references, 1, __ATOMIC_RELEASE);
}

static void frames_refund(u16 payer, u32 count) {
    if (payer != BUDGET_NOBODY) {
        budget_refund(budget_by_index(payer), BUDGET_FRAMES, count);
    }
}

int frame_allocate(enum frame_zone zone, struct budget *budget, frame_t *result) {
    *result = FRAME_NONE;
    if (budget && budget_charge(budget, BUDGET_FRAMES, 1) != 0) {
        return E_LIMIT;
    }
    frame_t frame = FRAME_NONE;
    if (zone == FRAME_USER && zone_high.total != 0) {
        frame = zone_take(&zone_high);
    }
    if (frame_is_none(frame)) {
        frame = zone_take(&zone_low);
    }
    if (frame_is_none(frame)) {
        budget_refund(budget, BUDGET_FRAMES, 1);
        return E_NOMEM;
    }
    frame_begin(frame, budget);
    *result = frame;
    return 0;
}

int frame_charge(frame_t frame, struct budget *budget) {
    struct frame *f = frame_of(frame);
    if (f->budget == budget->index || f->budget == BUDGET_NOBODY) {
        return 0;
    }
    if (budget_charge(budget, BUDGET_FRAMES, 1) != 0) {
        return E_LIMIT;
    }
    budget_refund(budget_by_index(f->budget), BUDGET_FRAMES, 1);
    f->budget = budget->index;
    return 0;
}

bool frame_drop(frame_t frame) {
    u32 now = atomic_decrement(&frame_of(frame)->references);
    ASSERT(now != UINT32_MAX, "frame %x has no reference to drop", frame.number);
    return now == 0;
}

void frame_free(frame_t frame) {
    tlbsan_frame_freed(frame);
    u16 payer = frame_of(frame)->budget;
    zone_put(zone_of(block_of(frame)), frame);
    frames_refund(payer, 1);
}

void frame_release(frame_t frame) {
    if (frame_drop(frame)) {
        frame_free(frame);
    }
}

u32 frame_used(frame_t table) { return frame_of(table)->used; }
void frame_set_used(frame_t table, u32 used) { frame_of(table)->used = (u16)used; }

/* ---- Runs of low frames: kernel stacks ------------------------------------------------------- */

frame_t frame_allocate_low_run(u32 count) {
    spinlock_acquire(&frame_lock);
    frame_t first = take_run(&zone_low, count);
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

static frame_t whole_take(void) {
    spinlock_acquire(&frame_lock);
    frame_t first = take_whole(&zone_high);
    if (frame_is_none(first)) {
        first = take_whole(&zone_low);
    }
    spinlock_release(&frame_lock);
    return first;
}

int frame_allocate_large(struct budget *budget, frame_t *result) {
    *result = FRAME_NONE;
    if (budget && budget_charge(budget, BUDGET_FRAMES, LARGE_FRAMES) != 0) {
        return E_LIMIT;
    }
    frame_t first = whole_take();
    if (frame_is_none(first)) { /* a frame that this CPU keeps may be all that a block lacks */
        cache_drain(&zone_low.cache[arch_cpu()->number], 0);
        cache_drain(&zone_high.cache[arch_cpu()->number], 0);
        first = whole_take();
    }
    if (frame_is_none(first)) {
        budget_refund(budget, BUDGET_FRAMES, LARGE_FRAMES);
        return E_NOMEM;
    }
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        frame_begin((frame_t){first.number + i}, budget);
    }
    block_of(first)->large = 1;
    *result = first;
    return 0;
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
    if (gone == LARGE_FRAMES) { /* paid for by one budget: one refund, one relink */
        spinlock_acquire(&frame_lock);
        give_back(frame, LARGE_FRAMES);
        spinlock_release(&frame_lock);
        frames_refund(payer, LARGE_FRAMES);
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

static u32 zone_free_count(const struct zone *zone) {
    u32 count = zone->free;
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        count += __atomic_load_n(&zone->cache[cpu].count, __ATOMIC_RELAXED);
    }
    return count;
}

u32 frame_total(void) { return zone_low.total + zone_high.total; }
u32 frame_free_count(void) {
    return zone_free_count(&zone_low) + zone_free_count(&zone_high) + arch_root_spare_frames();
}
u32 frame_high_total(void) { return zone_high.total; }
u32 frame_high_free_count(void) { return zone_free_count(&zone_high); }
bool frame_is_managed(frame_t frame) { return frame.number != 0 && frame.number < frame_end; }
