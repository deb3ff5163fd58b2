/* SPDX-License-Identifier: MIT */
/*
 * The Multiboot2 boot protocol (GRUB): EBX points to a size, and tags of 8-byte alignment up to an
 * end tag. Pure. ACPI's root pointer comes as a copy inside a tag, which does not outlive the boot:
 * acpi_rsdp is good until the kernel's own tables are loaded.
 */
#include "boot/boot.h"

#define INFORMATION_LIMIT (1u << 20)
#define INFORMATION_HEADER 8u

enum tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_ACPI_OLD = 14, /* the root pointer as of ACPI 1 */
    TAG_ACPI_NEW = 15, /* as of ACPI 2, which leads to all of memory: preferred */
};

#define ACPI_OLD_SIZE 20u
#define ACPI_NEW_SIZE 36u

struct tag {
    u32 type;
    u32 size; /* with this header */
};

struct tag_module {
    struct tag tag;
    u32 start, end;
};

struct tag_memory_map {
    struct tag tag;
    u32 entry_size;
    u32 entry_version;
};

struct memory_map_record {
    u64 start;
    u64 length;
    u32 type;
    u32 reserved;
};

#define FRAMEBUFFER_RGB 1u /* else a palette, or text */

struct tag_framebuffer {
    struct tag tag;
    u64 address;
    u32 pitch, width, height;
    u8 depth, type, reserved[2];
    u8 red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
    u8 padding[2];
};
#define FRAMEBUFFER_SIZE (sizeof(struct tag_framebuffer) - 2)

/* What has been seen on the way through the tags. */
struct reading {
    struct boot_info *boot;
    const struct boot_memory *memory;
    bool has_initrd;
    bool has_new_acpi;
    u64 memory_map; /* address of the tag; 0: none yet */
};

static const char *read_memory_map(const struct reading *reading, enum memory_map_pass pass) {
    struct tag_memory_map map;
    const char *error = NULL;
    if (!boot_read(reading->memory, reading->memory_map, &map, sizeof(map)) ||
        map.tag.size < sizeof(map) || map.entry_size < sizeof(struct memory_map_record) ||
        map.entry_size % 8 != 0) {
        return "the memory map's tag is malformed";
    }
    u32 bytes = map.tag.size - (u32)sizeof(map);
    u64 address = reading->memory_map + sizeof(map);
    for (u32 count = bytes / map.entry_size; count != 0 && error == NULL; count--) {
        struct memory_map_record record;
        if (!boot_read(reading->memory, address, &record, sizeof(record))) {
            return "the memory map lies outside of memory";
        }
        error = memory_map_entry(reading->boot, pass, record.start, record.length, record.type);
        address += map.entry_size;
    }
    return error;
}

static const char *read_module(struct reading *reading, u64 address, const struct tag *tag) {
    struct tag_module module;
    if (tag->size < sizeof(module) ||
        !boot_read(reading->memory, address, &module, sizeof(module))) {
        return "a module's tag is malformed";
    }
    if (reading->has_initrd) {
        return NULL;
    }
    reading->has_initrd = true;
    return boot_set_initrd(reading->boot, module.start, module.end);
}

/* One that is too short is as good as none: nothing of this is needed to boot. */
static void read_acpi(struct reading *reading, u64 address, const struct tag *tag) {
    bool new = tag->type == TAG_ACPI_NEW;
    u32 size = new ? ACPI_NEW_SIZE : ACPI_OLD_SIZE;
    if (tag->size - sizeof(*tag) < size || (reading->has_new_acpi && !new)) {
        return;
    }
    reading->has_new_acpi = new;
    reading->boot->acpi_rsdp = address + sizeof(*tag);
}

/* One that is no use is as good as none. */
static void read_framebuffer(struct reading *reading, u64 address, const struct tag *tag) {
    struct tag_framebuffer found = {0};
    if (tag->size < FRAMEBUFFER_SIZE ||
        !boot_read(reading->memory, address, &found, FRAMEBUFFER_SIZE) ||
        found.type != FRAMEBUFFER_RGB) {
        return;
    }
    boot_set_framebuffer(reading->boot, &(struct info_framebuffer){
                                            .address = found.address,
                                            .pitch = found.pitch,
                                            .width = found.width,
                                            .height = found.height,
                                            .depth = found.depth,
                                            .red_shift = found.red_shift,
                                            .red_bits = found.red_bits,
                                            .green_shift = found.green_shift,
                                            .green_bits = found.green_bits,
                                            .blue_shift = found.blue_shift,
                                            .blue_bits = found.blue_bits,
                                        });
}

static const char *read_tag(struct reading *reading, u64 address, const struct tag *tag) {
    switch (tag->type) {
    case TAG_COMMAND_LINE:
        return boot_read_command_line(reading->boot, reading->memory, address + sizeof(*tag),
                                      tag->size - sizeof(*tag));
    case TAG_MODULE:
        return read_module(reading, address, tag);
    case TAG_MEMORY_MAP:
        reading->memory_map = address;
        return NULL;
    case TAG_ACPI_OLD:
    case TAG_ACPI_NEW:
        read_acpi(reading, address, tag);
        return NULL;
    case TAG_FRAMEBUFFER:
        read_framebuffer(reading, address, tag);
        return NULL;
    default:
        return NULL;
    }
}

static const char *read_tags(struct reading *reading, u64 address, u64 end) {
    while (address <= end - sizeof(struct tag)) {
        struct tag tag;
        if (!boot_read(reading->memory, address, &tag, sizeof(tag))) {
            return "the Multiboot2 information lies outside of memory";
        }
        if (tag.size < sizeof(tag) || tag.size > end - address) {
            return "a Multiboot2 tag has an impossible size";
        }
        if (tag.type == TAG_END) {
            return NULL;
        }
        const char *error = read_tag(reading, address, &tag);
        if (error != NULL) {
            return error;
        }
        address += ((u64)tag.size + 7) & ~7ull;
    }
    return "the Multiboot2 information has no end tag";
}

const char *boot_from_multiboot2(struct boot_info *boot, const struct boot_memory *memory,
                                 u64 address) {
    struct reading reading = {.boot = boot, .memory = memory};
    u32 size;
    boot->loader = "Multiboot2";
    if (!boot_read(memory, address, &size, sizeof(size)) || address % 8 != 0) {
        return "there is no Multiboot2 information where the loader says";
    }
    if (size < INFORMATION_HEADER + sizeof(struct tag) || size > INFORMATION_LIMIT) {
        return "the Multiboot2 information has an impossible size";
    }
    const char *error = read_tags(&reading, address + INFORMATION_HEADER, address + size);
    if (error != NULL) {
        return error;
    }
    if (reading.memory_map == 0) {
        return "the Multiboot2 information has no memory map";
    }
    error = read_memory_map(&reading, MEMORY_MAP_ADD);
    error = error ? error : read_memory_map(&reading, MEMORY_MAP_REMOVE);
    error = error ? error : memory_map_finish(boot);
    boot_check_framebuffer(boot);
    return error;
}
