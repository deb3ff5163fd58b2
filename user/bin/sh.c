/* SPDX-License-Identifier: MIT */
/*
 * The shell: sh [-c LINE [NAME ARGUMENT...] | FILE [ARGUMENT...]]. Without either it reads lines
 * from its input, with prompt, editing and history if that is a terminal; under a name that begins with a
 * hyphen it greets first. This file owns the loop
 * that reads a line, and goes on reading while a quote or a pipeline is open; sh/ has the parts,
 * sh/sh.h says which does what.
 */
#include "sh/sh.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROMPT_PATH 40 /* of a long path only the end is shown */

struct shell shell = {.name = "sh"};

static jmp_buf line_loop; /* where shell_abandon_line goes */

static char text[LINE_SIZE * 4]; /* what is being collected until it is complete */

void shell_abandon_line(const char *reason) {
    fprintf(stderr, "sh: %s\n", reason);
    shell.status = STATUS_USAGE;
    longjmp(line_loop, 1);
}

/* False if TEXT ends in the middle of something. */
static bool run_if_complete(const char *line, bool is_end) {
    struct list *list;
    arena_reset();
    if (setjmp(line_loop) != 0) {
        return true;
    }
    switch (parse_line(line, &list)) {
    case PARSE_OK:
        run_list(list);
        return true;
    case PARSE_EMPTY:
        return true;
    case PARSE_INCOMPLETE:
        if (!is_end) {
            return false;
        }
        fprintf(stderr, "sh: syntax error: the text ends too early\n");
        break;
    case PARSE_ERROR:
        break;
    }
    shell.status = STATUS_USAGE;
    return true;
}

int shell_run_text(const char *line) {
    run_if_complete(line, true);
    fflush(stdout);
    return shell.status;
}

static const char *make_prompt(void) {
    static char prompt[PROMPT_PATH + sizeof " $ "];
    char path[1024];
    if (getcwd(path, sizeof path) == NULL) {
        strcpy(path, "?");
    }
    size_t length = strlen(path);
    snprintf(prompt, sizeof prompt, "%.*s $ ", PROMPT_PATH,
             length > PROMPT_PATH ? path + length - PROMPT_PATH : path);
    return prompt;
}

/* Lines from NEXT_LINE until it has no more. */
static int run_lines(bool (*next_line)(const char *prompt, char *line, size_t size)) {
    static char line[LINE_SIZE];
    size_t length = 0;
    bool more = true;
    while (more && !shell.exiting) {
        job_announce_ended();
        more = next_line(length > 0 ? "> " : make_prompt(), line, sizeof line);
        int added = snprintf(text + length, sizeof text - length, "%s\n", more ? line : "");
        if (shell.interactive && more) {
            history_add(line);
        }
        if ((size_t)added >= sizeof text - length) {
            fprintf(stderr, "sh: the command is too long\n");
            shell.status = STATUS_USAGE;
            length = 0;
            continue;
        }
        bool gives_up = shell.interactive && line[0] == '\0' && length > 0;
        length = run_if_complete(text, !more || gives_up) ? 0 : length + (size_t)added;
        fflush(stdout);
    }
    return shell.status;
}

static FILE *script;

static bool script_line(const char *prompt, char *line, size_t size) {
    (void)prompt;
    if (fgets(line, (int)size, script) == NULL) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    return true;
}

static int run_file(char *path) {
    script = fopen(path, "r");
    if (script == NULL) {
        fprintf(stderr, "sh: %s: %s\n", path, strerror(errno));
        return STATUS_NOT_FOUND;
    }
    return run_lines(script_line);
}

static void set_arguments(int count, char **arguments) {
    if (count > 0) {
        shell.name = arguments[0];
        shell.argument_count = count - 1;
        shell.arguments = arguments + 1;
    }
}

/* A login shell's. */
static void greet(void) {
    char line[256];
    FILE *file = fopen("/etc/motd", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        fputs(line, stdout);
    }
    if (file != NULL) {
        fclose(file);
    }
}

int main(int argc, char **argv) {
    shell.pid = getpid();
    if (argc > 1 && strcmp(argv[1], "-c") == 0) {
        if (argc == 2) {
            fprintf(stderr, "usage: sh [-c LINE [NAME ARGUMENT...] | FILE [ARGUMENT...]]\n");
            return STATUS_USAGE;
        }
        set_arguments(argc - 3, argv + 3);
        job_initialize();
        return shell_run_text(argv[2]);
    }
    if (argc > 1) {
        set_arguments(argc - 1, argv + 1);
        job_initialize();
        return run_file(argv[1]);
    }
    shell.interactive = isatty(STDIN_FILENO);
    job_initialize();
    if (argc > 0 && argv[0][0] == '-') {
        greet();
    }
    return run_lines(edit_line);
}
