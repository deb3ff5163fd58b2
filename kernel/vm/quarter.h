/* SPDX-License-Identifier: MIT */
/*
 * A quarter: a 1 GiB address space with a fixed home slot.
 *
 *    struct quarter ──> directory (512 entries) ──> page table (512 entries) ──> frame
 *                          │ 2 MiB each                │ shared by COPY, immutable while
 *                          └─ or a 2 MiB page          └─ its reference count is above one
 *
 * References are spaces and handles. The last one to go frees it, in bounded steps, with no lock
 * held. Read next: table.h (the walker and the ownership rule), fault.c, space.h.
 */
#ifndef KERNEL_QUARTER_H
#define KERNEL_QUARTER_H

#include "arch/arch.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/vm/region.h"

struct budget;

/* A view is a set of RIGHT_READ|WRITE|EXECUTE; read is always in it. Its index: bit 0 write, bit 1
 * execute. */
#define VIEW_FULL (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE)
#define VIEW_COUNT 4u
#define VIEW_INDEX(rights) (((rights) >> 1) & 3u)

#define PRESENT_BITS (8 * (u32)sizeof(uword)) /* directory entries in one word of `present` */
#define PRESENT_WORDS (TABLE_ENTRIES / PRESENT_BITS)

#ifdef TLBSAN
#define TLBSAN_RANGES 16u
struct tlbsan_range {
    u32 offset, pages; /* PAGES 0: the whole quarter */
};
/* What the quarter's present holder of the lock has downgraded, and what is behind all (tlbsan.c). */
struct tlbsan_quarter {
    u32 count, line, armed_line;
    struct tlbsan_range range[TLBSAN_RANGES];
    u64 needed, armed; /* generations */
    const char *file, *armed_file;
};
#endif

/* ON: leaf entries are made global (commons.c). */
enum commons_state { COMMONS_NONE, COMMONS_STARTING, COMMONS_ON, COMMONS_ENDING };

/* Who is asked for absent pages: an endpoint or a session, with a reference. */
struct pager {
    void *object; /* null: nobody */
    enum object_type type;
};

struct quarter {
    /* immutable after create: */
    u64 sub_id; /* never reused; 0 is no quarter */
    u32 slot;
    struct budget *budget; /* pays for pages and tables that faults here allocate */

    u32 references; /* atomic: spaces and handles */
    u64 generation; /* atomic: counts shootdowns; changed under the lock only */

    struct spinlock *lock; /* immutable: own_lock, or big_lock for all with lock=big */
    struct spinlock own_lock;
    /* lock: */
    u8 commons;        /* enum commons_state */
    u32 commons_round; /* counts its promotions */
    entry_t *directory;
    uword present[PRESENT_WORDS];        /* which directory entries are: others are skipped */
    entry_t *view_directory[VIEW_COUNT]; /* ARCH_VIEW_DIRECTORIES: made at the first attachment */
    struct region_table *regions;        /* null: none */
    struct pager pager;                  /* a copy inherits it */
    u32 resident;                        /* 4 KiB pages present, through own or shared tables */
    u32 tables;                          /* page-table pages that the directory points to */
    u64 faults, shootdowns, interrupts_sent, interrupts_saved; /* counted for user programs */
#ifdef TLBSAN
    struct tlbsan_quarter tlbsan;
#endif
};

static inline void quarter_lock(struct quarter *quarter) { spinlock_acquire(quarter->lock); }
static inline void quarter_unlock(struct quarter *quarter) {
#ifdef TLBSAN
    void tlbsan_unlock(struct quarter * quarter);
    tlbsan_unlock(quarter);
#endif
    spinlock_release(quarter->lock);
}

/* Two different ones at once, whatever their order. */
void quarter_lock_both(struct quarter *one, struct quarter *other);
void quarter_unlock_both(struct quarter *one, struct quarter *other);

/* With lock=big on the command line, once, before there is a quarter: one lock for all of them, to
 * measure what a lock for each is worth. */
void quarter_use_big_lock(void);

/* Set with cow=eager, before there is a quarter: a COPY copies every page that can be written at once
 * (eager.c). */
extern bool quarter_copies_eagerly;
/* For quarter_copy: give COPY, which nobody else knows, frames of its own. 0, E_NOMEM or E_LIMIT: then
 * some are copied. Takes the lock of COPY, for each table. */
int quarter_copy_pages(struct quarter *copy);

/* The quarters alive now. */
u32 quarter_count(void);

/* An empty quarter with one reference. 0, E_NOMEM or E_LIMIT. */
int quarter_create(u32 slot, struct budget *budget, struct quarter **result);

/* A copy-on-write copy, one reference, in O(512). Takes SOURCE's lock; ends with its shootdown. */
int quarter_copy(struct quarter *source, struct budget *budget, struct quarter **result);

void quarter_reference(struct quarter *quarter);
/* Drop a reference; the last one frees the quarter in bounded steps, with interrupts let in between
 * them. No lock held. */
void quarter_release(struct quarter *quarter);

/* Regions. OFFSET and LENGTH in bytes, checked here: E_ALIGN, E_RANGE, E_INVALID (W and X),
 * E_EXISTS, E_NOTFOUND, E_NOMEM, E_LIMIT; on error nothing has changed. Each takes the lock. Map
 * takes MAP_PAGED beside the rights. */
int quarter_map(struct quarter *quarter, u32 offset, u32 length, u32 rights);
int quarter_map_boot_image(struct quarter *quarter, u32 offset, frame_t first, u32 pages);
/* All of a device, at OFFSET; RIGHTS without execute. */
int quarter_map_device(struct quarter *quarter, u32 offset, frame_t first, u32 pages, u32 rights);
int quarter_unmap(struct quarter *quarter, u32 offset, u32 length);
int quarter_protect(struct quarter *quarter, u32 offset, u32 length, u32 rights);

/* From now on PAGER, whose reference it takes over, is asked for absent pages; who was asked before,
 * whose reference is the caller's. */
struct pager quarter_pager_swap(struct quarter *quarter, struct pager pager);
void pager_release(struct pager pager); /* no lock held: a session may close */
/* Who is asked, with a reference for the caller. */
struct pager quarter_pager_get(struct quarter *quarter);

/* Copy LENGTH bytes from kernel memory into the quarter, whatever its regions allow, breaking
 * copy-on-write. An absent page of a paged region is the caller's from its first byte on: the rest
 * is zero. LENGTH at most a page and within one page. E_NOTFOUND where there is no region,
 * E_INVALID in a device, E_NOMEM, E_LIMIT. */
int quarter_write(struct quarter *quarter, u32 offset, const void *source, u32 length);

/* Answer a fault at OFFSET: 0 (try again) or enum fault_reason. VIEW: rights of the attachment it
 * came through. FAULT_NO_PAGER: a page of a paged region is absent; it is the caller who asks. */
enum vm_access {
    ACCESS_READ = RIGHT_READ,
    ACCESS_WRITE = RIGHT_WRITE,
    ACCESS_EXECUTE = RIGHT_EXECUTE
};
int quarter_fault(struct quarter *quarter, u32 offset, enum vm_access access, u32 view);

/* The directory to put into a root for VIEW; makes the view's own where the architecture needs
 * one. */
int quarter_view_directory(struct quarter *quarter, u32 view, frame_t *result);

void quarter_stat_fill(struct quarter *quarter, struct quarter_stat *stat);
/* Region number INDEX with its page counts; E_NOTFOUND past the last. Others may change the quarter
 * while it counts: it lets go of the lock, and interrupts in, at every directory entry. */
int quarter_region_info(struct quarter *quarter, u32 index, struct info_region *info);

/* After entries of [OFFSET, OFFSET + PAGES * 4 KiB) shrank or moved, lock held: returns when no CPU
 * can use the old ones. PAGES 0: the whole quarter. One round of interrupts, to the CPUs that run the
 * quarter now. (vm/shootdown.c) */
void quarter_shootdown(struct quarter *quarter, u32 offset, u32 pages, enum shootdown_cause cause);

/* One bit for each CPU that runs QUARTER now, or is about to: it has, or will have, a space with it
 * loaded. (shootdown.c) */
uword quarter_running(const struct quarter *quarter);

/* Events since boot: counted on each CPU for itself, summed up for system_info. */
struct vm_counters {
    u64 page_faults, zero_fills, page_copies, page_reclaims, table_copies, table_reclaims;
    u64 large_fills, large_splits, spurious_faults, pager_faults, pages_supplied;
    struct info_translation translation;
};
extern struct vm_counters vm_counters[ARCH_CPU_LIMIT];
#define VM_COUNT(event) (vm_counters[arch_cpu()->number].event++) /* needs kernel/base/cpu.h */
void vm_counters_sum(struct vm_counters *sum);

#endif
