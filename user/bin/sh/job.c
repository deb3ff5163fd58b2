/* SPDX-License-Identifier: MIT */
/*
 * Jobs: process trees with a budget each. A job is one child of the shell, which puts itself under
 * a new budget and a lower priority and then becomes the command, or starts the stages of a
 * pipeline and waits for them. The shell stays outside, so that whatever a job does, there is
 * memory, a process and time left to answer with. In a job everything is an ordinary child
 * (shell.in_job).
 */
#include "sh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "terminal.h"

#define PRIORITY_BACKGROUND (PRIORITY_DEFAULT - 4) /* so that what is typed goes before it */
#define JOB_COUNT 32
#define JOB_TEXT_SIZE 128
#define JOB_PROCESSES 256
#define JOB_THREADS 256
#define JOB_QUARTERS 1100 /* four for each process, and some to play with */

static struct job {
    pid_t pid; /* 0: free */
    char text[JOB_TEXT_SIZE];
} jobs[JOB_COUNT]; /* job N stands in entry N - 1 */

static pid_t last_pid;  /* of the job that was started last */
static int last_number; /* and its number */
static bool outermost;  /* no shell above this one: its jobs are in no other job's budget */
static struct process_limits job_limits = {
    .processes = JOB_PROCESSES, .threads = JOB_THREADS, .quarters = JOB_QUARTERS};

/* A shell that a script runs is in a job already; one that a person types at makes its own. */
void job_initialize(void) {
    char level[16];
    struct info_machine machine;
    int depth = getenv("SHLVL") != NULL ? atoi(getenv("SHLVL")) + 1 : 1;
    snprintf(level, sizeof level, "%d", depth);
    setenv("SHLVL", level, 1);
    outermost = depth == 1;
    shell.in_job = depth > 1 && !shell.interactive;
    if (system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine) >= 0) {
        job_limits.frames = machine.frames / 8 * 7;
    }
}

/* In the child that becomes the job. The priority is set first: the budget makes it the job's
 * highest. */
static void job_enter(bool background) {
    if (!shell.in_job) {
        thread_priority(background ? PRIORITY_BACKGROUND : PRIORITY_DEFAULT);
        /* Inside a job there are few budgets, but also the job's own. */
        if (process_limit(&job_limits) < 0 && outermost) {
            fprintf(stderr, "sh: no budget left for another job\n");
            _exit(STATUS_CANNOT_RUN);
        }
    }
    shell.in_job = true;
    shell.interactive = false;
    memset(jobs, 0, sizeof jobs); /* they are the parent's */
    int nothing = background ? open("/dev/null", O_RDONLY) : -1;
    if (nothing >= 0) {
        dup2(nothing, STDIN_FILENO);
        close(nothing);
    }
}

static int status_of(int status, const char *text) {
    if (!WIFSIGNALED(status)) {
        return WEXITSTATUS(status);
    }
    int number = WTERMSIG(status);
    int name = (int)strcspn(text, " \t\n");
    if (shell.interactive && number == SIGSEGV) {
        fprintf(stderr, "sh: %.*s: ended by a fault\n", name, text);
    } else if (shell.interactive && number != SIGINT) {
        fprintf(stderr, "sh: %.*s: killed (%d)\n", name, text, number);
    }
    return STATUS_BY_SIGNAL + number;
}

int child_wait(pid_t pid, const char *text) {
    int status;
    if (waitpid(pid, &status, 0) < 0) {
        return STATUS_NOT_FOUND;
    }
    return status_of(status, text);
}

/* Wait for PID with ^C directed at it. */
static int foreground_wait(pid_t pid, const char *text) {
    int handle = quartet_child_handle(pid);
    if (shell.interactive && handle != QUARTET_NONE) {
        quartet_console_foreground(&handle, 1);
    }
    int status = child_wait(pid, text);
    if (shell.interactive) {
        quartet_console_foreground(NULL, 0);
        terminal_raw(false); /* whatever the job left it in */
    }
    return status;
}

static int cannot_start(void) {
    fprintf(stderr, "sh: cannot start a process: %s\n", strerror(errno));
    return STATUS_CANNOT_RUN;
}

int job_run(const struct pipeline *pipeline) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        job_enter(false);
        run_stages_and_exit(pipeline);
    }
    return pid < 0 ? cannot_start() : foreground_wait(pid, pipeline->text);
}

/* ---- In the background ----------------------------------------------------------------------- */

static struct job *job_by_number(int number) {
    if (number < 1 || number > JOB_COUNT || jobs[number - 1].pid == 0) {
        fprintf(stderr, "sh: there is no job %d\n", number);
        return NULL;
    }
    return &jobs[number - 1];
}

static int job_add(pid_t pid, const char *text) {
    for (int i = 0; i < JOB_COUNT; i++) {
        if (jobs[i].pid == 0) {
            jobs[i].pid = last_pid = pid;
            snprintf(jobs[i].text, JOB_TEXT_SIZE, "%s", text);
            return last_number = i + 1;
        }
    }
    return 0;
}

static bool job_table_is_full(void) {
    for (int i = 0; i < JOB_COUNT; i++) {
        if (jobs[i].pid == 0) {
            return false;
        }
    }
    return true;
}

int job_start(const struct list *list) {
    if (job_table_is_full()) {
        fprintf(stderr, "sh: too many background jobs: `wait` for some\n");
        return STATUS_CANNOT_RUN;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        job_enter(true);
        if (list->pipelines->next == NULL && !list->pipelines->negate) {
            run_stages_and_exit(list->pipelines);
        }
        _exit(run_pipelines(list->pipelines));
    }
    if (pid < 0) {
        return cannot_start();
    }
    int number = job_add(pid, list->text);
    if (shell.interactive) {
        fprintf(stderr, "[%d] %d\n", number, (int)pid);
    }
    return 0;
}

void job_announce_ended(void) {
    int status;
    for (struct job *job = jobs; shell.interactive && job < jobs + JOB_COUNT; job++) {
        if (job->pid == 0 || waitpid(job->pid, &status, WNOHANG) != job->pid) {
            continue;
        }
        int code = status_of(status, job->text);
        char result[24] = "done";
        if (code != 0) {
            snprintf(result, sizeof result, "exit %d", code);
        }
        printf("[%d] %-8s %s\n", (int)(job - jobs) + 1, result, job->text);
        job->pid = 0;
    }
    fflush(stdout);
}

void job_print_all(void) {
    for (int i = 0; i < JOB_COUNT; i++) {
        if (jobs[i].pid != 0) {
            printf("[%d] %6d  %s\n", i + 1, (int)jobs[i].pid, jobs[i].text);
        }
    }
}

int job_last_number(void) {
    if (last_number != 0 && jobs[last_number - 1].pid != 0) {
        return last_number;
    }
    for (int i = JOB_COUNT; i > 0; i--) {
        if (jobs[i - 1].pid != 0) {
            return i;
        }
    }
    return 0;
}

pid_t job_last_pid(void) { return last_pid; }

static int job_finish(struct job *job) {
    int status = foreground_wait(job->pid, job->text);
    job->pid = 0;
    return status;
}

int job_wait_one(int number) {
    struct job *job = job_by_number(number);
    return job != NULL ? job_finish(job) : STATUS_NOT_FOUND;
}

int job_wait_all(void) {
    int status = 0;
    for (int i = 0; i < JOB_COUNT; i++) {
        if (jobs[i].pid != 0) {
            status = job_finish(&jobs[i]);
        }
    }
    return status;
}

int job_foreground(int number) {
    struct job *job = job_by_number(number);
    if (job == NULL) {
        return 1;
    }
    puts(job->text);
    fflush(stdout);
    return job_finish(job);
}
