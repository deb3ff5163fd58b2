/* SPDX-License-Identifier: MIT */
/*
 * Segments of a program by mapping its file: text and constants come when they are touched, and are
 * shared with all who run the program; data is copied by who writes to it. What the file has only a
 * part of a page of is filled at once, and the rest is zero. Next: map.c, image.c.
 */
#include <errno.h>

#include "format/elf.h"
#include "internal.h"
#include "protocol.h"

#define PAGE_MASK (PAGE_SIZE - 1)

/* The end of the file's part of a page, read and put into its place. */
static int tail_fill(int file, const struct elf_segment *segment, int quarter, uint32_t from) {
    char buffer[PAGE_SIZE];
    uint32_t offset = SLOT_OFFSET(segment->address);
    uint32_t left = offset + segment->file_size - from;
    while (left > 0) {
        long count = file_read_at(file, segment->file_offset + (from - offset), buffer, left);
        if (count <= 0) {
            errno = count < 0 ? errno : ENOEXEC;
            return -1;
        }
        if (posix_result(quarter_supply(quarter, from, buffer, (uint32_t)count)) < 0)
            return -1;
        from += (uint32_t)count;
        left -= (uint32_t)count;
    }
    return 0;
}

int segment_map(int file, const struct elf_segment *segment, int quarter) {
    uint32_t offset = SLOT_OFFSET(segment->address), start = offset & ~PAGE_MASK;
    uint32_t file_end = offset + segment->file_size;
    uint32_t end = (offset + segment->memory_size + PAGE_MASK) & ~PAGE_MASK;
    bool whole = segment->memory_size == segment->file_size && !(segment->rights & RIGHT_WRITE);
    uint32_t paged_end = (whole ? file_end + PAGE_MASK : file_end) & ~PAGE_MASK;
    if (segment->file_offset % PAGE_SIZE != offset % PAGE_SIZE || paged_end <= start)
        return SEGMENT_UNMAPPED;
    if (quartet_map_file(file, quarter, start, segment->file_offset & ~PAGE_MASK, paged_end - start,
                         segment->rights) < 0)
        return SEGMENT_UNMAPPED; /* who fills it by himself finds out whether there is memory */
    if (paged_end >= end)
        return 0;
    if (posix_result(quarter_map(quarter, paged_end, end - paged_end, segment->rights)) < 0)
        return -1;
    return file_end > paged_end ? tail_fill(file, segment, quarter, paged_end) : 0;
}
