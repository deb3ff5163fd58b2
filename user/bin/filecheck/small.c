/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes of few bytes, which go as short messages, beside those of many, which do not
 * (user/lib/posix_small.c): nobody may see a difference. SMALL is the most that goes so.
 */
#include "user/bin/filecheck/filecheck.h"

#include <limits.h>
#include <signal.h>

#define SMALL ((int)(3 * sizeof(uintptr_t)))
#define MANY 40
#define CANARY 0x5A

static char bytes[MANY], got[MANY + 2];
static int ends[2];

/* COUNT bytes of a read of LENGTH have come, which are those from BYTES + START on, and nothing else in
 * GOT has changed. */
static bool read_gives(int file, int start, int length, int count) {
    memset(got, CANARY, sizeof(got));
    if (read(file, got + 1, (size_t)length) != count || got[0] != CANARY)
        return false;
    for (int i = count + 1; i < MANY + 2; i++)
        if (got[i] != CANARY)
            return false;
    return memcmp(got + 1, bytes + start, (size_t)count) == 0;
}

static void bytes_fill(void) {
    for (int i = 0; i < MANY; i++)
        bytes[i] = (char)(i * 7 + 1);
}

/* ---- Files ----------------------------------------------------------------------------------- */

void check_small(void) {
    bytes_fill();
    int file = open(FILE_NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
    for (int length = 0; length <= SMALL + 2; length++) {
        CHECK(lseek(file, 0, SEEK_SET) == 0 && ftruncate(file, 0) == 0);
        CHECK(write(file, bytes, (size_t)length) == length);
        CHECK(lseek(file, 0, SEEK_CUR) == length && lseek(file, 0, SEEK_SET) == 0);
        CHECK(read_gives(file, 0, length, length) && read_gives(file, 0, SMALL, 0));
        CHECK(lseek(file, 0, SEEK_SET) == 0 && read_gives(file, 0, SMALL + 2, length));
        CHECK(lseek(file, 1, SEEK_SET) == 1 &&
              read_gives(file, 1, SMALL, length < 1           ? 0
                                         : length - 1 < SMALL ? length - 1
                                                              : SMALL));
    }
    CHECK(lseek(file, 10000, SEEK_SET) == 10000 && write(file, bytes, 3) == 3); /* a hole */
    CHECK(lseek(file, 9999, SEEK_SET) == 9999 && read(file, got, 4) == 4 && got[0] == 0 &&
          memcmp(got + 1, bytes, 3) == 0);
    CHECK(lseek(file, 4095, SEEK_SET) == 4095 && write(file, bytes, 2) == 2); /* two chunks */
    CHECK(lseek(file, 4095, SEEK_SET) == 4095 && read_gives(file, 0, 2, 2));
    int second = open(FILE_NAME, O_WRONLY | O_APPEND);
    CHECK(write(second, "end", 3) == 3 && lseek(second, 0, SEEK_CUR) == 10006);
    CHECK(lseek(second, 0, SEEK_SET) == 0 && write(second, "!", 1) == 1);
    CHECK(lseek(file, 10003, SEEK_SET) == 10003 && read(file, got, SMALL) == 4 &&
          memcmp(got, "end!", 4) == 0);
    CHECK(close(second) == 0 && close(file) == 0 && unlink(FILE_NAME) == 0);
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDONLY);
    CHECK(write(null, bytes, SMALL) == SMALL && read_gives(null, 0, SMALL, 0));
    got[SMALL] = CANARY;
    CHECK(read(zero, got, (size_t)SMALL) == SMALL && got[0] == 0 && got[SMALL - 1] == 0 &&
          got[SMALL] == CANARY);
    CHECK(close(null) == 0 && close(zero) == 0);
}

/* ---- Pipes ----------------------------------------------------------------------------------- */

static int wanted; /* by a child that reads once, and ends with the number of bytes if they are right */

static void read_once(void) {
    long count = read(ends[0], got, (size_t)wanted);
    _exit(count >= 0 && memcmp(got, bytes, (size_t)count) == 0 ? (int)count : 99);
}

static void write_once(void) { _exit(write(ends[1], bytes, (size_t)wanted) == wanted ? 0 : 1); }

/* A child that does so, when it waits: what follows is right anyway, but finds nobody. */
static pid_t started(void (*function)(void)) {
    struct info_process process = {0};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        function();
    for (int i = 0; i < 100 && process.state != 1; i++) {
        thread_sleep(10000);
        process = (struct info_process){.pid = (uint32_t)child};
        system_info(HANDLE_SYSTEM, INFO_PROCESS, &process, sizeof(process));
    }
    return child;
}

static bool ends_with(pid_t child, int code) {
    int status = -1;
    return waitpid(child, &status, 0) == child && status == code << 8;
}

static void kill_child(pid_t child) {
    int status;
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}

/* Someone waits for WANT bytes, and PUT are written: what he does not take stays. */
static void check_meeting(int want, int put) {
    int taken = want < put ? want : put;
    wanted = want;
    pid_t child = started(read_once);
    CHECK(write(ends[1], bytes, (size_t)put) == put);
    CHECK(ends_with(child, taken));
    if (taken < put)
        CHECK(read_gives(ends[0], taken, MANY, put - taken));
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERROR(read(ends[0], got, 1), EAGAIN);
    CHECK(fcntl(ends[0], F_SETFL, 0) == 0);
}

/* Bytes for readers that have been killed go to the next one. */
static void check_killed_readers(void) {
    wanted = 1;
    pid_t first = started(read_once);
    wanted = SMALL + 1;
    pid_t second = started(read_once);
    wanted = SMALL;
    pid_t third = started(read_once);
    kill_child(first);
    kill_child(second);
    CHECK(write(ends[1], bytes, 2) == 2);
    CHECK(ends_with(third, 2));
    wanted = 1;
    first = started(read_once);
    kill_child(first);
    CHECK(write(ends[1], bytes, 1) == 1 && read_gives(ends[0], 0, 1, 1));
}

/* A pipe that is full: who writes waits for room, in turn, and does not write if he is killed. */
static void check_full(void) {
    static char much[PIPE_BUF];
    long total = 0, count;
    CHECK(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    while ((count = write(ends[1], much, sizeof(much))) > 0)
        total += count;
    CHECK_ERROR(write(ends[1], bytes, 1), EAGAIN);
    CHECK(fcntl(ends[1], F_SETFL, 0) == 0);
    wanted = SMALL - 1;
    pid_t killed = started(write_once);
    wanted = SMALL;
    pid_t small = started(write_once);
    wanted = SMALL + 1;
    pid_t large = started(write_once);
    kill_child(killed);
    CHECK(read(ends[0], got, (size_t)SMALL) == SMALL); /* a small read makes room for a small write */
    CHECK(ends_with(small, 0));
    CHECK(read(ends[0], got, 1) == 1 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    CHECK_ERROR(write(ends[1], bytes, 1), EAGAIN); /* there is room, but the other one is first */
    total -= SMALL + 1;
    for (; total > 0; total -= count)
        if ((count = read(ends[0], much, (size_t)(total < PIPE_BUF ? total : PIPE_BUF))) <= 0)
            break;
    CHECK(ends_with(large, 0));
    CHECK(read_gives(ends[0], 0, SMALL, SMALL) && read_gives(ends[0], 0, MANY, SMALL + 1));
}

void check_small_pipes(void) {
    bytes_fill();
    CHECK(pipe(ends) == 0);
    for (int length = 1; length <= SMALL + 2; length++)
        CHECK(write(ends[1], bytes, (size_t)length) == length && read_gives(ends[0], 0, 1, 1) &&
              (length == 1 || read_gives(ends[0], 1, MANY, length - 1)));
    CHECK(write(ends[1], bytes, 0) == 0 && read(ends[0], got, 0) == 0);
    CHECK(write(ends[1], bytes, MANY) == MANY); /* one long, read by small ones */
    CHECK(read_gives(ends[0], 0, 1, 1) && read_gives(ends[0], 1, SMALL, SMALL));
    CHECK(write(ends[1], bytes, 2) == 2); /* behind the rest */
    CHECK(read(ends[0], got, MANY) == MANY - SMALL - 1 + 2 &&
          memcmp(got + MANY - SMALL - 1, bytes, 2) == 0);
    for (int want = 1; want <= SMALL + 1; want += want == 2 ? SMALL - 2 : 1)
        for (int put = 1; put <= SMALL + 1; put += put == 2 ? SMALL - 2 : 1)
            check_meeting(want, put);
    check_killed_readers();
    check_full();
    wanted = 1; /* the last writer goes, and who waits learns of it */
    pid_t child = started(read_once);
    CHECK(close(ends[1]) == 0);
    kill_child(child); /* it has a copy of that end */
    CHECK(read_gives(ends[0], 0, 1, 0) && close(ends[0]) == 0);
}

/* ---- Many writers ---------------------------------------------------------------------------- */

#define WRITERS 6
#define RECORDS 50

static int writer;

/* Of each write its writer, its number, its length, and as many bytes more as that makes. */
static int record_length(int who, int number) { return 3 + (who * 5 + number * 7) % MANY; }

static void write_records(void) {
    char record[MANY + 3];
    for (int number = 0; number < RECORDS; number++) {
        int length = record_length(writer, number);
        memset(record, 'a' + writer, sizeof(record));
        record[1] = (char)number;
        record[2] = (char)length;
        if (write(ends[1], record, (size_t)length) != length)
            _exit(1);
    }
    _exit(0);
}

static bool read_whole(char *to, int length, int part) {
    for (long count; length > 0; to += count, length -= (int)count)
        if ((count = read(ends[0], to, (size_t)(length < part ? length : part))) <= 0)
            return false;
    return true;
}

/* Writes do not mix, and those of one writer stay in order, however they are read. */
void check_small_writers(void) {
    pid_t children[WRITERS];
    int next[WRITERS] = {0}, good = 0;
    char record[256];
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    for (writer = 0; writer < WRITERS; writer++)
        if ((children[writer] = fork()) == 0)
            write_records();
    for (int i = 0; i < WRITERS * RECORDS; i++) {
        int part = 1 + i % (SMALL + 2);
        if (!read_whole(record, 3, part))
            break;
        int who = record[0] - 'a', length = record[2];
        if (who < 0 || who >= WRITERS || record[1] != next[who]++ ||
            length != record_length(who, record[1]) || !read_whole(record, length - 3, part))
            break;
        for (int k = 0; k < length - 3; k++)
            good -= record[k] != 'a' + who;
        good++;
    }
    CHECK(good == WRITERS * RECORDS);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0); /* none hangs, if it was not */
    for (writer = 0; writer < WRITERS; writer++)
        CHECK(ends_with(children[writer], 0));
}

/* ---- Errors ---------------------------------------------------------------------------------- */

void check_small_errors(void) {
    extern char _end[];
    char *const bad[] = {NULL, (char *)8, (char *)(uintptr_t)SLOT_BASE(2), _end + (512u << 20),
                         (char *)(uintptr_t)(QUARTET_STACK_TOP - (1u << 30) + PAGE_SIZE)};
    char *shared = quartet_map(SLOT_SHARED, PAGE_SIZE);
    int folder = open(FOLDER, O_RDONLY), file = open("/etc/motd", O_RDONLY);
    CHECK(pipe(ends) == 0);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERROR(write(ends[1], bad[i], 1), EFAULT);
        CHECK_ERROR(read(file, bad[i], 1), EFAULT);
        CHECK(write(ends[1], bad[i], 0) == 0);
    }
    CHECK_ERROR(read(file, (void *)(uintptr_t)check_small_errors, 1), EFAULT);
    memcpy(shared, "abc", 3);
    CHECK(write(ends[1], shared, 3) == 3 && read(ends[0], shared + 3, 3) == 3 &&
          memcmp(shared, "abcabc", 6) == 0);
    CHECK(write(ends[1], shared + PAGE_SIZE - 1, 1) == 1 && read(ends[0], got, 1) == 1);
    CHECK_ERROR(write(ends[1], shared + PAGE_SIZE - 1, 2), EFAULT);
    CHECK_ERROR(read(folder, got, 1), EISDIR);
    CHECK_ERROR(write(folder, bytes, 1), EBADF);
    CHECK_ERROR(write(file, bytes, 1), EBADF);
    CHECK_ERROR(read(-1, got, 1), EBADF);
    CHECK_ERROR(write(QUARTET_SELF, bytes, 1), EBADF);
    CHECK_ERROR(write(HANDLE_NAMES, bytes, 1), ENOSYS);
    CHECK(close(ends[0]) == 0);
    CHECK_ERROR(write(ends[1], bytes, 1), EPIPE);
    CHECK(close(ends[1]) == 0 && close(folder) == 0 && close(file) == 0);
    quartet_unmap(shared, PAGE_SIZE);
}
