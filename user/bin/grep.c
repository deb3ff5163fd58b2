/* SPDX-License-Identifier: MIT */
/*
 * grep [-invcEFq] PATTERN [FILE...]: print the lines that match a regular expression. The status is
 * 0 if there was one, 1 if not, 2 after a mistake.
 */
#include "command.h"

#include <regex.h>
#include <stdbool.h>

#define USAGE "grep [-i] [-n] [-v] [-c] [-E] [-q] PATTERN [FILE...]"

static bool show_numbers, invert, count_only, quiet, show_names;
static regex_t pattern;

static void print(const char *name, long number, const char *line) {
    if (show_names) {
        printf("%s%s%s:", command_colour(35), name, command_colour(0));
    }
    if (show_numbers) {
        printf("%s%ld%s:", command_colour(32), number, command_colour(0));
    }
    puts(line);
}

/* How many lines of FILE match; -1 when it cannot be read. */
static long search(FILE *file, const char *name) {
    static char *line;
    static size_t size;
    ssize_t length;
    long found = 0, number = 0;
    while ((length = getline(&line, &size, file)) > 0) {
        number++;
        if (line[length - 1] == '\n') {
            line[length - 1] = '\0';
        }
        if ((regexec(&pattern, line, 0, NULL, 0) == 0) == invert) {
            continue;
        }
        found++;
        if (!count_only && !quiet) {
            print(name, number, line);
        }
    }
    if (ferror(file)) {
        return -1;
    }
    if (count_only && !quiet) {
        printf(show_names ? "%s:%ld\n" : "%.0s%ld\n", name, found);
    }
    return found;
}

static long search_named(const char *name) {
    FILE *file = fopen(name, "r");
    long found = file != NULL ? search(file, name) : -1;
    if (found < 0) {
        command_fail("grep", name);
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

static int search_all(int count, char **names) {
    bool any = false, failed = false;
    if (count == 0) {
        long found = search(stdin, "(input)");
        return found > 0 ? 0 : found < 0 ? EXIT_USAGE : 1;
    }
    show_names = count > 1;
    for (int i = 0; i < count; i++) {
        long found = search_named(names[i]);
        any = any || found > 0;
        failed = failed || found < 0;
    }
    return failed ? EXIT_USAGE : !any;
}

int main(int argc, char **argv) {
    int option, flags = REG_NOSUB, error;
    while ((option = getopt(argc, argv, "invcEqh")) != -1) {
        switch (option) {
        case 'i':
            flags |= REG_ICASE;
            break;
        case 'n':
            show_numbers = true;
            break;
        case 'v':
            invert = true;
            break;
        case 'c':
            count_only = true;
            break;
        case 'E':
            flags |= REG_EXTENDED;
            break;
        case 'q':
            quiet = true;
            break;
        default:
            return command_usage(USAGE, option);
        }
    }
    if (optind == argc) {
        return command_usage(USAGE, 0);
    }
    if ((error = regcomp(&pattern, argv[optind], flags)) != 0) {
        char reason[80];
        regerror(error, &pattern, reason, sizeof reason);
        fprintf(stderr, "grep: %s: %s\n", argv[optind], reason);
        return EXIT_USAGE;
    }
    int status = search_all(argc - optind - 1, argv + optind + 1);
    return command_end("grep", status);
}
