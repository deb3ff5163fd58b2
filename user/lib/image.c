/* SPDX-License-Identifier: MIT */
/*
 * ELF segments into quarters: a file is mapped (segment.c), bytes in memory are filled in by
 * quarter_map and quarter_supply. The parser is the kernel's own
 * (format/elf.c). Next: exec.c, user/servers/loader.c.
 */
#include "image.h"

#include <errno.h>
#include <string.h>

#include "internal.h"

#define HEAD_SIZE 4096u /* the program headers are expected in it */

static int fail(int error) {
    errno = error;
    return -1;
}

static int source_read(const struct image_source *source, uint32_t offset, char *buffer,
                       uint32_t length) {
    if (source->bytes != NULL) {
        memcpy(buffer, source->bytes + offset, length);
        return 0;
    }
    for (uint32_t done = 0; done < length;) {
        long count = file_read_at(source->file, offset + done, buffer + done, length - done);
        if (count <= 0)
            return count < 0 ? -1 : fail(ENOEXEC);
        done += (uint32_t)count;
    }
    return 0;
}

int image_parse(const struct image_source *source, struct elf_image *image) {
    char head[HEAD_SIZE];
    uint32_t length = source->length < HEAD_SIZE ? (uint32_t)source->length : HEAD_SIZE;
    if (source_read(source, 0, head, length) < 0)
        return -1;
    enum elf_error error = elf_parse_head(head, length, source->length, image);
    return error == ELF_OK ? 0 : fail(ENOEXEC);
}

static int segment_fill(const struct image_source *source, const struct elf_segment *segment,
                        int quarter) {
    char buffer[PAGE_SIZE];
    for (uint32_t done = 0; done < segment->file_size;) {
        uint32_t length = segment->file_size - done;
        length = length < PAGE_SIZE ? length : PAGE_SIZE;
        if (source_read(source, segment->file_offset + done, buffer, length) < 0)
            return -1;
        if (posix_result(
                quarter_supply(quarter, SLOT_OFFSET(segment->address) + done, buffer, length)) < 0)
            return -1;
        done += length;
    }
    return 0;
}

static int segment_build(const struct image_source *source, const struct elf_segment *segment,
                         int quarter) {
    uint32_t offset = SLOT_OFFSET(segment->address);
    uint32_t start = offset & ~(PAGE_SIZE - 1);
    uint32_t end = (offset + segment->memory_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    int mapped =
        source->bytes != NULL ? SEGMENT_UNMAPPED : segment_map(source->file, segment, quarter);
    if (mapped != SEGMENT_UNMAPPED)
        return mapped;
    if (posix_result(quarter_map(quarter, start, end - start, segment->rights)) < 0)
        return -1;
    return segment_fill(source, segment, quarter);
}

int image_fill(const struct image_source *source, const struct elf_image *image, uint32_t slot,
               int quarter) {
    for (uint32_t i = 0; i < image->segment_count; i++)
        if (SLOT_OF(image->segment[i].address) == slot &&
            segment_build(source, &image->segment[i], quarter) < 0)
            return -1;
    return 0;
}

uint32_t image_slots(const struct elf_image *image) {
    uint32_t slots = 0;
    for (uint32_t i = 0; i < image->segment_count; i++)
        slots |= RENEW(SLOT_OF(image->segment[i].address));
    return slots;
}

uint32_t image_slots_written(const struct elf_image *image) {
    uint32_t slots = 0;
    for (uint32_t i = 0; i < image->segment_count; i++)
        if (image->segment[i].rights & RIGHT_WRITE)
            slots |= RENEW(SLOT_OF(image->segment[i].address));
    return slots;
}
