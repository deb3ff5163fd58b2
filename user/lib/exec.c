/* SPDX-License-Identifier: MIT */
/*
 * Running a program image. The loader (user/servers/loader.c) has quarters with the program in them:
 * one with its text for all, and one with its data as they are at the start, of which each process
 * makes a copy; the stack is built here. Then one space_set puts them in place and jumps. Until that
 * call nothing of the target has changed, so a failure at any point leaves it as it was. An image in
 * memory is loaded here, and so is a file if there is no loader, or no room in it.
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

#include "image.h"
#include "internal.h"
#include "path.h"
#include "protocol.h"

#define ARGUMENT_LIMIT (256u * 1024)
#define STACK_END_OFFSET ((uint32_t)(QUARTET_STACK_TOP - SLOT_BASE(SLOT_STACK)))

extern char **environ;

/* The quarters under construction; QUARTET_KEEP where the slot stays. */
struct build {
    struct space_change change;
    uint32_t renew;
};

static int fail(int error) {
    errno = error;
    return -1;
}

/* ---- The stack ------------------------------------------------------------------------------- */

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

/* ---- The image ------------------------------------------------------------------------------- */

/* QUARTER, which is the caller's own, becomes that of SLOT. */
static void slot_take(struct build *build, uint32_t slot, int quarter, uint32_t view) {
    build->change.quarter[slot] = quarter;
    build->change.rights[slot] = view;
}

/* New quarters for the slots that nobody has filled. */
static int quarters_create(struct build *build) {
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (!(build->renew & RENEW(slot)) || build->change.quarter[slot] >= 0)
            continue;
        long quarter = quarter_create(slot);
        if (posix_result(quarter) < 0)
            return -1;
        slot_take(build, slot, (int)quarter, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    }
    return 0;
}

static int source_open(struct image_source *source, const struct quartet_program *program) {
    *source = (struct image_source){program->image, -1, program->image_length};
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

static void source_close(struct image_source *source) {
    int error = errno;
    if (source->file >= 0)
        close(source->file);
    errno = error;
}

static int image_copy(struct build *build, const struct image_source *source) {
    struct elf_image image;
    if (image_parse(source, &image) < 0 || quarters_create(build) < 0)
        return -1;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        if ((build->renew & RENEW(slot)) &&
            image_fill(source, &image, slot, build->change.quarter[slot]) < 0)
            return -1;
    build->change.entry = image.entry;
    return 0;
}

/* Without the loader: all quarters are new, and filled here. */
static int load_here(struct build *build, const struct quartet_program *program) {
    struct image_source source;
    int result = source_open(&source, program);
    if (result == 0)
        result = image_copy(build, &source);
    source_close(&source);
    return result;
}

/* What the loader sent for one slot: it is shared with all who run this program, and read-only; or,
 * PRISTINE, to be copied, which costs nothing until somebody writes. */
static int slot_receive(struct build *build, uint32_t slot, int quarter, bool pristine) {
    if (!pristine) {
        slot_take(build, slot, quarter, RIGHT_READ | RIGHT_EXECUTE);
        return 0;
    }
    long copy = quarter_copy(quarter);
    handle_close(quarter);
    if (posix_result(copy) < 0)
        return -1;
    slot_take(build, slot, (int)copy, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE);
    return 0;
}

static int slots_receive(struct build *build, const struct message *message) {
    uint32_t shared = (uint32_t)message->word[1], pristine = (uint32_t)message->word[2], next = 0;
    int result = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT && next < message->handle_count; slot++) {
        if (!((shared | pristine) & RENEW(slot)))
            continue;
        int quarter = message->handle[next++];
        if (result == 0)
            result = slot_receive(build, slot, quarter, pristine & RENEW(slot));
        else
            handle_close(quarter);
    }
    build->change.entry = (uint32_t)message->word[0];
    return result == 0 ? quarters_create(build) : -1;
}

/* Is ERROR the loader's own trouble, and not the program's? */
static bool loader_is_out(int error) {
    return error == ENOSPC || error == EIO || error == ENXIO || error == EBADF || error == ENOENT;
}

/* 1: there is no loader, or it has no room for this one. */
static int load_there(struct build *build, const char *path) {
    char absolute[PATH_SIZE];
    if (path_absolute(path, absolute) < 0)
        return -1;
    int loader = quartet_service("loader");
    if (loader < 0)
        return loader_is_out(errno) ? 1 : -1;
    struct message message = {.word = {build->renew},
                              .send_buffer = (uintptr_t)absolute,
                              .send_length = (uint32_t)strlen(absolute)};
    int result = file_call(loader, LOADER_LOAD, &message);
    int error = errno;
    handle_close(loader);
    if (result == 0)
        return slots_receive(build, &message);
    errno = error;
    return error != ENOENT && loader_is_out(error) ? 1 : -1;
}

static int image_build(struct build *build, const struct quartet_program *program) {
    int result = program->image == NULL ? load_there(build, program->path) : 1;
    return result == 1 ? load_here(build, program) : result;
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
    return image_build(build, program) < 0 ? -1 : stack_build(build, program);
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
