/* SPDX-License-Identifier: MIT */
/* hexdump [-C] [-n LENGTH] [FILE...]: bytes in hexadecimal and as characters; -C is what it does
 * anyway. */
#include "command.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>

#define USAGE "hexdump [-C] [-n LENGTH] [FILE...]"
#define ROW 16

static unsigned long position; /* runs on through all files, as if they were one */
static unsigned char row[ROW], last_row[ROW];
static size_t row_length;
static bool repeating; /* rows like the last one are left out, and a * stands for them */

static void row_print(void) {
    printf("%08lx ", position);
    for (size_t i = 0; i < ROW; i++) {
        printf(i < row_length ? " %02x" : "   ", row[i]);
        if (i == ROW / 2 - 1) {
            putchar(' ');
        }
    }
    fputs("  |", stdout);
    for (size_t i = 0; i < row_length; i++) {
        putchar(isprint(row[i]) ? row[i] : '.');
    }
    puts("|");
}

static void row_end(void) {
    bool same = position > 0 && row_length == ROW && memcmp(row, last_row, ROW) == 0;
    if (same && !repeating) {
        puts("*");
    } else if (!same) {
        row_print();
    }
    repeating = same;
    memcpy(last_row, row, ROW);
    position += row_length;
    row_length = 0;
}

static int dump(FILE *file, const char *name, long *left) {
    int byte;
    while (*left > 0 && (byte = getc(file)) != EOF) {
        --*left;
        row[row_length++] = (unsigned char)byte;
        if (row_length == ROW) {
            row_end();
        }
    }
    return ferror(file) ? command_fail("hexdump", name) : EXIT_SUCCESS;
}

static int dump_named(const char *name, long *left) {
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        return command_fail("hexdump", name);
    }
    int status = dump(file, name, left);
    fclose(file);
    return status;
}

int main(int argc, char **argv) {
    long left = LONG_MAX;
    int option, status = EXIT_SUCCESS;
    while ((option = getopt(argc, argv, "Cn:h")) != -1) {
        if (option == '?' || option == 'h' ||
            (option == 'n' && command_number(optarg, 0, LONG_MAX, &left) != 0)) {
            return command_usage(USAGE, option);
        }
    }
    if (optind == argc) {
        status = dump(stdin, "input", &left);
    }
    for (int i = optind; i < argc; i++) {
        status |= dump_named(argv[i], &left);
    }
    if (row_length > 0) {
        row_end();
    }
    if (position > 0) {
        printf("%08lx\n", position);
    }
    return command_end("hexdump", status);
}
