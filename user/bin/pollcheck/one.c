/* SPDX-License-Identifier: MIT */
/* What each kind of descriptor answers, how long a wait lasts, and select(). */
#include "user/bin/pollcheck/pollcheck.h"

#include <sys/select.h>

#define BOTH (POLLIN | POLLOUT)

static char block[PIPE_BUF];
static int ends[2];

static void check_ready(const char *path, int flags, int expected) {
    int file = open(path, flags);
    CHECK(events_of(file, BOTH, -1) == expected);
    close(file);
}

void check_states(void) {
    struct pollfd none[3] = {{-1, POLLIN, 7}, {250, POLLIN, 0}, {HANDLE_FILES, POLLIN, 0}};
    check_ready("/etc/motd", O_RDONLY, BOTH);
    check_ready("/dev/null", O_RDWR, BOTH);
    check_ready("/etc", O_RDONLY, BOTH);
    CHECK(poll(none, 1, 0) == 0 && none[0].revents == 0);
    CHECK(poll(none, 3, -1) == 2 && none[1].revents == POLLNVAL && none[2].revents == POLLNVAL);
    CHECK((errno = 0, poll(none, 1000, 0)) == -1 && errno == EINVAL);
    CHECK(events_of(HANDLE_CONSOLE, POLLOUT, -1) == POLLOUT);

    CHECK(pipe(ends) == 0);
    CHECK(events_of(ends[0], BOTH, 0) == -1 && events_of(ends[1], BOTH, 0) == POLLOUT);
    CHECK(write(ends[1], "x", 1) == 1);
    CHECK(events_of(ends[0], BOTH, -1) == POLLIN);
    CHECK(events_of(ends[0], POLLIN | POLLRDNORM, -1) == (POLLIN | POLLRDNORM));
    CHECK(events_of(ends[0], 0, 0) == -1);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], block, sizeof(block)) > 0)
        ;
    CHECK(errno == EAGAIN && events_of(ends[1], BOTH, 0) == -1);
    CHECK(read(ends[0], block, sizeof(block)) == sizeof(block));
    CHECK(events_of(ends[1], BOTH, -1) == POLLOUT);
    close(ends[1]);
    CHECK(events_of(ends[0], BOTH, -1) == (POLLIN | POLLHUP));
    while (read(ends[0], block, sizeof(block)) > 0)
        ;
    CHECK(events_of(ends[0], 0, -1) == POLLHUP);
    close(ends[0]);
    CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
    CHECK(events_of(ends[1], BOTH, -1) == POLLERR && close(ends[1]) == 0);
}

/* ---- Waits ----------------------------------------------------------------------------------- */

static void *write_later(void *argument) {
    usleep(30000);
    write(*(int *)argument, "y", 1);
    return NULL;
}

static void *read_later(void *argument) {
    usleep(30000);
    read(*(int *)argument, block, sizeof(block));
    return NULL;
}

static void *close_later(void *argument) {
    usleep(30000);
    close(*(int *)argument);
    return NULL;
}

/* Poll one end while a thread does something with the other. */
static void check_woken(int file, int wanted, void *(*act)(void *), int *other, int expected) {
    pthread_t thread;
    uint64_t start = milliseconds_now();
    CHECK(pthread_create(&thread, NULL, act, other) == 0);
    CHECK(events_of(file, wanted, -1) == expected);
    CHECK(milliseconds_now() - start >= 30 && milliseconds_now() - start < 900); /* not by chance */
    pthread_join(thread, NULL);
}

void check_waits(void) {
    uint64_t start = milliseconds_now();
    CHECK(pipe(ends) == 0);
    CHECK(events_of(ends[0], POLLIN, 40) == -1 && milliseconds_now() - start >= 40);
    CHECK(poll(NULL, 0, 20) == 0);
    check_woken(ends[0], POLLIN, write_later, &ends[1], POLLIN);
    CHECK(read(ends[0], block, 1) == 1);
    int copy = dup(ends[0]);
    struct pollfd twice[2] = {{ends[0], 0, 0}, {copy, POLLIN, 0}};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, write_later, &ends[1]) == 0);
    CHECK(poll(twice, 2, -1) == 1 && twice[0].revents == 0 && twice[1].revents == POLLIN);
    pthread_join(thread, NULL);
    CHECK(read(copy, block, 1) == 1 && close(copy) == 0);

    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], block, sizeof(block)) > 0)
        ;
    check_woken(ends[1], POLLOUT, read_later, &ends[0], POLLOUT);
    while (events_of(ends[0], POLLIN, 0) == POLLIN)
        read(ends[0], block, sizeof(block));
    check_woken(ends[0], POLLIN, close_later, &ends[1], POLLHUP);
    close(ends[0]);
    CHECK(pipe(ends) == 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], block, sizeof(block)) > 0)
        ;
    check_woken(ends[1], POLLOUT, close_later, &ends[0], POLLERR);
    close(ends[1]);
}

/* ---- select ---------------------------------------------------------------------------------- */

void check_select(void) {
    fd_set read_set, write_set, except_set;
    struct timeval soon = {0, 30000}, wrong = {0, 1000000}, zero = {0, 0};
    uint64_t start = milliseconds_now();
    CHECK(pipe(ends) == 0);
    int limit = ends[1] + 1;
    FD_ZERO(&read_set);
    FD_SET(ends[0], &read_set);
    CHECK(select(limit, &read_set, NULL, NULL, &soon) == 0 && !FD_ISSET(ends[0], &read_set));
    CHECK(milliseconds_now() - start >= 30);
    FD_SET(ends[0], &read_set);
    FD_ZERO(&write_set);
    FD_SET(ends[1], &write_set);
    FD_ZERO(&except_set);
    FD_SET(ends[0], &except_set);
    CHECK(select(limit, &read_set, &write_set, &except_set, NULL) == 1);
    CHECK(!FD_ISSET(ends[0], &read_set) && FD_ISSET(ends[1], &write_set) &&
          !FD_ISSET(ends[0], &except_set));
    pthread_t thread;
    pthread_create(&thread, NULL, write_later, &ends[1]);
    FD_SET(ends[0], &read_set);
    CHECK(pselect(limit, &read_set, NULL, NULL, NULL, NULL) == 1 && FD_ISSET(ends[0], &read_set));
    pthread_join(thread, NULL);
    CHECK((errno = 0, select(limit, NULL, NULL, NULL, &wrong)) == -1 && errno == EINVAL);
    CHECK((errno = 0, select(-1, NULL, NULL, NULL, &zero)) == -1 && errno == EINVAL);
    FD_SET(250, &read_set);
    CHECK((errno = 0, select(251, &read_set, NULL, NULL, &zero)) == -1 && errno == EBADF);
    close(ends[0]);
    close(ends[1]);
}
