/* SPDX-License-Identifier: MIT */
/* Many descriptors in one poll(), many who poll one descriptor, a conversation, and deaths. */
#include "user/bin/pollcheck/pollcheck.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#define PIPES 40   /* more than a notification has bits */
#define POLLERS 20 /* more than a server remembers for one descriptor */
#define BYTES 60000

static int pipes[PIPES][2];

static void *write_to(void *argument) {
    usleep(30000);
    write(pipes[(uintptr_t)argument][1], "z", 1);
    return NULL;
}

static void *poll_first(void *argument) {
    (void)argument;
    return (void *)(uintptr_t)(events_of(pipes[0][0], POLLIN, -1) == POLLIN);
}

static void pipes_open(void) {
    for (int i = 0; i < PIPES; i++)
        CHECK(pipe(pipes[i]) == 0);
}

static void pipes_close(void) {
    for (int i = 0; i < PIPES; i++) {
        close(pipes[i][0]);
        close(pipes[i][1]);
    }
}

void check_many(void) {
    struct pollfd descriptors[PIPES];
    pthread_t threads[POLLERS];
    char byte;
    pipes_open();
    for (int i = 0; i < PIPES; i++)
        descriptors[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
    for (uintptr_t i = 1; i < PIPES; i += 9) {
        CHECK(pthread_create(&threads[0], NULL, write_to, (void *)i) == 0);
        CHECK(poll(descriptors, PIPES, -1) == 1 && descriptors[i].revents == POLLIN);
        pthread_join(threads[0], NULL);
        CHECK(read(pipes[i][0], &byte, 1) == 1);
    }
    for (int i = 0; i < POLLERS; i++)
        CHECK(pthread_create(&threads[i], NULL, poll_first, NULL) == 0);
    usleep(50000);
    CHECK(write(pipes[0][1], "a", 1) == 1);
    for (int i = 0; i < POLLERS; i++) {
        void *good = NULL;
        CHECK(pthread_join(threads[i], &good) == 0 && good != NULL);
    }
    pipes_close();
}

/* ---- A child that sends back what it gets, both without ever waiting in read or write ---------- */

static void echo_all(int from, int to) {
    static char buffer[1000];
    long held = 0;
    for (;;) {
        struct pollfd two[2] = {{held == 0 ? from : -1, POLLIN, 0},
                                {held > 0 ? to : -1, POLLOUT, 0}};
        if (poll(two, 2, -1) < 1)
            _exit(1);
        if (two[0].revents) {
            held = read(from, buffer, sizeof(buffer));
            if (held <= 0)
                _exit(held == 0 ? 0 : 2);
        }
        if (two[1].revents) {
            if (write(to, buffer, (size_t)held) != held)
                _exit(3);
            held = 0;
        }
    }
}

void check_conversation(void) {
    static char out[BYTES], back[BYTES];
    int there[2], here[2], status = -1;
    long sent = 0, received = 0;
    CHECK(pipe2(there, O_NONBLOCK) == 0 && pipe2(here, O_NONBLOCK) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        close(here[0]);
        echo_all(there[0], here[1]);
    }
    close(there[0]);
    close(here[1]);
    for (int i = 0; i < BYTES; i++)
        out[i] = (char)(i * 31 + i / 256);
    while (received < BYTES) {
        struct pollfd two[2] = {{sent < BYTES ? there[1] : -1, POLLOUT, 0}, {here[0], POLLIN, 0}};
        if (poll(two, 2, 5000) < 1)
            break;
        long count = 0;
        if (two[0].revents & POLLOUT)
            count =
                write(there[1], out + sent, BYTES - sent < 3000 ? (size_t)(BYTES - sent) : 3000);
        sent += count > 0 ? count : 0;
        if (two[1].revents)
            count = read(here[0], back + received, (size_t)(BYTES - received));
        received += two[1].revents && count > 0 ? count : 0;
        if (two[1].revents && count <= 0)
            break;
    }
    CHECK(sent == BYTES && received == BYTES && memcmp(out, back, BYTES) == 0);
    close(there[1]);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(here[0]);
}

/* ---- Deaths ---------------------------------------------------------------------------------- */

/* How many handles the file server has. */
static int server_handles(void) {
    struct info_process info = {.pid = 0};
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info)) >= 0; info.pid++)
        if (strcmp(info.name, "files") == 0)
            return (int)info.handles;
    return -1;
}

static void poll_for_ever(void) {
    struct pollfd descriptors[PIPES];
    for (int i = 0; i < PIPES; i++)
        descriptors[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
    poll(descriptors, PIPES, -1);
    _exit(1);
}

/* Nobody's request stays longer than the pipes do. */
void check_deaths(void) {
    int before = server_handles(), status;
    CHECK(before > 0);
    pipes_open();
    fflush(stdout);
    for (int round = 0; round < 12; round++) {
        pid_t child = fork();
        if (child == 0)
            poll_for_ever();
        for (int tries = 0; tries < 200 && server_handles() <= before; tries++)
            usleep(5000);
        usleep(5000);
        CHECK(kill(child, 9) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    }
    CHECK(server_handles() > before && server_handles() <= before + 64);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, write_to, (void *)3) == 0);
    CHECK(events_of(pipes[3][0], POLLIN, -1) == POLLIN);
    pthread_join(thread, NULL);
    pipes_close();
    usleep(20000); /* the server hears of the last close a little later */
    CHECK(server_handles() == before);
}
