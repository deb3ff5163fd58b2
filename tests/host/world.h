/* SPDX-License-Identifier: MIT */
/*
 * A world: all the processes (each no more than a space) and quarter handles of a test, so that the
 * audit can compare every count in the VM with a full walk, and the digest can say whether anything
 * has changed.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "kernel/vm/frame.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"
#include "tests/host/harness.h"

#define WORLD_PROCESSES 64
#define WORLD_HANDLES 64

struct world {
    struct space *process[WORLD_PROCESSES]; /* null: free; each holds one reference */
    struct quarter *handle[WORLD_HANDLES];  /* null: free; each holds one reference */
    struct budget *budget;
    u32 frames_at_start;
    int fault_reason; /* of the last fault that was not served */
};

extern struct world world;

void world_boot(const struct sim_memory *memory); /* machine_boot and an empty world */
void world_end(void); /* everything must be gone by now: no frame, object or charge is left */

/* Processes are named by their index. */
u32 process_new(void); /* four fresh quarters */
u32 process_new_from(const struct space_slot slots[SLOT_COUNT]);
int process_clone_try(u32 process, u32 plan, u32 *child);
u32 process_clone_must(u32 process, u32 plan);
void process_run(u32 process); /* load its space on the CPU that runs */
void process_end(u32 process);
void process_end_all(void); /* and all handles are dropped */
int process_attach_try(u32 process, u32 slot, struct quarter *quarter,
                       u32 view); /* move to another space */
void process_attach(u32 process, u32 slot, struct quarter *quarter, u32 view);
struct quarter *process_quarter(u32 process, u32 slot);

struct quarter *handle_new(u32 slot);      /* a quarter with a handle and nothing else */
void handle_keep(struct quarter *quarter); /* the caller's reference becomes a handle's */
void handle_drop(struct quarter *quarter);

/* Accesses by PROCESS, which is run first. */
void poke(u32 process, u32 address, u32 value);
u32 peek(u32 process, u32 address);
void poke_fails(u32 process, u32 address, int reason);
void peek_fails(u32 process, u32 address, int reason);
void execute_fails(u32 process, u32 address, int reason);
void execute_works(u32 process, u32 address);
void map(u32 process, u32 address, u32 length, u32 rights); /* must succeed */

#define RIGHTS_RW (RIGHT_READ | RIGHT_WRITE)
#define RIGHTS_RX (RIGHT_READ | RIGHT_EXECUTE)
#define MIB (1u << 20)

/* ---- audit.c --------------------------------------------------------------------------------- */

/* Compare every count with a full walk, check the ownership rule and that no translation is stale.
 * Fails with a sentence, naming the operation AFTER which it was called. */
void audit(const char *after);

/* A hash of all that user programs can find out: regions, contents of all pages, references,
 * statistics of objects. STRICT: frames, tables and resident counts as well. */
u64 world_digest(bool strict);

#endif
