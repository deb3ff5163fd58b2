/* SPDX-License-Identifier: MIT */
/*
 * Whom ^C ends: the processes that the shell named, and all that descend from them. Quartet has no
 * process groups, so the descendants are looked up by who made them when the key comes. Parents are
 * killed before that, for who has been killed makes no more; and the search is repeated until it finds
 * nobody new. So a process which clones itself as fast as it can does not get away.
 *
 * Whom the shell named stands in memory that init keeps for the next instance of this server: the
 * shell waits for the job, and would not tell it.
 */
#include "user/servers/console/console.h"

#include <errno.h>
#include <string.h>

#include "user/servers/console/handles.h"

#define FOREGROUND_LIMIT 32u
#define VICTIM_LIMIT 1024u
#define ROUND_LIMIT 8u
#define CODE_INTERRUPT 2u /* the shell shows 128 + 2 */
#define PROCESS_ENDED 3u  /* info_process.state */

#define KEPT_OFFSET 0x3F000000u /* in slot 2, above the screen's memory */

/* In memory that outlives this process, which may end at any point: COUNT comes after what it
 * counts. An ID may be of a process that has ended: the kernel gives it to no other one before two
 * billion are used up. */
struct foreground {
    _Atomic uint32_t count;
    uint32_t pid[FOREGROUND_LIMIT];
};

_Static_assert(sizeof(struct foreground) <= CONSOLE_KEPT_SIZE, "it fits in what init keeps");

static struct foreground forgotten; /* used if the kept one cannot be had */
static struct foreground *foreground = &forgotten;

static uint32_t victims[VICTIM_LIMIT]; /* process IDs */
static uint32_t victim_count;

void foreground_start(void) {
    struct page_supply supply = {
        .to = QUARTET_SLOT(SLOT_SHARED),
        .from = CONSOLE_KEPT,
        .offset = KEPT_OFFSET,
        .pages = CONSOLE_KEPT_SIZE / PAGE_SIZE,
        .mode = PAGER_SHARE,
        .rights = RIGHT_READ | RIGHT_WRITE,
    };
    if (quarter_supply_pages(&supply) != (long)supply.pages) {
        return;
    }
    foreground = (struct foreground *)(uintptr_t)(SLOT_BASE(SLOT_SHARED) + KEPT_OFFSET);
    if (foreground->count > FOREGROUND_LIMIT) {
        foreground->count = 0;
    }
}

/* This server may kill every process: it does so only for who could have done it. */
static int killable(int process, uint32_t *pid) {
    struct handle_stat stat;
    if (handle_stat(process, &stat) < 0 || stat.type != OBJECT_PROCESS) {
        return EINVAL;
    }
    *pid = (uint32_t)stat.id;
    return stat.rights & RIGHT_WRITE ? 0 : EACCES;
}

int foreground_set(const int *added, uint32_t count, bool add) {
    uint32_t pid[MESSAGE_HANDLES], named = add ? foreground->count : 0;
    int error = count > FOREGROUND_LIMIT - named ? ENOSPC : 0;
    for (uint32_t i = 0; i < count; i++) {
        error = error ? error : killable(added[i], &pid[i]);
        handle_close(added[i]);
    }
    if (error) {
        return error;
    }
    foreground->count = named;
    memcpy(&foreground->pid[named], pid, count * sizeof(pid[0]));
    foreground->count = named + count;
    return 0;
}

static bool is_victim(uint32_t pid) {
    for (uint32_t i = 0; i < victim_count; i++) {
        if (victims[i] == pid) {
            return true;
        }
    }
    return false;
}

static void kill_process(uint32_t pid) {
    long handle = process_open(HANDLE_SYSTEM, pid);
    if (handle >= 0) {
        process_kill((int)handle, CODE_INTERRUPT);
        handle_close((int)handle);
    }
}

/* Every process that a victim has made is one, too; true if there was one that is new. */
static bool add_children(void) {
    struct info_process info = {.pid = 0};
    bool found = false;
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof info) >= 0; info.pid++) {
        if (info.state != PROCESS_ENDED && is_victim(info.creator) && !is_victim(info.pid) &&
            victim_count < VICTIM_LIMIT) {
            victims[victim_count++] = info.pid;
            found = true;
        }
    }
    return found;
}

void foreground_kill(void) {
    for (victim_count = 0; victim_count < foreground->count; victim_count++) {
        victims[victim_count] = foreground->pid[victim_count];
    }
    uint32_t killed = 0, round = 0;
    do {
        for (; killed < victim_count; killed++) {
            kill_process(victims[killed]);
        }
    } while (round++ < ROUND_LIMIT && add_children());
    foreground->count = 0;
}
