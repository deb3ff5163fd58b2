/* SPDX-License-Identifier: MIT */
/*
 * Counts that cross between locks. Only these are touched without the lock of what they count;
 * every other field has an owner lock named at its declaration.
 */
#ifndef KERNEL_ATOMIC_H
#define KERNEL_ATOMIC_H

#include "kernel/base/interleave.h"
#include "kernel/base/types.h"

static inline u32 atomic_read(const u32 *count) {
    INTERLEAVE_READ(count);
    return __atomic_load_n(count, __ATOMIC_ACQUIRE);
}
static inline u32 atomic_increment(u32 *count) {
    INTERLEAVE_LOCKED();
    return __atomic_add_fetch(count, 1, __ATOMIC_ACQ_REL);
}
static inline u32 atomic_decrement(u32 *count) {
    INTERLEAVE_LOCKED();
    return __atomic_sub_fetch(count, 1, __ATOMIC_ACQ_REL);
}

/* Add to 64 bits, whole on the 32-bit kernel too: there it is a CMPXCHG8B (hazards 14, 15), which
 * compilers put in line for __sync_val_compare_and_swap and not for the __atomic builtins. The
 * sum. */
static inline u64 atomic_add_64(u64 *value, u64 amount) {
    INTERLEAVE_LOCKED();
    u64 seen = *value;
    u64 found;
    while ((found = __sync_val_compare_and_swap(value, seen, seen + amount)) != seen) {
        seen = found;
    }
    return seen + amount;
}

/* Set 64 bits, whole. */
static inline void atomic_write_64(u64 *value, u64 wanted) {
    INTERLEAVE_LOCKED();
    u64 seen = *value;
    u64 found;
    while ((found = __sync_val_compare_and_swap(value, seen, wanted)) != seen) {
        seen = found;
    }
}

static inline u64 atomic_read_64(u64 *value) {
#if UINTPTR_MAX > UINT32_MAX
    INTERLEAVE_READ(value);
    return __atomic_load_n(value, __ATOMIC_SEQ_CST);
#else
    return atomic_add_64(value, 0);
#endif
}

/* Add AMOUNT unless that would exceed LIMIT. True if added. */
static inline bool atomic_add_below(u32 *count, u32 amount, u32 limit) {
    INTERLEAVE_LOCKED();
    u32 seen = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (seen <= limit && amount <= limit - seen) {
        if (__atomic_compare_exchange_n(count, &seen, seen + amount, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

/* Masks of CPUs: one register wide. Sequentially consistent, as the shootdown's handshake needs. */
static inline uword atomic_read_mask(const uword *mask) {
    INTERLEAVE_READ(mask);
    return __atomic_load_n(mask, __ATOMIC_SEQ_CST);
}
/* The mask before. */
static inline uword atomic_set_bits(uword *mask, uword bits) {
    INTERLEAVE_LOCKED();
    return __atomic_fetch_or(mask, bits, __ATOMIC_SEQ_CST);
}
/* The mask before. */
static inline uword atomic_clear_bits(uword *mask, uword bits) {
    INTERLEAVE_LOCKED();
    return __atomic_fetch_and(mask, ~bits, __ATOMIC_SEQ_CST);
}
/* The mask before. */
static inline uword atomic_exchange_mask(uword *mask, uword value) {
    INTERLEAVE_LOCKED();
    return __atomic_exchange_n(mask, value, __ATOMIC_SEQ_CST);
}

#endif
