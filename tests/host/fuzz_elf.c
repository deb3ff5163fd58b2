/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the ELF checks: whatever the bytes, an accepted image must obey every promise of elf.h.
 * The first two bytes choose the length of the file of which the rest is the head.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef ELF_TEST_32
#undef UINTPTR_MAX
#define UINTPTR_MAX UINT32_MAX
#endif
#include "format/elf.c"

#define PROMISE(condition) ((condition) ? (void)0 : abort())

static void check_image(const struct elf_image *image, uint64_t file_length) {
    uint64_t end = 0;
    bool entry = false;
    PROMISE(image->segment_count >= 1 && image->segment_count <= ELF_SEGMENT_LIMIT);
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *s = &image->segment[i];
        uint64_t last = (uint64_t)s->address + s->memory_size - 1;
        PROMISE(s->memory_size > 0 && s->file_size <= s->memory_size);
        PROMISE((uint64_t)s->file_offset + s->file_size <= file_length);
        PROMISE(s->address >= PAGE_SIZE && last < SLOT_BASE(3) &&
                SLOT_OF(s->address) == SLOT_OF(last));
        PROMISE(s->address / PAGE_SIZE >= end);
        PROMISE((s->rights & RIGHT_READ) && (s->rights & 6) != 6 && s->rights < 8);
        end = last / PAGE_SIZE + 1;
        entry |= (s->rights & RIGHT_EXECUTE) && image->entry >= s->address && image->entry <= last;
    }
    PROMISE(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct elf_image image;
    enum elf_error error = elf_parse(data, size, &image);
    PROMISE(elf_error_text(error) != NULL);
    if (error == ELF_OK) {
        check_image(&image, size);
    }
    if (size > 2) {
        uint64_t length = size - 2 + (uint64_t)(data[0] | data[1] << 8) * 4096;
        if (elf_parse_head(data + 2, size - 2, length, &image) == ELF_OK) {
            check_image(&image, length);
        }
    }
    return 0;
}

/* Start from a file that is nearly good: the fuzzer need not find the magic number by chance. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed) {
    struct elf_header header = {.identity = {0x7F, 'E', 'L', 'F', ELF_CLASS, 1, 1},
                                .type = TYPE_EXECUTABLE,
                                .machine = ELF_MACHINE,
                                .version = 1,
                                .entry = 0x400100,
                                .program_headers = sizeof(header),
                                .size = sizeof(header),
                                .program_header_size = sizeof(struct elf_program_header),
                                .program_header_count = 1 + seed % 4};
    struct elf_program_header program = {.type = SEGMENT_LOAD,
                                         .flags = FLAG_READ | FLAG_EXECUTE,
                                         .address = 0x400000,
                                         .file_size = 0x40,
                                         .memory_size = 0x1000,
                                         .alignment = 0x1000};
    size = LLVMFuzzerMutate(data, size, limit);
    if (seed % 3 != 0 && size >= sizeof(header)) {
        memcpy(data, &header, seed % 5 ? sizeof(header) : 24);
    }
    if (seed % 2 != 0 && size >= sizeof(header) + sizeof(program)) {
        program.address += (seed >> 8 & 3) << 28;
        memcpy(data + sizeof(header), &program, sizeof(program));
    }
    return size;
}
