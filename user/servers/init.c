/* SPDX-License-Identifier: MIT */
/*
 * The first program: the kernel starts it with the initrd in slot 2, its length as the argument,
 * and a handle to the machine. It starts the servers from the initrd, puts sessions with them where
 * every program looks for them, and runs the shell: for ever, or with exec=HEX on the kernel's
 * command line for that one line, whose status then ends the machine. If something is missing, one
 * line says what, and the machine goes off with status 1. Read console.c and files.c next.
 */
#include <quartet.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/format/cpio.h"

#define SESSION_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)
#define SHELL_SYSTEM_RIGHTS (RIGHT_READ | RIGHT_EXECUTE | RIGHT_DUPLICATE)
#define BADGE_USERS 1u       /* the only badge that the servers do not choose */
#define PRIORITY_SERVERS 24u /* servers and shell go before jobs (see user/bin/sh/job.c) */
#define COMMAND_SIZE 4096u

static const void *const initrd = (const void *)(uintptr_t)SLOT_BASE(SLOT_SHARED);

static _Noreturn void fail(const char *what, const char *why) {
    fprintf(stderr, "init: %s: %s\n", what, why);
    fflush(NULL);
    system_off(HANDLE_SYSTEM, 1);
    _exit(1);
}

static long check(long result, const char *what) {
    if (result < 0) {
        fail(what, quartet_error_text(result));
    }
    return result;
}

/* ---- Servers --------------------------------------------------------------------------------- */

/* HANDLE becomes handle INDEX, with RIGHTS. */
static void handle_place(int handle, uint32_t rights, int index) {
    check(handle_dup(handle, rights, index), "cannot place a handle");
}

/* Start the program at PATH of the initrd under PLAN; its process ID. */
static int server_start(const char *path, uint32_t plan, char *const *argv) {
    struct cpio_entry entry;
    enum cpio_result found = cpio_find(initrd, quartet_argument, path, &entry);
    if (found != CPIO_ENTRY) {
        fail(path, found == CPIO_END ? "not in the initrd" : "the initrd is malformed");
    }
    struct quartet_spawn spawn = {
        .program = {.image = entry.data,
                    .image_length = entry.length,
                    .name = argv[0],
                    .argv = argv},
        .plan = plan,
    };
    struct handle_stat stat;
    int process = quartet_spawn(&spawn);
    if (process < 0) {
        fail(path, strerror(errno));
    }
    check(handle_stat(process, &stat), path);
    return (int)stat.id;
}

/* Start a server that receives on a new endpoint; *SESSION is the way to call it. The caller keeps
 * no way to receive, so that calls fail once the server is gone. */
static int server_start_with_endpoint(const char *path, uint32_t plan, char *const *argv,
                                      int *session) {
    int endpoint = (int)check(endpoint_create(), "cannot create an endpoint");
    handle_place(endpoint, RIGHTS_ALL, HANDLE_SERVICE);
    *session = (int)check(endpoint_session(endpoint, BADGE_USERS), "cannot create a session");
    handle_close(endpoint);
    int pid = server_start(path, plan, argv);
    handle_close(HANDLE_SERVICE);
    return pid;
}

static int console_start(void) {
    static const int places[] = {HANDLE_STDIN, HANDLE_STDOUT, HANDLE_STDERR, HANDLE_CONSOLE};
    static char *const argv[] = {"console", NULL};
    int session, pid = server_start_with_endpoint("servers/console", PLAN_SPAWN, argv, &session);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        handle_place(session, SESSION_RIGHTS, places[i]);
    }
    handle_close(session);
    return pid;
}

/* It gets the initrd too, which this process has in slot 2, and half of the memory for what is
 * written. */
static int files_start(uint32_t frames) {
    char length[16], limit[16];
    char *const argv[] = {"files", length, limit, NULL};
    snprintf(length, sizeof length, "%lu", (unsigned long)quartet_argument);
    snprintf(limit, sizeof limit, "%lu", (unsigned long)(frames / 2));
    int session;
    int pid = server_start_with_endpoint(
        "servers/files", PLAN(PLAN_NONE, PLAN_NONE, PLAN_SHARE, PLAN_NONE), argv, &session);
    handle_place(session, SESSION_RIGHTS, HANDLE_FILES);
    handle_close(session);
    return pid;
}

/* ---- The shell ------------------------------------------------------------------------------- */

/* The kernel's command line as words; the text behind exec=, or null. */
static const char *command_line_exec(void) {
    static char text[2 * COMMAND_SIZE + 512];
    check(system_info(HANDLE_SYSTEM, INFO_COMMAND_LINE, text, sizeof text - 1),
          "cannot read the kernel's command line");
    for (char *word = strtok(text, " \t\n"); word != NULL; word = strtok(NULL, " \t\n")) {
        if (strncmp(word, "exec=", 5) == 0) {
            return word + 5;
        }
    }
    return NULL;
}

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

/* Start sh, with LINE if that is not null; its process ID. */
static int shell_start(char *line) {
    char *with_line[] = {"sh", "-c", line, NULL}, *without[] = {"sh", NULL};
    struct quartet_spawn spawn = {
        .program = {.path = "/bin/sh", .argv = line != NULL ? with_line : without},
        .plan = PLAN_SPAWN,
    };
    struct handle_stat stat;
    int process = quartet_spawn(&spawn);
    if (process < 0) {
        fail("/bin/sh", strerror(errno));
    }
    check(handle_stat(process, &stat), "/bin/sh");
    return (int)stat.id;
}

static void print_greeting(void) {
    char line[256];
    FILE *file = fopen("/etc/motd", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        fputs(line, stdout);
    }
    if (file != NULL) {
        fclose(file);
    }
    fflush(stdout);
}

static int shell_status(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Wait until SHELL ends; whatever else becomes a child of this process is only collected. */
static int shell_wait(int shell, int console, int files) {
    for (;;) {
        int status, pid = waitpid(-1, &status, 0);
        if (pid == shell) {
            return shell_status(status);
        }
        if (pid == console || pid == files) {
            fail(pid == console ? "console" : "files", "the server has ended");
        }
        if (pid < 0) {
            fail("cannot wait for the shell", strerror(errno));
        }
    }
}

static uint32_t machine_frames(void) {
    struct info_machine machine;
    check(system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine),
          "cannot ask for the memory");
    return machine.frames;
}

/* What is not a server needs no way to the debug console: programs would write around the console
 * server. */
static void system_restrict(void) {
    int reduced = (int)check(handle_dup(HANDLE_SYSTEM, SHELL_SYSTEM_RIGHTS, QUARTET_NONE),
                             "cannot copy a handle");
    handle_place(reduced, SHELL_SYSTEM_RIGHTS, HANDLE_SYSTEM);
    handle_close(reduced);
}

int main(void) {
    if (quartet_argument == 0) {
        fprintf(stderr, "init: only the kernel can start this program\n");
        return 2;
    }
    thread_priority(PRIORITY_SERVERS);
    int console = console_start(), files = files_start(machine_frames());
    system_restrict();
    setenv("PATH", "/bin", 1);
    setenv("HOME", "/", 1);
    const char *digits = command_line_exec();
    /* A script reads the output of one line: no colours. */
    setenv("TERM", digits != NULL ? "dumb" : "xterm", 1);
    if (digits != NULL) {
        int status = shell_wait(shell_start(decode(digits)), console, files);
        system_off(HANDLE_SYSTEM, (uint32_t)status);
        return status;
    }
    print_greeting();
    for (;;) {
        int status = shell_wait(shell_start(NULL), console, files);
        printf("init: the shell ended with status %d; here is another (`shutdown` switches off)\n",
               status);
        fflush(stdout);
        thread_sleep(200000);
    }
}
