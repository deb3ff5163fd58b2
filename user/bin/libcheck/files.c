/* SPDX-License-Identifier: MIT */
/* Files, streams and directories. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/bin/libcheck/libcheck.h"

void check_files(void) {
    char text[32] = {0};
    struct stat found;
    int file = open(FOLDER "/a", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK(file >= 0);
    CHECK(write(file, "hello world", 11) == 11);
    CHECK(lseek(file, 6, SEEK_SET) == 6 && read(file, text, 5) == 5 && strcmp(text, "world") == 0);
    CHECK(pread(file, text, 5, 0) == 5 && strcmp(text, "hello") == 0);
    int copy = dup(file);
    CHECK(copy >= 0 && lseek(copy, 1, SEEK_SET) == 1 && lseek(file, 0, SEEK_CUR) == 1);
    CHECK(fstat(file, &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 11);
    CHECK(ftruncate(file, 5) == 0 && fstat(copy, &found) == 0 && found.st_size == 5);
    CHECK(close(file) == 0 && close(copy) == 0 && close(copy) == -1 && errno == EBADF);
    CHECK(read(-1, text, 1) == -1 && errno == EBADF);
    CHECK(open(FOLDER "/none", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open(FOLDER "/a", O_WRONLY | O_CREAT | O_EXCL, 0644) == -1 && errno == EEXIST);
    CHECK(rename(FOLDER "/a", FOLDER "/b") == 0 && stat(FOLDER "/a", &found) == -1 &&
          errno == ENOENT);
    CHECK(stat(FOLDER "/b", &found) == 0 && found.st_size == 5);
}

void check_large_file(void) {
    FILE *stream = fopen(FOLDER "/large", "w+");
    CHECK(stream != NULL);
    if (stream == NULL)
        return;
    for (int i = 0; i < 5000; i++)
        fprintf(stream, "%d\n", i);
    CHECK(fseek(stream, 0, SEEK_SET) == 0);
    int number, expected = 0;
    while (fscanf(stream, "%d", &number) == 1 && number == expected)
        expected++;
    CHECK(expected == 5000);
    CHECK(fclose(stream) == 0 && unlink(FOLDER "/large") == 0);
}

void check_directories(void) {
    char path[64];
    int entries = 0;
    CHECK(mkdir(FOLDER "/sub", 0755) == 0 && mkdir(FOLDER "/sub", 0755) == -1 && errno == EEXIST);
    CHECK(chdir(FOLDER "/sub") == 0 && getcwd(path, sizeof(path)) != NULL &&
          strcmp(path, FOLDER "/sub") == 0);
    CHECK(chdir("./..//../libcheck/.") == 0 && strcmp(getcwd(path, sizeof(path)), FOLDER) == 0);
    struct stat found;
    CHECK(stat("b", &found) == 0 && chdir("b") == -1 && errno == ENOTDIR);
    DIR *directory = opendir(".");
    CHECK(directory != NULL);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL; entries++)
        CHECK(strcmp(entry->d_name, "b") == 0 || strcmp(entry->d_name, "sub") == 0);
    CHECK(entries == 2);
    CHECK(directory != NULL && closedir(directory) == 0);
    CHECK(rmdir(FOLDER) == -1 && rmdir("sub") == 0 && unlink("b") == 0 && rmdir(FOLDER) == 0);
    CHECK(chdir("/") == 0);
}
