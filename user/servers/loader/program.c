/* SPDX-License-Identifier: MIT */
/*
 * One program. What no segment may write to is the same for all processes that run it, so they can
 * share one quarter, under one sub-ID. The handle that leaves the loader has no right to write: so
 * nobody changes the text of others, through that handle or through the view made with it. Of what
 * is written to, each process makes its own copy, for which read and duplicate are enough.
 */
#include "user/servers/loader/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "user/lib/image.h"

#define SHARED_RIGHTS (RIGHT_READ | RIGHT_EXECUTE | RIGHT_MAP | RIGHT_TRANSFER)
#define PRISTINE_RIGHTS (RIGHT_READ | RIGHT_DUPLICATE | RIGHT_TRANSFER)
#define LOAD_TRIES 3 /* of a file that changes while it is read */

uint32_t program_frames;

struct program_key program_key(const struct stat *stat) {
    return (struct program_key){.inode = stat->st_ino,
                                .size = (uint64_t)stat->st_size,
                                .seconds = (uint64_t)stat->st_mtim.tv_sec,
                                .nanoseconds = (uint32_t)stat->st_mtim.tv_nsec};
}

bool program_key_equal(const struct program_key *one, const struct program_key *other) {
    return one->inode == other->inode && one->size == other->size &&
           one->seconds == other->seconds && one->nanoseconds == other->nanoseconds;
}

void program_release(struct program *program) {
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (program->quarter[slot] != QUARTET_NONE) {
            handle_close(program->quarter[slot]);
        }
    }
    program->used = 0;
}

static int kernel_error(long result) { return result == -E_LIMIT ? ENOMEM : quartet_errno(result); }

/* Fill QUARTER and keep it with RIGHTS only; it is closed if that fails. */
static int slot_load(const struct image_source *source, const struct elf_image *image,
                     uint32_t slot, uint32_t rights, int *result) {
    long quarter = quarter_create(slot), reduced;
    if (quarter < 0) {
        return kernel_error(quarter);
    }
    int error = image_fill(source, image, slot, (int)quarter) < 0 ? errno : 0;
    if (error == 0 && (reduced = handle_dup((int)quarter, rights, QUARTET_NONE)) >= 0) {
        *result = (int)reduced;
    } else if (error == 0) {
        error = kernel_error(reduced);
    }
    handle_close((int)quarter);
    return error == EAGAIN ? ENOMEM : error;
}

/* A program that would drive out most others, and keep them all waiting while it is read, is for who
 * starts it to load. */
static bool image_is_large(const struct elf_image *image) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        bytes += image->segment[i].file_size;
    }
    return bytes / PAGE_SIZE > program_frames / 2;
}

static int image_load(const struct image_source *source, struct program *program) {
    struct elf_image image;
    if (image_parse(source, &image) < 0) {
        return errno;
    }
    if (image_is_large(&image)) {
        return ENOSPC;
    }
    uint32_t written = image_slots_written(&image), slots = image_slots(&image);
    program->entry = image.entry;
    program->shared = slots & ~written;
    program->pristine = written;
    int error = 0;
    for (uint32_t slot = 0; slot < SLOT_COUNT && error == 0; slot++) {
        if (slots & RENEW(slot)) {
            error = slot_load(source, &image, slot,
                              written & RENEW(slot) ? PRISTINE_RIGHTS : SHARED_RIGHTS,
                              &program->quarter[slot]);
        }
    }
    if (error != 0) {
        program_release(program);
    }
    return error;
}

/* EBUSY: the file has changed meanwhile. */
static int file_load(int file, struct program *program) {
    struct stat before, after;
    if (fstat(file, &before) < 0) {
        return errno;
    }
    if (!S_ISREG(before.st_mode)) {
        return EACCES;
    }
    *program = (struct program){
        .key = program_key(&before),
        .quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE, QUARTET_NONE},
    };
    struct image_source source = {.file = file, .length = (uint64_t)before.st_size};
    int error = image_load(&source, program);
    if (error != 0) {
        return error;
    }
    struct program_key key;
    if (fstat(file, &after) < 0 ||
        (key = program_key(&after), !program_key_equal(&key, &program->key))) {
        program_release(program);
        return EBUSY;
    }
    return 0;
}

int program_load(const char *path, struct program *program) {
    int file = open(path, O_RDONLY);
    if (file < 0) {
        return errno;
    }
    int error = EBUSY;
    for (int tries = 0; error == EBUSY && tries < LOAD_TRIES; tries++) {
        error = file_load(file, program);
    }
    close(file);
    return error;
}
