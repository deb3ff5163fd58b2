/* SPDX-License-Identifier: MIT */
/*
 * What the small commands have in common: messages of one form ("NAME: WHAT: WHY") and exit
 * statuses, 0 for success, 1 for a failure, 2 for wrong usage. Every command says its usage with
 * -h.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* Print the usage for the wrong option that getopt returned, or for -h; the status to exit with. */
static inline int command_usage(const char *text, int option) {
    fprintf(option == 'h' ? stdout : stderr, "usage: %s\n", text);
    return option == 'h' ? EXIT_SUCCESS : EXIT_USAGE;
}

/* Say that WHAT failed, with errno's reason; returns EXIT_FAILURE. */
static inline int command_fail(const char *name, const char *what) {
    const char *reason = strerror(errno);
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", name, what, reason);
    return EXIT_FAILURE;
}

/* Flush standard output; STATUS, or EXIT_FAILURE if not all of it could be written. A reader that
 * went away is no reason for a message. */
static inline int command_end(const char *name, int status) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    return errno == EPIPE || errno == 0 ? EXIT_FAILURE : command_fail(name, "write");
}

/* A whole number from LOWEST to HIGHEST in *VALUE; 0, or -1 if TEXT is none. */
static inline int command_number(const char *text, long lowest, long highest, long *value) {
    char *end;
    errno = 0;
    *value = strtol(text, &end, 0);
    return *text == '\0' || *end != '\0' || errno != 0 || *value < lowest || *value > highest ? -1
                                                                                              : 0;
}

/* Write LENGTH bytes, however many calls it takes; 0, or -1 with errno set. */
static inline int command_write(int file, const void *bytes, size_t length) {
    for (const char *from = bytes; length > 0;) {
        ssize_t written = write(file, from, length);
        if (written <= 0) {
            return -1;
        }
        from += written;
        length -= (size_t)written;
    }
    return 0;
}

/* Somebody looks at the output: it is a terminal that knows colours. */
static inline int command_on_screen(void) {
    static int answer = -1;
    if (answer < 0) {
        const char *terminal = getenv("TERM");
        answer = isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
    }
    return answer;
}

/* The sequence for a colour: 31 red ... 36 cyan, 1 bold, 0 normal. Empty if nobody looks. */
static inline const char *command_colour(int number) {
    static char text[8][8];
    static int next;
    char *colour = text[next++ % 8];
    snprintf(colour, sizeof text[0], command_on_screen() ? "\033[%dm" : "", number);
    return colour;
}

#endif
