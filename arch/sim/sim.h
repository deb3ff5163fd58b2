/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine as a test sees it: physical memory with a low zone, a hole and a high zone,
 * and CPUs with an adversarial tagged TLB.
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
 * What is cached under a tag that is not loaded stays, unused, until the tag is loaded again.
 *
 * A rule broken ends the test with sim_fail. Nothing here takes locks: one host thread plays all
 * CPUs, one at a time as the test selects them, or with sim_run all in turns (schedule.c).
 * Read next: tlb.c, check.c, access.c.
 */
#ifndef SIM_H
#define SIM_H

#include "arch/arch.h"

struct spinlock;

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
/* From now on these frames, where there is no RAM, are a device: bytes behind them, no counts. */
void sim_device(u32 first, u32 frames);
bool sim_frame_is_device(frame_t frame);
u8 *sim_frame_bytes(frame_t frame);      /* any frame: the simulator's own view, not the kernel's */
u32 sim_frame_references(frame_t frame); /* without a point */

/* ---- Knobs ----------------------------------------------------------------------------------- */

extern struct sim_knobs {
    bool speculate;  /* CPUs fill their TLBs around each change of an entry; on by default */
    bool no_execute; /* the CPU has NX; on by default */
    u32 span_fills; /* of the entries of a table that a change of a directory entry fills: about how
                       many; TABLE_ENTRIES by default: all */
    bool tags;      /* arch_tag_count() is not 0; off by default */
    bool tag_invalidates;  /* other tags' translations can be invalidated */
    bool global;           /* ENTRY_GLOBAL may be used */
    bool immutable_tables; /* fail on a change in a frame with other than one reference; on by
                              default */
    bool (*fault)(const struct fault *
                      fault); /* serves page faults of sim_user_* and arch_copy_*; false: give up */
    void (*interrupt_window)(void); /* runs in arch_interrupt_window; may be null */
    /* Is a change of the quarter in SLOT of ROOT under way? What is cached of it may be stale until
     * it is over. Null: never. */
    bool (*changing)(const struct arch_root *root, u32 slot);
    /* What a thread runs in user mode (thread.c); it does not return. */
    void (*program)(u32 entry, u32 sp, u32 argument);
    /* Told to the test; may be null. */
    void (*lock_acquired)(struct spinlock *lock);
    void (*lock_released)(struct spinlock *lock);
    void (*root_loaded)(const struct arch_root *root, u32 tag, bool kept);
    void (*interrupted)(u32 cpu);
} sim_knobs;

/* ---- Randomness: one seeded generator for the machine and the tests -------------------------- */

void sim_seed(u64 seed);
u64 sim_random(void);
u32 sim_random_below(u32 limit);

/* ---- The CPU that runs ----------------------------------------------------------------------- */

void sim_cpu_select(u32 number);

/* Several CPUs in turns: run BODY on CPUs 0 .. COUNT - 1 until it has returned on all of them; each
 * then serves the others' interrupts until all have. Who goes on at which point is random. */
void sim_run(u32 count, void (*body)(u32 cpu));
extern bool sim_interleaving; /* within sim_run */
u64 sim_steps(void);          /* points passed so far */
void sim_clock_advance(u64 nanoseconds);
void sim_progress(void); /* something has been achieved: the CPUs do not wait for each other */

/* The CPU that runs is in user mode from now on, or no longer: there its global translations must be
 * right. Its interrupts are the test's to switch. */
void sim_user(bool user);

/* *PLACE = VALUE, by a plain store: others see it after this CPU's next locked operation, or sooner
 * by chance. For mutants of what must be locked. */
void sim_store(u64 *place, u64 value);

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

/* LINE interrupts the CPU that runs. False: it is masked. (devices.c, with threads only) */
bool sim_line_raise(u32 line);

/* ---- Checks ---------------------------------------------------------------------------------- */

/* Nothing that any CPU has cached under its loaded tag grants more, or other, than its tables do.
 * The same is checked for what has changed at each release of a quarter's lock. */
void sim_check_translations(const char *after);

/* No CPU caches a global translation. */
void sim_check_no_global(const char *after);

/* FRAME has just been freed: no CPU may have it cached, as a page or as a table, in a way that it can
 * use now. */
void sim_check_freed(frame_t frame);
void sim_place_forget(frame_t frame); /* FRAME has just been allocated: it is no table any more */

u32 sim_tlb_count(void); /* leaves cached, all CPUs, all tags */

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
