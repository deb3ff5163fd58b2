/* SPDX-License-Identifier: MIT */
/*
 * libcheck: what the user library promises, tried on the running system: start-up, heap,
 * thread-local variables, threads and locks, clones, processes, files, pipes, spawn, newlib on top
 * of it. Prints a line per failure and ends with "N passed, N failed"; exits with 1 if any failed.
 * The checks stand in libcheck/, by subject. Scratch files: /tmp.
 */
#include <sys/stat.h>

#include "user/bin/libcheck/libcheck.h"

CHECK_COUNTERS;

int main(void) {
    check_loader();
    check_gifts();
    check_memory();
    check_threads();
    check_waiting();
    check_plans();
    check_processes();
    check_newlib();
    check_services();
    check_console();
    CHECK(mkdir(FOLDER, 0755) == 0);
    check_files();
    check_large_file();
    check_directories();
    check_pipe_and_exec();
    check_spawn();
    return check_end();
}
