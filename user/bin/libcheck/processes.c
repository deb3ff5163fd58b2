/* SPDX-License-Identifier: MIT */
/* Processes: their ends, pipes between them, exec and spawn. */
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/bin/libcheck/libcheck.h"

extern char **environ;

void check_processes(void) {
    int status = 0;
    pid_t self = getpid(), child = fork();
    if (child == 0)
        _exit(getpid() != self ? 33 : 34);
    CHECK(child > 0 && quartet_child_handle(child) >= HANDLE_FIRST);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 33);
    CHECK(quartet_child_handle(child) == QUARTET_NONE);
    CHECK(waitpid(child, &status, 0) == -1 && errno == ECHILD);

    child = fork();
    if (child == 0)
        for (;;)
            sleep(1000);
    CHECK(waitpid(-1, &status, WNOHANG) == 0);
    CHECK(kill(child, 0) == 0 && kill(child, SIGTERM) == 0);
    CHECK(wait(&status) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    CHECK(wait(&status) == -1 && errno == ECHILD);

    child = fork();
    if (child == 0)
        abort();
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
          WTERMSIG(status) == SIGABRT);
}

void check_pipe_and_exec(void) {
    char buffer[64] = {0};
    int ends[2], status;
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("echo", "echo", "one", "two", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    CHECK(read(ends[0], buffer, sizeof(buffer)) == 8 && strcmp(buffer, "one two\n") == 0);
    CHECK(read(ends[0], buffer, sizeof(buffer)) == 0);
    close(ends[0]);
    CHECK(waitpid(child, &status, 0) == child && status == 0);

    CHECK(execl("/does/not/exist", "x", (char *)NULL) == -1 && errno == ENOENT);
    CHECK(execl("/etc/motd", "x", (char *)NULL) == -1 && errno == ENOEXEC);
    CHECK(execl("/etc", "x", (char *)NULL) == -1);
}

void check_spawn(void) {
    char *argv[] = {"false", NULL};
    pid_t child;
    int status;
    struct quartet_spawn spawn = {.program = {.path = "/bin/false", .argv = argv},
                                  .plan = PLAN_SPAWN};
    struct process_status ended;
    int handle = quartet_spawn(&spawn);
    CHECK(handle >= HANDLE_FIRST && process_wait(handle, 0, &ended) == 0 && ended.status == 1);
    handle_close(handle);
    spawn.program.path = "/bin/nothing";
    CHECK(quartet_spawn(&spawn) == -1 && errno == ENOENT);
    CHECK(wait(&status) == -1 && errno == ECHILD);

    CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    char line[32] = {0};
    FILE *stream = popen("echo piped", "r");
    CHECK(stream != NULL && fgets(line, sizeof(line), stream) != NULL &&
          strcmp(line, "piped\n") == 0);
    CHECK(stream != NULL && pclose(stream) == 0);
    CHECK(system("exit 3") == 3); /* newlib gives the code, not the status */
}
