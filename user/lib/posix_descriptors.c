/* SPDX-License-Identifier: MIT */
/*
 * File descriptors as numbers: a descriptor is the index of a session handle, FD_CLOEXEC is the
 * kernel's mark of a private handle, and the flags of an open file are the server's. So nothing is
 * kept here that processes which share slot 1 could mix up.
 *
 * A new descriptor has the lowest free number among those that there are: 0, 1, 2, then from
 * HANDLE_FIRST on; between them stand sessions that every program has. Whatever else a program has
 * handles of (children, endpoints, quarters) takes numbers from the same table.
 */
#define _GNU_SOURCE /* pipe2, dup3 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "internal.h"
#include "protocol.h"

/* The kernel puts what it receives at HANDLE_FIRST or above. False: 0 to 2 are in use, so that is
 * the lowest free number. */
static bool low_may_be_free = true;

static int fail(int error) {
    errno = error;
    return -1;
}

int descriptor_fail(void) {
    if (errno == EAGAIN) /* E_LIMIT: no room in the table of handles */
        errno = EMFILE;
    return -1;
}

static int duplicate(int file, int target) {
    if (!descriptor_valid(file))
        return fail(EBADF);
    int copy = (int)posix_result(handle_dup(file, RIGHTS_ALL, target));
    return copy < 0 ? descriptor_fail() : copy;
}

/* FILE under the lowest number that is free, or FILE as it is. */
static int move_down(int file) {
    __atomic_store_n(&low_may_be_free, false, __ATOMIC_RELAXED);
    int lower = (int)handle_dup(file, RIGHTS_ALL, QUARTET_FROM(0));
    if (lower < 0)
        return file;
    if (lower > file) {
        handle_close(lower);
        return file;
    }
    __atomic_store_n(&low_may_be_free, true, __ATOMIC_RELAXED); /* there may be another one */
    handle_close(file);
    return lower;
}

int descriptor_settle(int file, bool private) {
    if (file > HANDLE_STDERR && __atomic_load_n(&low_may_be_free, __ATOMIC_RELAXED))
        file = move_down(file);
    if (private)
        handle_private(file, 1);
    return file;
}

int close(int file) {
    if (!descriptor_valid(file))
        return fail(EBADF);
    long result = handle_close(file);
    if (file <= HANDLE_STDERR)
        __atomic_store_n(&low_may_be_free, true, __ATOMIC_RELAXED);
    return (int)posix_result(result);
}

int dup(int file) { return duplicate(file, QUARTET_FROM(0)); }

int dup2(int file, int target) {
    struct handle_stat found;
    if (!descriptor_valid(target))
        return fail(EBADF);
    if (file == target)
        return posix_result(handle_stat(file, &found)) < 0 ? -1 : target;
    return duplicate(file, target);
}

int dup3(int file, int target, int flags) {
    if (file == target || (flags & ~O_CLOEXEC))
        return fail(EINVAL);
    int copy = dup2(file, target);
    if (copy >= 0 && (flags & O_CLOEXEC))
        handle_private(copy, 1);
    return copy;
}

/* ---- Pipes ----------------------------------------------------------------------------------- */

/* -1 with errno set, or the flags that the open file had. */
static int file_flags(int file, uint64_t flags) {
    struct message message = {.word = {flags}};
    return file_call(file, FILE_FLAGS, &message) < 0 ? -1 : (int)message.word[0];
}

int pipe2(int ends[2], int flags) {
    struct message message = {.word = {(uint32_t)flags & O_NONBLOCK}};
    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return fail(EINVAL);
    if (file_call(HANDLE_FILES, FILE_PIPE, &message) < 0)
        return descriptor_fail();
    for (int end = 0; end < 2; end++)
        ends[end] = descriptor_settle(message.handle[end], flags & O_CLOEXEC);
    return 0;
}

int pipe(int ends[2]) { return pipe2(ends, 0); }

/* ---- fcntl ----------------------------------------------------------------------------------- */

static int duplicate_from(int file, int from, bool private) {
    if (!descriptor_valid(from))
        return fail(EINVAL);
    int copy = duplicate(file, QUARTET_FROM(from));
    if (copy >= 0 && private)
        handle_private(copy, 1);
    return copy;
}

static int private_get(int file) {
    struct handle_stat found;
    if (posix_result(handle_stat(file, &found)) < 0)
        return -1;
    return found.private ? FD_CLOEXEC : 0;
}

int fcntl(int file, int command, ...) {
    va_list list;
    va_start(list, command);
    int argument = va_arg(list, int);
    va_end(list);
    if (!descriptor_valid(file))
        return fail(EBADF);
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return duplicate_from(file, argument, command == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return private_get(file);
    case F_SETFD:
        return (int)posix_result(handle_private(file, (argument & FD_CLOEXEC) != 0));
    case F_GETFL:
        return file_flags(file, FILE_ASK);
    case F_SETFL:
        return file_flags(file, (uint32_t)argument) < 0 ? -1 : 0;
    default:
        return fail(EINVAL);
    }
}

/* ---- Terminals ------------------------------------------------------------------------------- */

/* Only the console's sessions know its labels. */
int isatty(int file) {
    struct message message = {.word = {CONSOLE_ASK}};
    if (file_call(file, CONSOLE_MODE, &message) == 0)
        return 1;
    errno = errno == EBADF ? EBADF : ENOTTY;
    return 0;
}

int _isatty(int file) { return isatty(file); } /* stdio asks by this name */
