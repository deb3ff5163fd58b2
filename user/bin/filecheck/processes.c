/* SPDX-License-Identifier: MIT */
/* Processes, spawned programs with file actions, and signals within a program. */
#include "user/bin/filecheck/filecheck.h"

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>

extern char **environ;

static void exit_7(void) { _exit(7); }
static volatile uintptr_t nowhere = 8;

static void fault(void) { *(volatile int *)nowhere = 1; }
static void kill_self(void) { kill(getpid(), SIGTERM); }

static int waits_for_clone(void *argument) {
    int status = -1;
    (void)argument;
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    return waitpid(child, &status, 0) == child && status == 3 << 8 ? 0 : 1;
}

void check_processes(void) {
    int status;
    CHECK(child_status(exit_7) == 7 << 8);
    status = child_status(fault);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    status = child_status(kill_self);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK_ERROR(waitpid(-1, &status, 0), ECHILD);
    CHECK_ERROR(waitpid(getpid(), &status, 0), ECHILD);
    CHECK_ERROR(waitpid(-1, &status, 0x1000), EINVAL);
    CHECK_ERROR(kill(999999, 0), ESRCH);
    CHECK_ERROR(kill(getpid(), NSIG), EINVAL);
    CHECK(kill(getpid(), 0) == 0);
    char *nothing[] = {"x", NULL};
    CHECK_ERROR(execv("/none", nothing), ENOENT);
    CHECK_ERROR(execv("/etc/motd", nothing), ENOEXEC);
    CHECK_ERROR(execv("/etc/motd/x", nothing), ENOTDIR);

    /* Two processes with one slot 1, so one table of children, and handles of their own. */
    long clones[2];
    struct process_status ended;
    for (int i = 0; i < 2; i++)
        clones[i] = quartet_clone(PLAN_RFORK, waits_for_clone, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK(process_wait((int)clones[i], 0, &ended) == 0 && ended.status == 0);
        handle_close((int)clones[i]);
    }
}

/* ---- posix_spawn ----------------------------------------------------------------------------- */

void check_spawning(void) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *argv[] = {"sh", "-c", "cat; echo $WORD; exit 4", NULL},
         *env[] = {"WORD=spawned", "PATH=/bin", NULL};
    char text[64] = {0};
    int ends[2], status = -1;
    pid_t child;
    int file = open(FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(write(file, "input ", 6) == 6 && close(file) == 0);
    CHECK(pipe(ends) == 0);
    CHECK(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attributes) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, 0, FILE_NAME, O_RDONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, ends[1], 1) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, ends[0]) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, ends[1]) == 0);
    CHECK(posix_spawn(&child, "/bin/sh", &actions, &attributes, argv, env) == 0);
    CHECK(close(ends[1]) == 0);
    long count, total = 0;
    while ((count = read(ends[0], text + total, sizeof(text) - 1 - (size_t)total)) > 0)
        total += count;
    CHECK(strcmp(text, "input spawned\n") == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 4 << 8);
    CHECK(posix_spawn_file_actions_destroy(&actions) == 0 &&
          posix_spawnattr_destroy(&attributes) == 0);
    CHECK(close(ends[0]) == 0 && unlink(FILE_NAME) == 0);
    int error = posix_spawn(&child, "/none", NULL, NULL, argv, env);
    CHECK(error == ENOENT || (waitpid(child, &status, 0) == child && status == 127 << 8));
    argv[2] = "exit 6";
    CHECK(posix_spawnp(&child, "sh", NULL, NULL, argv, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 6 << 8);
}

/* ---- Signals --------------------------------------------------------------------------------- */

static volatile int handled, depth, most;
static jmp_buf back;

static void count(int signal) {
    handled += signal;
    depth++;
    most = depth > most ? depth : most;
    if (handled < 3 * SIGUSR1)
        raise(SIGUSR1); /* blocked in its own handler: once more when this one ends */
    depth--;
}

static void leave(int signal) { longjmp(back, signal); }
static void do_nothing(int signal) { (void)signal; }

static void abort_against_handler(void) {
    signal(SIGABRT, do_nothing);
    abort();
}

static void ignore_and_raise(void) {
    signal(SIGTERM, SIG_IGN);
    raise(SIGTERM);
    raise(SIGCHLD); /* ignored by default */
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
}

void check_signals(void) {
    struct sigaction action = {.sa_handler = count}, old;
    sigset_t set, before;
    CHECK(sigaction(SIGUSR1, &action, &old) == 0 && old.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == count);
    CHECK(raise(SIGUSR1) == 0 && handled == 3 * SIGUSR1 && most == 1);
    CHECK(kill(getpid(), SIGUSR1) == 0 && handled == 4 * SIGUSR1); /* the handler stays */

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, &before) == 0);
    CHECK(raise(SIGUSR1) == 0 && handled == 4 * SIGUSR1);
    CHECK(sigpending(&set) == 0 && sigismember(&set, SIGUSR1));
    CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0 && handled == 5 * SIGUSR1);
    CHECK(sigpending(&set) == 0 && !sigismember(&set, SIGUSR1));
    CHECK_ERROR(sigprocmask(77, &set, NULL), EINVAL);
    CHECK_ERROR(sigaction(SIGKILL, &action, NULL), EINVAL);
    CHECK_ERROR(sigaction(NSIG, &action, NULL), EINVAL);
    CHECK_ERROR(raise(NSIG), EINVAL);
    CHECK(signal(SIGUSR1, SIG_DFL) == count);

    signal(SIGINT, leave);
    if (setjmp(back) == 0)
        raise(SIGINT);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGINT, SIG_DFL);
    int status = child_status(abort_against_handler);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = child_status(ignore_and_raise);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
