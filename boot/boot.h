/* SPDX-License-Identifier: MIT */
/*
 * Inside boot/: from a loader's structures to struct boot_info. The conversions are pure functions
 * of the memory that they are given, so the host can test and fuzz them: every read goes through
 * boot_read, which copies and checks bounds. They return null, or a sentence that says what is
 * wrong. The caller sets kernel_start and kernel_end before; everything else in BOOT is zero.
 */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include "kernel/boot/boot_info.h"

#define BOOT_PVH_MAGIC 0x336EC578u
#define BOOT_MULTIBOOT2_MAGIC 0x36D76289u
#define BOOT_STATUS 98 /* the machine goes off with this when it cannot start */

/* Physical addresses 0..SIZE-1, readable from BASE on. */
struct boot_memory {
    uintptr_t base;
    u64 size;
};

/* Copy LENGTH bytes at physical ADDRESS to TO. False if they do not lie in MEMORY. */
bool boot_read(const struct boot_memory *memory, u64 address, void *to, size_t length);

/* Copy the string at ADDRESS, of at most LIMIT bytes with its zero, to the command line. */
const char *boot_read_command_line(struct boot_info *boot, const struct boot_memory *memory,
                                   u64 address, u64 limit);

/* Take [START, END) as the initrd. */
const char *boot_set_initrd(struct boot_info *boot, u64 start, u64 end);

/* Take PICTURE as the graphics screen if all that it says can be; of a larger one only the lines that
 * lie in BOOT_FRAMEBUFFER_LIMIT. Else there is none. */
void boot_set_framebuffer(struct boot_info *boot, const struct info_framebuffer *picture);
void boot_check_framebuffer(struct boot_info *boot); /* with the memory map: one in RAM is none */

const char *boot_from_pvh(struct boot_info *boot, const struct boot_memory *memory, u64 address);
const char *boot_from_multiboot2(struct boot_info *boot, const struct boot_memory *memory,
                                 u64 address);

/* ---- memory_map.c: usable memory as sorted, disjoint ranges ---------------------------------- */

/* Entries come in any order and may overlap; memory that any entry reserves is not usable. So a map
 * is read twice, once for each pass. */
enum memory_map_pass { MEMORY_MAP_ADD, MEMORY_MAP_REMOVE };
#define MEMORY_MAP_RAM 1u /* the type that all firmware gives to usable memory */

const char *memory_map_entry(struct boot_info *boot, enum memory_map_pass pass, u64 start,
                             u64 length, u32 type);

/* Trim to whole frames, and check that kernel and initrd lie in what is left. */
const char *memory_map_finish(struct boot_info *boot);

#endif
