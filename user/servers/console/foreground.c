/* SPDX-License-Identifier: MIT */
/*
 * Whom ^C ends: the processes that the shell named, and all that descend from them. Quartet has no
 * process groups, so the descendants are looked up by parent when the key comes. Parents end before
 * their children, and the search is repeated until it finds nobody new, so that a process which
 * clones itself as fast as it can does not get away.
 */
#include "user/servers/console/console.h"

#define FOREGROUND_LIMIT 32u
#define VICTIM_LIMIT 1024u
#define ROUND_LIMIT 8u
#define CODE_INTERRUPT 2u /* the shell shows 128 + 2 */
#define PROCESS_ENDED 3u  /* info_process.state */

static int handles[FOREGROUND_LIMIT];
static uint32_t handle_count;

static uint32_t victims[VICTIM_LIMIT]; /* process IDs */
static uint32_t victim_count;

void foreground_set(const int *added, uint32_t count, bool add) {
    while (!add && handle_count > 0) {
        handle_close(handles[--handle_count]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (handle_count < FOREGROUND_LIMIT) {
            handles[handle_count++] = added[i];
        } else {
            handle_close(added[i]);
        }
    }
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

/* End every process whose parent is a victim; true if there was one that is new. */
static bool kill_children(void) {
    struct info_process info = {.pid = 0};
    bool found = false;
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof info) >= 0; info.pid++) {
        if (info.state != PROCESS_ENDED && is_victim(info.parent) && !is_victim(info.pid) &&
            victim_count < VICTIM_LIMIT) {
            victims[victim_count++] = info.pid;
            found = true;
        }
    }
    return found;
}

void foreground_kill(void) {
    struct handle_stat stat;
    victim_count = 0;
    for (uint32_t i = 0; i < handle_count; i++) {
        if (handle_stat(handles[i], &stat) >= 0 && stat.type == OBJECT_PROCESS) {
            victims[victim_count++] = (uint32_t)stat.id;
        }
    }
    uint32_t killed = 0;
    for (uint32_t round = 0; round < ROUND_LIMIT; round++) {
        bool found = kill_children(); /* before the parents end: then they have none any more */
        for (; killed < victim_count; killed++) {
            kill_process(victims[killed]);
        }
        if (!found) {
            break;
        }
    }
    foreground_set(NULL, 0, false);
}
