/* SPDX-License-Identifier: MIT */
/* shutdown [STATUS]: switch the machine off; an emulator ends with STATUS. */
#include "command.h"

#include <quartet.h>

#define USAGE "shutdown [STATUS]"

int main(int argc, char **argv) {
    long status = 0;
    if (argc > 2 || (argc == 2 && command_number(argv[1], 0, 255, &status) != 0)) {
        return command_usage(USAGE, argc == 2 && strcmp(argv[1], "-h") == 0 ? 'h' : 0);
    }
    long result = system_off(HANDLE_SYSTEM, (uint32_t)status);
    fprintf(stderr, "shutdown: %s\n", quartet_error_text(result));
    return EXIT_FAILURE;
}
