/* SPDX-License-Identifier: MIT */
/*
 * From an ELF file to quarters: what programs that start others, and the loader, do alike. Includes
 * nothing of a process: who fills quarters, and what they are for, is exec.c's or the loader's.
 */
#ifndef QUARTET_IMAGE_H
#define QUARTET_IMAGE_H

#include <stdint.h>

#include "abi/abi.h"
#include "format/elf.h"

/* The file's bytes: in memory, or behind an open file. */
struct image_source {
    const char *bytes; /* or null */
    int file;
    uint64_t length;
};

/* Both: 0, or -1 with errno set; ENOEXEC: it is no program. */
int image_parse(const struct image_source *source, struct elf_image *image);

/* Regions and contents of all segments of SLOT into QUARTER, which is that of the image alone. */
int image_fill(const struct image_source *source, const struct elf_image *image, uint32_t slot,
               int quarter);

/* Bit N: slot N has a segment; one that may be written to. */
uint32_t image_slots(const struct elf_image *image);
uint32_t image_slots_written(const struct elf_image *image);

#endif
