/* SPDX-License-Identifier: MIT */
/*
 * cpio archives (the "newc" format, with or without checksums): step through one in a buffer. Pure:
 * no allocation, nothing outside the buffer is read, so kernel, file server and fuzzers share it.
 *
 *     | 110-byte header of hexadecimal digits | name, NUL | pad to 4 | data | pad to 4 | ...
 *
 * ends with an entry named TRAILER!!!.
 */
#ifndef FORMAT_CPIO_H
#define FORMAT_CPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpio_archive {
    const uint8_t *start;
    size_t length;
    size_t position; /* of the next header */
};

struct cpio_entry {
    const char *name; /* in the buffer, terminated, not empty, as it stands in the archive */
    uint32_t name_length;
    const void *data; /* in the buffer */
    uint32_t length;
    uint32_t mode;     /* type and permissions as in struct stat */
    uint32_t modified; /* seconds since 1970 */
};

#define CPIO_TYPE(mode) (0170000u & (mode))
#define CPIO_FILE 0100000u
#define CPIO_DIRECTORY 0040000u

enum cpio_result {
    CPIO_ENTRY,   /* ENTRY is filled */
    CPIO_END,     /* the trailer has been reached */
    CPIO_INVALID, /* malformed here, or it ends without a trailer; do not go on */
};

void cpio_open(struct cpio_archive *archive, const void *start, size_t length);
enum cpio_result cpio_next(struct cpio_archive *archive, struct cpio_entry *entry);

/* Find the regular file named NAME (a leading "./" in the archive does not count): CPIO_ENTRY, or
 * CPIO_END if it is not there, or CPIO_INVALID. */
enum cpio_result cpio_find(const void *start, size_t length, const char *name,
                           struct cpio_entry *entry);

#endif
