/* SPDX-License-Identifier: MIT */
/*
 * The shell, started from the initrd like the servers. It greets by itself, being a login shell
 * (its name begins with a hyphen), or runs one line and ends.
 */
#include "user/servers/init/init.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_SIZE 4096u

static char *decode(const char *digits) {
    static char text[COMMAND_SIZE];
    size_t length = strlen(digits) / 2;
    if (strlen(digits) % 2 != 0 || length >= sizeof text ||
        strspn(digits, "0123456789abcdefABCDEF") < 2 * length) {
        fail("exec=", "not a line in hexadecimal digits, or too long");
    }
    for (size_t i = 0; i < length; i++) {
        char byte[3] = {digits[2 * i], digits[2 * i + 1], '\0'};
        text[i] = (char)strtoul(byte, NULL, 16);
    }
    return text;
}

/* With the word `devices` programs get the right to devices, for tests of drivers. */
static void shell_allow_devices(void) {
    for (struct grant *grant = shell_grants; grant->kind != GRANT_END; grant++) {
        if (grant->kind == GRANT_SYSTEM) {
            grant->rights |= RIGHT_MAP;
        }
    }
}

char *command_line(void) {
    char *line = NULL;
    static char text[2 * COMMAND_SIZE + 512];
    check(system_info(HANDLE_SYSTEM, INFO_COMMAND_LINE, text, sizeof text - 1),
          "cannot read the kernel's command line");
    for (char *word = strtok(text, " \t\n"); word != NULL; word = strtok(NULL, " \t\n")) {
        if (strncmp(word, "exec=", 5) == 0) {
            line = decode(word + 5);
        } else if (strcmp(word, "devices") == 0) {
            shell_allow_devices();
        }
    }
    return line;
}

uint32_t shell_start(char *line) {
    char *with_line[] = {"sh", "-c", line, NULL}, *without[] = {"-sh", NULL};
    struct quartet_gift gifts[GRANT_LIMIT];
    struct handle_stat stat;
    uint32_t length;
    const void *image = initrd_file("bin/sh", &length);
    struct quartet_spawn spawn = {
        .program = {.image = image,
                    .image_length = length,
                    .name = "sh",
                    .argv = line != NULL ? with_line : without},
        .plan = PLAN_SPAWN,
        .gifts = gifts,
        .gift_count = grants_resolve(shell_grants, gifts),
    };
    if (image == NULL) {
        fail("bin/sh", "not in the initrd");
    }
    int process = quartet_spawn(&spawn);
    if (process < 0) {
        fail("bin/sh", strerror(errno));
    }
    check(handle_stat(process, &stat), "bin/sh");
    handle_close(process);
    return (uint32_t)stat.id;
}
