/* SPDX-License-Identifier: MIT */
/*
 * Memory of the running program: the heap in slot 1 for malloc, and regions anywhere in a slot.
 *
 * Where the next region goes is only a guess kept in slot 1: a clone that shares a slot, but not
 * slot 1, guesses the same place. The kernel refuses the second one with E_EXISTS, and the next
 * place is tried.
 */
#include <errno.h>
#include <unistd.h>

#include "internal.h"

#define HEAP_CHUNK (64u * 1024) /* a call of the kernel per chunk, not per malloc */
#define LARGE_PAGE (2u * 1024 * 1024)
#define TRY_LIMIT 4096

extern char _end[]; /* from user.ld: page aligned, in slot 1 */

/* malloc's lock guards these; a program that calls sbrk itself does so before it has threads. */
static uintptr_t heap_break = (uintptr_t)_end;
uintptr_t memory_data_end = (uintptr_t)_end; /* what is mapped */

static uint32_t round_up(uint32_t value, uint32_t unit) { return (value + unit - 1) & ~(unit - 1); }

static long heap_grow(uintptr_t end) {
    uint32_t length = round_up((uint32_t)(end - memory_data_end), HEAP_CHUNK);
    long result = quarter_map(QUARTET_SLOT(SLOT_DATA), SLOT_OFFSET(memory_data_end), length,
                              RIGHT_READ | RIGHT_WRITE);
    if (result == 0)
        memory_data_end += length;
    return result;
}

static void heap_shrink(uintptr_t end) {
    uintptr_t keep = round_up((uint32_t)end, PAGE_SIZE);
    if (keep < memory_data_end && quarter_unmap(QUARTET_SLOT(SLOT_DATA), SLOT_OFFSET(keep),
                                            (uint32_t)(memory_data_end - keep)) == 0)
        memory_data_end = keep;
}

void *sbrk(ptrdiff_t increment) {
    uintptr_t old = heap_break, new = old + (uintptr_t)increment;
    bool down = increment < 0;
    if (down ? new < (uintptr_t)_end || new > old : new < old || new > SLOT_BASE(SLOT_SHARED)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    if (new > memory_data_end && heap_grow(new) < 0) {
        errno = ENOMEM;
        return (void *)-1;
    }
    if (down)
        heap_shrink(new);
    heap_break = new;
    return (void *)old;
}

/* The next place to try in each slot, and where the tries end. Slot 1 goes downwards from its end,
 * towards the heap; the others upwards. */
static uint32_t next_offset[SLOT_COUNT] = {0x10000000, QUARTER_SIZE, 0, 0};

static uint32_t slot_end(uint32_t slot) {
    return slot == SLOT_STACK ? (uint32_t)(QUARTET_STACK_TOP - SLOT_BASE(SLOT_STACK)) -
                                    QUARTET_STACK_SIZE - PAGE_SIZE
                              : QUARTER_SIZE;
}

/* Where a region of LENGTH goes if it is to follow the last one, which began (slot 1) or ended at
 * LAST. A page stays free before it: it catches overruns. At the end of the slot it starts over. */
static uint32_t place_after(uint32_t slot, uint32_t last, uint32_t length) {
    uint32_t unit = length >= LARGE_PAGE ? LARGE_PAGE : PAGE_SIZE;
    if (slot == SLOT_DATA) {
        uint32_t end = last < length + 2 * unit ? QUARTER_SIZE : last;
        return (end - PAGE_SIZE - length) & ~(unit - 1);
    }
    uint32_t place = round_up(last + PAGE_SIZE, unit);
    bool fits = place <= slot_end(slot) && slot_end(slot) - place >= length;
    return fits ? place : round_up(PAGE_SIZE, unit);
}

static uint32_t place_next(uint32_t slot, uint32_t length) {
    uint32_t last = __atomic_load_n(&next_offset[slot], __ATOMIC_RELAXED), place, next;
    do {
        place = place_after(slot, last, length);
        next = slot == SLOT_DATA ? place : place + length;
    } while (!__atomic_compare_exchange_n(&next_offset[slot], &last, next, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return place;
}

/* The lock: of two threads that do this at once, the second must copy what the first has got. */
long quartet_slot_own(uint32_t slot) {
    static struct quartet_mutex lock;
    struct space_change change = {.process = QUARTET_SELF, .flags = SPACE_CONSUME};
    struct quarter_stat stat;
    if (slot >= SLOT_COUNT)
        return -E_SLOT;
    for (uint32_t other = 0; other < SLOT_COUNT; other++)
        change.quarter[other] = QUARTET_KEEP;
    quartet_mutex_lock(&lock);
    long result = quarter_stat(QUARTET_SLOT(slot), &stat);
    if (result == 0 && !(stat.view & RIGHT_WRITE)) {
        result = quarter_copy(QUARTET_SLOT(slot));
        if (result >= 0) {
            change.quarter[slot] = (int32_t)result;
            change.rights[slot] = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
            result = space_set(&change);
            if (result < 0)
                handle_close(change.quarter[slot]);
        }
    }
    quartet_mutex_unlock(&lock);
    return result < 0 ? result : 0;
}

uint32_t map_place_next(uint32_t slot, uint32_t length) { return place_next(slot, length); }

void *quartet_map(uint32_t slot, size_t length) {
    if (slot >= SLOT_COUNT || length == 0 || length > slot_end(slot) - LARGE_PAGE) {
        errno = slot >= SLOT_COUNT || length == 0 ? EINVAL : ENOMEM;
        return NULL;
    }
    uint32_t size = round_up((uint32_t)length, PAGE_SIZE);
    long result = -E_EXISTS;
    for (int tries = 0; result == -E_EXISTS && tries < TRY_LIMIT; tries++) {
        uint32_t place = place_next(slot, size);
        result = quarter_map(QUARTET_SLOT(slot), place, size, RIGHT_READ | RIGHT_WRITE);
        if (result == -E_RIGHTS && quartet_slot_own(slot) == 0)
            result = quarter_map(QUARTET_SLOT(slot), place, size, RIGHT_READ | RIGHT_WRITE);
        if (result == 0)
            return (void *)(uintptr_t)(SLOT_BASE(slot) + place);
    }
    errno = result == -E_EXISTS ? ENOMEM : quartet_errno(result);
    return NULL;
}

long quartet_unmap(void *address, size_t length) {
    uint32_t at = (uint32_t)(uintptr_t)address;
    return quarter_unmap(QUARTET_SLOT(SLOT_OF(at)), SLOT_OFFSET(at),
                         round_up((uint32_t)length, PAGE_SIZE));
}
