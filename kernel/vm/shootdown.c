/* SPDX-License-Identifier: MIT */
/*
 * Shootdown by quarter: no CPU uses an old translation of the quarter once quarter_shootdown
 * returns. Guarded by the quarter's lock, so a quarter has one shootdown at a time.
 *
 *     shootdown (lock held)                    switch-in (space.c space_load, interrupts off)
 *     1 entries changed, by the caller         1 cpu->entering = the new space
 *     2 generation bumped ── full barrier      2 ── full barrier
 *     3 entering and loaded of each CPU read   3 generation read: behind? then nothing is kept
 *     4 those with the quarter asked,          4 root loaded
 *       and waited for                         5 cpu->loaded = the new space
 *
 * Either the shootdown sees that the CPU runs the quarter, or the CPU sees the generation (hazard 9). Both
 * barriers are in the atomic operations. CPUs that do not run the quarter hear nothing: without tags
 * their next load forgets everything anyway, with tags they catch up by the generation.
 * Read next: base/request.h, tags.h; tools/model/shootdown.pml checks the handshake.
 */
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/base/request.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"
#include "kernel/vm/tags.h"
#include "debug/tlbsan.h"
#include "debug/tlbtrace.h"

/* Above this many pages it is cheaper to forget everything than page by page. */
#define RANGE_LIMIT 32u

struct shootdown {
    struct quarter *quarter;
    u64 generation;
    u32 address, pages;
};

/* On a CPU that ran the quarter a moment ago. What is loaded decides, not what the CPU is about to
 * run (hazard 10); has it left meanwhile, it catches up when it comes back. */
static void shootdown_here(void *argument) {
    const struct shootdown *shootdown = argument;
    struct quarter *quarter = shootdown->quarter;
    struct cpu *cpu = arch_cpu();
    if (!cpu->loaded || cpu->loaded->slot[quarter->slot].quarter != quarter) {
        return;
    }
    VM_COUNT(translation.invalidations);
    if (arch_tag_count() != 0) {
        tags_shoot(quarter, shootdown->generation, shootdown->address, shootdown->pages);
    } else {
        arch_invalidate(shootdown->address, shootdown->pages);
    }
    commons_shoot(quarter, shootdown->generation, shootdown->pages);
}

/* A CPU runs what it has loaded, and what it is about to load. `entering` is read first: whoever is
 * not seen there has either not come yet, or is leaving and still has the old space in `loaded`.
 *
 * A space that was read here may have been left and freed since, and its memory be anything: then the
 * CPU is not in it any more, and the answer does not matter (shootdown_here looks again). */
#ifdef SIM
__attribute__((no_sanitize("address"))) /* which knows that the space is freed */
#endif
static bool space_has(const struct space *space, const struct quarter *quarter, u32 slot) {
    return space != NULL && space->slot[slot].quarter == quarter;
}

static inline uword running_look(const struct quarter *quarter) {
    uword mask = 0;
    u32 slot = quarter->slot, count = __atomic_load_n(&cpu_count, __ATOMIC_RELAXED);
    for (u32 i = 0; i < count; i++) {
        struct cpu *cpu = &cpus[i];
        INTERLEAVE_READ(&cpu->entering);
        const struct space *entering = __atomic_load_n(&cpu->entering, __ATOMIC_SEQ_CST);
        INTERLEAVE_READ(&cpu->loaded);
        const struct space *loaded = __atomic_load_n(&cpu->loaded, __ATOMIC_SEQ_CST);
        if (space_has(entering, quarter, slot) ||
            (UNLIKELY(loaded != entering) && space_has(loaded, quarter, slot))) {
            mask |= (uword)1 << i;
        }
    }
    return mask;
}

uword quarter_running(const struct quarter *quarter) { return running_look(quarter); }

static void shootdown_count(struct quarter *quarter, enum shootdown_cause cause, u32 sent) {
    u32 saved = __atomic_load_n(&cpu_count, __ATOMIC_RELAXED) - 1 - sent;
    struct info_translation *translation = &vm_counters[arch_cpu()->number].translation;
    translation->shootdowns[cause]++;
    translation->interrupts_sent += sent;
    translation->interrupts_saved += saved;
    quarter->shootdowns++;
    quarter->interrupts_sent += sent;
    quarter->interrupts_saved += saved;
}

void quarter_shootdown(struct quarter *quarter, u32 offset, u32 pages, enum shootdown_cause cause) {
    struct shootdown shootdown = {
        .quarter = quarter,
        .generation = atomic_add_64(&quarter->generation, 1),
        .address = SLOT_BASE(quarter->slot) + offset,
        .pages = pages > RANGE_LIMIT ? 0 : pages,
    };
    uword running = running_look(quarter);
    shootdown_count(quarter, cause, request_run(running, shootdown_here, &shootdown));
    tlbsan_shot(quarter);
    tlbtrace_shootdown(quarter, offset, pages, cause);
}
