/* SPDX-License-Identifier: MIT */
/*
 * Writes the Multiboot2 information structure that the kernel is given, and turns the firmware's memory map
 * into the one in it. Pure: host tests share it. Nothing is written beyond the limit; information_end says
 * whether all of it fitted. The reader is boot/multiboot2.c.
 */
#ifndef BOOT_UEFI_INFORMATION_H
#define BOOT_UEFI_INFORMATION_H

#include "kernel/base/types.h"

struct information {
    u8 *bytes; /* 8-byte aligned */
    u32 limit, used;
    bool full; /* something did not fit */
};

/* The firmware's memory map as it gives it: descriptors of STRIDE bytes, in any order. */
struct efi_map {
    const u8 *bytes;
    size_t size, stride;
    u32 version;
};

struct framebuffer {
    u64 address;
    u32 pitch, width, height; /* pitch in bytes; width 0: there is none */
    u8 depth;
    u8 red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

enum information_text { INFORMATION_COMMAND_LINE = 1, INFORMATION_LOADER = 2 };

void information_begin(struct information *information, void *at, u32 limit);
void information_text(struct information *information, enum information_text type,
                      const char *text);
void information_module(struct information *information, u32 start, u32 end, const char *name);
void information_memory(struct information *information, const struct efi_map *map);
void information_efi_map(struct information *information, const struct efi_map *map);
void information_efi_table(struct information *information, u64 address, bool wide);
void information_acpi(struct information *information, const void *root_pointer);
void information_framebuffer(struct information *information,
                             const struct framebuffer *framebuffer);
/* Null, or a sentence. */
const char *information_end(struct information *information);

/* Is all of [START, END) memory that is free once the firmware's boot services have ended? */
bool efi_map_usable(const struct efi_map *map, u64 start, u64 end);

#endif
