/* SPDX-License-Identifier: MIT */
/*
 * Files, directories and pipes the POSIX way: a descriptor is the index of a session handle, and
 * each call is a message of protocol.h to what stands behind it. Paths are made absolute in
 * posix_path.c, read() and write() are in posix_small.c; the numbers themselves are the business of
 * posix_descriptors.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "internal.h"
#include "path.h"
#include "protocol.h"

#define TRY_LIMIT 2 /* what kills each server that gets it must not do so for ever */

/* Bits that new files and directories do not get; of this program, children by fork inherit it. */
static mode_t mode_mask = 022;

static int parts_check(const struct iovec *parts, int count) {
    size_t length = 0;
    for (int i = 0; i < count && count <= IOV_MAX; i++) {
        if (parts[i].iov_len > (size_t)SSIZE_MAX - length)
            count = 0;
        length += parts[i].iov_len;
    }
    if (count > 0 && count <= IOV_MAX)
        return 0;
    errno = EINVAL;
    return -1;
}

/* May LABEL be sent once more, when the server has died with it and is back? Sessions do not outlive
 * a file server, so only calls with a path could do their work twice. */
static bool call_repeatable(uint32_t label, const struct message *message) {
    switch (label) {
    case FILE_OPEN:
        return !(message->word[0] & O_EXCL);
    case FILE_MAKE_DIRECTORY:
    case FILE_REMOVE:
    case FILE_RENAME:
        return false;
    default:
        return true;
    }
}

/* E_DEAD: the server has ended with the call in its hands. If init has started another one it
 * stands behind the same session. */
static long call_send(int file, uint32_t label, struct message *message) {
    message->label = label;
    long result = ipc_call(file, message);
    for (int tries = 0; result == -E_DEAD && tries < TRY_LIMIT; tries++) {
        console_restore(file);
        if (!call_repeatable(label, message))
            break;
        message->label = label;
        result = ipc_call(file, message);
    }
    return result;
}

int file_call(int file, uint32_t label, struct message *message) {
    if (!descriptor_valid(file)) {
        errno = EBADF;
        return -1;
    }
    long result = call_send(file, label, message);
    if (posix_result(result) < 0) {
        if (result == -E_DEAD)
            errno = EIO;
        return -1;
    }
    if (message->label == 0)
        return 0;
    errno = (int)message->label;
    return -1;
}

/* Whether the call failed because there is no server behind FILE: as long as the system starts. */
static bool file_is_early(int file) {
    return (errno == EBADF || errno == ENOSYS) && file >= HANDLE_STDOUT && file <= HANDLE_STDERR;
}

/* MORE: what is missing can be had at once (FILE_MORE), if the count is what was asked for. */
static long file_read_some(int file, uint64_t offset, void *buffer, size_t length, bool *more) {
    uint32_t size = length < MESSAGE_BYTES ? (uint32_t)length : MESSAGE_BYTES;
    struct message message = {
        .word = {size, offset}, .receive_buffer = (uintptr_t)buffer, .receive_size = size};
    if (file_call(file, FILE_READ, &message) < 0)
        return -1;
    *more = message.word[0] == FILE_MORE && message.receive_length == size;
    return (long)message.receive_length;
}

/* All of it from a file, as POSIX wants; from pipes and the console what is there. */
static long file_read_all(int file, uint64_t offset, char *buffer, size_t length, bool *more) {
    size_t done = 0;
    do {
        long count = file_read_some(file, offset, buffer + done, length - done, more);
        if (count < 0)
            return done > 0 ? (long)done : -1;
        done += (size_t)count;
        offset += offset == FILE_HERE ? 0 : (uint64_t)count;
    } while (*more && done < length);
    return (long)done;
}

long file_read_at(int file, uint64_t offset, void *buffer, size_t length) {
    bool more;
    return file_read_all(file, offset, buffer, length, &more);
}

static int offset_check(off_t offset) {
    if (offset >= 0)
        return 0;
    errno = EINVAL;
    return -1;
}

ssize_t pread(int file, void *buffer, size_t length, off_t offset) {
    return offset_check(offset) < 0 ? -1 : file_read_at(file, (uint64_t)offset, buffer, length);
}

ssize_t readv(int file, const struct iovec *parts, int count) {
    bool more = true;
    ssize_t done = 0;
    if (parts_check(parts, count) < 0)
        return -1;
    for (int i = 0; i < count && more; i++) {
        long got = file_read_all(file, FILE_HERE, parts[i].iov_base, parts[i].iov_len, &more);
        if (got < 0)
            return done > 0 ? done : -1;
        done += got;
    }
    return done;
}

static long file_write_some(int file, uint64_t offset, const void *buffer, size_t length) {
    uint32_t size = length < MESSAGE_BYTES ? (uint32_t)length : MESSAGE_BYTES;
    struct message message = {
        .word = {offset}, .send_buffer = (uintptr_t)buffer, .send_length = size};
    if (file_call(file, FILE_WRITE, &message) == 0)
        return (long)message.word[0];
    return file_is_early(file) ? console_early_write(file, buffer, size) : -1;
}

/* All of it, as POSIX wants for files and blocking pipes; less only if an error comes after some
 * bytes. */
long file_write_at(int file, uint64_t offset, const void *buffer, size_t length) {
    size_t done = 0;
    do {
        long count = file_write_some(file, offset, (const char *)buffer + done, length - done);
        if (count <= 0)
            return done > 0 ? (long)done : count;
        done += (size_t)count;
        offset += offset == FILE_HERE ? 0 : (uint64_t)count;
    } while (done < length);
    return (long)done;
}

ssize_t pwrite(int file, const void *buffer, size_t length, off_t offset) {
    return offset_check(offset) < 0 ? -1 : file_write_at(file, (uint64_t)offset, buffer, length);
}

/* What fits in a message goes as one piece, as a write to a pipe must. */
ssize_t writev(int file, const struct iovec *parts, int count) {
    char together[MESSAGE_BYTES];
    size_t length = 0;
    ssize_t done = 0;
    if (parts_check(parts, count) < 0)
        return -1;
    for (int i = 0; i < count && length <= MESSAGE_BYTES; i++) {
        if (parts[i].iov_len <= MESSAGE_BYTES - length)
            memcpy(together + length, parts[i].iov_base, parts[i].iov_len);
        length += parts[i].iov_len;
    }
    if (length <= MESSAGE_BYTES)
        return write(file, together, length);
    for (int i = 0; i < count; i++) {
        long put = file_write_at(file, FILE_HERE, parts[i].iov_base, parts[i].iov_len);
        if (put < 0)
            return done > 0 ? done : -1;
        done += put;
    }
    return done;
}

/* Send LABEL with PATH made absolute to the file server. */
static int path_call(uint32_t label, const char *path, struct message *message) {
    char absolute[PATH_SIZE];
    if (path_absolute(path, absolute) < 0)
        return -1;
    message->send_buffer = (uintptr_t)absolute;
    message->send_length = (uint32_t)strlen(absolute);
    return file_call(HANDLE_FILES, label, message);
}

int open(const char *path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, int) : 0;
    va_end(list);
    struct message message = {.word = {(uint32_t)flags, mode & ~mode_mask}};
    if (path_call(FILE_OPEN, path, &message) < 0)
        return descriptor_fail();
    return descriptor_settle(message.handle[0], flags & O_CLOEXEC);
}

off_t lseek(int file, off_t offset, int whence) {
    struct message message = {.word = {(uint64_t)(int64_t)offset, (uint32_t)whence}};
    return file_call(file, FILE_SEEK, &message) < 0 ? -1 : (off_t)message.word[0];
}

static void stat_convert(const struct file_stat *from, struct stat *to) {
    *to = (struct stat){
        .st_ino = (ino_t)from->inode,
        .st_mode = (mode_t)from->mode,
        .st_nlink = (nlink_t)from->links,
        .st_size = (off_t)from->size,
        .st_blksize = MESSAGE_BYTES,
        .st_blocks = (blkcnt_t)((from->size + 511) / 512),
    };
    to->st_mtim.tv_sec = (time_t)(from->modified / 1000000000u);
    to->st_mtim.tv_nsec = (long)(from->modified % 1000000000u);
    to->st_atim = to->st_ctim = to->st_mtim;
}

int fstat(int file, struct stat *stat) {
    struct file_stat found = {.mode = S_IFCHR | 0600, .links = 1};
    struct message message = {.receive_buffer = (uintptr_t)&found, .receive_size = sizeof(found)};
    if (file_call(file, FILE_STAT, &message) < 0 && !file_is_early(file))
        return -1;
    stat_convert(&found, stat);
    return 0;
}

int stat(const char *path, struct stat *stat) {
    struct file_stat found;
    struct message message = {.receive_buffer = (uintptr_t)&found, .receive_size = sizeof(found)};
    if (path_call(FILE_STAT, path, &message) < 0)
        return -1;
    stat_convert(&found, stat);
    return 0;
}

int lstat(const char *path, struct stat *found) {
    return stat(path, found); /* there are no symbolic links */
}

int access(const char *path, int mode) {
    struct stat found;
    (void)mode; /* nor users */
    return stat(path, &found);
}

int mkdir(const char *path, mode_t mode) {
    struct message message = {.word = {mode & ~mode_mask}};
    return path_call(FILE_MAKE_DIRECTORY, path, &message);
}

int unlink(const char *path) {
    struct message message = {.word = {0}};
    return path_call(FILE_REMOVE, path, &message);
}

int rmdir(const char *path) {
    struct message message = {.word = {1}};
    return path_call(FILE_REMOVE, path, &message);
}

int remove(const char *path) {
    struct stat found;
    if (stat(path, &found) < 0)
        return -1;
    return S_ISDIR(found.st_mode) ? rmdir(path) : unlink(path);
}

int rename(const char *old, const char *new) {
    char paths[2 * PATH_SIZE];
    if (path_absolute(old, paths) < 0)
        return -1;
    size_t length = strlen(paths);
    if (path_absolute(new, paths + length) < 0)
        return -1;
    struct message message = {
        .word = {length}, .send_buffer = (uintptr_t)paths, .send_length = (uint32_t)strlen(paths)};
    return file_call(HANDLE_FILES, FILE_RENAME, &message);
}

int link(const char *old, const char *new) {
    (void)old, (void)new;
    errno = EOPNOTSUPP;
    return -1;
}

mode_t umask(mode_t mask) {
    mode_t old = mode_mask;
    mode_mask = mask & 0777;
    return old;
}

int ftruncate(int file, off_t length) {
    if (offset_check(length) < 0)
        return -1;
    struct message message = {.word = {(uint64_t)length}};
    return file_call(file, FILE_TRUNCATE, &message);
}

int truncate(const char *path, off_t length) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    int result = ftruncate(file, length), error = errno;
    close(file);
    errno = error;
    return result;
}

/* A write has reached the server's memory when it returns, and there is nothing more lasting. */
int fsync(int file) {
    struct stat found;
    if (fstat(file, &found) < 0)
        return -1;
    if (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode))
        return 0;
    errno = EINVAL;
    return -1;
}

int fdatasync(int file) { return fsync(file); }

void sync(void) {}

static unsigned char entry_type(uint64_t mode) {
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return DT_DIR;
    case S_IFCHR:
        return DT_CHR;
    case S_IFIFO:
        return DT_FIFO;
    default:
        return DT_REG;
    }
}

/* What newlib's readdir() reads with: one entry for each call, as the protocol gives them. */
int getdents(int file, void *buffer, int length) {
    struct dirent *entry = buffer;
    struct message message = {
        .word = {FILE_HERE}, .receive_buffer = (uintptr_t)entry->d_name, .receive_size = MAXNAMLEN};
    if (length < (int)sizeof(*entry)) {
        errno = EINVAL;
        return -1;
    }
    if (file_call(file, FILE_READ_DIRECTORY, &message) < 0)
        return -1;
    if (message.receive_length == 0)
        return 0;
    entry->d_name[message.receive_length] = '\0';
    entry->d_ino = (ino_t)message.word[0];
    if (entry->d_ino == 0)
        entry->d_ino = 1; /* readdir() takes 0 for a removed entry */
    entry->d_type = entry_type(message.word[1]);
    entry->d_reclen = sizeof(*entry);
    return sizeof(*entry);
}
