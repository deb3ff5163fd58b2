/* SPDX-License-Identifier: MIT */
/*
 * The firmware's memory map in Multiboot2's words. Once the boot services have ended, what they and the loader
 * used is usable; the kernel's map shrinks to fewer entries, because neighbours of one type become one. Pure.
 */
#include <string.h>

#include "boot/uefi/tag.h"

enum { TAG_MEMORY_MAP = 6, TAG_EFI_MAP = 17 };
enum { MAP_USABLE = 1, MAP_RESERVED = 2, MAP_ACPI_TABLES = 3, MAP_ACPI_STORE = 4, MAP_BAD = 5 };

/* As the UEFI specification has it; descriptors may be longer. */
struct efi_descriptor {
    u32 type;
    u32 padding;
    u64 start, virtual_start, pages, attributes;
};

struct map_entry {
    u64 start, length;
    u32 type, reserved;
};

static u32 type_convert(u32 type) {
    switch (type) {
    case 1: /* loader's code and data */
    case 2:
    case 3: /* boot services' code and data */
    case 4:
    case 7: /* free */
        return MAP_USABLE;
    case 8:
        return MAP_BAD;
    case 9:
        return MAP_ACPI_TABLES;
    case 10:
        return MAP_ACPI_STORE;
    default:
        return MAP_RESERVED;
    }
}

/* Descriptor NUMBER. False if there is none. */
static bool map_read(const struct efi_map *map, size_t number, struct map_entry *entry) {
    struct efi_descriptor descriptor;
    if (map->stride < sizeof(descriptor) || number >= map->size / map->stride) {
        return false;
    }
    memcpy(&descriptor, map->bytes + number * map->stride, sizeof(descriptor));
    u64 limit = (UINT64_MAX - descriptor.start) >> PAGE_SHIFT;
    u64 pages = descriptor.pages < limit ? descriptor.pages : limit;
    *entry = (struct map_entry){
        .start = descriptor.start,
        .length = pages << PAGE_SHIFT,
        .type = type_convert(descriptor.type),
    };
    return true;
}

/* Write all entries, or with null only count them; neighbours of one type are one. */
static size_t entries_write(struct information *information, const struct efi_map *map) {
    struct map_entry entry, next;
    size_t count = 0, i = 0;
    bool more = map_read(map, i, &entry);
    while (more) {
        while ((more = map_read(map, ++i, &next)) && next.type == entry.type &&
               next.start == entry.start + entry.length) {
            entry.length += next.length;
        }
        count++;
        if (information != NULL) {
            tag_write(information, &entry, sizeof(entry));
        }
        entry = next;
    }
    return count;
}

void information_memory(struct information *information, const struct efi_map *map) {
    u32 form[2] = {sizeof(struct map_entry), 0};
    size_t size = entries_write(NULL, map) * sizeof(struct map_entry);
    tag_begin(information, TAG_MEMORY_MAP, TAG_HEAD + sizeof(form) + size);
    tag_write(information, form, sizeof(form));
    entries_write(information, map);
}

void information_efi_map(struct information *information, const struct efi_map *map) {
    u32 form[2] = {(u32)map->stride, map->version};
    tag_begin(information, TAG_EFI_MAP, TAG_HEAD + sizeof(form) + map->size);
    tag_write(information, form, sizeof(form));
    tag_write(information, map->bytes, map->size);
}

/* The end of the usable entry that holds ADDRESS, or ADDRESS if none does. */
static u64 usable_end(const struct efi_map *map, u64 address) {
    struct map_entry entry;
    for (size_t i = 0; map_read(map, i, &entry); i++) {
        if (entry.type == MAP_USABLE && address >= entry.start &&
            address - entry.start < entry.length) {
            return entry.start + entry.length;
        }
    }
    return address;
}

bool efi_map_usable(const struct efi_map *map, u64 start, u64 end) {
    while (start < end) {
        u64 next = usable_end(map, start);
        if (next == start) {
            return false;
        }
        start = next;
    }
    return true;
}
