/* SPDX-License-Identifier: MIT */
/* clear: empty the screen and put the cursor into its upper left corner. */
#include "command.h"

int main(void) {
    fputs("\033[H\033[2J", stdout);
    return command_end("clear", EXIT_SUCCESS);
}
