/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the cpio iterator: each entry must lie in the buffer, and the walk must end. Half of the
 * mutations repair magic numbers, so that the fuzzer gets deep.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/cpio.h"

#define PROMISE(condition) ((condition) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cpio_archive archive;
    struct cpio_entry entry, found;
    size_t count = 0;
    cpio_open(&archive, data, size);
    while (cpio_next(&archive, &entry) == CPIO_ENTRY) {
        const uint8_t *name = (const uint8_t *)entry.name, *bytes = entry.data;
        PROMISE(entry.name_length >= 1 && strlen(entry.name) == entry.name_length);
        PROMISE(name >= data && name + entry.name_length < data + size);
        PROMISE(bytes > name && bytes <= data + size &&
                entry.length <= (size_t)(data + size - bytes));
        PROMISE(++count <= size / 110);
        if (entry.name_length < 64 && CPIO_TYPE(entry.mode) == CPIO_FILE &&
            strncmp(entry.name, "./", 2) != 0) {
            PROMISE(cpio_find(data, size, entry.name, &found) == CPIO_ENTRY);
            PROMISE(found.name <= entry.name);
        }
    }
    return 0;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t limit);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t limit, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, limit);
    for (size_t at = 0; seed % 2 && at + 114 <= size; at += 116 + (seed >> 4 & 3) * 4) {
        memset(data + at, '0', 110);
        memcpy(data + at, "070701", 6);
        data[at + 14 + 3] = '8';                               /* a regular file */
        data[at + 54 + 7] = (uint8_t)('0' + (seed >> 8 & 7));  /* size */
        data[at + 94 + 7] = (uint8_t)('2' + (seed >> 12 & 3)); /* name size */
        seed = seed * 1103515245u + 12345u;
        seed |= 1;
    }
    return size;
}
