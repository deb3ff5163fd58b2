/* SPDX-License-Identifier: MIT */
/*
 * man [NAME...]: the manual's page of each call, whichever page describes it. Without a NAME: what
 * there is. The pages are docs/man of the source and one for each system call, made from
 * abi/syscalls.def; they are Markdown, of which this knows headings, code and links.
 */
#include "user/bin/command.h"

#include <dirent.h>
#include <stdbool.h>

#define USAGE "man [NAME...]"
#define FOLDER "/man/"
#define ENDING ".md"

/* ---- One page -------------------------------------------------------------------------------- */

/* Text without backticks, and of links only their words. */
static void print_text(const char *text) {
    const char *end = NULL; /* of the words of a link */
    fputs("    ", stdout);
    for (; *text != '\0'; text++) {
        const char *close = strchr(text, ']');
        if (text == end) {
            text += strcspn(text, ")");
        } else if (*text == '[' && close != NULL && close[1] == '(') {
            end = close;
        } else if (*text != '`') {
            putchar(*text);
        }
    }
}

static void print_page(FILE *page) {
    static char line[1024];
    bool code = false;
    while (fgets(line, sizeof(line), page) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            code = !code;
        } else if (strncmp(line, "## ", 3) == 0 && !code) {
            line[strcspn(line, "\n")] = '\0';
            printf("%s%s%s\n", command_colour(1), line + 3, command_colour(0));
        } else if (line[0] == '\n') {
            putchar('\n');
        } else if (code) {
            printf("        %s", line);
        } else if (line[0] != '#') {
            print_text(line);
        }
    }
}

/* ---- Which page ------------------------------------------------------------------------------ */

/* What follows "## NAME" in PAGE, up to the next heading, on one line. */
static void page_names(FILE *page, char *names, size_t size) {
    char line[256];
    bool inside = false;
    names[0] = '\0';
    while (fgets(line, sizeof(line), page) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "## ", 3) == 0) {
            if (inside) {
                return;
            }
            inside = strcmp(line, "## NAME") == 0;
        } else if (inside && line[0] != '\0' && strlen(names) + strlen(line) + 2 < size) {
            strcat(names, names[0] != '\0' ? " " : "");
            strcat(names, line);
        }
    }
}

/* NAME is one of the words before the colon. */
static bool names_have(char *names, const char *name) {
    char *rest;
    names[strcspn(names, ":")] = '\0';
    for (char *word = strtok_r(names, ", ", &rest); word != NULL;
         word = strtok_r(NULL, ", ", &rest)) {
        if (strcmp(word, name) == 0) {
            return true;
        }
    }
    return false;
}

static FILE *page_open(const char *file) {
    char path[300];
    snprintf(path, sizeof(path), FOLDER "%s", file);
    return fopen(path, "r");
}

/* Call EACH with every page, rewound, and its names, until it says true. */
static bool pages_visit(bool (*each)(FILE *page, char *names, const char *name), const char *name) {
    static char names[2048];
    DIR *folder = opendir(FOLDER);
    struct dirent *entry;
    bool done = false;
    while (folder != NULL && !done && (entry = readdir(folder)) != NULL) {
        FILE *page = page_open(entry->d_name);
        if (page != NULL) {
            page_names(page, names, sizeof(names));
            rewind(page);
            done = each(page, names, name);
            fclose(page);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return done;
}

static bool print_if_named(FILE *page, char *names, const char *name) {
    if (!names_have(names, name)) {
        return false;
    }
    print_page(page);
    return true;
}

static bool print_names(FILE *page, char *names, const char *name) {
    (void)page, (void)name;
    puts(names);
    return false;
}

/* A page of that name first: it saves looking into all. */
static bool man(const char *name) {
    char file[256];
    snprintf(file, sizeof(file), "%s" ENDING, name);
    FILE *page = strchr(name, '/') == NULL ? page_open(file) : NULL;
    if (page == NULL) {
        return pages_visit(print_if_named, name);
    }
    print_page(page);
    fclose(page);
    return true;
}

int main(int argc, char **argv) {
    int option = getopt(argc, argv, "h"), status = EXIT_SUCCESS;
    if (option != -1) {
        return command_usage(USAGE, option);
    }
    if (optind == argc) {
        pages_visit(print_names, NULL);
    }
    for (; optind < argc; optind++) {
        if (!man(argv[optind])) {
            fprintf(stderr, "man: nothing about %s\n", argv[optind]);
            status = EXIT_FAILURE;
        }
    }
    return command_end("man", status);
}
