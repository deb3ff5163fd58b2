/* SPDX-License-Identifier: MIT */
/*
 * The types that the whole kernel uses. A frame number and a page-table entry are structures, so
 * that mixing them with addresses, or with each other, does not compile.
 * An "offset" (u32) is a byte offset within a quarter; a "user address" (u32) has slot and offset.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/abi.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef uintptr_t uword; /* one machine register */

/* A 4 KiB physical frame: physical address >> 12. Frame 0 is never handed out and means "none". */
typedef struct {
    u32 number;
} frame_t;

#define FRAME_NONE ((frame_t){0})

static inline bool frame_is_none(frame_t frame) { return frame.number == 0; }
static inline u64 frame_address(frame_t frame) { return (u64)frame.number << PAGE_SHIFT; }

/* One entry of a directory (512 x 2 MiB) or of a page table (512 x 4 KiB). */
typedef struct {
    u64 raw;
} entry_t;

#define TABLE_ENTRIES 512u
#define TABLE_SHIFT 21 /* a directory entry spans 2 MiB */
#define TABLE_SPAN (1u << TABLE_SHIFT)
#define LARGE_FRAMES 512u /* frames of a 2 MiB page */

/* An address that a boot structure or a device uses. */
typedef u64 physical_t;

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
/* clang-format off */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
/* clang-format on */
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

#endif
