/* SPDX-License-Identifier: MIT */
/*
 * A simulated CPU: its loaded root and tag, and everything that it has cached, under every tag.
 *
 *   root[4]   the root entries as the CPU knows them: PDPTE registers (views in directories), or the
 *             cached root entries of the loaded tag, empty directories included
 *   UPPER     a cached directory entry: a walk may start from one without looking at the directory
 *   LEAF      a cached translation of 4 KiB; LARGE of 2 MiB; several for one address if they differ
 *
 * Each cached entry has the tag under which it was filled, or SIM_TAG_GLOBAL: good under each tag.
 * It stands in three lists: of its address on its CPU, of its tag on its CPU, of its frame.
 */
#ifndef SIM_TLB_H
#define SIM_TLB_H

#include "arch/sim/sim.h"

enum cached_kind { CACHED_LEAF, CACHED_LARGE, CACHED_UPPER };

#define SIM_TAG_GLOBAL ARCH_TAGS
#define SIM_TAGS (ARCH_TAGS + 1)

/* Lists without a tail: a head of zero is empty. */
struct link {
    struct link *next, **back;
};

struct cached {
    struct link of_address, of_tag, of_frame;
    u32 address;         /* first address it translates */
    u8 kind;             /* enum cached_kind */
    u8 cpu;              /* number */
    u16 tag;             /* or SIM_TAG_GLOBAL */
    bool write, execute; /* the AND of all levels when it was filled */
    bool dirty;          /* the CPU has set D in the entry already */
    frame_t frame;       /* page, 2 MiB page, or the table that an upper entry leads to */
    entry_t *entry;      /* where it was read from */
};

#define CACHED_OF(link, member) CONTAINER_OF(link, struct cached, member)

/* What is cached of 2 MiB of addresses. */
struct span {
    u32 count;
    struct link *leaf[TABLE_ENTRIES];
    struct link *large, *upper;
};
#define SPANS (1u << (32 - TABLE_SHIFT))

struct sim_tag {
    struct link *cached;
    bool rooted; /* root[] is cached, and where it was: of the last root loaded under the tag */
    frame_t root_frame;
    entry_t root[SLOT_COUNT];
};

struct sim_cpu {
    bool loaded; /* a user root, not the kernel's */
    bool user;   /* in user mode, or may enter it any moment (schedule.c) */
    const struct arch_root *root_object;
    frame_t root_frame;
    u16 tag;
    entry_t root[SLOT_COUNT];
    struct sim_tag *tags; /* SIM_TAGS; null: nothing has ever been cached */
    struct span *span[SPANS];
    u32 count; /* cached entries */
};

extern struct sim_cpu sim_cpus[ARCH_CPU_LIMIT];
extern uword sim_cpus_loaded; /* CPUs with a user root */

#define SIM_CPUS_FOR_EACH(number, mask)                                               \
    for (uword left_##number = (mask), number;                                        \
         left_##number != 0 && (number = (uword)__builtin_ctzl(left_##number), true); \
         left_##number &= left_##number - 1)

static inline u32 sim_number(const struct sim_cpu *cpu) { return (u32)(cpu - sim_cpus); }

/* ---- cached.c: the set of cached entries ----------------------------------------------------- */

/* The one like WANTED, added if there is none. */
struct cached *cached_add(struct sim_cpu *cpu, const struct cached *wanted);
void cached_remove(struct cached *item);
void cached_remove_tag(struct sim_cpu *cpu, u32 tag);
/* Those of TAG that translate ADDRESS, and the directory entry above it. */
void cached_remove_address(struct sim_cpu *cpu, u32 tag, u32 address);
void cached_start(void);

/* The list for ADDRESS and KIND. */
struct link *cached_at(const struct sim_cpu *cpu, u32 address, u8 kind);
/* What leads to FRAME, on all CPUs; of a 2 MiB page its first frame has the list. */
struct link *cached_of_frame(frame_t frame);

static inline bool cached_usable(const struct sim_cpu *cpu, const struct cached *item) {
    return item->tag == cpu->tag || item->tag == SIM_TAG_GLOBAL;
}

/* Each one that CPU may use now for ADDRESS. ITEM must stay in the list until the next. */
#define CACHED_FOR_EACH(item, cpu, address, kind)                               \
    for (struct link *link_##item = cached_at(cpu, address, kind); link_##item; \
         link_##item = link_##item->next)                                       \
        for (struct cached *item = CACHED_OF(link_##item, of_address);          \
             item && cached_usable(cpu, item); item = NULL)

/* ---- tlb.c: walks and fills ------------------------------------------------------------------ */

/* A way to translate an address. */
struct path {
    bool write, execute;
    bool large;
    bool global;
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

/* A page fault at ADDRESS makes the CPU forget what it had cached for it, but for global ones. */
void sim_forget_fault(struct sim_cpu *cpu, u32 address);

static inline entry_t *sim_entry_in(frame_t table, u32 index) {
    return (entry_t *)sim_frame_bytes(table) + index;
}
static inline bool sim_present(entry_t entry) {
    return (entry.raw & (SIM_ENTRY_PRESENT | SIM_ENTRY_USER)) ==
           (SIM_ENTRY_PRESENT | SIM_ENTRY_USER);
}
static inline bool sim_writable(entry_t entry) { return (entry.raw & SIM_ENTRY_WRITE) != 0; }
static inline bool sim_executable(entry_t entry) { return !(entry.raw & SIM_ENTRY_NO_EXECUTE); }
static inline u32 sim_directory_index(u32 address) { return SLOT_OFFSET(address) >> TABLE_SHIFT; }
static inline u32 sim_table_index(u32 address) { return (address >> PAGE_SHIFT) % TABLE_ENTRIES; }

void sim_note_address(u32 address); /* one that is of interest to sim_speculate_somewhere */
void sim_speculate_somewhere(void);
void sim_places_start(void);

/* ---- check.c --------------------------------------------------------------------------------- */

/* An entry has changed, of the table at DIRECTORY_INDEX, or (WHOLE) of a directory: translations of
 * what it maps are looked at when the change is over. */
void sim_note_change(u32 directory_index, u32 table_index, bool whole);
void sim_note_all(void); /* of everything */
/* The quarter in SLOT of what CPU has loaded is being changed. */
bool sim_changing(const struct sim_cpu *cpu, u32 slot);
/* CPU has loaded a kept tag: what comes back with it must be fresh. */
void sim_check_kept(struct sim_cpu *cpu);

#endif
