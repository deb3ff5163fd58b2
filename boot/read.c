/* SPDX-License-Identifier: MIT */
/*
 * What both loaders' conversions need: bounded reads of physical memory, the command line, the
 * initrd. Pure. Read next: pvh.c, multiboot2.c.
 */
#include <string.h>

#include "boot/boot.h"

bool boot_read(const struct boot_memory *memory, u64 address, void *to, size_t length) {
    if (address > memory->size || length > memory->size - address) {
        return false;
    }
    memcpy(to, (const void *)(memory->base + (uintptr_t)address), length);
    return true;
}

const char *boot_read_command_line(struct boot_info *boot, const struct boot_memory *memory,
                                   u64 address, u64 limit) {
    for (u32 i = 0; i < BOOT_COMMAND_LINE && i < limit; i++) {
        if (!boot_read(memory, address + i, &boot->command_line[i], 1)) {
            return "the command line lies outside of memory";
        }
        if (boot->command_line[i] == 0) {
            return NULL;
        }
    }
    boot->command_line[0] = 0;
    return limit < BOOT_COMMAND_LINE ? "the command line has no end"
                                     : "the command line is longer than 4095 bytes";
}

const char *boot_set_initrd(struct boot_info *boot, u64 start, u64 end) {
    if (end < start) {
        return "the initrd wraps around the end of the address space";
    }
    if (start % PAGE_SIZE != 0) {
        return "the initrd does not start on a page boundary";
    }
    boot->initrd_start = start;
    boot->initrd_end = end;
    return NULL;
}
