/* SPDX-License-Identifier: MIT */
/* head [-n COUNT | -COUNT] [FILE...]: print the first lines, 10 unless told. */
#include "command.h"

#include <limits.h>

#define USAGE "head [-n COUNT | -COUNT] [FILE...]"

static void print_lines(FILE *file, long count) {
    int character;
    while (count > 0 && (character = getc(file)) != EOF) {
        putchar(character);
        count -= character == '\n';
    }
}

static int print_named(const char *name, long count) {
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        return command_fail("head", name);
    }
    print_lines(file, count);
    int status = ferror(file) ? command_fail("head", name) : EXIT_SUCCESS;
    fclose(file);
    return status;
}

int main(int argc, char **argv) {
    long count = 10;
    int option, status = EXIT_SUCCESS;
    if (argc > 1 && argv[1][0] == '-' && command_number(argv[1] + 1, 0, LONG_MAX, &count) == 0) {
        *++argv = "head"; /* the count is done with */
        argc--;
    }
    while ((option = getopt(argc, argv, "n:h")) != -1) {
        if (option != 'n' || command_number(optarg, 0, LONG_MAX, &count) != 0) {
            return command_usage(USAGE, option);
        }
    }
    if (optind == argc) {
        print_lines(stdin, count);
    }
    for (int i = optind; i < argc; i++) {
        if (argc - optind > 1) {
            printf("%s==> %s <==\n", i > optind ? "\n" : "", argv[i]);
        }
        status |= print_named(argv[i], count);
    }
    return command_end("head", status);
}
