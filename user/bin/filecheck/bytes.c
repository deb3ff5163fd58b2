/* SPDX-License-Identifier: MIT */
/* Reading and writing: files, pipes with and without O_NONBLOCK, vectors; paths and their limits. */
#include "user/bin/filecheck/filecheck.h"

#include <limits.h>

#define LARGE 20000

static char large[LARGE], again[LARGE];

void check_reading(void) {
    char left[8], right[LARGE];
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {large, LARGE}};
    struct iovec in[3] = {{left, 2}, {again, LARGE}, {right, 100}};
    for (int i = 0; i < LARGE; i++)
        large[i] = (char)(i * 7);
    int file = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(write(file, large, LARGE) == LARGE && lseek(file, 0, SEEK_SET) == 0);
    CHECK(read(file, again, LARGE) == LARGE && memcmp(large, again, LARGE) == 0);
    CHECK(read(file, again, LARGE) == 0);
    CHECK(pread(file, again, LARGE, 5000) == LARGE - 5000 &&
          memcmp(large + 5000, again, LARGE - 5000) == 0);
    CHECK(lseek(file, 0, SEEK_CUR) == LARGE);
    CHECK(pwrite(file, "zz", 2, 1) == 2 && pread(file, left, 2, 1) == 2 && left[1] == 'z');
    CHECK(pread(file, left, 2, LARGE) == 0);
    CHECK_ERROR(pread(file, left, 2, -1), EINVAL);
    CHECK_ERROR(pwrite(file, left, 2, -1), EINVAL);
    CHECK_ERROR(lseek(file, -1, SEEK_SET), EINVAL);
    CHECK_ERROR(lseek(file, 0, 9), EINVAL);
    CHECK(lseek(file, 10, SEEK_END) == LARGE + 10 && write(file, "!", 1) == 1);
    CHECK(pread(file, again, 11, LARGE) == 11 && again[0] == 0 && again[10] == '!');

    CHECK(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0);
    CHECK(writev(file, out, 3) == LARGE + 2 && lseek(file, 0, SEEK_SET) == 0);
    memset(again, 0, LARGE);
    CHECK(readv(file, in, 3) == LARGE + 2 && memcmp(left, "ab", 2) == 0 &&
          memcmp(again, large, LARGE) == 0);
    CHECK_ERROR(readv(file, in, 0), EINVAL);
    CHECK_ERROR(writev(file, out, IOV_MAX + 1), EINVAL);
    CHECK(fsync(file) == 0 && fdatasync(file) == 0);
    CHECK_ERROR(ftruncate(file, -1), EINVAL);
    CHECK(truncate(FILE_NAME, 3) == 0 && lseek(file, 0, SEEK_END) == 3);
    CHECK(close(file) == 0);
    CHECK_ERROR(fsync(file), EBADF);
    CHECK_ERROR(truncate(FOLDER "/none", 0), ENOENT);
    CHECK_ERROR(read(200, left, 1), EBADF);
    CHECK_ERROR(write(200, left, 1), EBADF);
    CHECK_ERROR(lseek(200, 0, SEEK_SET), EBADF);
    CHECK_ERROR(read(HANDLE_FILES, left, 1), ENOSYS);
    CHECK(unlink(FILE_NAME) == 0);
}

/* ---- Pipes ----------------------------------------------------------------------------------- */

static int ends[2];

/* The reader takes all in the end, so the writer's one call comes to its end too. */
static void write_large(void) {
    close(ends[0]);
    _exit(write(ends[1], large, LARGE) == LARGE ? 0 : 1);
}

static void check_pipe_to_child(void) {
    int total = 0, status = -1;
    long count;
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        write_large();
    close(ends[1]);
    while ((count = read(ends[0], again + total, (size_t)(LARGE - total))) > 0)
        total += (int)count;
    CHECK(total == LARGE && memcmp(large, again, LARGE) == 0);
    CHECK(read(ends[0], again, 1) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(ends[0]);
}

void check_pipes(void) {
    char bytes[8];
    struct iovec pair[2] = {{"12", 2}, {"345", 3}};
    long count, total = 0;
    CHECK(pipe2(ends, O_NONBLOCK) == 0);
    CHECK_ERROR(read(ends[0], bytes, 1), EAGAIN);
    CHECK_ERROR(lseek(ends[0], 0, SEEK_SET), ESPIPE);
    CHECK_ERROR(fsync(ends[0]), EINVAL);
    CHECK_ERROR(read(ends[1], bytes, 1), EBADF);
    CHECK_ERROR(write(ends[0], bytes, 1), EBADF);
    CHECK(writev(ends[1], pair, 2) == 5 && read(ends[0], bytes, 8) == 5 &&
          memcmp(bytes, "12345", 5) == 0);
    while ((count = write(ends[1], large, PIPE_BUF)) == PIPE_BUF)
        total += count;
    CHECK(count == -1 && errno == EAGAIN && total >= PIPE_BUF);
    CHECK(read(ends[0], again, 1) == 1);
    CHECK_ERROR(write(ends[1], large, PIPE_BUF), EAGAIN); /* all of it or nothing */
    CHECK(write(ends[1], large, 1) == 1);
    for (; total > 0; total -= count)
        if ((count = read(ends[0], again, LARGE)) <= 0)
            break;
    CHECK(total == 0);
    CHECK(close(ends[1]) == 0 && read(ends[0], bytes, 1) == 0 && close(ends[0]) == 0);
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    CHECK_ERROR(write(ends[1], bytes, 1), EPIPE);
    CHECK(close(ends[1]) == 0);
    CHECK_ERROR(pipe2(ends, O_APPEND), EINVAL);
    check_pipe_to_child();
}

/* ---- Paths ----------------------------------------------------------------------------------- */

void check_paths(void) {
    char name[PATH_MAX + 10];
    struct stat found;
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    CHECK_ERROR(open(name, O_RDONLY), ENAMETOOLONG);
    name[NAME_MAX + 1] = '\0';
    CHECK_ERROR(open(name, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
    CHECK_ERROR(open("", O_RDONLY), ENOENT);
    CHECK_ERROR(open("/etc/motd/x", O_RDONLY), ENOTDIR);
    CHECK_ERROR(open("/etc", O_WRONLY), EISDIR);
    CHECK_ERROR(open("/etc/motd", O_RDONLY | O_DIRECTORY), ENOTDIR);
    CHECK_ERROR(stat("/none", &found), ENOENT);
    CHECK_ERROR(fstat(200, &found), EBADF);
    CHECK_ERROR(mkdir(FOLDER, 0755), EEXIST);
    CHECK_ERROR(rmdir("/etc"), ENOTEMPTY);
    CHECK_ERROR(rmdir("/etc/motd"), ENOTDIR);
    CHECK_ERROR(unlink("/none"), ENOENT);

    mode_t before = umask(027);
    int file = open(FILE_NAME, O_WRONLY | O_CREAT, 0666);
    CHECK(fstat(file, &found) == 0 && (found.st_mode & 07777) == 0640);
    CHECK(mkdir(FOLDER "/d", 0777) == 0 && stat(FOLDER "/d", &found) == 0 &&
          (found.st_mode & 07777) == 0750);
    CHECK(umask(before) == 027 && close(file) == 0);
    CHECK(unlink(FILE_NAME) == 0 && rmdir(FOLDER "/d") == 0);
}

void check_facts(void) {
    int null = open("/dev/null", O_RDWR);
    CHECK(sysconf(_SC_PAGESIZE) == getpagesize() && getpagesize() == 4096);
    CHECK(sysconf(_SC_OPEN_MAX) == OPEN_MAX && OPEN_MAX == HANDLE_LIMIT);
    CHECK(sysconf(_SC_THREADS) == 200809 && sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    CHECK(sysconf(_SC_PHYS_PAGES) > 1000 && sysconf(_SC_AVPHYS_PAGES) > 100);
    errno = 0;
    CHECK(sysconf(_SC_JOB_CONTROL) == -1 && errno == 0);
    CHECK_ERROR(sysconf(-5), EINVAL);
    CHECK(pathconf("/", _PC_PIPE_BUF) == PIPE_BUF && fpathconf(null, _PC_NAME_MAX) == NAME_MAX);
    CHECK_ERROR(pathconf("/none", _PC_NAME_MAX), ENOENT);
    CHECK(isatty(HANDLE_CONSOLE) == 1);
    CHECK((errno = 0, isatty(null)) == 0 && errno == ENOTTY);
    CHECK((errno = 0, isatty(200)) == 0 && errno == EBADF);
    CHECK(close(null) == 0);
}
