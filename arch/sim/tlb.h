/* SPDX-License-Identifier: MIT */
/*
 * A simulated CPU: its loaded root and everything that it has cached of it. One tag today (every
 * arch_root_load flushes); translations carry none yet.
 *
 *   root[4]      the root entries as the CPU knows them: loaded with the root, kept until the next
 * load, empty directories included (PDPTE registers, or the cached root entries of the
 * paging-structure caches) upper        cached directory entries: a walk may start from one without
 * looking at the directory leaf         cached translations, 4 KiB and 2 MiB, several for one
 * address if they differ
 */
#ifndef SIM_TLB_H
#define SIM_TLB_H

#include "arch/sim/sim.h"

enum cached_kind { CACHED_LEAF, CACHED_LARGE, CACHED_UPPER };

struct cached {
    u32 address;         /* first address it translates */
    u8 kind;             /* enum cached_kind */
    bool write, execute; /* the AND of all levels when it was filled */
    bool dirty;          /* the CPU has set D in the entry already */
    bool used;           /* this element is not free */
    frame_t frame;       /* page, 2 MiB page, or the table that an upper entry leads to */
    entry_t *entry;      /* where it was read from */
    u32 next;            /* bucket chain, index + 1; free list when unused */
};

#define CACHED_BUCKETS 4096u

struct sim_cpu {
    bool loaded; /* a user root, not the kernel's */
    frame_t root_frame;
    entry_t root[SLOT_COUNT];
    struct cached *cached;
    u32 count, capacity,
        free; /* elements in use, allocated, and the head of the free ones (index + 1) */
    u32 bucket[CACHED_BUCKETS];
};

extern struct sim_cpu sim_cpus[ARCH_CPU_LIMIT];

/* A way to translate an address. */
struct path {
    bool write, execute;
    bool large;
    bool walked;   /* from the tables, not a cached leaf: the CPU sets A on the way */
    frame_t frame; /* of the 4 KiB that hold the address */
    entry_t *leaf;
};
#define PATHS_LIMIT 32u

/* Every way in which CPU may translate ADDRESS now, cached or walked; the number found. */
u32 sim_paths(struct sim_cpu *cpu, u32 address, struct path paths[PATHS_LIMIT]);

/* Cache PATH's leaf and the directory entry above it. */
struct cached *sim_fill(struct sim_cpu *cpu, u32 address, const struct path *path);

/* What the tables say, cached entries aside. */
bool sim_walk_root(frame_t root, u32 address, struct path *path);

/* A page fault at ADDRESS makes the CPU forget what it had cached for it. */
void sim_forget_address(struct sim_cpu *cpu, u32 address);

#endif
