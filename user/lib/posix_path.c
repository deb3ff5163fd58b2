/* SPDX-License-Identifier: MIT */
/*
 * The current directory, which only the library knows: it is the environment's PWD, so that it
 * passes through fork and exec like any other variable, and the file server never hears of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

static const char *current_directory(void) {
    const char *directory = getenv("PWD");
    return directory != NULL && directory[0] == '/' ? directory : "/";
}

/* Remove the last part of the path of LENGTH bytes; return its new length. */
static size_t part_remove(const char *path, size_t length) {
    while (length > 0 && path[--length] != '/')
        ;
    return length;
}

/* Append the parts of MORE to the path of LENGTH bytes in PATH (which has no slash at its end, so
 * "/" is empty). -1 with errno set if it does not fit. */
static int parts_append(char *path, size_t *length, const char *more) {
    while (*(more += strspn(more, "/")) != '\0') {
        size_t part = strcspn(more, "/");
        if (part == 2 && memcmp(more, "..", 2) == 0) {
            *length = part_remove(path, *length);
        } else if (part != 1 || *more != '.') {
            if (*length + 1 + part >= PATH_SIZE) {
                errno = ENAMETOOLONG;
                return -1;
            }
            path[*length] = '/';
            memcpy(path + *length + 1, more, part);
            *length += part + 1;
        }
        more += part;
    }
    return 0;
}

int path_absolute(const char *path, char *absolute) {
    size_t length = 0;
    if (path[0] == '\0') {
        errno = ENOENT;
        return -1;
    }
    if (path[0] != '/' && parts_append(absolute, &length, current_directory()) < 0)
        return -1;
    if (parts_append(absolute, &length, path) < 0)
        return -1;
    if (length == 0)
        absolute[length++] = '/';
    absolute[length] = '\0';
    return 0;
}

int chdir(const char *path) {
    char absolute[PATH_SIZE];
    struct stat found;
    if (path_absolute(path, absolute) < 0 || stat(absolute, &found) < 0)
        return -1;
    if (!S_ISDIR(found.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    return setenv("PWD", absolute, 1);
}

char *getcwd(char *buffer, size_t size) {
    char absolute[PATH_SIZE];
    if (path_absolute(".", absolute) < 0)
        return NULL;
    if (buffer == NULL)
        return strdup(absolute);
    if (strlen(absolute) >= size) {
        errno = size == 0 ? EINVAL : ERANGE;
        return NULL;
    }
    return strcpy(buffer, absolute);
}
