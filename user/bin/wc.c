/* SPDX-License-Identifier: MIT */
/* wc [-l] [-w] [-c] [FILE...]: count lines, words and bytes. */
#include "command.h"

#include <ctype.h>
#include <stdbool.h>

#define USAGE "wc [-l] [-w] [-c] [FILE...]"

struct counts {
    unsigned long lines, words, bytes;
};

static bool show_lines, show_words, show_bytes;

/* A single number alone is not padded, so that a script can compare it. */
static void print(const struct counts *counts, const char *name) {
    bool alone = *name == '\0' && show_lines + show_words + show_bytes == 1;
    const unsigned long values[] = {counts->lines, counts->words, counts->bytes};
    const bool show[] = {show_lines, show_words, show_bytes};
    for (int i = 0; i < 3; i++) {
        if (show[i]) {
            printf(alone ? "%lu" : "%8lu", values[i]);
        }
    }
    printf(*name != '\0' ? "  %s\n" : "%s\n", name);
}

static int count(FILE *file, const char *name, struct counts *total) {
    static char buffer[16 * 1024];
    struct counts counts = {0};
    bool in_word = false;
    size_t length;
    while ((length = fread(buffer, 1, sizeof buffer, file)) > 0) {
        counts.bytes += length;
        for (size_t i = 0; i < length; i++) {
            bool blank = isspace((unsigned char)buffer[i]);
            counts.lines += buffer[i] == '\n';
            counts.words += !blank && !in_word;
            in_word = !blank;
        }
    }
    if (ferror(file)) {
        return command_fail("wc", *name ? name : "input");
    }
    print(&counts, name);
    total->lines += counts.lines;
    total->words += counts.words;
    total->bytes += counts.bytes;
    return EXIT_SUCCESS;
}

static int count_named(const char *name, struct counts *total) {
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        return command_fail("wc", name);
    }
    int status = count(file, name, total);
    fclose(file);
    return status;
}

int main(int argc, char **argv) {
    struct counts total = {0};
    int option, status = EXIT_SUCCESS;
    while ((option = getopt(argc, argv, "lwch")) != -1) {
        switch (option) {
        case 'l':
            show_lines = true;
            break;
        case 'w':
            show_words = true;
            break;
        case 'c':
            show_bytes = true;
            break;
        default:
            return command_usage(USAGE, option);
        }
    }
    if (!show_lines && !show_words && !show_bytes) {
        show_lines = show_words = show_bytes = true;
    }
    if (optind == argc) {
        return command_end("wc", count(stdin, "", &total));
    }
    for (int i = optind; i < argc; i++) {
        status |= count_named(argv[i], &total);
    }
    if (argc - optind > 1) {
        print(&total, "total");
    }
    return command_end("wc", status);
}
