/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what boot/ makes of the loaders' structures: the input is all of physical memory, with the
 * structure at its start. An accepted boot_info must be sorted, disjoint, whole-framed, and cover
 * kernel and initrd.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot.h"

#define PROMISE(condition) ((condition) ? (void)0 : abort())
#define PVH_SIZE 56u

static bool covered(const struct boot_info *boot, u64 start, u64 end) {
    for (u32 i = 0; i < boot->range_count; i++) {
        if (boot->range[i].start <= start && end <= boot->range[i].end) {
            return true;
        }
    }
    return false;
}

static void check_boot(const struct boot_info *boot, const char *error) {
    PROMISE(boot->range_count <= BOOT_RANGES);
    if (error) {
        PROMISE(strlen(error) > 10);
        return;
    }
    PROMISE(boot->range_count > 0 && memchr(boot->command_line, 0, BOOT_COMMAND_LINE));
    for (u32 i = 0; i < boot->range_count; i++) {
        PROMISE(boot->range[i].start < boot->range[i].end && boot->range[i].end <= 1ull << 44);
        PROMISE((boot->range[i].start | boot->range[i].end) % PAGE_SIZE == 0);
        PROMISE(i == 0 || boot->range[i - 1].end < boot->range[i].start);
    }
    PROMISE(covered(boot, boot->kernel_start, boot->kernel_end));
    PROMISE(boot->initrd_start <= boot->initrd_end && boot->initrd_start % PAGE_SIZE == 0);
    const struct info_framebuffer *picture = &boot->framebuffer;
    PROMISE(picture->width == 0 ||
            (picture->width * (picture->depth / 8) <= picture->pitch &&
             picture->address % (2 << 20) + (u64)picture->pitch * picture->height <=
                 BOOT_FRAMEBUFFER_LIMIT));
    PROMISE(boot->initrd_start == boot->initrd_end ||
            covered(boot, boot->initrd_start, boot->initrd_end));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t *aligned =
        malloc(size ? size : 1); /* a copy, exactly as long, aligned as a loader's */
    memcpy(aligned, data, size);
    struct boot_memory memory = {.base = (uintptr_t)aligned, .size = size};
    struct boot_info pvh = {.kernel_start = 0x1000, .kernel_end = 0x2800}, multiboot = pvh,
                     map = pvh;
    check_boot(&pvh, boot_from_pvh(&pvh, &memory, 0));
    check_boot(&multiboot, boot_from_multiboot2(&multiboot, &memory, 0));
    const char *error = NULL;
    for (int pass = MEMORY_MAP_ADD; pass <= MEMORY_MAP_REMOVE;
         pass++) { /* a bare map: 16-bit frame numbers, and a type */
        for (size_t at = 0; at + 6 <= size && !error; at += 6) {
            uint16_t entry[3];
            memcpy(entry, data + at, 6);
            error = memory_map_entry(&map, (enum memory_map_pass)pass, (u64)entry[0] << 9,
                                     (u64)entry[1] << 7, entry[2] % 3);
        }
    }
    error = error ? error : memory_map_finish(&map);
    check_boot(&map, error);
    free(aligned);
    return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, limit);
    if (seed % 3 == 0 && size > PVH_SIZE + 24) { /* a start info with a map behind it */
        u32 fields[] = {BOOT_PVH_MAGIC,
                        1,
                        0,
                        seed >> 8 & 1,
                        64,
                        0,
                        seed >> 9 & 1 ? 40 : 0,
                        0,
                        0,
                        0,
                        PVH_SIZE,
                        0,
                        (u32)((size - PVH_SIZE) / 24),
                        0};
        memcpy(data, fields, sizeof(fields));
        for (size_t at = PVH_SIZE; at + 24 <= size; at += 24) {
            memset(data + at + 4, 0, 4);
            memset(data + at + 12, 0, 4);
            data[at + 16] = 1 + (data[at + 16] & 1);
            memset(data + at + 17, 0, 3);
        }
    } else if (seed % 3 == 1 && size > 48) { /* Multiboot2 with a memory map first */
        u32 fields[] = {(u32)size, 0, 6, 16 + 24, 24, 0, 0, 0, 0x100000, 0, 1, 0};
        memcpy(data, fields, sizeof(fields));
        if (size > 56) {
            memset(data + size / 8 * 8 - 8, 0, 8);
            data[size / 8 * 8 - 4] = 8;
        }
    }
    return size;
}
