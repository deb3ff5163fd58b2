/* SPDX-License-Identifier: MIT */
/*
 * filecheck: what POSIX says of descriptors, reading and writing, pipes, processes and signals,
 * tried on the running system. Prints a line per failure and ends with "N passed, N failed"; exits
 * with 1 if any failed. The checks stand in filecheck/, by subject. Scratch files: /tmp.
 *
 * For its own use: `filecheck open N...` ends with the number of those descriptors that are open;
 * `filecheck low` is started without standard input, and ends with 0 if what it opens becomes that.
 */
#include "user/bin/filecheck/filecheck.h"

CHECK_COUNTERS;

static int count_open(char **numbers) {
    int count = 0;
    for (; *numbers != NULL; numbers++)
        count += fcntl(atoi(*numbers), F_GETFD) >= 0;
    return count;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "open") == 0)
        return count_open(argv + 2);
    if (argc > 1 && strcmp(argv[1], "low") == 0)
        return open("/dev/null", O_RDONLY) != 0;
    mkdir(FOLDER, 0755);
    check_numbers();
    check_close_on_exec();
    check_flags();
    check_reading();
    check_pipes();
    check_small();
    check_small_pipes();
    check_small_writers();
    check_small_errors();
    check_paths();
    check_facts();
    check_processes();
    check_spawning();
    check_signals();
    CHECK(rmdir(FOLDER) == 0);
    return check_end();
}
