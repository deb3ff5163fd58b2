/* SPDX-License-Identifier: MIT */
/*
 * The programs that are kept. The file server is asked each time what stands at the path, so a file
 * that was replaced or written to is read anew. When there is no room, in the table or in the
 * budget, the program that was asked for longest ago goes; processes that run it keep its quarters.
 */
#include "user/servers/loader/loader.h"

#include <errno.h>

#define PROGRAM_LIMIT 32u

static struct program programs[PROGRAM_LIMIT];
static uint64_t requests;

static struct program *place_find(const struct program_key *key) {
    for (uint32_t i = 0; i < PROGRAM_LIMIT; i++) {
        if (programs[i].used != 0 && program_key_equal(&programs[i].key, key)) {
            return &programs[i];
        }
    }
    return NULL;
}

/* A version of the file that nobody will ask for again. */
static void stale_release(uint64_t inode) {
    for (uint32_t i = 0; i < PROGRAM_LIMIT; i++) {
        if (programs[i].used != 0 && programs[i].key.inode == inode) {
            program_release(&programs[i]);
        }
    }
}

static bool oldest_release(void) {
    struct program *oldest = NULL;
    for (uint32_t i = 0; i < PROGRAM_LIMIT; i++) {
        bool older = oldest == NULL || programs[i].used < oldest->used;
        if (programs[i].used != 0 && older) {
            oldest = &programs[i];
        }
    }
    if (oldest != NULL) {
        program_release(oldest);
    }
    return oldest != NULL;
}

static struct program *place_free(void) {
    for (;;) {
        for (uint32_t i = 0; i < PROGRAM_LIMIT; i++) {
            if (programs[i].used == 0) {
                return &programs[i];
            }
        }
        oldest_release();
    }
}

static int cache_load(const char *path, struct program **result) {
    struct program *program = place_free();
    int error = program_load(path, program);
    while (error == ENOMEM && oldest_release()) {
        error = program_load(path, program);
    }
    *result = program;
    return error == ENOMEM || error == EBUSY ? ENOSPC : error;
}

int cache_find(const char *path, const struct program **result) {
    struct stat found;
    if (stat(path, &found) < 0) {
        return errno;
    }
    struct program_key key = program_key(&found);
    struct program *program = place_find(&key);
    if (program == NULL) {
        stale_release(key.inode);
        int error = cache_load(path, &program);
        if (error != 0) {
            return error;
        }
    }
    program->used = ++requests;
    *result = program;
    return 0;
}
