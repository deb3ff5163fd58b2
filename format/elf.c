/* SPDX-License-Identifier: MIT */
/*
 * The ELF checks. The file is hostile: every number of it is compared before it is added to
 * another, and headers are copied out of the buffer, which need not be aligned. The structures are
 * those of the System V ABI, in the class that this is compiled for.
 */
#include "format/elf.h"

#include <stdbool.h>
#include <string.h>

#include "abi/abi.h"

#if UINTPTR_MAX > UINT32_MAX
#define ELF_CLASS 2
#define ELF_MACHINE 62 /* x86-64 */
typedef uint64_t elf_word;
#else
#define ELF_CLASS 1
#define ELF_MACHINE 3 /* i386 */
typedef uint32_t elf_word;
#endif

#define TYPE_EXECUTABLE 2
#define SEGMENT_LOAD 1
#define SEGMENT_DYNAMIC 2
#define SEGMENT_INTERPRETER 3
#define FLAG_EXECUTE 1u
#define FLAG_WRITE 2u
#define FLAG_READ 4u
#define HEADER_LIMIT 64u /* program headers of all kinds */

struct elf_header {
    uint8_t identity[16]; /* magic, class, byte order, version, ... */
    uint16_t type, machine;
    uint32_t version;
    elf_word entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t size, program_header_size, program_header_count;
    uint16_t section_header_size, section_header_count, section_names;
};

struct elf_program_header {
    uint32_t type;
#if ELF_CLASS == 2
    uint32_t flags;
#endif
    elf_word offset, address, physical, file_size, memory_size;
#if ELF_CLASS == 1
    uint32_t flags;
#endif
    elf_word alignment;
};

static enum elf_error header_check(const struct elf_header *header) {
    if (memcmp(header->identity, "\177ELF", 4) != 0 || header->identity[6] != 1 ||
        header->version != 1) {
        return ELF_NOT_ELF;
    }
    if (header->identity[4] != ELF_CLASS || header->identity[5] != 1 ||
        header->machine != ELF_MACHINE) {
        return ELF_WRONG_MACHINE;
    }
    if (header->type != TYPE_EXECUTABLE) {
        return ELF_NOT_STATIC;
    }
    bool sizes = header->program_header_size == sizeof(struct elf_program_header) &&
                 header->program_header_count >= 1 && header->program_header_count <= HEADER_LIMIT;
    return sizes ? ELF_OK : ELF_BAD_HEADER;
}

static uint32_t segment_rights(uint32_t flags) {
    return RIGHT_READ | (flags & FLAG_WRITE ? RIGHT_WRITE : 0) |
           (flags & FLAG_EXECUTE ? RIGHT_EXECUTE : 0);
}

static uint64_t page_down(uint64_t address) { return address & ~(uint64_t)(PAGE_SIZE - 1); }

/* Sizes, alignment and rights of one load segment by itself. */
static enum elf_error segment_check(const struct elf_program_header *header, uint64_t file_length) {
    if (header->file_size > header->memory_size) {
        return ELF_BAD_SEGMENT;
    }
    if (header->offset > file_length || header->file_size > file_length - header->offset) {
        return ELF_TRUNCATED;
    }
    elf_word alignment = header->alignment;
    bool sensible = alignment <= 1 || ((alignment & (alignment - 1)) == 0 &&
                                       ((header->address - header->offset) & (alignment - 1)) == 0);
    if (!sensible) {
        return ELF_BAD_SEGMENT;
    }
    if ((header->flags & (FLAG_WRITE | FLAG_EXECUTE)) == (FLAG_WRITE | FLAG_EXECUTE)) {
        return ELF_BAD_RIGHTS;
    }
    /* Slot 3 holds the stack, page 0 stays empty for null pointers. No sum here can wrap. */
    uint64_t top = SLOT_BASE(3);
    if (header->address < PAGE_SIZE || header->address >= top ||
        header->memory_size > top - header->address ||
        SLOT_OF(header->address) != SLOT_OF(header->address + header->memory_size - 1)) {
        return ELF_BAD_ADDRESS;
    }
    return ELF_OK;
}

/* Add a load segment; the one before it must end on a lower page. */
static enum elf_error segment_add(struct elf_image *image,
                                  const struct elf_program_header *header) {
    if (image->segment_count == ELF_SEGMENT_LIMIT) {
        return ELF_BAD_HEADER;
    }
    if (image->segment_count > 0) {
        const struct elf_segment *last = &image->segment[image->segment_count - 1];
        if (page_down(header->address) <=
            page_down((uint64_t)last->address + last->memory_size - 1)) {
            return ELF_BAD_ADDRESS;
        }
    }
    image->segment[image->segment_count++] = (struct elf_segment){
        .address = (uint32_t)header->address,
        .memory_size = (uint32_t)header->memory_size,
        .file_offset = (uint32_t)header->offset,
        .file_size = (uint32_t)header->file_size,
        .rights = segment_rights(header->flags),
    };
    return ELF_OK;
}

static enum elf_error header_add(struct elf_image *image, const struct elf_program_header *header,
                                 uint64_t file_length) {
    if (header->type == SEGMENT_INTERPRETER || header->type == SEGMENT_DYNAMIC) {
        return ELF_NOT_STATIC;
    }
    if (header->type != SEGMENT_LOAD || header->memory_size == 0) {
        return header->type == SEGMENT_LOAD && header->file_size != 0 ? ELF_BAD_SEGMENT : ELF_OK;
    }
    enum elf_error error = segment_check(header, file_length);
    return error != ELF_OK ? error : segment_add(image, header);
}

static bool entry_valid(const struct elf_image *image, elf_word entry) {
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segment[i];
        if ((segment->rights & RIGHT_EXECUTE) && entry >= segment->address &&
            entry - segment->address < segment->memory_size) {
            return true;
        }
    }
    return false;
}

enum elf_error elf_parse_head(const void *head, size_t length, uint64_t file_length,
                              struct elf_image *image) {
    struct elf_header header;
    memset(image, 0, sizeof(*image));
    if (length > file_length || file_length > UINT32_MAX || length < sizeof(header)) {
        return ELF_TRUNCATED;
    }
    memcpy(&header, head, sizeof(header));
    enum elf_error error = header_check(&header);
    if (error != ELF_OK) {
        return error;
    }
    size_t headers_size = header.program_header_count * sizeof(struct elf_program_header);
    if (header.program_headers > length || headers_size > length - header.program_headers) {
        return ELF_TRUNCATED;
    }
    const uint8_t *next = (const uint8_t *)head + header.program_headers;
    for (unsigned i = 0; i < header.program_header_count; i++) {
        struct elf_program_header program_header;
        memcpy(&program_header, next + i * sizeof(program_header), sizeof(program_header));
        error = header_add(image, &program_header, file_length);
        if (error != ELF_OK) {
            return error;
        }
    }
    if (!entry_valid(image, header.entry)) {
        return ELF_BAD_ENTRY;
    }
    image->entry = (uint32_t)header.entry;
    return ELF_OK;
}

enum elf_error elf_parse(const void *file, size_t length, struct elf_image *image) {
    return elf_parse_head(file, length, length, image);
}

const char *elf_error_text(enum elf_error error) {
    static const char *const text[ELF_ERROR_COUNT] = {
        [ELF_OK] = "nothing is wrong with it",
        [ELF_TRUNCATED] = "it ends before something that its headers name",
        [ELF_NOT_ELF] = "it is no ELF file",
        [ELF_WRONG_MACHINE] = "it is for another machine",
        [ELF_NOT_STATIC] = "it is no static executable",
        [ELF_BAD_HEADER] = "its program headers are malformed or too many",
        [ELF_BAD_SEGMENT] = "a segment's sizes or alignment make no sense",
        [ELF_BAD_ADDRESS] =
            "a segment is outside slots 0 to 2, across a border or on another's page",
        [ELF_BAD_RIGHTS] = "a segment is writable and executable",
        [ELF_BAD_ENTRY] = "its entry point is in no executable segment",
    };
    return (unsigned)error < ELF_ERROR_COUNT ? text[error] : "an unknown error";
}
