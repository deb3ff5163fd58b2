/* SPDX-License-Identifier: MIT */
/*
 * pester SERVICE SECONDS: call a server all the time, and count its answers and what went wrong.
 * Started in the background while the server is killed, it shows what a client sees of that.
 * pester -k SERVICE SECONDS: kill the server again and again instead, until init gives it up.
 * docs/servers.md says what to expect.
 */
#include "command.h"

#include <fcntl.h>
#include <quartet.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "user/lib/protocol.h"

#define USAGE "pester [-k] names|console|files|loader SECONDS"

static int pester_names(void) {
    int session = quartet_service("files");
    return session < 0 ? -1 : close(session);
}

static int pester_console(void) { return quartet_console_mode(CONSOLE_ASK) < 0 ? -1 : 0; }

/* One file stays open all the time: its session does not outlive the server. */
static int pester_files(void) {
    static int file = -1;
    struct stat found;
    char byte;
    if (stat("/etc/motd", &found) < 0) {
        return -1;
    }
    if (file < 0 && (file = open("/etc/motd", O_RDONLY)) < 0) {
        return -1;
    }
    if (pread(file, &byte, 1, 1) == 1) {
        return 0;
    }
    int error = errno;
    close(file);
    file = -1;
    errno = error;
    return -1;
}

static int pester_loader(void) {
    struct quartet_spawn spawn = {.program = {.path = "/bin/true"}, .plan = PLAN_SPAWN};
    struct process_status ended;
    int child = quartet_spawn(&spawn);
    if (child < 0) {
        return -1;
    }
    bool good = process_wait(child, 0, &ended) == 0 && ended.status == 0;
    close(child);
    errno = good ? 0 : ECHILD;
    return good ? 0 : -1;
}

static const struct {
    const char *name;
    int (*pester)(void);
} services[] = {
    {"names", pester_names},
    {"console", pester_console},
    {"files", pester_files},
    {"loader", pester_loader},
};

#define SERVICE_COUNT ((int)(sizeof services / sizeof services[0]))

static uint64_t now(void) {
    uint64_t time;
    clock_now(&time);
    return time;
}

static int pester(int service, uint64_t end) {
    unsigned long answers = 0, errors = 0;
    int last = 0;
    while (now() < end) {
        if (services[service].pester() == 0) {
            answers++;
        } else {
            errors++;
            last = errno;
        }
    }
    printf("%s: %lu answers, %lu errors%s%s\n", services[service].name, answers, errors,
           errors > 0 ? ", the last: " : "", errors > 0 ? strerror(last) : "");
    return command_end("pester", answers > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* The state of the server NAME; false if nobody tells. */
static bool state_of(const char *name, struct service_state *state) {
    for (uint32_t i = 0; quartet_service_state(i, state) > 0; i++) {
        if (strncmp(state->name, name, sizeof state->name) == 0) {
            return true;
        }
    }
    return false;
}

static int pester_to_death(const char *name, uint64_t end) {
    struct service_state state;
    uint32_t last = 0;
    unsigned long kills = 0;
    while (now() < end && state_of(name, &state) && state.phase != SERVICE_GIVEN_UP) {
        if (state.pid != 0 && state.pid != last && kill((pid_t)state.pid, SIGKILL) == 0) {
            last = state.pid;
            kills++;
        }
    }
    printf("%s: %lu kills\n", name, kills);
    return command_end("pester", EXIT_SUCCESS);
}

int main(int argc, char **argv) {
    bool kills = false;
    long seconds;
    int option;
    while ((option = getopt(argc, argv, "hk")) != -1) {
        if (option != 'k') {
            return command_usage(USAGE, option);
        }
        kills = true;
    }
    argv += optind;
    if (argc - optind != 2 || command_number(argv[1], 1, 3600, &seconds) != 0) {
        return command_usage(USAGE, 0);
    }
    uint64_t end = now() + (uint64_t)seconds * 1000000000u;
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (strcmp(argv[0], services[i].name) == 0) {
            return kills ? pester_to_death(argv[0], end) : pester(i, end);
        }
    }
    return command_usage(USAGE, 0);
}
