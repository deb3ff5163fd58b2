/* SPDX-License-Identifier: MIT */
/* Numbers of descriptors, which of them a new program gets, and the flags of open files. */
#include "user/bin/filecheck/filecheck.h"

#include <limits.h>
#include <spawn.h>

extern char **environ;

static int open_new(int flags) { return open(FILE_NAME, O_CREAT | flags, 0644); }

/* In a child, which may close what it likes. */
static void take_low_numbers(void) {
    int ends[2];
    close(0);
    if (open_new(O_RDONLY) != 0)
        _exit(1);
    close(1);
    close(0);
    if (pipe(ends) != 0 || ends[0] != 0 || ends[1] != 1)
        _exit(2);
    close(1);
    if (dup(2) != 1)
        _exit(3);
    close(0);
    if (fcntl(2, F_DUPFD, 0) != 0 || fcntl(2, F_DUPFD, 1) < HANDLE_FIRST)
        _exit(4);
    _exit(0);
}

static void start_without_input(void) {
    close(0);
    execl("/bin/filecheck", "filecheck", "low", (char *)NULL);
}

static void fill_the_table(void) {
    int count = 0, file;
    while ((file = open_new(O_RDONLY)) >= 0)
        count++;
    if (errno != EMFILE || count < 200)
        _exit(1);
    if (dup(0) != -1 || errno != EMFILE)
        _exit(2);
    int ends[2];
    if (pipe(ends) != -1 || errno != EMFILE)
        _exit(3);
    _exit(0);
}

void check_numbers(void) {
    int first = open_new(O_RDWR), second = dup(first), third = dup(first);
    CHECK(first >= HANDLE_FIRST && second > first && third > second);
    CHECK(close(second) == 0 && dup(first) == second);
    CHECK(close(first) == 0 && open_new(O_RDONLY) == first);
    CHECK(fcntl(third, F_DUPFD, 100) == 100 && fcntl(third, F_DUPFD, 100) == 101);
    CHECK(close(100) == 0 && fcntl(third, F_DUPFD, 99) == 99 && fcntl(third, F_DUPFD, 99) == 100);
    CHECK_ERROR(fcntl(third, F_DUPFD, -1), EINVAL);
    CHECK_ERROR(fcntl(third, F_DUPFD, OPEN_MAX), EINVAL);
    CHECK(dup2(third, 150) == 150 && dup2(150, 150) == 150);
    CHECK_ERROR(dup2(third, OPEN_MAX), EBADF);
    CHECK_ERROR(dup2(200, 201), EBADF);
    CHECK_ERROR(dup2(200, 200), EBADF);
    CHECK_ERROR(dup3(third, third, 0), EINVAL);
    CHECK_ERROR(dup(-1), EBADF);
    CHECK_ERROR(dup(200), EBADF);
    CHECK_ERROR(close(-1), EBADF);
    CHECK_ERROR(close(200), EBADF);
    for (int file = 99; file <= 101; file++)
        CHECK(close(file) == 0);
    CHECK(close(first) == 0 && close(second) == 0 && close(third) == 0 && close(150) == 0);
    CHECK(child_status(take_low_numbers) == 0);
    CHECK(child_status(start_without_input) == 0);
    CHECK(child_status(fill_the_table) == 0);
    CHECK(unlink(FILE_NAME) == 0);
}

/* ---- Close on exec --------------------------------------------------------------------------- */

static int kept, marked[4];
static char numbers[6][8];
static char *arguments[] = {"filecheck", "open",     numbers[0], numbers[1],
                            numbers[2],  numbers[3], numbers[4], NULL};

static void exec_and_count(void) { execv("/bin/filecheck", arguments); }

static int spawn_and_count(void) {
    struct quartet_spawn spawn = {.program = {.path = "/bin/filecheck", .argv = arguments},
                                  .plan = PLAN_SPAWN};
    struct process_status status = {.status = 99};
    int process = quartet_spawn(&spawn);
    CHECK(process >= 0 && process_wait(process, 0, &status) == 0);
    handle_close(process);
    return (int)status.status;
}

void check_close_on_exec(void) {
    int ends[2], status = -1;
    pid_t child;
    kept = open_new(O_RDWR);
    marked[0] = open_new(O_RDONLY | O_CLOEXEC);
    marked[1] = fcntl(kept, F_DUPFD_CLOEXEC, 0);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    marked[2] = ends[0];
    marked[3] = ends[1];
    CHECK(fcntl(kept, F_GETFD) == 0);
    for (int i = 0; i < 4; i++) {
        CHECK(fcntl(marked[i], F_GETFD) == FD_CLOEXEC);
        snprintf(numbers[i], sizeof(numbers[i]), "%d", marked[i]);
    }
    snprintf(numbers[4], sizeof(numbers[4]), "%d", kept);
    CHECK(child_status(exec_and_count) == 1 << 8);
    CHECK(spawn_and_count() == 1);
    CHECK(posix_spawn(&child, "/bin/filecheck", NULL, NULL, arguments, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 1 << 8);

    int copy = dup(marked[0]);
    CHECK(fcntl(copy, F_GETFD) == 0 && close(copy) == 0);
    CHECK(dup3(marked[0], copy, O_CLOEXEC) == copy && fcntl(copy, F_GETFD) == FD_CLOEXEC);
    CHECK(close(copy) == 0);
    CHECK(fcntl(marked[0], F_SETFD, 0) == 0 && fcntl(kept, F_SETFD, FD_CLOEXEC) == 0 &&
          fcntl(kept, F_GETFD) == FD_CLOEXEC);
    CHECK(child_status(exec_and_count) == 1 << 8);
    CHECK(spawn_and_count() == 1);
    CHECK_ERROR(fcntl(200, F_GETFD), EBADF);
    CHECK_ERROR(fcntl(200, F_SETFD, 0), EBADF);
    CHECK_ERROR(fcntl(kept, 12345), EINVAL);
    CHECK(close(kept) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(close(marked[i]) == 0);
    CHECK(unlink(FILE_NAME) == 0);
}

/* ---- Flags of open files --------------------------------------------------------------------- */

void check_flags(void) {
    int ends[2], file = open_new(O_WRONLY | O_APPEND);
    char byte;
    CHECK(fcntl(file, F_GETFL) == (O_WRONLY | O_APPEND));
    CHECK_ERROR(read(file, &byte, 1), EBADF);
    CHECK(write(file, "abc", 3) == 3 && lseek(file, 0, SEEK_SET) == 0);
    CHECK(write(file, "d", 1) == 1 && lseek(file, 0, SEEK_CUR) == 4);
    int copy = dup(file);
    CHECK(fcntl(copy, F_SETFL, 0) == 0 && fcntl(file, F_GETFL) == O_WRONLY); /* one open file */
    CHECK(lseek(file, 0, SEEK_SET) == 0 && write(copy, "X", 1) == 1 &&
          lseek(file, 0, SEEK_CUR) == 1);
    CHECK(close(file) == 0 && close(copy) == 0);
    file = open(FILE_NAME, O_RDONLY);
    CHECK(fcntl(file, F_GETFL) == O_RDONLY);
    CHECK_ERROR(write(file, "x", 1), EBADF);
    CHECK(close(file) == 0 && unlink(FILE_NAME) == 0);
    CHECK_ERROR(fcntl(200, F_GETFL), EBADF);
    CHECK(pipe(ends) == 0 && fcntl(ends[0], F_GETFL) == O_RDONLY &&
          fcntl(ends[1], F_GETFL) == O_WRONLY);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
          fcntl(ends[0], F_GETFL) == (O_RDONLY | O_NONBLOCK));
    CHECK_ERROR(read(ends[0], &byte, 1), EAGAIN);
    CHECK(fcntl(ends[0], F_SETFL, 0) == 0);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    CHECK_ERROR(fcntl(HANDLE_CONSOLE, F_SETFL, O_NONBLOCK), EINVAL);
    CHECK(fcntl(HANDLE_CONSOLE, F_GETFL) == O_RDWR);
}
