/* SPDX-License-Identifier: MIT */
/*
 * Running a program image: new quarters for the slots that it renews are filled from the ELF file,
 * then one space_set puts them in place and jumps. Until that call nothing of the target has
 * changed, so a failure at any point leaves it as it was.
 *
 * The new stack, from its end downwards: the strings of argv and the environment; then, at the
 * stack pointer, argc, argv[], 0, environment[], 0 in words of the machine. crt-*.asm and start.c
 * read it. Next: spawn.c (the same into a clone), posix_process.c (execve).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "kernel/format/elf.h"

#define HEAD_SIZE 4096u /* the program headers are expected in it */
#define ARGUMENT_LIMIT (256u * 1024)
#define STACK_END_OFFSET ((uint32_t)(QUARTET_STACK_TOP - SLOT_BASE(SLOT_STACK)))

extern char **environ;

/* The file's bytes: in memory, or behind an open file. */
struct source {
    const char *image; /* or null */
    int file;
    uint64_t length;
};

/* The quarters under construction; QUARTET_KEEP where the slot stays. */
struct build {
    struct space_change change;
    uint32_t renew;
    struct source source;
    struct elf_image elf;
};

static int fail(int error) {
    errno = error;
    return -1;
}

static int source_open(struct source *source, const struct quartet_program *program) {
    *source = (struct source){program->image, -1, program->image_length};
    if (program->image != NULL)
        return 0;
    struct stat stat;
    source->file = open(program->path, O_RDONLY | O_CLOEXEC);
    if (source->file < 0)
        return -1;
    if (fstat(source->file, &stat) < 0)
        return -1;
    source->length = (uint64_t)stat.st_size;
    return S_ISREG(stat.st_mode) ? 0 : fail(EACCES);
}

static void source_close(struct source *source) {
    int error = errno;
    if (source->file >= 0)
        close(source->file);
    errno = error;
}

static int source_read(const struct source *source, uint32_t offset, char *buffer,
                       uint32_t length) {
    if (source->image != NULL) {
        memcpy(buffer, source->image + offset, length);
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

static int image_parse(struct build *build) {
    char head[HEAD_SIZE];
    uint32_t length = build->source.length < HEAD_SIZE ? (uint32_t)build->source.length : HEAD_SIZE;
    if (source_read(&build->source, 0, head, length) < 0)
        return -1;
    enum elf_error error = elf_parse_head(head, length, build->source.length, &build->elf);
    return error == ELF_OK ? 0 : fail(ENOEXEC);
}

static int segment_fill(struct build *build, const struct elf_segment *segment, int quarter) {
    char buffer[PAGE_SIZE];
    for (uint32_t done = 0; done < segment->file_size;) {
        uint32_t length = segment->file_size - done;
        length = length < PAGE_SIZE ? length : PAGE_SIZE;
        if (source_read(&build->source, segment->file_offset + done, buffer, length) < 0)
            return -1;
        if (posix_result(
                quarter_supply(quarter, SLOT_OFFSET(segment->address) + done, buffer, length)) < 0)
            return -1;
        done += length;
    }
    return 0;
}

static int segment_build(struct build *build, const struct elf_segment *segment) {
    uint32_t slot = SLOT_OF(segment->address), offset = SLOT_OFFSET(segment->address);
    if (!(build->renew & RENEW(slot)))
        return 0;
    uint32_t start = offset & ~(PAGE_SIZE - 1);
    uint32_t end = (offset + segment->memory_size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    int quarter = build->change.quarter[slot];
    if (posix_result(quarter_map(quarter, start, end - start, segment->rights)) < 0)
        return -1;
    return segment_fill(build, segment, quarter);
}

static size_t list_measure(char *const *list, size_t *count) {
    size_t bytes = 0;
    for (*count = 0; list[*count] != NULL; ++*count)
        bytes += strlen(list[*count]) + 1;
    return bytes;
}

/* Copy LIST's strings to *STRINGS, whose address in the new stack is *ADDRESS, and the new pointers
 * to WORDS. */
static uintptr_t *list_copy(char *const *list, uintptr_t *words, char **strings,
                            uintptr_t *address) {
    for (; *list != NULL; list++) {
        size_t length = strlen(*list) + 1;
        memcpy(*strings, *list, length);
        *words++ = *address;
        *strings += length;
        *address += length;
    }
    *words++ = 0;
    return words;
}

static int stack_fill(struct build *build, char *const *argv, char *const *environment) {
    size_t argument_count, environment_count;
    size_t bytes =
        list_measure(argv, &argument_count) + list_measure(environment, &environment_count);
    size_t words = (argument_count + environment_count + 3) * sizeof(uintptr_t);
    size_t length = (words + bytes + 15) & ~(size_t)15;
    if (length > ARGUMENT_LIMIT)
        return fail(E2BIG);
    char *image = calloc(1, length);
    if (image == NULL)
        return -1;

    uint32_t offset = STACK_END_OFFSET - (uint32_t)length;
    uintptr_t address = (uintptr_t)SLOT_BASE(SLOT_STACK) + offset + words;
    char *strings = image + words;
    uintptr_t *word = (uintptr_t *)image;
    *word++ = argument_count;
    word = list_copy(argv, word, &strings, &address);
    list_copy(environment, word, &strings, &address);

    long result =
        quarter_supply(build->change.quarter[SLOT_STACK], offset, image, (uint32_t)length);
    build->change.sp = SLOT_BASE(SLOT_STACK) + offset;
    free(image);
    return (int)posix_result(result);
}

static int stack_build(struct build *build, const struct quartet_program *program) {
    char *nothing[] = {build->change.name, NULL};
    long result =
        quarter_map(build->change.quarter[SLOT_STACK], STACK_END_OFFSET - QUARTET_STACK_SIZE,
                    QUARTET_STACK_SIZE, RIGHT_READ | RIGHT_WRITE);
    if (posix_result(result) < 0)
        return -1;
    return stack_fill(build, program->argv != NULL ? program->argv : nothing,
                      program->environment != NULL ? program->environment : environ);
}

static void name_set(struct build *build, const struct quartet_program *program) {
    const char *name = program->name;
    if (name == NULL && program->path != NULL) {
        const char *slash = strrchr(program->path, '/');
        name = slash != NULL ? slash + 1 : program->path;
    }
    if (name == NULL)
        name = program->argv != NULL && program->argv[0] != NULL ? program->argv[0] : "program";
    strncpy(build->change.name, name, sizeof(build->change.name) - 1);
}

static int quarters_create(struct build *build) {
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (!(build->renew & RENEW(slot)))
            continue;
        long quarter = quarter_create(slot);
        if (posix_result(quarter) < 0)
            return -1;
        build->change.quarter[slot] = (int)quarter;
        build->change.rights[slot] = RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE;
    }
    return 0;
}

static int quarters_fill(struct build *build, const struct quartet_program *program) {
    for (uint32_t i = 0; i < build->elf.segment_count; i++)
        if (segment_build(build, &build->elf.segment[i]) < 0)
            return -1;
    build->change.entry = build->elf.entry;
    return stack_build(build, program);
}

static void quarters_close(struct build *build) {
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        if (build->change.quarter[slot] >= 0)
            handle_close(build->change.quarter[slot]);
}

static int build_make(struct build *build, int process, const struct quartet_program *program) {
    *build = (struct build){.renew = program->renew != 0 ? program->renew : RENEW_DEFAULT};
    build->change.process = process;
    build->change.flags = SPACE_START | SPACE_CONSUME;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        build->change.quarter[slot] = QUARTET_KEEP;
    if (!(build->renew & RENEW(SLOT_STACK)))
        return fail(EINVAL);

    name_set(build, program);
    int result = source_open(&build->source, program);
    if (result == 0)
        result = image_parse(build);
    if (result == 0)
        result = quarters_create(build);
    if (result == 0)
        result = quarters_fill(build, program);
    source_close(&build->source);
    return result;
}

int quartet_start_program(int process, const struct quartet_program *program) {
    struct build build;
    int result = build_make(&build, process, program);
    if (result == 0)
        result = (int)posix_result(space_set(&build.change));
    if (result < 0) {
        int error = errno;
        quarters_close(&build);
        errno = error;
    }
    return result;
}

int quartet_execute(const struct quartet_program *program) {
    return quartet_start_program(QUARTET_SELF, program);
}
