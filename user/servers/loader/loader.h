/* SPDX-License-Identifier: MIT */
/*
 * The loader's parts. One thread, no locks.
 *   program.c   one program as quarters that can be given away
 *   cache.c     the programs that are kept, by what file they are from
 * ../loader.c owns the loop that receives. Results of functions: 0 or an errno.
 */
#ifndef LOADER_H
#define LOADER_H

#include <quartet.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Which file, and as of when: another inode, length or time of change is another program. */
struct program_key {
    uint64_t inode, size, seconds;
    uint32_t nanoseconds;
};

struct program {
    struct program_key key;
    uint32_t entry;
    uint32_t shared;         /* bit N: quarter[N] is for all, and cannot be changed */
    uint32_t pristine;       /* bit N: quarter[N] is to be copied */
    int quarter[SLOT_COUNT]; /* QUARTET_NONE where the image has nothing */
    uint64_t used; /* when it was last asked for, counted in requests; 0: the place is free */
};

/* ---- program.c ------------------------------------------------------------------------------- */

extern uint32_t program_frames; /* that all programs together may have */

struct program_key program_key(const struct stat *stat);
bool program_key_equal(const struct program_key *one, const struct program_key *other);

/* Read the file at PATH into new quarters. ENOMEM: there is no room left; ENOSPC: there never is. */
int program_load(const char *path, struct program *program);
void program_release(struct program *program);

/* ---- cache.c --------------------------------------------------------------------------------- */

/* The program at PATH as it is now. ENOSPC: there is no room for it here. */
int cache_find(const char *path, const struct program **program);

#endif
