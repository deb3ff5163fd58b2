/* SPDX-License-Identifier: MIT */
/*
 * Checks of a kernel's ELF file and of its Multiboot2 header (kernel_image.h). Every number is compared in 64
 * bits before it is used; headers are copied out of the file, which need not be aligned. Pure.
 */
#include "boot/uefi/kernel_image.h"

#include <string.h>

#define HEADER_LIMIT 64u /* program headers of all kinds */
#define SEGMENT_LOAD 1u
#define FLAG_EXECUTE 1u

/* Both classes, as the System V ABI has them. */
struct elf32_header {
    u8 identity[16];
    u16 type, machine;
    u32 version, entry, program_headers, section_headers, flags;
    u16 size, program_header_size, program_header_count;
    u16 section[3];
};
struct elf64_header {
    u8 identity[16];
    u16 type, machine;
    u32 version;
    u64 entry, program_headers, section_headers;
    u32 flags;
    u16 size, program_header_size, program_header_count;
    u16 section[3];
};
struct elf32_segment {
    u32 type, offset, address, physical, file_size, memory_size, flags, alignment;
};
struct elf64_segment {
    u32 type, flags;
    u64 offset, address, physical, file_size, memory_size, alignment;
};

/* What is the same in both. */
struct program_headers {
    u64 offset;
    u32 count, size;
    bool wide;
};

static const char *header_read(const u8 *file, size_t length, struct program_headers *headers) {
    struct elf32_header narrow;
    struct elf64_header wide;
    if (length < sizeof(wide)) {
        return "it is too short for a kernel";
    }
    memcpy(&narrow, file, sizeof(narrow));
    memcpy(&wide, file, sizeof(wide));
    if (memcmp(narrow.identity, "\177ELF", 4) != 0 || narrow.identity[5] != 1 ||
        narrow.identity[6] != 1 || narrow.version != 1) {
        return "it is no ELF file";
    }
    headers->wide = narrow.identity[4] == 2;
    if (!(narrow.identity[4] == 1 && narrow.machine == 3) &&
        !(headers->wide && wide.machine == 62)) {
        return "it is for another machine";
    }
    headers->offset = headers->wide ? wide.program_headers : narrow.program_headers;
    headers->count = headers->wide ? wide.program_header_count : narrow.program_header_count;
    headers->size = headers->wide ? sizeof(struct elf64_segment) : sizeof(struct elf32_segment);
    u32 size = headers->wide ? wide.program_header_size : narrow.program_header_size;
    if (narrow.type != 2 || size != headers->size || headers->count == 0 ||
        headers->count > HEADER_LIMIT) {
        return "its headers are no executable's";
    }
    u64 bytes = (u64)headers->count * headers->size;
    return headers->offset > length || bytes > length - headers->offset ? "its end is missing"
                                                                        : NULL;
}

/* Program header NUMBER, in the form of the wide class. */
static struct elf64_segment segment_read(const u8 *file, const struct program_headers *headers,
                                         u32 number) {
    const u8 *from = file + headers->offset + (size_t)number * headers->size;
    struct elf64_segment wide;
    struct elf32_segment narrow;
    if (headers->wide) {
        memcpy(&wide, from, sizeof(wide));
        return wide;
    }
    memcpy(&narrow, from, sizeof(narrow));
    return (struct elf64_segment){
        .type = narrow.type,
        .flags = narrow.flags,
        .offset = narrow.offset,
        .physical = narrow.physical,
        .file_size = narrow.file_size,
        .memory_size = narrow.memory_size,
    };
}

static const char *segment_add(struct kernel_image *image, const struct elf64_segment *segment,
                               size_t length) {
    if (segment->file_size > segment->memory_size) {
        return "a segment's sizes make no sense";
    }
    if (segment->offset > length || segment->file_size > length - segment->offset) {
        return "its end is missing";
    }
    u64 bottom = image->count == 0 ? KERNEL_BOTTOM
                                   : (u64)image->segment[image->count - 1].physical +
                                         image->segment[image->count - 1].memory_size;
    if (segment->physical < bottom || segment->physical >= KERNEL_TOP ||
        segment->memory_size > KERNEL_TOP - segment->physical) {
        return "a segment is not between 1 and 64 MiB, or on another";
    }
    if (image->count == KERNEL_SEGMENTS) {
        return "it has more than 8 segments";
    }
    image->segment[image->count++] = (struct kernel_segment){
        .physical = (u32)segment->physical,
        .memory_size = (u32)segment->memory_size,
        .offset = (u32)segment->offset,
        .file_size = (u32)segment->file_size,
        .executable = (segment->flags & FLAG_EXECUTE) != 0,
    };
    return NULL;
}

static bool entry_valid(const struct kernel_image *image) {
    for (u32 i = 0; i < image->count; i++) {
        const struct kernel_segment *segment = &image->segment[i];
        if (segment->executable && image->entry >= segment->physical &&
            image->entry - segment->physical < segment->memory_size) {
            return true;
        }
    }
    return false;
}

/* ---- The Multiboot2 header: 8-byte aligned in the first 32 KiB --------------------------------- */

#define MULTIBOOT2_SEARCH 32768u
#define MULTIBOOT2_MAGIC 0xE85250D6u

enum header_tag { HEADER_END, HEADER_REQUEST, HEADER_ENTRY = 3, HEADER_MODULE_ALIGN = 6 };
#define HEADER_OPTIONAL 1u

struct multiboot2_header {
    u32 magic, machine, length, checksum;
};

struct multiboot2_tag {
    u16 type, flags;
    u32 size;
};

static const char *tags_read(struct kernel_image *image, const u8 *at, const u8 *end) {
    while ((size_t)(end - at) >= sizeof(struct multiboot2_tag)) {
        struct multiboot2_tag tag;
        memcpy(&tag, at, sizeof(tag));
        if (tag.type == HEADER_END) {
            return NULL;
        }
        if (tag.size < sizeof(tag) || tag.size > (size_t)(end - at)) {
            break;
        }
        if (tag.type == HEADER_ENTRY && tag.size >= sizeof(tag) + sizeof(u32)) {
            memcpy(&image->entry, at + sizeof(tag), sizeof(u32));
        } else if (tag.type != HEADER_REQUEST && tag.type != HEADER_MODULE_ALIGN &&
                   !(tag.flags & HEADER_OPTIONAL)) {
            return "its Multiboot2 header asks for what the loader cannot do";
        }
        size_t step = ((size_t)tag.size + 7) & ~(size_t)7;
        at += step < (size_t)(end - at) ? step : (size_t)(end - at);
    }
    return "its Multiboot2 header has no end";
}

static const char *multiboot2_read(struct kernel_image *image, const u8 *file, size_t length) {
    size_t limit = length < MULTIBOOT2_SEARCH ? length : MULTIBOOT2_SEARCH;
    for (size_t at = 0; at + sizeof(struct multiboot2_header) <= limit; at += 8) {
        struct multiboot2_header header;
        memcpy(&header, file + at, sizeof(header));
        if (header.magic == MULTIBOOT2_MAGIC && header.machine == 0 &&
            header.magic + header.length + header.checksum == 0 &&
            header.length >= sizeof(header) && header.length <= limit - at) {
            return tags_read(image, file + at + sizeof(header), file + at + header.length);
        }
    }
    return "it has no Multiboot2 header";
}

const char *kernel_image_parse(struct kernel_image *image, const void *file, size_t length) {
    struct program_headers headers;
    memset(image, 0, sizeof(*image));
    const char *error = header_read(file, length, &headers);
    for (u32 i = 0; error == NULL && i < headers.count; i++) {
        struct elf64_segment segment = segment_read(file, &headers, i);
        if (segment.type == SEGMENT_LOAD && segment.memory_size != 0) {
            error = segment_add(image, &segment, length);
        }
    }
    if (error == NULL && image->count == 0) {
        error = "it has nothing to load";
    }
    error = error ? error : multiboot2_read(image, file, length);
    if (error == NULL && !entry_valid(image)) {
        error = "its entry is in no executable segment";
    }
    if (error == NULL) {
        const struct kernel_segment *last = &image->segment[image->count - 1];
        image->start = image->segment[0].physical & ~(u32)(PAGE_SIZE - 1);
        image->end = (last->physical + last->memory_size + PAGE_SIZE - 1) & ~(u32)(PAGE_SIZE - 1);
    }
    return error;
}

void kernel_image_place(const struct kernel_image *image, const void *file, void *to) {
    memset(to, 0, image->end - image->start);
    for (u32 i = 0; i < image->count; i++) {
        const struct kernel_segment *segment = &image->segment[i];
        memcpy((u8 *)to + (segment->physical - image->start), (const u8 *)file + segment->offset,
               segment->file_size);
    }
}
