/* SPDX-License-Identifier: MIT */
/*
 * Files in memory. The file server becomes the pager of the quarter that a file is mapped into, and
 * brings its pages when they are touched (user/servers/files/map.c). Anonymous memory by the same
 * names is quartet_map()'s. Next: memory.c, image.c (programs).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"
#include "protocol.h"

#define TRY_LIMIT 4096

static bool files_mapped; /* ever: else nothing need be told to the file server */

int quartet_map_file(int file, int quarter, uint32_t offset, uint64_t file_offset, uint32_t length,
                     uint32_t flags) {
    struct message message = {
        .word = {offset, file_offset, length, flags}, .handle = {quarter}, .handle_count = 1};
    return file_call(file, FILE_MAP, &message);
}

/* Somewhere in slot 1. */
static void *map_file(size_t length, uint32_t flags, int file, off_t offset) {
    long quarter = space_get(SLOT_DATA);
    if (posix_result(quarter) < 0)
        return MAP_FAILED;
    void *result = MAP_FAILED;
    for (int tries = 0; result == MAP_FAILED && tries < TRY_LIMIT; tries++) {
        uint32_t place = map_place_next(SLOT_DATA, (uint32_t)length);
        if (quartet_map_file(file, (int)quarter, place, (uint64_t)offset, (uint32_t)length,
                             flags) == 0)
            result = (void *)(uintptr_t)(SLOT_BASE(SLOT_DATA) + place);
        else if (errno != EEXIST)
            break;
    }
    handle_close((int)quarter);
    files_mapped |= result != MAP_FAILED;
    return result;
}

static void *map_anonymous(size_t length, uint32_t rights) {
    void *result = quartet_map(SLOT_DATA, length);
    if (result == NULL)
        return MAP_FAILED;
    if (rights != (RIGHT_READ | RIGHT_WRITE) && mprotect(result, length, (int)rights) < 0) {
        quartet_unmap(result, length);
        return MAP_FAILED;
    }
    return result;
}

/* PROT_* are RIGHT_*. Pages that cannot be read exist on no x86. */
static bool protection_valid(int protection) {
    return (protection & PROT_READ) && !(protection & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) &&
           (protection & (PROT_WRITE | PROT_EXEC)) != (PROT_WRITE | PROT_EXEC);
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    (void)address; /* a hint */
    int kind = flags & (MAP_SHARED | MAP_PRIVATE);
    if (length == 0 || length > QUARTER_SIZE || !protection_valid(protection) ||
        (kind != MAP_SHARED && kind != MAP_PRIVATE) ||
        (flags & ~(MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE)) ||
        offset % (off_t)PAGE_SIZE != 0) {
        errno = length == 0 || offset % (off_t)PAGE_SIZE != 0 ? EINVAL : ENOTSUP;
        return MAP_FAILED;
    }
    length = (length + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
    if (!(flags & MAP_ANONYMOUS))
        return map_file(length,
                        (uint32_t)protection | (kind == MAP_SHARED ? FILE_MAP_SHARED : 0) |
                            (flags & MAP_POPULATE ? FILE_MAP_NOW : 0),
                        file, offset);
    if (kind == MAP_SHARED) { /* fork() would make a copy of it: slot 2 is for that */
        errno = ENOTSUP;
        return MAP_FAILED;
    }
    return map_anonymous(length, (uint32_t)protection);
}

static void files_forget(uint32_t slot, uint32_t offset, uint32_t length) {
    int error = errno;
    long quarter = space_get(slot);
    struct message message = {
        .word = {offset, length}, .handle = {(int)quarter}, .handle_count = 1};
    if (quarter >= 0) {
        file_call(HANDLE_FILES, FILE_UNMAP,
                  &message); /* if it fails the server remembers too much */
        handle_close((int)quarter);
    }
    errno = error;
}

int munmap(void *address, size_t length) {
    uint32_t at = (uint32_t)(uintptr_t)address;
    if (length == 0 || at % PAGE_SIZE != 0) {
        errno = EINVAL;
        return -1;
    }
    uint32_t size = ((uint32_t)length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    long result = quarter_unmap(QUARTET_SLOT(SLOT_OF(at)), SLOT_OFFSET(at), size);
    if (result == 0 && files_mapped)
        files_forget(SLOT_OF(at), SLOT_OFFSET(at), size);
    return result == -E_NOTFOUND ? 0
                                 : (int)posix_result(result); /* POSIX: nothing there is no error */
}

int mprotect(void *address, size_t length, int protection) {
    uint32_t at = (uint32_t)(uintptr_t)address;
    if (!protection_valid(protection)) {
        errno = ENOTSUP;
        return -1;
    }
    return (int)posix_result(quarter_protect(QUARTET_SLOT(SLOT_OF(at)), SLOT_OFFSET(at),
                                             ((uint32_t)length + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1),
                                             (uint32_t)protection));
}

/* What is shared is one frame for all: nothing is ever to be written back. */
int msync(void *address, size_t length, int flags) {
    (void)address, (void)length, (void)flags;
    return 0;
}
