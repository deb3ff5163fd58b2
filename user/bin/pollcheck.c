/* SPDX-License-Identifier: MIT */
/*
 * pollcheck: poll() and select() on files, pipes and the console, with time-outs, closed ends, many
 * descriptors and many who wait, and that clients which die cost the file server nothing. Prints a
 * line per failure and ends with "N passed, N failed"; exits with 1 if any failed. A wake-up that
 * never comes shows as a run that does not end.
 *
 * pollcheck keys: wait for three lines of the console by poll(), and echo each.
 */
#include "user/bin/pollcheck/pollcheck.h"

#include <stdlib.h>

CHECK_COUNTERS;

static int echo_keys(void) {
    char line[80];
    struct pollfd console = {.fd = STDIN_FILENO, .events = POLLIN};
    int quiet = poll(&console, 1, 50);
    printf("before: %d\n", quiet);
    for (int i = 0; i < 3; i++) {
        printf("ready\n");
        fflush(stdout);
        int ready = poll(&console, 1, -1);
        long length = read(STDIN_FILENO, line, sizeof(line) - 1);
        line[length > 0 ? length - 1 : 0] = '\0';
        printf("poll %d, events %d, line '%s'\n", ready, console.revents, line);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "keys") == 0)
        return echo_keys();
    check_states();
    check_waits();
    check_many();
    check_conversation();
    check_select();
    check_deaths();
    return check_end();
}
