/* SPDX-License-Identifier: MIT */
/*
 * The PVH boot protocol (QEMU -kernel): EBX points to hvm_start_info, version 1 of which has a
 * memory map. Pure. The layouts follow the Xen project's public header start_info.h.
 */
#include "boot/boot.h"

#define MAP_ENTRIES_LIMIT 4096u

struct pvh_start_info {
    u32 magic;
    u32 version;
    u32 flags;
    u32 module_count;
    u64 modules;
    u64 command_line;
    u64 rsdp;
    u64 memory_map; /* from version 1 on */
    u32 memory_map_entries;
    u32 reserved;
};

struct pvh_module {
    u64 address;
    u64 size;
    u64 command_line;
    u64 reserved;
};

struct pvh_memory_map_entry {
    u64 start;
    u64 length;
    u32 type;
    u32 reserved;
};

static const char *read_memory_map(struct boot_info *boot, const struct boot_memory *memory,
                                   const struct pvh_start_info *info, enum memory_map_pass pass) {
    const char *error = NULL;
    for (u32 i = 0; i < info->memory_map_entries && error == NULL; i++) {
        struct pvh_memory_map_entry entry;
        u64 address = info->memory_map + (u64)i * sizeof(entry);
        if (address < info->memory_map || !boot_read(memory, address, &entry, sizeof(entry))) {
            return "the memory map lies outside of memory";
        }
        error = memory_map_entry(boot, pass, entry.start, entry.length, entry.type);
    }
    return error;
}

static const char *read_initrd(struct boot_info *boot, const struct boot_memory *memory,
                               const struct pvh_start_info *info) {
    struct pvh_module module;
    if (info->module_count == 0) {
        return NULL;
    }
    if (!boot_read(memory, info->modules, &module, sizeof(module))) {
        return "the list of modules lies outside of memory";
    }
    return boot_set_initrd(boot, module.address, module.address + module.size);
}

const char *boot_from_pvh(struct boot_info *boot, const struct boot_memory *memory, u64 address) {
    struct pvh_start_info info;
    const char *error = NULL;
    boot->loader = "PVH";
    if (!boot_read(memory, address, &info, sizeof(info)) || info.magic != BOOT_PVH_MAGIC) {
        return "there is no PVH start information where the loader says";
    }
    if (info.version < 1 || info.memory_map_entries == 0) {
        return "the PVH start information has no memory map";
    }
    if (info.memory_map_entries > MAP_ENTRIES_LIMIT) {
        return "the memory map has more than 4096 entries";
    }
    if (info.command_line != 0) {
        error = boot_read_command_line(boot, memory, info.command_line, BOOT_COMMAND_LINE);
    }
    boot->acpi_rsdp = info.rsdp;
    error = error ? error : read_initrd(boot, memory, &info);
    error = error ? error : read_memory_map(boot, memory, &info, MEMORY_MAP_ADD);
    error = error ? error : read_memory_map(boot, memory, &info, MEMORY_MAP_REMOVE);
    return error ? error : memory_map_finish(boot);
}
