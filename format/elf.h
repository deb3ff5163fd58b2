/* SPDX-License-Identifier: MIT */
/*
 * ELF: check a static executable for this machine in a buffer and say what to load where. Pure: no
 * allocation, no locks, nothing but the buffer is read, so kernel, user library and fuzzers share
 * it.
 *
 * Accepted: ELF32/i386 or ELF64/x86-64 (whichever this is compiled for) of type EXEC, whose load
 * segments are ascending, do not share a page, are not both writable and executable, and lie each
 * within one of slots 0..2 (slot 3 is the stack's) and not on page 0; with the entry point in an
 * executable one.
 */
#ifndef FORMAT_ELF_H
#define FORMAT_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENT_LIMIT 16

struct elf_segment {
    uint32_t address;     /* user address of the first byte; not necessarily page aligned */
    uint32_t memory_size; /* > 0; bytes beyond file_size are zero */
    uint32_t file_offset, file_size; /* within the buffer */
    uint32_t rights;                 /* RIGHT_READ | RIGHT_WRITE or RIGHT_EXECUTE */
};

struct elf_image {
    uint32_t entry;
    uint32_t segment_count; /* 1..ELF_SEGMENT_LIMIT */
    struct elf_segment segment[ELF_SEGMENT_LIMIT];
};

enum elf_error {
    ELF_OK = 0,
    ELF_TRUNCATED,     /* the file ends before something that it names */
    ELF_NOT_ELF,       /* no ELF header, or a version that nobody knows */
    ELF_WRONG_MACHINE, /* for another class, byte order or machine */
    ELF_NOT_STATIC,    /* not of type EXEC, or wants an interpreter */
    ELF_BAD_HEADER,    /* the program headers have another size or are too many */
    ELF_BAD_SEGMENT,   /* sizes or alignment that make no sense */
    ELF_BAD_ADDRESS,   /* not in slots 0..2, across a slot border, or on another's page */
    ELF_BAD_RIGHTS,    /* writable and executable */
    ELF_BAD_ENTRY,     /* the entry point is in no executable segment */
    ELF_ERROR_COUNT,
};

/* Check the LENGTH bytes at FILE and fill IMAGE; on an error IMAGE means nothing. */
enum elf_error elf_parse(const void *file, size_t length, struct elf_image *image);

/* The same for a file of which only the first LENGTH bytes are at hand: the program headers must
 * lie in them, the segments' bytes may lie anywhere below FILE_LENGTH. */
enum elf_error elf_parse_head(const void *head, size_t length, uint64_t file_length,
                              struct elf_image *image);

/* What the error means, as the end of a sentence: "it is for another machine". */
const char *elf_error_text(enum elf_error error);

#endif
