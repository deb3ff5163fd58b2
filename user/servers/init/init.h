/* SPDX-License-Identifier: MIT */
/*
 * Init's parts. One thread. It calls no server, ever: a call waits for its reply, and init is who
 * would have to start the server that does not give it. So it reads the initrd itself, and prints
 * through the debug console.
 *   table.c       the servers, and what each is given
 *   supervise.c   starting them, and starting them again
 *   shell.c       the shell, and the line that the kernel's command line may have for it
 * ../init.c owns the loop that waits for children to end.
 */
#ifndef INIT_H
#define INIT_H

#include <quartet.h>
#include <stdbool.h>

#include "user/lib/protocol.h"

#define SESSION_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)
#define GRANT_LIMIT 24u /* handles that a program can be given */
#define ARGUMENT_LIMIT 20u

/* ---- ../init.c ------------------------------------------------------------------------------- */

/* A line to the debug console. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say that WHAT failed, and WHY; the machine goes off. */
_Noreturn void fail(const char *what, const char *why);
long check(long result, const char *what); /* RESULT, or fail */

/* The bytes of the file at PATH of the initrd; null if it is not there. */
const void *initrd_file(const char *path, uint32_t *length);

/* ---- table.c --------------------------------------------------------------------------------- */

enum grant_kind {
    GRANT_END,     /* of a list */
    GRANT_SYSTEM,  /* the machine */
    GRANT_SESSION, /* a session with the service OF */
    GRANT_NAMED,   /* sessions with all services that have a name, from INDEX on */
    GRANT_BOARD,   /* the quarter of the board */
    GRANT_LINE,    /* interrupt line FIRST */
    GRANT_PORTS,   /* COUNT ports from FIRST on */
    GRANT_MEMORY,  /* COUNT bytes of device memory from FIRST on */
    GRANT_SCREEN,  /* the device memory of the framebuffer */
    GRANT_KEPT,    /* the quarter in which instances of the service OF leave things to the next */
};

struct grant {
    enum grant_kind kind;
    uint32_t rights;
    int index; /* where the program finds it */
    const char *of;
    uint32_t first, count; /* of a device */
};

struct service {
    /* The table: */
    const char *name;    /* by which `names` hands it out, and what qps shows */
    const char *program; /* in the initrd */
    uint32_t plan;
    uint32_t badge;             /* of the session that clients get */
    const struct grant *grants; /* beside its endpoint at HANDLE_SERVICE */
    /* Its arguments behind the name; null: none. */
    void (*arguments)(const struct service *service, char **argv);
    uint32_t least_frames; /* that a machine must have for this server to be worth it */
    uint32_t kept_size;    /* bytes that init keeps for the next instance, in whole pages */
    bool named;            /* `names` hands out sessions */
    bool essential;        /* when it is given up, the machine goes off */

    /* supervise.c: */
    struct service_state state;
    int endpoint; /* init keeps it: callers that are queued wait for the next instance */
    int session;
    int kept; /* a quarter, zeroed at the start of the machine */
    int process;
    uint32_t quick_ends; /* in a row, each soon after the start */
    uint64_t started;    /* nanoseconds since boot */
    uint64_t due;        /* when it is to be started again, if it waits for that */
};

extern struct service services[];
extern const uint32_t service_count;
extern struct grant shell_grants[];

struct service *service_find(const char *name);
uint32_t machine_frames(void);

/* ---- supervise.c ----------------------------------------------------------------------------- */

/* Make the endpoints and the board, then start the servers in the order of the table. */
void services_start(void);

/* The process PID has ended with STATUS: if it was a server, do what its policy says. */
void service_ended(uint32_t pid, uint32_t status);

bool services_waiting(void);   /* one is to be started again, but not at once */
void services_start_due(void); /* start those whose time has come */

/* GRANTS as gifts for quartet_spawn; how many. */
size_t grants_resolve(const struct grant *grants, struct quartet_gift gifts[GRANT_LIMIT]);
/* They have been given: let go of those that grants_resolve has made. */
void grants_release(const struct grant *grants, const struct quartet_gift *gifts, size_t count);

/* ---- shell.c --------------------------------------------------------------------------------- */

/* The line that the kernel's command line has for the shell, or null. */
char *command_line(void);

/* Start the shell, with LINE if that is not null; its process ID. */
uint32_t shell_start(char *line);

#endif
