/* SPDX-License-Identifier: MIT */
/*
 * Running a tree. A builtin that stands alone runs in the shell itself, with the redirections in
 * force only while it runs; everything else runs in children. Stages of a pipeline are always
 * children. The choice between a new job and a child of this one is made by shell.in_job (job.c).
 */
#include "sh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAVED_LIMIT 16

/* ---- Redirections ---------------------------------------------------------------------------- */

static struct { int fd, copy; /* copy -1: the descriptor was closed */ } saved[SAVED_LIMIT];
static int saved_count;

static int redirect_open(const struct redirect *redirect, const char *name) {
    static const int flags[] = {
        [REDIRECT_READ] = O_RDONLY,
        [REDIRECT_WRITE] = O_WRONLY | O_CREAT | O_TRUNC,
        [REDIRECT_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
    };
    if (redirect->kind == REDIRECT_DUPLICATE) {
        char *end;
        long source = strtol(name, &end, 10);
        if (*name == '\0' || *end != '\0') {
            errno = EBADF;
            return -1;
        }
        return dup((int)source);
    }
    return open(name, flags[redirect->kind], 0666);
}

static int redirect_apply(const struct redirect *redirect) {
    const char *name = expand_text(redirect->text);
    int fd = redirect_open(redirect, name);
    if (fd < 0 || (fd != redirect->fd && dup2(fd, redirect->fd) < 0)) {
        fprintf(stderr, "sh: %s: %s\n", name, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    if (fd != redirect->fd) {
        close(fd);
    }
    return 0;
}

static int redirects_apply(const struct redirect *redirect) {
    for (; redirect != NULL; redirect = redirect->next) {
        if (redirect_apply(redirect) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The same, so that redirects_undo can bring back what was there. */
static int redirects_apply_for_now(const struct redirect *redirect) {
    for (saved_count = 0; redirect != NULL; redirect = redirect->next) {
        if (saved_count == SAVED_LIMIT) {
            fprintf(stderr, "sh: too many redirections\n");
            return -1;
        }
        saved[saved_count].fd = redirect->fd;
        saved[saved_count++].copy = dup(redirect->fd);
        if (redirect_apply(redirect) != 0) {
            return -1;
        }
    }
    return 0;
}

static void redirects_undo(void) {
    fflush(stdout);
    while (saved_count > 0) {
        saved_count--;
        int fd = saved[saved_count].fd, copy = saved[saved_count].copy;
        if (copy < 0) {
            close(fd);
        } else {
            dup2(copy, fd);
            close(copy);
        }
    }
}

/* ---- One command ----------------------------------------------------------------------------- */

/* NAME=VALUE words: into the shell, or into the environment of a command that is about to start. */
static int assignments_apply(const struct word *word, int (*set)(const char *, const char *)) {
    for (; word != NULL; word = word->next) {
        size_t length = strcspn(word->text, "=");
        if (set(arena_text(word->text, length), expand_text(word->text + length + 1)) != 0) {
            fprintf(stderr, "sh: no room for the variable %.*s\n", (int)length, word->text);
            return 1;
        }
    }
    return 0;
}

static _Noreturn void program_start(char **argv) {
    execvp(argv[0], argv);
    int error = errno;
    if (error == ENOENT) {
        fprintf(stderr, "sh: %s: not found\n", argv[0]);
        _exit(STATUS_NOT_FOUND);
    }
    fprintf(stderr, "sh: %s: %s\n", argv[0], strerror(error));
    _exit(STATUS_CANNOT_RUN);
}

/* In a child that is there for this command alone. */
static _Noreturn void command_run_and_exit(const struct command *command) {
    int argc;
    if (redirects_apply(command->redirects) != 0) {
        _exit(1);
    }
    if (command->subshell != NULL) {
        run_list(command->subshell);
        fflush(NULL);
        _exit(shell.status);
    }
    char **argv = expand_words(command->words, &argc);
    if (assignments_apply(command->assignments, variable_export) != 0 || argc == 0) {
        _exit(argc != 0);
    }
    builtin_function *builtin = builtin_find(argv[0]);
    if (builtin == NULL) {
        program_start(argv);
    }
    int status = builtin(argc, argv);
    fflush(NULL);
    _exit(status);
}

/* True if COMMAND has to run in the shell itself; then *STATUS is set. */
static bool command_run_here(const struct command *command, int *status) {
    if (command->subshell != NULL || command->next != NULL) {
        return false;
    }
    int argc;
    char **argv = expand_words(command->words, &argc);
    builtin_function *builtin = argc > 0 ? builtin_find(argv[0]) : NULL;
    if (argc > 0 && builtin == NULL) {
        return false;
    }
    *status = 1;
    if (redirects_apply_for_now(command->redirects) == 0) {
        *status = assignments_apply(command->assignments, variable_set);
        if (builtin != NULL && *status == 0) {
            *status = builtin(argc, argv);
        }
    }
    redirects_undo();
    return true;
}

/* ---- Pipelines ------------------------------------------------------------------------------- */

static void close_if_open(int fd) {
    if (fd >= 0) {
        close(fd);
    }
}

static void move_descriptor(int from, int to) {
    if (from >= 0) {
        dup2(from, to);
        close(from);
    }
}

/* Fork one stage that reads INPUT and writes into the pipe OUTPUT; -1 stands for what the shell
 * has. */
static pid_t stage_start(const struct command *command, int input, const int output[2]) {
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    move_descriptor(input, STDIN_FILENO);
    move_descriptor(output[1], STDOUT_FILENO);
    close_if_open(output[0]);
    command_run_and_exit(command);
}

static int stages_wait(const pid_t *pids, int count, const char *text) {
    int status = 0;
    for (int i = 0; i < count; i++) {
        status = child_wait(pids[i], text);
    }
    return status;
}

#define STAGE_LIMIT 64

/* The stages as children of this process; the status of the last one. */
static int stages_run(const struct pipeline *pipeline) {
    pid_t pids[STAGE_LIMIT];
    int count = 0, input = -1;
    fflush(NULL);
    for (struct command *command = pipeline->commands; command; command = command->next) {
        int output[2] = {-1, -1};
        errno = EAGAIN;
        bool started = count < STAGE_LIMIT && (command->next == NULL || pipe(output) == 0) &&
                       (pids[count] = stage_start(command, input, output)) >= 0;
        close_if_open(input);
        close_if_open(output[1]);
        input = output[0];
        if (!started) {
            fprintf(stderr, "sh: cannot start `%s': %s\n", pipeline->text, strerror(errno));
            close_if_open(input);
            stages_wait(pids, count, pipeline->text);
            return STATUS_CANNOT_RUN;
        }
        count++;
    }
    return stages_wait(pids, count, pipeline->text);
}

_Noreturn void run_stages_and_exit(const struct pipeline *pipeline) {
    if (pipeline->commands->next == NULL) {
        command_run_and_exit(pipeline->commands);
    }
    _exit(stages_run(pipeline));
}

static int run_pipeline(const struct pipeline *pipeline) {
    int status;
    if (!command_run_here(pipeline->commands, &status)) {
        status = shell.in_job ? stages_run(pipeline) : job_run(pipeline);
    }
    return pipeline->negate ? status == 0 : status;
}

int run_pipelines(const struct pipeline *pipeline) {
    for (; pipeline != NULL && !shell.exiting; pipeline = pipeline->next) {
        bool succeeded = shell.status == 0;
        if (pipeline->connector == CONNECT_NONE ||
            succeeded == (pipeline->connector == CONNECT_AND)) {
            shell.status = run_pipeline(pipeline);
        }
    }
    return shell.status;
}

int run_list(const struct list *list) {
    for (; list != NULL && !shell.exiting; list = list->next) {
        shell.status = list->background ? job_start(list) : run_pipelines(list->pipelines);
    }
    return shell.status;
}
