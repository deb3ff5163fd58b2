/* SPDX-License-Identifier: MIT */
/*
 * Processes without threads: a space, loaded on the simulated CPU by hand. See world.h.
 */
#include "tests/host/world.h"

#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"

struct world world;

/* ---- Faults ---------------------------------------------------------------------------------- */

static bool world_fault(const struct fault *fault) {
    struct space *space = arch_cpu()->loaded;
    CHECK(space, "a user access at %#x with the kernel's root loaded", fault->address);
    const struct space_slot *slot = &space->slot[SLOT_OF(fault->address)];
    enum vm_access access = fault->write     ? ACCESS_WRITE
                            : fault->execute ? ACCESS_EXECUTE
                                             : ACCESS_READ;
    world.fault_reason = FAULT_NO_QUARTER;
    if (slot->quarter) {
        world.fault_reason =
            quarter_fault(slot->quarter, SLOT_OFFSET(fault->address), access, slot->view);
    }
    return world.fault_reason == 0;
}

/* A change of the quarter in SLOT of the space of ROOT is under way: somebody has it locked. */
static bool world_changing(const struct arch_root *root, u32 slot) {
    const struct space *space = CONTAINER_OF(root, struct space, root);
    const struct quarter *quarter = space->slot[slot].quarter;
    return quarter && quarter->lock->locked != 0;
}

/* ---- Begin and end --------------------------------------------------------------------------- */

void world_boot(const struct sim_memory *memory) {
    machine_boot(memory);
    world = (struct world){.budget = &budget_root, .frames_at_start = frame_free_count()};
    sim_knobs.fault = world_fault;
    sim_knobs.changing = world_changing;
}

void world_end(void) {
    for (u32 i = 0; i < cpu_count; i++) {
        sim_cpu_select(i);
        space_load(NULL);
    }
    sim_cpu_select(0);
    CHECK_EQUAL(space_count(), 0);
    CHECK_EQUAL(quarter_count(), 0);
    CHECK_EQUAL(frame_free_count(), world.frames_at_start);
    CHECK_EQUAL(budget_root.resource[BUDGET_FRAMES].used, 0);
    CHECK_EQUAL(budget_root.resource[BUDGET_QUARTERS].used, 0);
}

/* ---- Processes ------------------------------------------------------------------------------- */

static u32 process_add(struct space *space) {
    for (u32 i = 0; i < WORLD_PROCESSES; i++) {
        if (!world.process[i]) {
            world.process[i] = space;
            return i;
        }
    }
    CHECK(false, "the world is full of processes");
    return 0;
}

u32 process_new_from(const struct space_slot slots[SLOT_COUNT]) {
    struct space *space = NULL;
    CHECK_EQUAL(space_obtain(slots, &space), 0);
    return process_add(space);
}

u32 process_new(void) {
    struct space_slot slots[SLOT_COUNT];
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        CHECK_EQUAL(quarter_create(i, world.budget, &slots[i].quarter), 0);
        slots[i].view = VIEW_FULL;
    }
    u32 process = process_new_from(slots);
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        quarter_release(slots[i].quarter);
    }
    return process;
}

int process_clone_try(u32 process, u32 plan, u32 *child) {
    struct space *space = NULL;
    int error = space_clone(world.process[process], plan, world.budget, &space);
    if (!error) {
        *child = process_add(space);
    }
    return error;
}

u32 process_clone_must(u32 process, u32 plan) {
    u32 child = 0;
    CHECK_EQUAL(process_clone_try(process, plan, &child), 0);
    return child;
}

void process_run(u32 process) { space_load(world.process[process]); }

void process_end(u32 process) {
    struct space *space = world.process[process];
    world.process[process] = NULL;
    space_release(space);
}

void process_end_all(void) {
    for (u32 i = 0; i < WORLD_PROCESSES; i++) {
        if (world.process[i]) {
            process_end(i);
        }
    }
    for (u32 i = 0; i < WORLD_HANDLES; i++) {
        if (world.handle[i]) {
            handle_drop(world.handle[i]);
        }
    }
}

struct quarter *process_quarter(u32 process, u32 slot) {
    return world.process[process]->slot[slot].quarter;
}

int process_attach_try(u32 process, u32 slot, struct quarter *quarter, u32 view) {
    struct space *old = world.process[process], *new = NULL;
    struct space_slot slots[SLOT_COUNT];
    memcpy(slots, old->slot, sizeof(slots));
    slots[slot] = (struct space_slot){.quarter = quarter, .view = quarter ? view : 0};
    int error = space_obtain(slots, &new);
    if (error) {
        return error;
    }
    world.process[process] = new;
    if (arch_cpu()->loaded == old) { /* as process_set_space does: load first, then let go */
        space_load(new);
    }
    space_release(old);
    return 0;
}

void process_attach(u32 process, u32 slot, struct quarter *quarter, u32 view) {
    CHECK_EQUAL(process_attach_try(process, slot, quarter, view), 0);
}

/* ---- Handles --------------------------------------------------------------------------------- */

void handle_keep(struct quarter *quarter) {
    for (u32 i = 0; i < WORLD_HANDLES; i++) {
        if (!world.handle[i]) {
            world.handle[i] = quarter;
            return;
        }
    }
    CHECK(false, "the world is full of handles");
}

struct quarter *handle_new(u32 slot) {
    struct quarter *quarter = NULL;
    CHECK_EQUAL(quarter_create(slot, world.budget, &quarter), 0);
    handle_keep(quarter);
    return quarter;
}

void handle_drop(struct quarter *quarter) {
    for (u32 i = 0; i < WORLD_HANDLES; i++) {
        if (world.handle[i] == quarter) {
            world.handle[i] = NULL;
            quarter_release(quarter);
            return;
        }
    }
    CHECK(false, "no handle to drop");
}

/* ---- Accesses -------------------------------------------------------------------------------- */

void poke(u32 process, u32 address, u32 value) {
    process_run(process);
    enum sim_result result = sim_user_write(address, &value, sizeof(value));
    CHECK(result == SIM_OK, "process %u cannot write at %#x: reason %d", process, address,
          world.fault_reason);
}

u32 peek(u32 process, u32 address) {
    u32 value = 0;
    process_run(process);
    enum sim_result result = sim_user_read(address, &value, sizeof(value));
    CHECK(result == SIM_OK, "process %u cannot read at %#x: reason %d", process, address,
          world.fault_reason);
    return value;
}

static void check_refused(enum sim_result result, const char *what, u32 process, u32 address,
                          int reason) {
    CHECK(result == SIM_FAULT, "process %u may %s at %#x", process, what, address);
    CHECK(world.fault_reason == reason, "%s at %#x: reason %d instead of %d", what, address,
          world.fault_reason, reason);
}

void poke_fails(u32 process, u32 address, int reason) {
    u32 value = 0xBAD;
    process_run(process);
    check_refused(sim_user_write(address, &value, sizeof(value)), "write", process, address,
                  reason);
}

void peek_fails(u32 process, u32 address, int reason) {
    u32 value;
    process_run(process);
    check_refused(sim_user_read(address, &value, sizeof(value)), "read", process, address, reason);
}

void execute_fails(u32 process, u32 address, int reason) {
    process_run(process);
    check_refused(sim_user_execute(address), "execute", process, address, reason);
}

void execute_works(u32 process, u32 address) {
    process_run(process);
    CHECK(sim_user_execute(address) == SIM_OK, "process %u cannot execute at %#x: reason %d",
          process, address, world.fault_reason);
}

void map(u32 process, u32 address, u32 length, u32 rights) {
    struct quarter *quarter = process_quarter(process, SLOT_OF(address));
    CHECK(quarter, "process %u has nothing in slot %u", process, SLOT_OF(address));
    CHECK_EQUAL(quarter_map(quarter, SLOT_OFFSET(address), length, rights), 0);
}
