/* SPDX-License-Identifier: MIT */
/*
 * The servers: what each is, and every handle that it gets; there is nothing else that a server
 * could reach. They are started in the order of the table. Nobody waits for anybody: a call to a
 * server that does not receive yet is queued at its endpoint, which init has made before.
 */
#include "user/servers/init/init.h"

#include <stdio.h>
#include <string.h>

#include "format/vga_text.h"
#include "user/servers/board.h"
#include "user/servers/console/handles.h"

static void names_arguments(const struct service *names, char **argv);
static void console_arguments(const struct service *console, char **argv);
static void files_arguments(const struct service *files, char **argv);
static void loader_arguments(const struct service *loader, char **argv);

#define SESSION(place, service) \
    { .kind = GRANT_SESSION, .rights = SESSION_RIGHTS, .index = (place), .of = (service) }
#define LINE(place, line) \
    { .kind = GRANT_LINE, .rights = RIGHT_WRITE, .index = (place), .first = (line) }
#define PORTS(place, port, number)                                                     \
    {                                                                                  \
        .kind = GRANT_PORTS, .rights = RIGHT_WRITE, .index = (place), .first = (port), \
        .count = (number)                                                              \
    }

static const struct grant names_grants[] = {
    {.kind = GRANT_BOARD, .rights = RIGHT_READ | RIGHT_MAP, .index = NAMES_BOARD},
    {.kind = GRANT_NAMED, .rights = SESSION_RIGHTS, .index = NAMES_FIRST},
    {.kind = GRANT_END},
};

#define CONSOLE_SYSTEM_RIGHTS (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE)

static const struct grant console_grants[] = {
    /* read and execute: whom ^C ends; write: the kernel's own lines. */
    {.kind = GRANT_SYSTEM, .rights = CONSOLE_SYSTEM_RIGHTS, .index = HANDLE_SYSTEM},
    PORTS(CONSOLE_SERIAL_PORTS, SERIAL_PORT, SERIAL_PORTS),
    LINE(CONSOLE_SERIAL_LINE, SERIAL_LINE),
    PORTS(CONSOLE_KEYBOARD_DATA, KEYBOARD_DATA, 1),
    PORTS(CONSOLE_KEYBOARD_STATUS, KEYBOARD_STATUS, 1),
    LINE(CONSOLE_KEYBOARD_LINE, KEYBOARD_LINE),
    PORTS(CONSOLE_SCREEN_PORTS, VGA_TEXT_CONTROLLER, 2),
    {.kind = GRANT_MEMORY,
     .rights = RIGHT_READ | RIGHT_WRITE | RIGHT_MAP,
     .index = CONSOLE_SCREEN_MEMORY,
     .first = VGA_TEXT_MEMORY,
     .count = VGA_TEXT_SIZE},
    {.kind = GRANT_SCREEN,
     .rights = RIGHT_READ | RIGHT_WRITE | RIGHT_MAP,
     .index = CONSOLE_FRAMEBUFFER},
    {.kind = GRANT_KEPT,
     .rights = RIGHT_READ | RIGHT_WRITE,
     .index = CONSOLE_KEPT,
     .of = "console"},
    {.kind = GRANT_END},
};

static const struct grant files_grants[] = {
    SESSION(HANDLE_STDERR, "console"),
    {.kind = GRANT_KEPT, .rights = RIGHT_READ | RIGHT_WRITE, .index = FILES_MAPS, .of = "files"},
    {.kind = GRANT_END},
};

/* With less memory it could keep nothing, and would only need some itself. */
#define LOADER_LEAST_FRAMES (12u * 256) /* 12 MiB */

static const struct grant loader_grants[] = {
    SESSION(HANDLE_FILES, "files"),
    {.kind = GRANT_END},
};

struct service services[] = {
    {
        .name = "names",
        .program = "servers/names",
        .plan = PLAN_SPAWN,
        .badge = BADGE_NAMES,
        .grants = names_grants,
        .arguments = names_arguments,
    },
    {
        .name = "console",
        .program = "servers/console",
        .plan = PLAN_SPAWN,
        .badge = BADGE_CONSOLE,
        .grants = console_grants,
        .arguments = console_arguments,
        .kept_size = CONSOLE_KEPT_SIZE,
        .named = true,
        .essential = true,
    },
    {
        .name = "files",
        .program = "servers/files",
        /* The initrd, which init has in slot 2. */
        .plan = PLAN(PLAN_NONE, PLAN_NONE, PLAN_SHARE, PLAN_NONE),
        .badge = BADGE_FILES,
        .grants = files_grants,
        .arguments = files_arguments,
        .kept_size = FILES_MAPS_SIZE,
        .named = true,
        .essential = true,
    },
    {
        .name = "loader",
        .program = "servers/loader",
        .plan = PLAN_SPAWN,
        .badge = BADGE_LOADER,
        .grants = loader_grants,
        .arguments = loader_arguments,
        .least_frames = LOADER_LEAST_FRAMES,
        .named = true,
    },
};

const uint32_t service_count = sizeof services / sizeof services[0];

_Static_assert(sizeof services / sizeof services[0] <= BOARD_SERVICES,
               "the board has room for all");

/* What is not a server needs no way to the debug console: it would write around the console. */
#define SHELL_SYSTEM_RIGHTS (RIGHT_READ | RIGHT_EXECUTE | RIGHT_DUPLICATE)

struct grant shell_grants[] = {
    SESSION(HANDLE_STDIN, "console"),
    SESSION(HANDLE_STDOUT, "console"),
    SESSION(HANDLE_STDERR, "console"),
    SESSION(HANDLE_FILES, "files"),
    {.kind = GRANT_SYSTEM, .rights = SHELL_SYSTEM_RIGHTS, .index = HANDLE_SYSTEM},
    SESSION(HANDLE_CONSOLE, "console"),
    SESSION(HANDLE_NAMES, "names"),
    {.kind = GRANT_END},
};

struct service *service_find(const char *name) {
    for (uint32_t i = 0; i < service_count; i++) {
        if (strcmp(services[i].name, name) == 0) {
            return &services[i];
        }
    }
    fail(name, "there is no such service in the table");
}

/* ---- Arguments ------------------------------------------------------------------------------- */

/* The names, in the order of their sessions. */
static void names_arguments(const struct service *names, char **argv) {
    (void)names;
    for (uint32_t i = 0; i < service_count; i++) {
        if (services[i].named) {
            *argv++ = (char *)services[i].name;
        }
    }
}

uint32_t machine_frames(void) {
    struct info_machine machine;
    check(system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine),
          "cannot ask for the memory");
    return machine.frames;
}

#define NUMBER_SIZE 16

/* NUMBER as an argument, which stands in TEXT. */
static char *number_argument(char text[NUMBER_SIZE], unsigned long number) {
    snprintf(text, NUMBER_SIZE, "%lu", number);
    return text;
}

/* Which instance it is. */
static void console_arguments(const struct service *console, char **argv) {
    static char instance[NUMBER_SIZE];
    argv[0] = number_argument(instance, console->state.restarts);
}

/* The initrd's length, half of the memory for what is written, and which instance it is. */
static void files_arguments(const struct service *files, char **argv) {
    static char length[NUMBER_SIZE], limit[NUMBER_SIZE], instance[NUMBER_SIZE];
    argv[0] = number_argument(length, (unsigned long)quartet_argument);
    argv[1] = number_argument(limit, machine_frames() / 2);
    argv[2] = number_argument(instance, files->state.restarts);
}

/* A sixteenth of the memory for the programs that it keeps. */
static void loader_arguments(const struct service *loader, char **argv) {
    static char limit[NUMBER_SIZE];
    (void)loader;
    argv[0] = number_argument(limit, machine_frames() / 16);
}
