/* SPDX-License-Identifier: MIT */
/*
 * The console session beyond reading and writing, and output from programs that run before there is
 * a console server. Labels: protocol.h.
 */
#include <errno.h>

#include "internal.h"
#include "protocol.h"

static uint64_t mode_set = CONSOLE_ASK; /* by this program, or CONSOLE_ASK: it has set none */

int quartet_console_mode(uint64_t bits) {
    struct message message = {.word = {bits}};
    if (file_call(HANDLE_CONSOLE, CONSOLE_MODE, &message) < 0)
        return -1;
    if (bits != CONSOLE_ASK)
        mode_set = bits;
    return (int)message.word[0];
}

void console_restore(int file) {
    struct handle_stat found;
    bool console =
        handle_stat(file, &found) == 0 && found.type == OBJECT_SESSION && found.id == BADGE_CONSOLE;
    if (console && mode_set != CONSOLE_ASK) {
        struct message message = {.label = CONSOLE_MODE, .word = {mode_set}};
        ipc_call(HANDLE_CONSOLE, &message);
    }
}

/* Four handles fit in a message: the first replaces those before, the others add to it. */
int quartet_console_foreground(const int *processes, size_t count) {
    size_t done = 0;
    do {
        struct message message = {.word = {done > 0}};
        while (message.handle_count < MESSAGE_HANDLES && done < count)
            message.handle[message.handle_count++] = processes[done++];
        if (file_call(HANDLE_CONSOLE, CONSOLE_SET_FOREGROUND, &message) < 0)
            return -1;
    } while (done < count);
    return 0;
}

long console_early_write(int file, const void *buffer, size_t length) {
    long result = debug_write(HANDLE_SYSTEM, buffer, (uint32_t)length);
    if (result < 0)
        errno = EBADF; /* about FILE, which the caller asked for */
    (void)file;
    return result < 0 ? -1 : result;
}
