/* SPDX-License-Identifier: MIT */
/*
 * A kernel's file, for either of the two kernels: is it whole, where do its parts go, where is its
 * Multiboot2 entry. Pure: host tests and a fuzzer share it. format/elf.h has other rules: it takes
 * programs of one machine, by virtual address in their slots; a kernel is placed by physical address.
 */
#ifndef BOOT_UEFI_KERNEL_IMAGE_H
#define BOOT_UEFI_KERNEL_IMAGE_H

#include "kernel/base/types.h"

#define KERNEL_SEGMENTS 8u
#define KERNEL_BOTTOM 0x100000u /* physical; nothing of a kernel lies below */
#define KERNEL_TOP 0x4000000u   /* nor from here on */

struct kernel_segment {
    u32 physical;
    u32 memory_size; /* > 0; bytes beyond file_size are zero */
    u32 offset, file_size;
    bool executable;
};

struct kernel_image {
    u32 start, end; /* physical, whole pages */
    u32 entry;      /* physical, of Multiboot2 */
    u32 count;      /* 1..KERNEL_SEGMENTS; ascending, disjoint */
    struct kernel_segment segment[KERNEL_SEGMENTS];
};

/* Check the LENGTH bytes at FILE and fill IMAGE. Null, or what is wrong, as the end of a sentence. */
const char *kernel_image_parse(struct kernel_image *image, const void *file, size_t length);

/* Write the end - start bytes of the image to TO. */
void kernel_image_place(const struct kernel_image *image, const void *file, void *to);

#endif
