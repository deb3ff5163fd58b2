/* SPDX-License-Identifier: MIT */
/*
 * The crowd's processes and handles: see crowd.h. What kernel/process/process.c does with the space
 * of a process that several CPUs run is done here in the same steps.
 */
#include "tests/host/crowd.h"

#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/base/request.h"
#include "kernel/object/budget.h"

struct crowd crowd;
static struct spinlock crowd_lock = SPINLOCK(LOCK_PROCESS_TABLE, "crowd");

u32 crowd_cpu(void) { return arch_cpu()->number; }

/* ---- CPUs come and go ------------------------------------------------------------------------ */

/* Either a mover sees us in `current`, or we see the space that it has stored. */
void crowd_arrive(struct member *member) {
    u32 cpu = crowd_cpu();
    struct member *before = crowd.current[cpu];
    if (member) {
        member->running |= 1u << cpu;
    }
    INTERLEAVE();
    crowd.current[cpu] = member;
    INTERLEAVE_LOCKED();
    if (member) {
        INTERLEAVE_READ(&member->space);
        space_load(member->space);
    }
    if (before && before != member) {
        before->running &= ~(1u << cpu);
    }
}

void crowd_idle(void) {
    crowd_arrive(NULL);
    space_load(NULL);
}

/* ---- Members --------------------------------------------------------------------------------- */

struct member *member_pick(void) {
    u32 first = sim_random_below(CROWD_PROCESSES);
    for (u32 i = 0; i < CROWD_PROCESSES; i++) {
        struct member *member = &crowd.member[(first + i) % CROWD_PROCESSES];
        if (member->alive && !member->ending) {
            return member;
        }
    }
    return NULL;
}

struct space *member_space(struct member *member) {
    spinlock_acquire(&crowd_lock);
    struct space *space = member->space;
    space_reference(space);
    spinlock_release(&crowd_lock);
    return space;
}

static void seats_take(struct member *member, const struct seat seat[SLOT_COUNT]) {
    struct seat old[SLOT_COUNT];
    memcpy(old, member->seat, sizeof(old));
    memcpy(member->seat, seat, sizeof(old));
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (seat[slot].shadow) {
            shadow_reference(seat[slot].shadow);
        }
        shadow_release(old[slot].shadow);
    }
}

static void refresh_here(void *argument) {
    (void)argument;
    struct member *member = crowd.current[crowd_cpu()];
    if (member) {
        space_load(member->space);
    }
}

void member_set_space(struct member *member, struct space *space,
                      const struct seat seat[SLOT_COUNT]) {
    u32 cpu = crowd_cpu();
    uword mask = 0;
    spinlock_acquire(&crowd_lock);
    struct space *old = member->space;
    member->space = space;
    member->old[cpu] = old;
    seats_take(member, seat);
    spinlock_release(&crowd_lock);
    INTERLEAVE_LOCKED();
    for (u32 i = 0; i < cpu_count; i++) {
        INTERLEAVE_READ(&crowd.current[i]);
        mask |= crowd.current[i] == member ? (uword)1 << i : 0;
    }
    request_run(mask, refresh_here, NULL);
    member->old[cpu] = NULL;
    space_release(old);
}

bool member_begin(struct space *space, const struct seat seat[SLOT_COUNT]) {
    for (u32 i = 0; i < crowd.member_limit; i++) {
        struct member *member = &crowd.member[i];
        if (!member->alive) {
            *member = (struct member){.alive = true, .space = space};
            seats_take(member, seat);
            return true;
        }
    }
    return false;
}

void member_end(struct member *member) {
    static const struct seat nothing[SLOT_COUNT];
    CHECK(member->running == 0, "process %u ends on CPUs %x", (u32)(member - crowd.member),
          member->running);
    spinlock_acquire(&crowd_lock);
    struct space *space = member->space;
    member->ending = true;
    member->space = NULL;
    seats_take(member, nothing);
    spinlock_release(&crowd_lock);
    space_release(space);
    member->alive = false;
}

/* ---- Quarters to work on --------------------------------------------------------------------- */

struct shadow *shadow_take(struct member *member) {
    struct shadow *shadow = NULL;
    spinlock_acquire(&crowd_lock);
    if (sim_random_below(6) == 0) {
        shadow = crowd.handle[sim_random_below(CROWD_HANDLES)];
    }
    for (u32 i = 0; i < SLOT_COUNT && !shadow; i++) {
        shadow = member->seat[sim_random_below(SLOT_COUNT)].shadow;
    }
    if (shadow) {
        quarter_reference(shadow->quarter);
        shadow_reference(shadow);
    }
    spinlock_release(&crowd_lock);
    return shadow;
}

void shadow_drop(struct shadow *shadow) {
    struct quarter *quarter = shadow->quarter;
    shadow_release(shadow);
    quarter_release(quarter);
}

/* ---- Begin and end --------------------------------------------------------------------------- */

void crowd_boot(const struct sim_memory *memory) {
    universe_use_small();
    world_boot(memory);
    memset(&crowd, 0, sizeof(crowd));
    crowd.lock = &crowd_lock;
}

void crowd_audit(const char *after) {
    memset(world.process, 0, sizeof(world.process));
    memset(world.handle, 0, sizeof(world.handle));
    for (u32 i = 0; i < CROWD_PROCESSES; i++) {
        struct member *member = &crowd.member[i];
        world.process[i] = member->alive ? member->space : NULL;
        for (u32 slot = 0; member->alive && slot < SLOT_COUNT; slot++) {
            const struct seat *seat = &member->seat[slot];
            CHECK((seat->shadow ? seat->shadow->quarter : NULL) ==
                      member->space->slot[slot].quarter,
                  "after %s: process %u has another quarter in slot %u", after, i, slot);
            if (seat->shadow) {
                shadow_verify(seat->shadow, after);
            }
        }
    }
    for (u32 i = 0; i < CROWD_HANDLES; i++) {
        world.handle[i] = crowd.handle[i] ? crowd.handle[i]->quarter : NULL;
        if (crowd.handle[i]) {
            shadow_verify(crowd.handle[i], after);
        }
    }
    audit(after);
}

void crowd_end(void) {
    for (u32 i = 0; i < cpu_count; i++) {
        sim_cpu_select(i);
        crowd_idle();
    }
    sim_cpu_select(0);
    for (u32 i = 0; i < CROWD_PROCESSES; i++) {
        if (crowd.member[i].alive) {
            member_end(&crowd.member[i]);
        }
    }
    for (u32 i = 0; i < CROWD_HANDLES; i++) {
        if (crowd.handle[i]) {
            shadow_drop(crowd.handle[i]);
        }
    }
    memset(world.process, 0, sizeof(world.process));
    memset(world.handle, 0, sizeof(world.handle));
    world_end();
}
