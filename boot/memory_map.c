/* SPDX-License-Identifier: MIT */
/*
 * The firmware's memory map, made sane: boot->range is sorted and disjoint after every step,
 * whatever comes in. Pure: nothing but BOOT is read or written. Fuzzed on the host.
 */
#include "boot/boot.h"

/* Frame numbers have 32 bits. */
#define PHYSICAL_END (1ull << (32 + PAGE_SHIFT))

static void ranges_delete(struct boot_info *boot, u32 first, u32 count) {
    for (u32 i = first; i + count < boot->range_count; i++) {
        boot->range[i] = boot->range[i + count];
    }
    boot->range_count -= count;
}

static bool ranges_insert(struct boot_info *boot, u32 at, u64 start, u64 end) {
    if (boot->range_count == BOOT_RANGES) {
        return false;
    }
    for (u32 i = boot->range_count; i > at; i--) {
        boot->range[i] = boot->range[i - 1];
    }
    boot->range[at] = (struct boot_range){start, end};
    boot->range_count++;
    return true;
}

/* The union with [START, END): all ranges that it touches become one. */
static bool ranges_add(struct boot_info *boot, u64 start, u64 end) {
    u32 first = 0;
    while (first < boot->range_count && boot->range[first].end < start) {
        first++;
    }
    u32 last = first;
    for (; last < boot->range_count && boot->range[last].start <= end; last++) {
        start = boot->range[last].start < start ? boot->range[last].start : start;
        end = boot->range[last].end > end ? boot->range[last].end : end;
    }
    if (first == last) {
        return ranges_insert(boot, first, start, end);
    }
    boot->range[first] = (struct boot_range){start, end};
    ranges_delete(boot, first + 1, last - first - 1);
    return true;
}

static bool ranges_remove(struct boot_info *boot, u64 start, u64 end) {
    u32 i = 0;
    while (i < boot->range_count) {
        struct boot_range range = boot->range[i];
        if (range.end <= start || end <= range.start) {
            i++;
        } else if (start <= range.start && range.end <= end) {
            ranges_delete(boot, i, 1);
        } else if (range.start < start && end < range.end) {
            boot->range[i].end = start;
            return ranges_insert(boot, i + 1, end, range.end);
        } else if (range.start < start) {
            boot->range[i++].end = start;
        } else {
            boot->range[i++].start = end;
        }
    }
    return true;
}

const char *memory_map_entry(struct boot_info *boot, enum memory_map_pass pass, u64 start,
                             u64 length, u32 type) {
    u64 end = start + length;
    bool done = true;
    if (end < start) {
        if (type == MEMORY_MAP_RAM) {
            return "the memory map has a range that wraps around the end of the address space";
        }
        end = UINT64_MAX;
    }
    if (pass == MEMORY_MAP_ADD && type == MEMORY_MAP_RAM) {
        end = end < PHYSICAL_END ? end : PHYSICAL_END;
        done = start >= end || ranges_add(boot, start, end);
    } else if (pass == MEMORY_MAP_REMOVE && type != MEMORY_MAP_RAM && length != 0) {
        done = ranges_remove(boot, start, end);
    }
    return done ? NULL : "the memory map has more pieces than the kernel can keep";
}

static void ranges_trim(struct boot_info *boot) {
    u32 kept = 0;
    for (u32 i = 0; i < boot->range_count; i++) {
        u64 start = (boot->range[i].start + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1);
        u64 end = boot->range[i].end & ~(u64)(PAGE_SIZE - 1);
        if (start < end) {
            boot->range[kept++] = (struct boot_range){start, end};
        }
    }
    boot->range_count = kept;
}

static bool ranges_cover(const struct boot_info *boot, u64 start, u64 end) {
    for (u32 i = 0; i < boot->range_count; i++) {
        if (boot->range[i].start <= start && end <= boot->range[i].end) {
            return true;
        }
    }
    return false;
}

const char *memory_map_finish(struct boot_info *boot) {
    ranges_trim(boot);
    if (boot->range_count == 0) {
        return "the loader's memory map has no usable memory";
    }
    if (!ranges_cover(boot, boot->kernel_start, boot->kernel_end)) {
        return "the memory map does not cover the kernel";
    }
    if (boot->initrd_start == boot->initrd_end) {
        return NULL;
    }
    if (!ranges_cover(boot, boot->initrd_start, boot->initrd_end)) {
        return "the initrd does not lie in usable memory";
    }
    if (boot->initrd_start < boot->kernel_end && boot->kernel_start < boot->initrd_end) {
        return "the initrd overlaps the kernel";
    }
    return NULL;
}
