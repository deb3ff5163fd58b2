/* SPDX-License-Identifier: MIT */
/*
 * The shell's parts and what they tell each other. A line becomes a tree (parse.c) in the line
 * arena (arena.c), words become fields only when they run (expand.c), run.c walks the tree, job.c
 * starts and follows process trees, builtin.c holds the commands that change the shell itself,
 * edit.c reads a line. The shell has one thread and no locks. It allocates nothing for a line but
 * from a static arena, so that it keeps answering when jobs have eaten the memory of the machine.
 * Read sh.c next.
 */
#ifndef SH_H
#define SH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LINE_SIZE 2048

/* Exit statuses that a shell gives by convention. */
#define STATUS_USAGE 2
#define STATUS_CANNOT_RUN 126
#define STATUS_NOT_FOUND 127
#define STATUS_BY_SIGNAL 128 /* plus the number */

struct word {
    struct word *next;
    const char *text; /* as typed, quotes included */
};

enum redirect_kind { REDIRECT_READ, REDIRECT_WRITE, REDIRECT_APPEND, REDIRECT_DUPLICATE };

struct redirect {
    struct redirect *next;
    enum redirect_kind kind;
    int fd;           /* what is redirected */
    const char *text; /* file name or number, as typed */
};

/* One stage of a pipeline: either words, or a list in parentheses. */
struct command {
    struct command *next; /* the stage that reads our output */
    struct word *assignments;
    struct word *words;
    struct redirect *redirects;
    struct list *subshell;
};

enum connector { CONNECT_NONE, CONNECT_AND, CONNECT_OR };

struct pipeline {
    struct pipeline *next;
    enum connector connector; /* how it hangs on the one before */
    bool negate;
    struct command *commands;
    const char *text; /* as typed, for `jobs` */
};

struct list {
    struct list *next;
    struct pipeline *pipelines;
    bool background;
    const char *text;
};

struct shell {
    bool interactive;
    bool in_job;  /* runs inside a job's budget: its children need none of their own */
    bool exiting; /* `exit` was run */
    int status;   /* $? */
    pid_t pid;    /* $$: of the shell that the user started, also in subshells */
    const char *name;
    int argument_count; /* $# */
    char **arguments;   /* $1... */
};

extern struct shell shell;

/* arena.c: memory that lives until the line has run. Never returns null: when it is used up, the
 * line is given up with a message (a jump to the loop that reads lines). */
void *arena_take(size_t size);
char *arena_text(const char *text, size_t length);
void arena_reset(void);
size_t arena_mark(void);
void arena_release(size_t mark);

/* parse.c */
enum parse_result { PARSE_OK, PARSE_EMPTY, PARSE_INCOMPLETE, PARSE_ERROR };
enum parse_result parse_line(const char *text, struct list **result);

/* expand.c */
char **expand_words(const struct word *words, int *count); /* null-terminated */
const char *expand_text(const char *text);                 /* one field, no splitting */
bool name_is_valid(const char *text, size_t length);
const char *variable_get(const char *name);
int variable_set(const char *name, const char *value); /* 0, or -1 when there is no room */
int variable_export(const char *name, const char *value);
int variable_unset(const char *name);

/* run.c */
int run_list(const struct list *list);
int run_pipelines(const struct pipeline *pipeline);
_Noreturn void run_stages_and_exit(const struct pipeline *pipeline);

/* job.c */
int job_run(const struct pipeline *pipeline); /* in the foreground; the status */
int job_start(const struct list *list);       /* in the background */
void job_announce_ended(void);
int job_wait_all(void);
int job_wait_one(int number);
int job_foreground(int number);
void job_print_all(void);
int job_last_number(void);
pid_t job_last_pid(void); /* $! */
int child_wait(pid_t pid, const char *text);
void job_initialize(void);

/* builtin.c */
typedef int builtin_function(int argc, char **argv);
builtin_function *builtin_find(const char *name);

/* edit.c: a line without its newline in LINE. False at the end of the input. */
bool edit_line(const char *prompt, char *line, size_t size);
void history_add(const char *line);
void history_print(void);

/* sh.c */
int shell_run_text(const char *text);
_Noreturn void shell_abandon_line(const char *reason);

#endif
