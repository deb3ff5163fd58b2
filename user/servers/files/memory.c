/* SPDX-License-Identifier: MIT */
/*
 * The server's memory: an area of slot 1 above the heap, in chunks of a page. A chunk is mapped and
 * filled by quarter_supply, which reports that there is no memory; touching a fresh page would end
 * the server instead. Nothing here or above uses malloc. Small objects are carved out of chunks
 * (pools) and reused, never given back. A chunk of a file that is mapped somewhere is lent: clients
 * may have its frame copy-on-write (map.c).
 */
#include "user/servers/files/files.h"

#include <string.h>

#define AREA_OFFSET 0x10000000u /* in slot 1, far above program data and heap */
#define AREA_END 0x3F000000u
#define CHUNK_COUNT ((AREA_END - AREA_OFFSET) / CHUNK_SIZE)
#define BITS_PER_WORD 32u
#define SCARCE_CHUNKS 2048u /* of all that there may be */

/* Chunk N stands at AREA_OFFSET + N pages. A bit for each, in pages above the area: no more than the
 * limit needs, for the lowest free chunk is always the next. */
#define BITS_SIZE ((CHUNK_COUNT / 8 + CHUNK_SIZE - 1) & ~(CHUNK_SIZE - 1))
#define BITS(number) ((uint32_t *)(uintptr_t)(SLOT_BASE(1) + AREA_END + (number)*BITS_SIZE))
static uint32_t *const used = BITS(0);
/* Of one in use: it is lent. Of a free one: it could not be unmapped, and may be lent. */
static uint32_t *const marked = BITS(1);
static uint32_t lowest_free = 1; /* no free chunk below this; number 0 means none */
static uint32_t chunks_left;
static bool scarce;
static const uint8_t zeros[CHUNK_SIZE];

static bool bit_get(const uint32_t *bits, uint32_t index) {
    return bits[index / BITS_PER_WORD] >> index % BITS_PER_WORD & 1;
}

static void bit_set(uint32_t *bits, uint32_t index, bool value) {
    uint32_t mask = 1u << index % BITS_PER_WORD;
    bits[index / BITS_PER_WORD] =
        value ? bits[index / BITS_PER_WORD] | mask : bits[index / BITS_PER_WORD] & ~mask;
}

uint32_t chunk_offset(chunk_number chunk) { return AREA_OFFSET + chunk * CHUNK_SIZE; }

void *chunk_address(chunk_number chunk) {
    return (void *)(uintptr_t)(SLOT_BASE(1) + chunk_offset(chunk));
}

void chunk_lend(chunk_number chunk) { bit_set(marked, chunk, true); }

/* A write to a page whose frame a client has, too, takes a frame: by a call, which can say that there
 * is none. */
bool chunk_write(chunk_number chunk, uint32_t offset, const void *bytes, uint32_t length) {
    if (!bit_get(marked, chunk)) {
        memcpy((uint8_t *)chunk_address(chunk) + offset, bytes, length);
        return true;
    }
    long result = quarter_supply(QUARTET_SLOT(1), chunk_offset(chunk) + offset, bytes, length);
    bit_set(marked, chunk, result < 0);
    return result == 0;
}

static bool chunk_commit(chunk_number chunk) {
    uint32_t offset = chunk_offset(chunk);
    if (bit_get(marked, chunk)) {
        return chunk_write(chunk, 0, zeros, CHUNK_SIZE);
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

static bool bits_commit(uint32_t number, uint32_t chunks) {
    uint32_t offset = AREA_END + number * BITS_SIZE;
    if (quarter_map(QUARTET_SLOT(1), offset, BITS_SIZE, RIGHT_READ | RIGHT_WRITE) < 0) {
        return false;
    }
    for (uint32_t done = 0; done < chunks / 8 + sizeof(uint32_t); done += CHUNK_SIZE) {
        if (quarter_supply(QUARTET_SLOT(1), offset + done, zeros, CHUNK_SIZE) < 0) {
            return false;
        }
    }
    return true;
}

bool memory_is_scarce(void) { return scarce; }

bool memory_limit(uint32_t chunks) {
    scarce = chunks < SCARCE_CHUNKS;
    chunks_left = chunks < CHUNK_COUNT - 1 ? chunks : CHUNK_COUNT - 1;
    return bits_commit(0, chunks_left) && bits_commit(1, chunks_left);
}

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
    long result = quarter_unmap(QUARTET_SLOT(1), chunk_offset(chunk), CHUNK_SIZE);
    bit_set(marked, chunk, result < 0);
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
