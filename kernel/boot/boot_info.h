/* SPDX-License-Identifier: MIT */
/*
 * What boot/ hands to kernel_main, whoever started the machine (PVH, Multiboot2): the same few
 * facts in one form. boot/ has checked sizes and copied everything out of the loader's structures.
 */
#ifndef KERNEL_BOOT_INFO_H
#define KERNEL_BOOT_INFO_H

#include "kernel/base/types.h"

#define BOOT_RANGES 64
#define BOOT_COMMAND_LINE 4096
#define BOOT_FRAMEBUFFER_LIMIT (28u << 20)

/* Usable RAM, half-open, in bytes; sorted, not overlapping, whole frames; holes are simply
 * absent. */
struct boot_range {
    physical_t start, end;
};

struct boot_info {
    const char *loader; /* "PVH" or "Multiboot2" */
    u32 range_count;
    struct boot_range range[BOOT_RANGES];
    physical_t kernel_start, kernel_end; /* the loaded image with its BSS */
    physical_t initrd_start, initrd_end; /* equal: there is none. Start is page aligned */
    physical_t acpi_rsdp;                /* 0: unknown */
    /* The graphics screen; width 0: there is none. Its lines lie in BOOT_FRAMEBUFFER_LIMIT bytes from
     * the 2 MiB border before it on. */
    struct info_framebuffer framebuffer;
    char command_line[BOOT_COMMAND_LINE];
};

#endif
