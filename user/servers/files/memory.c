/* SPDX-License-Identifier: MIT */
/*
 * The server's memory: an area of slot 1 above the heap, in chunks of a page. A chunk is mapped and
 * filled by quarter_supply, which reports that there is no memory; touching a fresh page would end
 * the server instead. Nothing here or above uses malloc. Small objects are carved out of chunks
 * (pools) and reused, never given back.
 */
#include "user/servers/files/files.h"

#include <string.h>

#define AREA_OFFSET 0x10000000u /* in slot 1, far above program data and heap */
#define AREA_END 0x3F000000u
#define CHUNK_COUNT ((AREA_END - AREA_OFFSET) / CHUNK_SIZE)
#define BITS_PER_WORD 32u

/* Chunk N stands at AREA_OFFSET + N pages. */
static uint32_t used[CHUNK_COUNT / BITS_PER_WORD];
static uint32_t mapped[CHUNK_COUNT / BITS_PER_WORD]; /* free, but could not be unmapped */
static uint32_t lowest_free = 1; /* no free chunk below this; number 0 means none */
static uint32_t chunks_left;
static const uint8_t zeros[CHUNK_SIZE];

static bool bit_get(const uint32_t *bits, uint32_t index) {
    return bits[index / BITS_PER_WORD] >> index % BITS_PER_WORD & 1;
}

static void bit_set(uint32_t *bits, uint32_t index, bool value) {
    uint32_t mask = 1u << index % BITS_PER_WORD;
    bits[index / BITS_PER_WORD] =
        value ? bits[index / BITS_PER_WORD] | mask : bits[index / BITS_PER_WORD] & ~mask;
}

void *chunk_address(chunk_number chunk) {
    return (void *)(uintptr_t)(SLOT_BASE(1) + AREA_OFFSET + chunk * CHUNK_SIZE);
}

static bool chunk_commit(chunk_number chunk) {
    uint32_t offset = AREA_OFFSET + chunk * CHUNK_SIZE;
    if (bit_get(mapped, chunk)) {
        memset(chunk_address(chunk), 0, CHUNK_SIZE);
        return true;
    }
    if (quarter_map(QUARTET_SLOT(1), offset, CHUNK_SIZE, RIGHT_READ | RIGHT_WRITE) < 0) {
        return false;
    }
    if (quarter_supply(QUARTET_SLOT(1), offset, zeros, CHUNK_SIZE) < 0) {
        quarter_unmap(QUARTET_SLOT(1), offset, CHUNK_SIZE);
        return false;
    }
    return true;
}

void memory_limit(uint32_t chunks) { chunks_left = chunks; }

chunk_number chunk_take(void) {
    for (chunk_number chunk = lowest_free; chunk < CHUNK_COUNT && chunks_left > 0; chunk++) {
        if (bit_get(used, chunk)) {
            continue;
        }
        lowest_free = chunk;
        if (!chunk_commit(chunk)) {
            return 0;
        }
        bit_set(used, chunk, true);
        lowest_free = chunk + 1;
        chunks_left--;
        return chunk;
    }
    return 0;
}

void chunk_give(chunk_number chunk) {
    if (chunk == 0) {
        return;
    }
    /* This can fail: a hole may need a region more than a quarter can have. The frame stays. */
    long result = quarter_unmap(QUARTET_SLOT(1), AREA_OFFSET + chunk * CHUNK_SIZE, CHUNK_SIZE);
    bit_set(mapped, chunk, result < 0);
    bit_set(used, chunk, false);
    chunks_left++;
    if (chunk < lowest_free) {
        lowest_free = chunk;
    }
}

void *pool_take(struct pool *pool) {
    if (pool->free == NULL) {
        chunk_number chunk = chunk_take();
        if (chunk == 0) {
            return NULL;
        }
        uint8_t *objects = chunk_address(chunk);
        for (size_t i = 0; i + pool->object_size <= CHUNK_SIZE; i += pool->object_size) {
            pool_give(pool, objects + i);
        }
    }
    void **object = pool->free;
    pool->free = *object;
    return memset(object, 0, pool->object_size);
}

void pool_give(struct pool *pool, void *object) {
    *(void **)object = pool->free;
    pool->free = object;
}
