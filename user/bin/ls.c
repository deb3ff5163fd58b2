/* SPDX-License-Identifier: MIT */
/*
 * ls [-l] [-a] [-1] [FILE...]: list files. On a screen in columns and colours, else one to a line.
 * -l adds type and permissions, size, and when the file was changed, in time since the machine
 * started.
 */
#include "command.h"

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

#define USAGE "ls [-l] [-a] [-1] [FILE...]"
#define COLUMNS 80
#define PATH_SIZE 1024

struct file {
    char *name;
    struct stat status;
};

static bool long_format, all, one_column;
static struct file *files;
static size_t file_count, file_room;

static int file_add(const char *name, const char *path) {
    if (file_count == file_room) {
        size_t room = file_room ? 2 * file_room : 64;
        struct file *more = realloc(files, room * sizeof *files);
        if (more == NULL) {
            return command_fail("ls", path);
        }
        files = more;
        file_room = room;
    }
    struct file *file = &files[file_count];
    if (stat(path, &file->status) != 0 || (file->name = strdup(name)) == NULL) {
        return command_fail("ls", path);
    }
    file_count++;
    return EXIT_SUCCESS;
}

static int file_compare(const void *one, const void *other) {
    return strcmp(((const struct file *)one)->name, ((const struct file *)other)->name);
}

static int file_colour(mode_t mode) {
    return S_ISDIR(mode) ? 34 : S_ISCHR(mode) ? 33 : mode & 0111 ? 32 : 0;
}

static void print_name(const struct file *file) {
    printf("%s%s%s", command_colour(file_colour(file->status.st_mode)), file->name,
           command_colour(0));
}

static void print_long(const struct file *file) {
    static const char letters[] = "rwxrwxrwx";
    mode_t mode = file->status.st_mode;
    unsigned long seconds = (unsigned long)file->status.st_mtime;
    putchar(S_ISDIR(mode) ? 'd' : S_ISCHR(mode) ? 'c' : S_ISFIFO(mode) ? 'p' : '-');
    for (int i = 0; i < 9; i++) {
        putchar(mode & (0400 >> i) ? letters[i] : '-');
    }
    printf(" %9lu %3lu:%02lu:%02lu ", (unsigned long)file->status.st_size, seconds / 3600,
           seconds / 60 % 60, seconds % 60);
    print_name(file);
    putchar('\n');
}

static void print_columns(void) {
    size_t width = 0;
    for (size_t i = 0; i < file_count; i++) {
        width = strlen(files[i].name) > width ? strlen(files[i].name) : width;
    }
    size_t columns = COLUMNS / (width + 2);
    columns = columns > 0 ? columns : 1;
    size_t rows = (file_count + columns - 1) / columns;
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = row; i < file_count; i += rows) {
            print_name(&files[i]);
            int padding = i + rows < file_count ? (int)(width + 2 - strlen(files[i].name)) : 0;
            printf("%*s", padding, "");
        }
        putchar('\n');
    }
}

static void print_all(void) {
    qsort(files, file_count, sizeof *files, file_compare);
    if (!long_format && !one_column) {
        print_columns();
    }
    for (size_t i = 0; i < file_count; i++) {
        if (long_format) {
            print_long(&files[i]);
        } else if (one_column) {
            print_name(&files[i]);
            putchar('\n');
        }
        free(files[i].name);
    }
    file_count = 0;
}

static int list_directory(const char *path) {
    char full[PATH_SIZE];
    int status = EXIT_SUCCESS;
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return command_fail("ls", path);
    }
    if (all) {
        status |= file_add(".", path);
    }
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (dots || (entry->d_name[0] == '.' && !all)) {
            continue;
        }
        if (snprintf(full, sizeof full, "%s/%s", path, entry->d_name) < (int)sizeof full) {
            status |= file_add(entry->d_name, full);
        }
    }
    closedir(directory);
    print_all();
    return status;
}

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* First the files, then each directory under its name. */
static int list_all(int count, char **paths) {
    int status = EXIT_SUCCESS;
    for (int i = 0; i < count; i++) {
        if (!is_directory(paths[i])) {
            status |= file_add(paths[i], paths[i]);
        }
    }
    bool first = file_count == 0;
    print_all();
    for (int i = 0; i < count; i++) {
        if (!is_directory(paths[i])) {
            continue;
        }
        if (count > 1) {
            printf("%s%s:\n", first ? "" : "\n", paths[i]);
        }
        first = false;
        status |= list_directory(paths[i]);
    }
    return status;
}

int main(int argc, char **argv) {
    int option;
    one_column = !command_on_screen();
    while ((option = getopt(argc, argv, "la1h")) != -1) {
        switch (option) {
        case 'l':
            long_format = true;
            break;
        case 'a':
            all = true;
            break;
        case '1':
            one_column = true;
            break;
        default:
            return command_usage(USAGE, option);
        }
    }
    int status = optind == argc ? list_directory(".") : list_all(argc - optind, argv + optind);
    return command_end("ls", status);
}
