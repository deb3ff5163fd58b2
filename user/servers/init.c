/* SPDX-License-Identifier: MIT */
/*
 * The first program: the kernel starts it with the initrd in slot 2, its length as the argument,
 * and a handle to the machine. It starts the servers of its table, each with the handles that the
 * table says, and the shell: for ever, or with exec=HEX on the kernel's command line for that one
 * line, whose status then ends the machine. Then it waits for children to end, and starts servers
 * again. If something is missing at the start, one line says what, and the machine goes off with
 * status 1. Read init/init.h next, then init/table.c.
 */
#include "user/servers/init/init.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/cpio.h"
#include "user/servers/touch.h"

#define PRIORITY_SERVERS 24u /* servers and shell go before jobs (see user/bin/sh/job.c) */
#define POLL 10000u          /* microseconds between looks while a server is to be started */

void say(const char *format, ...) {
    char line[256];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    if (length > (int)sizeof line - 2) {
        length = sizeof line - 2;
    }
    line[length++] = '\n';
    debug_write(HANDLE_SYSTEM, line, (uint32_t)length);
}

_Noreturn void fail(const char *what, const char *why) {
    say("init: %s: %s", what, why);
    system_off(HANDLE_SYSTEM, 1);
    _exit(1);
}

long check(long result, const char *what) {
    if (result < 0) {
        fail(what, quartet_error_text(result));
    }
    return result;
}

const void *initrd_file(const char *path, uint32_t *length) {
    const void *initrd = (const void *)(uintptr_t)SLOT_BASE(SLOT_SHARED);
    struct cpio_entry entry;
    enum cpio_result found = cpio_find(initrd, quartet_argument, path, &entry);
    if (found == CPIO_INVALID) {
        fail(path, "the initrd is malformed");
    }
    *length = found == CPIO_ENTRY ? entry.length : 0;
    return found == CPIO_ENTRY ? entry.data : NULL;
}

/* Wait until SHELL ends, and start servers again meanwhile; the shell's status. */
static int shell_wait(uint32_t shell) {
    for (;;) {
        struct process_status ended;
        long result = process_wait(QUARTET_ANY, services_waiting() ? WAIT_NOHANG : 0, &ended);
        if (result == -E_AGAIN) {
            thread_sleep(POLL);
            services_start_due();
            continue;
        }
        check(result, "cannot wait for the shell");
        if (ended.pid == shell) {
            return quartet_shell_status(ended.status);
        }
        service_ended(ended.pid, ended.status);
    }
}

int main(void) {
    if (quartet_argument == 0) {
        fprintf(stderr, "init: only the kernel can start this program\n");
        return 2;
    }
    touch_own_memory();
    thread_priority(PRIORITY_SERVERS);
    services_start();
    setenv("PATH", "/bin", 1);
    setenv("HOME", "/", 1);
    char *line = command_line();
    /* A script reads the output of one line: no colours. */
    setenv("TERM", line != NULL ? "dumb" : "xterm", 1);
    if (line != NULL) {
        int status = shell_wait(shell_start(line));
        system_off(HANDLE_SYSTEM, (uint32_t)status);
        return status;
    }
    for (;;) {
        int status = shell_wait(shell_start(NULL));
        say("init: the shell ended with status %d; here is another (`shutdown` switches off)",
            status);
        thread_sleep(200000);
    }
}
