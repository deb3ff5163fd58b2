/* SPDX-License-Identifier: MIT */
/*
 * User accesses on the simulated CPU that runs. Each access first looks at every translation that
 * the CPU could use, cached or walked, and compares it with the tables: one that allows what the
 * tables forbid, or leads elsewhere, fails the test. Then one of them, by chance, does the access,
 * sets A and D in the entry it came from, and stays cached. A page fault forgets its address, as
 * the manual says.
 */
#include <string.h>

#include "arch/sim/tlb.h"
#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/vm/frame.h"

/* A fault that is served must not come back for ever; other CPUs may undo what it has brought. */
#define FAULT_ROUNDS (sim_interleaving ? 1000u : 16u)

static u32 fault_count;

u32 sim_user_faults(void) { return fault_count; }

static bool path_allows(const struct path *path, const struct fault *access) {
    return (!access->write || path->write) && (!access->execute || path->execute);
}

static void check_frame(const struct path *path, const struct fault *access) {
    if (sim_frame_is_device(path->frame)) {
        return;
    }
    if (frame_is_managed(path->frame) && sim_frame_references(path->frame) == 0) {
        sim_fail("sim: an access at %#x goes to frame %#x, which is free", access->address,
                 path->frame.number);
    }
}

static void check_path(const struct path *path, const struct fault *access, bool walked,
                       const struct path *truth) {
    if (!path_allows(path, access)) {
        return;
    }
    if (!walked || path->frame.number != truth->frame.number || !path_allows(truth, access)) {
        sim_fail(
            "sim: %s at %#x may go to frame %#x by a stale translation; the tables say %#x, %s",
            access->write     ? "a write"
            : access->execute ? "an instruction fetch"
                              : "a read",
            access->address, path->frame.number, walked ? truth->frame.number : 0,
            !walked                      ? "nothing there"
            : path_allows(truth, access) ? "another frame"
                                         : "not allowed");
    }
}

/* Set D where the translation was read from, as the CPU does at the first write through it, if the
 * entry is still there. */
static void mark_dirty(struct cached *cached) {
    if (!cached->dirty && (arch_entry_flags(*cached->entry) & ENTRY_WRITE)) {
        __atomic_fetch_or(&cached->entry->raw, SIM_ENTRY_DIRTY | SIM_ENTRY_ACCESSED,
                          __ATOMIC_RELAXED);
        cached->dirty = true;
    }
}

/* One try at ACCESS: the bytes behind its address, or null for a page fault. */
static u8 *access_try(struct sim_cpu *cpu, const struct fault *access) {
    struct path paths[PATHS_LIMIT], truth;
    if (!cpu->loaded) {
        return NULL;
    }
    u32 count = sim_paths(cpu, access->address, paths);
    bool walked = sim_walk_root(cpu->root_frame, access->address, &truth);
    bool changing = sim_changing(cpu, SLOT_OF(access->address));
    for (u32 i = 0; i < count; i++) {
        check_frame(&paths[i], access);
        if (!changing) {
            check_path(&paths[i], access, walked, &truth);
        }
    }
    if (count == 0) {
        return NULL;
    }
    const struct path *chosen = &paths[sim_random_below(count)];
    struct cached *cached = sim_fill(cpu, access->address, chosen);
    if (!path_allows(chosen, access)) {
        return NULL;
    }
    if (access->write) {
        mark_dirty(cached);
    }
    return sim_frame_bytes(chosen->frame) + access->address % PAGE_SIZE;
}

/* The page fault: into the kernel, with interrupts off, and back. */
static bool fault_serve(struct sim_cpu *cpu, const struct fault *access) {
    bool user = cpu->user;
    uword interrupts = arch_interrupts_save();
    cpu->user = false;
    bool served = sim_knobs.fault && sim_knobs.fault(access);
    arch_interrupts_restore(interrupts);
    sim_user(user);
    return served;
}

static u8 *access_bytes(struct fault *access, u32 length) {
    if (length == 0 || access->address % PAGE_SIZE + length > PAGE_SIZE ||
        access->address + (u64)length > ARCH_USER_TOP) {
        sim_fail("sim: test access of %u bytes at %#x leaves its page or the user addresses",
                 length, access->address);
    }
    sim_note_address(access->address);
    for (u32 round = 0; round < FAULT_ROUNDS; round++) {
        sim_point();
        struct sim_cpu *cpu = arch_cpu()->arch.sim;
        u8 *bytes = access_try(cpu, access);
        if (bytes) {
            return bytes;
        }
        sim_forget_fault(cpu, access->address);
        fault_count++;
        if (!fault_serve(cpu, access)) {
            return NULL;
        }
    }
    sim_fail("sim: %s at %#x faults for ever, each time served", access->write ? "write" : "read",
             access->address);
}

enum sim_result sim_user_read(u32 address, void *to, u32 length) {
    struct fault access = {.address = address, .user = true};
    const u8 *bytes = access_bytes(&access, length);
    if (!bytes) {
        return SIM_FAULT;
    }
    memcpy(to, bytes, length);
    return SIM_OK;
}

enum sim_result sim_user_write(u32 address, const void *from, u32 length) {
    struct fault access = {.address = address, .user = true, .write = true};
    u8 *bytes = access_bytes(&access, length);
    if (!bytes) {
        return SIM_FAULT;
    }
    memcpy(bytes, from, length);
    return SIM_OK;
}

enum sim_result sim_user_execute(u32 address) {
    struct fault access = {.address = address, .user = true, .execute = true};
    return access_bytes(&access, 1) ? SIM_OK : SIM_FAULT;
}

struct sim_translation sim_walk(u32 address) {
    struct path path;
    const struct sim_cpu *cpu = arch_cpu()->arch.sim;
    if (!cpu->loaded || !sim_walk_root(cpu->root_frame, address, &path)) {
        return (struct sim_translation){.present = false};
    }
    return (struct sim_translation){true,       path.write, path.execute,
                                    path.large, path.frame, path.leaf};
}

/* ---- The kernel's copies --------------------------------------------------------------------- */

static int copy_user(u32 address, u8 *kernel, u32 length, bool write) {
    if (arch_cpu()->lock_count != 0) {
        sim_fail("sim: a copy to or from user memory with %u locks held", arch_cpu()->lock_count);
    }
    while (length != 0) {
        u32 room = PAGE_SIZE - address % PAGE_SIZE;
        u32 step = length < room ? length : room;
        struct fault access = {.address = address, .write = write};
        u8 *bytes = access_bytes(&access, step);
        if (!bytes) {
            return E_FAULT;
        }
        memcpy(write ? bytes : kernel, write ? kernel : bytes, step);
        address += step;
        kernel += step;
        length -= step;
    }
    return 0;
}

int arch_copy_in(void *to, u32 from, u32 length) { return copy_user(from, to, length, false); }
int arch_copy_out(u32 to, const void *from, u32 length) {
    return copy_user(to, (u8 *)from, length, true);
}

int arch_user_writable(u32 address) {
    u8 byte;
    return arch_copy_in(&byte, address, 1) == 0 ? arch_copy_out(address, &byte, 1) : E_FAULT;
}
