/* SPDX-License-Identifier: MIT */
/*
 * Files in memory. Checks what mmap() promises: contents, private and shared mappings, what is seen
 * of later writes, ends of files, copies by fork(), and that pages are shared and not copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <quartet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/demos/pager/pager.h"
#include "user/lib/protocol.h"

#define FILE_PAGES 24u
#define NAME "/tmp/pager-maps"

static int passed, failed;

static void check(int holds, const char *what) {
    passed += holds;
    failed += !holds;
    if (!holds) {
        printf("FAIL %s (errno %d: %s)\n", what, errno, strerror(errno));
    }
}

/* ---- The file -------------------------------------------------------------------------------- */

static unsigned char byte_at(uint32_t offset) {
    return (unsigned char)(offset * 7 + offset / PAGE_SIZE * 31 + 1);
}

static int file_make(const char *name, uint32_t length) {
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    unsigned char page[PAGE_SIZE];
    for (uint32_t done = 0; done < length;) {
        uint32_t part = length - done < PAGE_SIZE ? length - done : PAGE_SIZE;
        for (uint32_t i = 0; i < part; i++) {
            page[i] = byte_at(done + i);
        }
        check(write(file, page, part) == (long)part, "write the file");
        done += part;
    }
    return file;
}

static int right(const unsigned char *at, uint32_t from, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        if (at[i] != byte_at(from + i)) {
            return 0;
        }
    }
    return 1;
}

static unsigned char *map(int file, uint32_t length, int protection, int flags, off_t offset) {
    unsigned char *at = mmap(NULL, length, protection, flags, file, offset);
    check(at != MAP_FAILED, "mmap");
    if (at == MAP_FAILED) {
        printf("%d passed, %d failed\n", passed, failed);
        exit(1);
    }
    return at;
}

/* How many frames the machine has free. */
static uint32_t frames_free(void) {
    struct info_machine machine;
    return system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine) < 0
               ? 0
               : machine.frames_free;
}

/* ---- Contents -------------------------------------------------------------------------------- */

static void contents(int file) {
    uint32_t length = FILE_PAGES * PAGE_SIZE;
    unsigned char *all = map(file, length, PROT_READ, MAP_PRIVATE, 0);
    check(right(all, 0, length), "a mapping shows the file");
    unsigned char *part = map(file, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, 3 * PAGE_SIZE);
    check(right(part, 3 * PAGE_SIZE, 2 * PAGE_SIZE), "a part of it");
    unsigned char *now = map(file, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, 0);
    check(right(now, 0, length), "all pages at once");
    check(munmap(all, length) == 0 && munmap(now, length) == 0, "munmap");
    check(right(part, 3 * PAGE_SIZE, 2 * PAGE_SIZE), "another mapping stays");
    check(munmap(part, 2 * PAGE_SIZE) == 0, "munmap");
}

/* More mappings, one after the other, than a quarter can have at a time. */
static void many(int file) {
    int good = 1;
    unsigned char *stays = map(file, PAGE_SIZE, PROT_READ, MAP_PRIVATE, 5 * PAGE_SIZE);
    for (uint32_t i = 0; i < 100; i++) {
        unsigned char *at =
            map(file, PAGE_SIZE, PROT_READ, MAP_PRIVATE, i % FILE_PAGES * PAGE_SIZE);
        good &= right(at, i % FILE_PAGES * PAGE_SIZE, PAGE_SIZE) && munmap(at, PAGE_SIZE) == 0;
    }
    check(good && right(stays, 5 * PAGE_SIZE, PAGE_SIZE), "a hundred mappings one after the other");
    unsigned char *at[80];
    uint32_t count = 0;
    while (count < 80 &&
           (at[count] = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, file, 0)) != MAP_FAILED) {
        count++;
    }
    check(count > 50 && count < 80 && errno == ENFILE, "there is a limit to those at a time");
    for (uint32_t i = 0; i < count; i++) {
        good &= right(at[i], 0, PAGE_SIZE) && munmap(at[i], PAGE_SIZE) == 0;
    }
    check(good, "and they all work");
    munmap(stays, PAGE_SIZE);
}

/* ---- Sharing --------------------------------------------------------------------------------- */

static void pages_are_shared(int file) {
    uint32_t length = FILE_PAGES * PAGE_SIZE;
    unsigned char *first = map(file, length, PROT_READ, MAP_PRIVATE, 0);
    check(right(first, 0, length), "the first mapping");
    uint32_t before = frames_free();
    unsigned char *second = map(file, length, PROT_READ, MAP_PRIVATE, 0);
    check(right(second, 0, length), "the second mapping");
    check(before - frames_free() < 6, "a second mapping takes no frames");
    munmap(first, length);
    munmap(second, length);
}

static void private_writes(int file) {
    unsigned char *one = map(file, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0);
    unsigned char *other = map(file, 4 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
    unsigned char byte = 0;
    one[PAGE_SIZE] = 200;
    check(other[PAGE_SIZE] == byte_at(PAGE_SIZE), "a private write is private");
    check(pread(file, &byte, 1, PAGE_SIZE) == 1 && byte == byte_at(PAGE_SIZE),
          "and not in the file");
    pid_t child = fork();
    if (child == 0) {
        int good = one[PAGE_SIZE] == 200 && right(one + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PAGE_SIZE);
        one[PAGE_SIZE] = 201;
        _exit(good ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    check(status == 0 && one[PAGE_SIZE] == 200, "a fork has a copy, and the pager");
    check(mprotect((void *)other, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    other[0] = 99;
    check(pread(file, &byte, 1, 0) == 1 && byte == byte_at(0), "no way to write to the page cache");
    munmap(one, 4 * PAGE_SIZE);
    munmap(other, 4 * PAGE_SIZE);
}

static void shared_writes(void) {
    int file = file_make(NAME "-shared", 3 * PAGE_SIZE);
    unsigned char *one = map(file, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
    unsigned char *other = map(file, 3 * PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
    unsigned char byte = 0, new = 77;
    one[10] = 200;
    check(other[10] == 200, "a shared write is seen by the other mapping");
    check(pread(file, &byte, 1, 10) == 1 && byte == 200, "and by read()");
    check(pwrite(file, &new, 1, PAGE_SIZE + 1) == 1 && one[PAGE_SIZE + 1] == 77 &&
              other[PAGE_SIZE + 1] == 77,
          "write() is seen by both");
    pid_t child = fork();
    if (child == 0) {
        one[11] = 201;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    check(one[11] == 201, "it stays shared through fork()");
    unsigned char *copy = map(file, PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
    check(copy[10] == 200, "a private mapping of it");
    one[10] = 123;
    check(copy[10] == 200, "does not see what comes later");
    int reader = open(NAME "-shared", O_RDONLY);
    errno = 0;
    check(mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED &&
              errno == EACCES,
          "no shared writing through a file that is open for reading");
    unsigned char *weak = map(reader, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
    if (mprotect(weak, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0) {
        weak[10] = 1;
    }
    check(one[10] == 123, "nor by mprotect()");
    close(reader);
    close(file);
    unlink(NAME "-shared");
    one[2 * PAGE_SIZE] = 5;
    check(other[2 * PAGE_SIZE] == 5, "a mapping outlives the file's name");
}

/* ---- Later writes, ends ---------------------------------------------------------------------- */

static void later_writes(void) {
    int file = file_make(NAME "-later", 3 * PAGE_SIZE);
    unsigned char *early = map(file, 3 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_POPULATE, 0);
    unsigned char new[8];
    memset(new, 222, sizeof new);
    check(early[PAGE_SIZE] == byte_at(PAGE_SIZE), "before the write");
    check(pwrite(file, new, sizeof new, PAGE_SIZE) == (long)sizeof new, "write to a mapped page");
    check(early[PAGE_SIZE] == byte_at(PAGE_SIZE), "a page that is there stays as it was");
    unsigned char *late = map(file, 3 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
    check(late[PAGE_SIZE] == 222 && late[PAGE_SIZE + 8] == byte_at(PAGE_SIZE + 8),
          "a later mapping sees the write");
    check(ftruncate(file, PAGE_SIZE + 100) == 0, "ftruncate");
    check(late[PAGE_SIZE + 200] == byte_at(PAGE_SIZE + 200), "truncation takes no page away");
    check(early[2 * PAGE_SIZE] == byte_at(2 * PAGE_SIZE), "not from others either");
    unsigned char *cut = map(file, 3 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
    check(cut[PAGE_SIZE + 99] == byte_at(PAGE_SIZE + 99) && cut[PAGE_SIZE + 100] == 0,
          "behind the end the last page is zero");
    errno = 0;
    check(write(file, cut + 2 * PAGE_SIZE, 1) == -1 && errno == EFAULT,
          "a page behind the end is an error of the call");
    close(file);
    unlink(NAME "-later");
}

static int status_of_touching(unsigned char *at) {
    long child = process_clone(PLAN_FORK | CLONE_QUIET, 0, 0, 0);
    struct process_status status = {0};
    if (child == 0) {
        volatile unsigned char byte = *at;
        _exit(byte ? 1 : 2);
    }
    process_wait((int)child, 0, &status);
    handle_close((int)child);
    return (int)status.status;
}

static void ends(int file) {
    unsigned char *at = map(file, (FILE_PAGES + 2) * PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
    check(right(at, 0, FILE_PAGES * PAGE_SIZE), "the file's pages");
    check(status_of_touching(at + FILE_PAGES * PAGE_SIZE) == (STATUS_FAULT | FAULT_PAGER_REFUSED),
          "a page behind the end ends the process");
    munmap(at, (FILE_PAGES + 2) * PAGE_SIZE);
    check(status_of_touching(at) == (STATUS_FAULT | FAULT_NO_REGION), "an unmapped one too");
}

/* ---- What is refused ------------------------------------------------------------------------- */

static void refused(int file) {
    int ends_of_pipe[2];
#define REFUSED(error, ...)                                                 \
    check((errno = 0, mmap(__VA_ARGS__) == MAP_FAILED) && errno == (error), \
          "mmap(" #__VA_ARGS__ ") gives " #error)
    REFUSED(EINVAL, NULL, 0, PROT_READ, MAP_PRIVATE, file, 0);
    REFUSED(EINVAL, NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, file, 100);
    REFUSED(ENOTSUP, NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE, file, 0);
    REFUSED(ENOTSUP, NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, file, 0);
    REFUSED(EBADF, NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, 200, 0);
    int directory = open("/", O_RDONLY);
    REFUSED(ENODEV, NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, directory, 0);
    close(directory);
    int writer = open(NAME, O_WRONLY);
    REFUSED(EACCES, NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, writer, 0);
    close(writer);
    if (pipe(ends_of_pipe) == 0) {
        REFUSED(ENODEV, NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, ends_of_pipe[0], 0);
        close(ends_of_pipe[0]);
        close(ends_of_pipe[1]);
    }
    struct message message = {.label = FILE_MAP, .word = {0, 0, PAGE_SIZE, RIGHT_READ}};
    check(ipc_call(file, &message) == 0 && message.label == EINVAL, "FILE_MAP without a quarter");
}

static void anonymous(void) {
    unsigned char *at =
        mmap(NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(at != MAP_FAILED && at[0] == 0, "anonymous memory");
    at[PAGE_SIZE] = 1;
    check(mprotect(at, PAGE_SIZE, PROT_READ) == 0 && munmap(at, 3 * PAGE_SIZE) == 0, "munmap");
    check(munmap(at, PAGE_SIZE) == 0, "munmap where nothing is");
}

/* ---- For others ------------------------------------------------------------------------------ */

int maps_touch(const char *name, uint32_t pages, uint32_t seconds) {
    int file = open(name, O_RDONLY);
    volatile unsigned char *at = mmap(NULL, pages * PAGE_SIZE, PROT_READ, MAP_PRIVATE, file, 0);
    unsigned sum = 0;
    if (file < 0 || at == MAP_FAILED) {
        perror(name);
        return 1;
    }
    sum += at[0];
    printf("mapped\n");
    fflush(stdout);
    sleep(seconds);
    for (uint32_t i = 0; i < pages; i++) {
        sum = sum * 31 + at[i * PAGE_SIZE] + at[i * PAGE_SIZE + 77];
    }
    printf("touched %08x\n", sum);
    return 0;
}

int maps_check(void) {
    int file = file_make(NAME, FILE_PAGES * PAGE_SIZE);
    contents(file);
    many(file);
    pages_are_shared(file);
    private_writes(file);
    shared_writes();
    later_writes();
    ends(file);
    refused(file);
    anonymous();
    close(file);
    unlink(NAME);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
