/* SPDX-License-Identifier: MIT */
/* mark begin|end: around shell lines that tools/tlbsim is to count. */
#include "mark.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "begin") == 0) {
        MARK(MARK_BEGIN);
    } else if (argc == 2 && strcmp(argv[1], "end") == 0) {
        MARK(MARK_END);
    } else {
        fprintf(stderr, "usage: mark begin|end\n");
        return 2;
    }
    return 0;
}
