/* SPDX-License-Identifier: MIT */
/*
 * read() and write(). Few bytes go as a short message (protocol.h, enum small_label), which takes a
 * third of what one with a struct message does; all that is unusual about it, errors of the kernel
 * among it, is left to the long way (posix_files.c).
 *
 * The bytes of a short message go through registers: it is the program that touches BUFFER, and not
 * the kernel, which would answer EFAULT for a bad one. So a buffer that may be bad goes the long way.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "protocol.h"

#define GO_LONG (-2) /* instead of a result */

/* LENGTH bytes at BUFFER lie in the part of this thread's stack that is in use, or in data and heap. */
static inline bool is_plain_memory(const void *buffer, size_t length) {
    uintptr_t start = (uintptr_t)buffer, end = (uintptr_t)thread_self();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if ((here ^ end) < QUARTER_SIZE && start >= here && start < end)
        return end - start >= length;
    end = memory_data_end;
    return start >= SLOT_BASE(SLOT_DATA) && start < end && end - start >= length;
}

static inline bool is_small(const void *buffer, size_t length) {
    return length <= SMALL_BYTES && (length == 0 || is_plain_memory(buffer, length));
}

/* The reply's LABEL for LENGTH bytes, as a result. */
static __attribute__((noinline)) long small_failed(int file, long label) {
    if (label == -E_DEAD)
        console_restore(file); /* before it is tried once more */
    if (label < SMALL_ERROR(1) || SMALL_ERRNO(label) == ENOSYS)
        return GO_LONG;
    errno = (int)SMALL_ERRNO(label);
    return -1;
}

static inline void bytes_copy(void *to, const void *from, size_t length) {
    if (length == 1)
        *(char *)to = *(const char *)from;
    else
        memcpy(to, from, length);
}

static inline long small_read(int file, void *buffer, size_t length) {
    struct short_message words = {.badge = 0};
    long label = ipc_call_short(file, SMALL_READ | (uint32_t)length, &words);
    if ((unsigned long)label > length)
        return small_failed(file, label);
    bytes_copy(buffer, words.word, (size_t)label);
    return label;
}

static inline long small_write(int file, const void *buffer, size_t length) {
    struct short_message words = {.badge = 0};
    bytes_copy(words.word, buffer, length);
    long label = ipc_call_short(file, SMALL_WRITE | (uint32_t)length, &words);
    return (unsigned long)label > length ? small_failed(file, label) : label;
}

_READ_WRITE_RETURN_TYPE read(int file, void *buffer, size_t length) {
    long result = is_small(buffer, length) ? small_read(file, buffer, length) : GO_LONG;
    return result != GO_LONG ? result : file_read_at(file, FILE_HERE, buffer, length);
}

_READ_WRITE_RETURN_TYPE write(int file, const void *buffer, size_t length) {
    long result = is_small(buffer, length) ? small_write(file, buffer, length) : GO_LONG;
    return result != GO_LONG ? result : file_write_at(file, FILE_HERE, buffer, length);
}
