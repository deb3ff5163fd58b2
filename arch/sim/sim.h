/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine as a test sees it: physical memory with a low zone, a hole and a high zone,
 * and CPUs with an adversarial TLB.
 *
 *   user access ──> any of: cached leaf, cached directory entry + table, cached root entry + both,
 *                   │       fresh walk
 *                   └── each is compared with a fresh walk: a stale right or frame fails the test
 *
 * The TLB never forgets by itself. Just before and after an entry changes, every simulated CPU
 * whose root reaches it caches all translations that go through it (speculative fills): so whatever
 * the manual allows a CPU to hold it does hold, and a missing invalidation fails every time, not by
 * luck.
 *
 * A rule broken ends the test with sim_fail. Nothing here takes locks: one host thread plays all
 * CPUs. Read next: tlb.c, access.c.
 */
#ifndef SIM_H
#define SIM_H

#include "arch/arch.h"

struct sim_memory {
    u32 low_frames;              /* RAM at frames [0, low_frames), but for the hole */
    u32 hole_start, hole_frames; /* no RAM there */
    u32 high_start, high_frames; /* RAM that arch_low_pointer refuses */
};

/* The machine starts: RAM is there, the lowest full of rubbish, CPUs have the kernel's root loaded.
 */
void sim_start(const struct sim_memory *memory);
u32 sim_frame_limit(void);            /* one above the highest frame with RAM */
bool sim_frame_exists(frame_t frame); /* there is RAM */
u8 *sim_frame_bytes(frame_t frame);   /* any frame: the simulator's own view, not the kernel's */

/* ---- Knobs ----------------------------------------------------------------------------------- */

extern struct sim_knobs {
    bool speculate;        /* CPUs fill their TLBs around each change of an entry; on by default */
    bool no_execute;       /* the CPU has NX; on by default */
    bool immutable_tables; /* fail on a change in a frame with other than one reference; on by
                              default */
    bool (*fault)(const struct fault *
                      fault); /* serves page faults of sim_user_* and arch_copy_*; false: give up */
    void (*interrupt_window)(void); /* runs in arch_interrupt_window; may be null */
} sim_knobs;

/* ---- Randomness: one seeded generator for the machine and the tests -------------------------- */

void sim_seed(u64 seed);
u64 sim_random(void);
u32 sim_random_below(u32 limit);

/* ---- The CPU that runs ----------------------------------------------------------------------- */

void sim_cpu_select(u32 number);

enum sim_result { SIM_OK, SIM_FAULT };

/* One user access of LENGTH bytes within a page, on the CPU that runs, with faults served by
 * sim_knobs.fault. SIM_FAULT: the handler gave up. */
enum sim_result sim_user_read(u32 address, void *to, u32 length);
enum sim_result sim_user_write(u32 address, const void *from, u32 length);
enum sim_result sim_user_execute(u32 address);
u32 sim_user_faults(void); /* page faults delivered so far */

/* Let every CPU cache what its root reaches at ADDRESS (upper levels, and the leaf if there is
 * one). */
void sim_speculate(u32 address);

/* ---- Checks ---------------------------------------------------------------------------------- */

/* On the return to user mode: nothing that any CPU has cached grants more, or other, than its
 * tables do. */
void sim_check_translations(const char *after);

/* FRAME has just been freed: no CPU may have it cached, as a page or as a table. */
void sim_check_freed(frame_t frame);

u32 sim_tlb_count(void); /* leaves cached, all CPUs */

/* What a walk of the tables says of ADDRESS under the root that the running CPU has loaded. */
struct sim_translation {
    bool present, write, execute, large;
    frame_t frame; /* the 4 KiB frame of ADDRESS */
    entry_t *leaf; /* the entry that maps it */
};
struct sim_translation sim_walk(u32 address);

/* A rule of the machine is broken: print it with the trace of the last operations, end the test.
 * Supplied by the tests. */
_Noreturn void sim_fail(const char *format, ...) PRINTF_LIKE(1, 2);

/* ---- Between the simulator's files ----------------------------------------------------------- */

void sim_cpus_start(void);
void sim_entry_about_to_change(const entry_t *entry, entry_t value);
void sim_entry_changed(const entry_t *entry);
void sim_root_check_unloaded(frame_t root);

#endif
