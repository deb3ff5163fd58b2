/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: frames with reference counts, in 2 MiB blocks.
 *
 *   block (2 MiB of physical memory, aligned)         struct frame, one for each 4 KiB
 *   +----------------------------------------+        +-----------------------------+
 *   | free: 512 bits   free_count  large     |        | references  budget          |
 *   +----------------------------------------+        +-----------------------------+
 *
 * A frame is free (its bit is set in its block) or has references >= 1. References of a page-table
 * page are directories that point to it; of a user page, table entries; a page that is mapped by 2
 * MiB entries counts one for all of them together (the block holds it), and block.large counts the
 * entries. So a COPY of a 2 MiB page is one increment, and "references == 1" still means "mine
 * alone" for a 4 KiB entry.
 *
 * On pae only low frames (ARCH low: the direct map) can hold kernel objects and tables; user pages
 * prefer high ones.
 */
#ifndef KERNEL_FRAME_H
#define KERNEL_FRAME_H

#include "kernel/base/atomic.h"
#include "kernel/base/list.h"
#include "kernel/base/panic.h"
#include "kernel/base/types.h"

struct boot_info;
struct budget;

enum frame_zone {
    FRAME_LOW,  /* reachable by the kernel at all times */
    FRAME_USER, /* any; high ones first */
};

/* Take over the usable ranges of BOOT except the kernel, the initrd and the frame table itself.
 * Panics with a sentence if there is too little. */
void frame_initialise(const struct boot_info *boot);

/* One frame with one reference, contents undefined; charged to BUDGET (null: the kernel,
 * uncharged). 0; E_NOMEM or E_LIMIT: *RESULT is FRAME_NONE. Takes LOCK_FRAMES. */
int frame_allocate(enum frame_zone zone, struct budget *budget, frame_t *result);

/* A low one for the kernel itself; FRAME_NONE: there is no memory. */
static inline frame_t frame_allocate_low(void) {
    frame_t frame;
    frame_allocate(FRAME_LOW, NULL, &frame);
    return frame;
}

/* The same for COUNT (a power of two up to 8) contiguous low frames, aligned to COUNT;
 * uncharged. */
frame_t frame_allocate_low_run(u32 count);
void frame_free_low_run(frame_t first, u32 count);

/* A whole 2 MiB block: each of its frames has one reference (the block's), large is 1. */
int frame_allocate_large(struct budget *budget, frame_t *result);
bool frame_large_exclusive(frame_t frame); /* one 2 MiB entry, and no 4 KiB entry, maps any of it */

static inline u32 frame_references(frame_t frame);
static inline void frame_reference(frame_t frame);
/* Let BUDGET pay for a frame that the caller alone refers to. 0, or E_LIMIT: the payer stays. */
int frame_charge(frame_t frame, struct budget *budget);
/* Drop one reference; the last one frees the frame and gives its charge back. The caller has made
 * sure that no TLB can still use the translation which the reference stood for (hazard 1). */
void frame_release(frame_t frame);
/* Drop one reference; true if it was the last: the caller then empties the frame (a table) and
 * calls frame_free. */
bool frame_drop(frame_t frame);
void frame_free(frame_t frame); /* of a frame whose last reference frame_drop has taken */

/* Page-table pages only: how many entries are present. Guarded like the table's contents. */
u32 frame_used(frame_t table);
void frame_set_used(frame_t table, u32 used);

/* 2 MiB entries: FRAME is the block's first frame, BLOCK that frame's number / LARGE_FRAMES. */
static inline void frame_reference_block(u32 block);
u32 frame_large_references(frame_t frame);
/* Drop one; the last one (true) releases the block's reference on each of its 512 frames. */
bool frame_release_large(frame_t frame);
/* One 2 MiB entry becomes 512 entries of 4 KiB: they get their own references, the entry's goes. */
void frame_split_large(frame_t frame);

u32 frame_total(void);
u32 frame_free_count(void);
u32 frame_high_total(void);
u32 frame_high_free_count(void);
bool frame_is_managed(frame_t frame); /* lies in RAM that the allocator knows */

/* ---- The tables themselves -------------------------------------------------------------------
 *
 * In the open, so that a reference costs a few instructions: a COPY takes one for each directory
 * entry. Only frame.c and the functions below touch them. */

#define BLOCK_WORDS (LARGE_FRAMES / 64)

struct frame {
    u32 references; /* atomic; 0: free */
    u16 budget;     /* index of the budget that pays, or BUDGET_NOBODY; set at allocation */
    u16 used;       /* a page-table page: present entries */
#ifdef TLBSAN
    u64 hazard; /* atomic, tlbsan.c: 0, or sub-ID and generation (the low half of each) of the
                 * quarter whose entry to it was taken last */
    u32 hazard_line;
    const char *hazard_file; /* with the line: where that was */
#endif
};

struct block {
    u64 free[BLOCK_WORDS]; /* LOCK_FRAMES: bit i: frame i is free */
    u32 free_count;        /* LOCK_FRAMES */
    u32 large;             /* atomic: 2 MiB entries that map it */
    struct list link;      /* LOCK_FRAMES: in a zone's whole or partial, or alone */
};

extern struct frame *frame_table;
extern struct block *frame_blocks;

static inline u32 frame_references(frame_t frame) {
    return atomic_read(&frame_table[frame.number].references);
}

static inline void frame_reference(frame_t frame) {
    DEBUG_ASSERT(frame_references(frame) != 0, "free frame %x gains a reference", frame.number);
    __atomic_fetch_add(&frame_table[frame.number].references, 1, __ATOMIC_ACQ_REL);
}

static inline void frame_reference_block(u32 block) {
    u32 *large = &frame_blocks[block].large;
    DEBUG_ASSERT(atomic_read(large) != 0,
                 "the 2 MiB page at frame %x is gone and gains a reference", block * LARGE_FRAMES);
    __atomic_fetch_add(large, 1, __ATOMIC_ACQ_REL);
}

#endif
