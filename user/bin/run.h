/* SPDX-License-Identifier: MIT */
/*
 * Starting another command: what plan, trace, time and limit share. A name without a slash is
 * looked for along PATH, and the status is what a shell would show.
 */
#ifndef RUN_H
#define RUN_H

#include <quartet.h>

#include <sys/wait.h>

#include "command.h"

/* The file that NAME stands for, in PATH (SIZE bytes); 0, or -1 with errno set. */
static inline int run_find(const char *name, char *path, size_t size) {
    const char *folders = strchr(name, '/') != NULL ? "" : getenv("PATH");
    for (const char *at = folders != NULL ? folders : "/bin";; at++) {
        size_t length = strcspn(at, ":");
        int used = snprintf(path, size, "%.*s%s%s", (int)length, at, length > 0 ? "/" : "", name);
        if (used < (int)size && access(path, X_OK) == 0) {
            return 0;
        }
        at += length;
        if (*at == '\0') {
            errno = ENOENT;
            return -1;
        }
    }
}

/* Start ARGV as SPAWN says; its process ID, or -1 after a message in the name of NAME. */
static inline pid_t run_start(const char *name, struct quartet_spawn *spawn, char **argv) {
    static char path[1024];
    struct handle_stat stat;
    spawn->program.path = path;
    spawn->program.argv = argv;
    if (run_find(argv[0], path, sizeof path) != 0) {
        command_fail(name, argv[0]);
        return -1;
    }
    int process = quartet_spawn(spawn);
    if (process < 0 || handle_stat(process, &stat) < 0) {
        command_fail(name, argv[0]);
        return -1;
    }
    return (pid_t)stat.id;
}

/* Wait for PID; the status to exit with. */
static inline int run_wait(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) != pid) {
        return EXIT_FAILURE;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The status after run_start has failed. */
static inline int run_failed(void) { return errno == ENOENT ? 127 : 126; }

#endif
