/* SPDX-License-Identifier: MIT */
/*
 * The cpio iterator. Every length is checked against what is left of the buffer before it is used,
 * in size_t: no field of 32 bits can make a sum wrap, because each is compared with the rest first.
 */
#include "format/cpio.h"

#include <string.h>

#define HEADER_SIZE 110u
#define FIELD_DIGITS 8u
#define TRAILER "TRAILER!!!"

/* The fields after the six-character magic number, in their order. */
enum field {
    INODE,
    MODE,
    UID,
    GID,
    LINKS,
    MODIFIED,
    FILE_SIZE,
    DEV_MAJOR,
    DEV_MINOR,
    RDEV_MAJOR,
    RDEV_MINOR,
    NAME_SIZE,
    CHECKSUM,
    FIELDS
};

static int hex_digit(uint8_t digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    digit |= 0x20; /* lower case */
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool fields_read(const uint8_t *text, uint32_t fields[FIELDS]) {
    for (unsigned field = 0; field < FIELDS; field++) {
        uint32_t value = 0;
        for (unsigned i = 0; i < FIELD_DIGITS; i++) {
            int digit = hex_digit(*text++);
            if (digit < 0) {
                return false;
            }
            value = value << 4 | (uint32_t)digit;
        }
        fields[field] = value;
    }
    return true;
}

void cpio_open(struct cpio_archive *archive, const void *start, size_t length) {
    *archive = (struct cpio_archive){.start = start, .length = length};
}

/* Take SIZE bytes and the padding that follows them; null if they are not all there. Only the very
 * end of the archive may lack padding. */
static const uint8_t *archive_take(struct cpio_archive *archive, size_t size) {
    if (size > archive->length - archive->position) {
        return NULL;
    }
    const uint8_t *taken = archive->start + archive->position;
    size_t end = archive->position + size;
    size_t padding = -end & 3;
    size_t left = archive->length - end;
    archive->position = end + (padding < left ? padding : left);
    return taken;
}

enum cpio_result cpio_next(struct cpio_archive *archive, struct cpio_entry *entry) {
    uint32_t fields[FIELDS];
    if (archive->length - archive->position < HEADER_SIZE) {
        return CPIO_INVALID;
    }
    const uint8_t *header = archive->start + archive->position;
    bool known = memcmp(header, "070701", 6) == 0 || memcmp(header, "070702", 6) == 0;
    if (!known || !fields_read(header + 6, fields)) {
        return CPIO_INVALID;
    }
    /* Header and name are padded together. The name size counts its terminator. */
    uint32_t name_size = fields[NAME_SIZE];
    if (name_size < 2 || name_size > archive->length - archive->position - HEADER_SIZE) {
        return CPIO_INVALID;
    }
    const char *name =
        (const char *)archive_take(archive, HEADER_SIZE + (size_t)name_size) + HEADER_SIZE;
    if (memchr(name, 0, name_size) != name + name_size - 1) {
        return CPIO_INVALID;
    }
    if (strcmp(name, TRAILER) == 0) {
        return CPIO_END;
    }
    const void *data = archive_take(archive, fields[FILE_SIZE]);
    if (data == NULL) {
        return CPIO_INVALID;
    }
    *entry = (struct cpio_entry){.name = name,
                                 .name_length = name_size - 1,
                                 .data = data,
                                 .length = fields[FILE_SIZE],
                                 .mode = fields[MODE],
                                 .modified = fields[MODIFIED]};
    return CPIO_ENTRY;
}

enum cpio_result cpio_find(const void *start, size_t length, const char *name,
                           struct cpio_entry *entry) {
    struct cpio_archive archive;
    enum cpio_result result;
    cpio_open(&archive, start, length);
    while ((result = cpio_next(&archive, entry)) == CPIO_ENTRY) {
        const char *found = strncmp(entry->name, "./", 2) == 0 ? entry->name + 2 : entry->name;
        if (CPIO_TYPE(entry->mode) == CPIO_FILE && strcmp(found, name) == 0) {
            return CPIO_ENTRY;
        }
    }
    return result;
}
