/* SPDX-License-Identifier: MIT */
/*
 * tail [-n COUNT | -COUNT] [FILE]: print the last lines, 10 unless told. It remembers that many
 * lines of the input in a ring, so it reads pipes as well as files.
 */
#include "command.h"

#define USAGE "tail [-n COUNT | -COUNT] [FILE]"
#define COUNT_LIMIT 100000

static int print_last(FILE *file, long count) {
    char **lines = calloc((size_t)count + 1, sizeof *lines);
    size_t *sizes = calloc((size_t)count + 1, sizeof *sizes);
    if (lines == NULL || sizes == NULL) {
        return command_fail("tail", "so many lines");
    }
    long total = 0;
    ssize_t length;
    while ((length = getline(&lines[total % (count + 1)], &sizes[total % (count + 1)], file)) > 0) {
        total++;
    }
    if (ferror(file)) {
        return command_fail("tail", "read");
    }
    for (long i = total > count ? total - count : 0; i < total; i++) {
        fputs(lines[i % (count + 1)], stdout);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    long count = 10;
    int option;
    if (argc > 1 && argv[1][0] == '-' && command_number(argv[1] + 1, 0, COUNT_LIMIT, &count) == 0) {
        *++argv = "tail"; /* the count is done with */
        argc--;
    }
    while ((option = getopt(argc, argv, "n:h")) != -1) {
        if (option != 'n' || command_number(optarg, 0, COUNT_LIMIT, &count) != 0) {
            return command_usage(USAGE, option);
        }
    }
    if (argc - optind > 1) {
        return command_usage(USAGE, 0);
    }
    FILE *file = optind < argc ? fopen(argv[optind], "r") : stdin;
    if (file == NULL) {
        return command_fail("tail", argv[optind]);
    }
    return command_end("tail", print_last(file, count));
}
