/* SPDX-License-Identifier: MIT */
/*
 * The commands that change or show the shell itself: a table of name, function and sentence, from
 * which `help` is printed too. Each takes argc and argv and returns a status.
 */
#include "sh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int complain(const char *name, const char *what) {
    fprintf(stderr, "%s: %s\n", name, what);
    return 1;
}

static int usage(const char *text) {
    fprintf(stderr, "usage: %s\n", text);
    return STATUS_USAGE;
}

static int builtin_cd(int argc, char **argv) {
    if (argc > 2) {
        return usage("cd [DIRECTORY]");
    }
    const char *home = variable_get("HOME");
    const char *target = argc == 2 ? argv[1] : home != NULL ? home : "/";
    if (chdir(target) != 0) {
        fprintf(stderr, "cd: %s: %s\n", target, strerror(errno));
        return 1;
    }
    return 0;
}

static int builtin_pwd(int argc, char **argv) {
    char path[1024];
    (void)argc, (void)argv;
    if (getcwd(path, sizeof path) == NULL) {
        return complain("pwd", strerror(errno));
    }
    puts(path);
    return 0;
}

static int builtin_exit(int argc, char **argv) {
    char *end = "";
    long status = argc > 1 ? strtol(argv[1], &end, 10) : shell.status;
    if (argc > 2 || *end != '\0' || (argc > 1 && argv[1][0] == '\0')) {
        return usage("exit [STATUS]");
    }
    shell.exiting = true;
    return (int)(status & 0xFF);
}

static int builtin_export(int argc, char **argv) {
    extern char **environ;
    for (char **entry = environ; argc == 1 && *entry != NULL; entry++) {
        puts(*entry);
    }
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        size_t length = equals != NULL ? (size_t)(equals - argv[i]) : strlen(argv[i]);
        if (!name_is_valid(argv[i], length)) {
            return complain(argv[i], "not a name");
        }
        if (variable_export(arena_text(argv[i], length), equals != NULL ? equals + 1 : NULL) != 0) {
            return complain("export", strerror(errno));
        }
    }
    return 0;
}

static int builtin_unset(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (!name_is_valid(argv[i], strlen(argv[i]))) {
            return complain(argv[i], "not a name");
        }
        variable_unset(argv[i]);
    }
    return 0;
}

static int builtin_jobs(int argc, char **argv) {
    (void)argc, (void)argv;
    job_print_all();
    return 0;
}

/* The number in [%]N, or 0. */
static int job_number(const char *text) {
    char *end;
    long number = strtol(text + (*text == '%'), &end, 10);
    return *end == '\0' && number > 0 && number < 10000 ? (int)number : 0;
}

static int builtin_wait(int argc, char **argv) {
    if (argc == 1) {
        return job_wait_all();
    }
    int number = argc == 2 ? job_number(argv[1]) : 0;
    return number > 0 ? job_wait_one(number) : usage("wait [JOB]");
}

static int builtin_fg(int argc, char **argv) {
    int number = argc == 1 ? job_last_number() : argc == 2 ? job_number(argv[1]) : 0;
    if (argc == 1 && number == 0) {
        return complain("fg", "no jobs");
    }
    return number > 0 ? job_foreground(number) : usage("fg [JOB]");
}

static int builtin_history(int argc, char **argv) {
    (void)argc, (void)argv;
    history_print();
    return 0;
}

static int builtin_colon(int argc, char **argv) {
    (void)argc, (void)argv;
    return 0;
}

static int builtin_help(int argc, char **argv);

static const struct builtin {
    const char *name;
    builtin_function *function;
    const char *usage, *sentence;
} builtins[] = {
    {":", builtin_colon, ":", "do nothing, successfully"},
    {"cd", builtin_cd, "cd [DIRECTORY]", "change the working directory"},
    {"exit", builtin_exit, "exit [STATUS]", "leave the shell"},
    {"export", builtin_export, "export [NAME[=VALUE]]...", "pass variables on to commands"},
    {"fg", builtin_fg, "fg [JOB]", "wait for a background job; ^C ends it"},
    {"help", builtin_help, "help", "print this"},
    {"history", builtin_history, "history", "print the lines that were typed"},
    {"jobs", builtin_jobs, "jobs", "list the background jobs"},
    {"pwd", builtin_pwd, "pwd", "print the working directory"},
    {"unset", builtin_unset, "unset NAME...", "forget variables"},
    {"wait", builtin_wait, "wait [JOB]", "wait for background jobs to end"},
};

#define BUILTIN_COUNT (sizeof builtins / sizeof builtins[0])

static int builtin_help(int argc, char **argv) {
    (void)argc, (void)argv;
    puts("Commands are joined by ; && || | and &, each with < > >> 2> 2>&1, ! before, ( ) around.\n"
         "Words: '...' \"...\" \\x $NAME $? $$ $! $1 $# $@ * ? [a-z]; # begins a comment.\n"
         "Keys: arrows, Home, End, ^A ^E line and cursor, ^K ^U ^W cut, ^Y paste, ^L clear,\n"
         "^C give up, ^D end. (QEMU wants Ctrl-A twice.) Built in:\n");
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        printf("  %-26s %s\n", builtins[i].usage, builtins[i].sentence);
    }
    puts("\nEverything else is a program: `ls /bin` shows them, and each says its usage with -h.");
    return 0;
}

builtin_function *builtin_find(const char *name) {
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        if (strcmp(builtins[i].name, name) == 0) {
            return builtins[i].function;
        }
    }
    return NULL;
}
