/* SPDX-License-Identifier: MIT */
/*
 * Promotion and demotion of the commons: see commons.h. The order is state first, entries next, then
 * a flush on all CPUs; only then may a space differ (hazard 38).
 *
 *     NONE ──promote──> STARTING ──all CPUs have settled──> ON ──demote──> ENDING ──> NONE
 *
 * The state is under the quarter's lock, and so are its changes of `commons`. Whoever finds a
 * demotion under way helps: each step does no harm if it is done twice. A helper that comes too late
 * must not end a later demotion for the one that it knows: so promotions are counted.
 */
#include "kernel/vm/commons.h"

#include "kernel/base/cpu.h"
#include "kernel/base/request.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/table.h"
#include "debug/tlbsan.h"

struct quarter *commons_quarter; /* atomic; read by every CPU at its loads */

static void global_flush(struct cpu *cpu) {
    arch_invalidate_all();
    cpu->global_view = 0;
    VM_COUNT(translation.global_flushes);
}

/* ---- On each CPU ----------------------------------------------------------------------------- */

/* What global_view is to be for SPACE, of QUARTER, the commons or null. */
static u8 view_in(const struct space *space, const struct quarter *quarter) {
    const struct space_slot *place = quarter ? &space->slot[quarter->slot] : NULL;
    return place && place->quarter == quarter ? (u8)(1 + VIEW_INDEX(place->view)) : 0;
}

void commons_expect(const struct space *space) {
    struct cpu *cpu = arch_cpu();
    struct quarter *quarter = __atomic_load_n(&commons_quarter, __ATOMIC_ACQUIRE);
    u8 view = view_in(space, quarter);
    if (cpu->global_view == 0 && view != 0) {
        cpu->global_of = quarter->sub_id;
        cpu->global_seen = atomic_read_64(&quarter->generation);
        cpu->global_view = view;
    }
}

void commons_settle(const struct space *space) {
    struct cpu *cpu = arch_cpu();
    struct quarter *quarter = __atomic_load_n(&commons_quarter, __ATOMIC_ACQUIRE);
    if (!quarter && cpu->global_view == 0) {
        return;
    }
    u8 view = view_in(space, quarter);
    bool has = view != 0;
    u64 generation = has ? atomic_read_64(&quarter->generation) : 0;
    u64 sub_id = has ? quarter->sub_id : 0;
    if (cpu->global_view != 0 &&
        (cpu->global_view != view || cpu->global_of != sub_id || cpu->global_seen != generation)) {
        global_flush(cpu);
    }
    cpu->global_view = view;
    cpu->global_of = sub_id;
    cpu->global_seen = generation;
}

void commons_shoot(const struct quarter *quarter, u64 generation, u32 pages) {
    struct cpu *cpu = arch_cpu();
    if (cpu->global_view == 0 || cpu->global_of != quarter->sub_id) {
        return;
    }
    if (pages == 0 || cpu->global_seen + 1 < generation) {
        u8 view = cpu->global_view;
        global_flush(cpu);
        cpu->global_view = view; /* it runs on, and fills again */
    }
    cpu->global_seen = generation;
}

static void settle_here(void *argument) {
    (void)argument;
    if (arch_cpu()->loaded) {
        commons_settle(arch_cpu()->loaded);
    }
}

/* What this CPU runs may have the next commons already, and it fills on. */
static void flush_here(void *argument) {
    if (arch_cpu()->global_view != 0) {
        global_flush(arch_cpu());
        settle_here(argument);
    }
}

/* ---- Entries --------------------------------------------------------------------------------- */

static entry_t entry_with_global(entry_t entry, bool global) {
    u32 flags = arch_entry_flags(entry) & ~(u32)ENTRY_GLOBAL;
    return arch_entry_make(arch_entry_frame(entry), flags | (global ? ENTRY_GLOBAL : 0));
}

/* A table that others share has no global entries, and gets none: it is immutable. */
static void table_set_global(frame_t frame, bool global) {
    entry_t *table = table_entries(frame);
    u32 left = frame_references(frame) == 1 ? frame_used(frame) : 0;
    for (u32 i = 0; left != 0; i++) {
        entry_t entry = arch_entry_read(&table[i]);
        if (entry_is(entry, ENTRY_PRESENT)) {
            arch_entry_exchange(&table[i], entry_with_global(entry, global));
            left--;
        }
    }
}

/* One directory entry; true if STATE is over. In a later round's STATE the step is as right. */
static bool step(struct quarter *quarter, u32 index, enum commons_state state) {
    quarter_lock(quarter);
    entry_t entry = arch_entry_read(&quarter->directory[index]);
    bool over = quarter->commons != state;
    if (!over && entry_is(entry, ENTRY_LARGE)) {
        directory_set(quarter, index, entry_with_global(entry, state == COMMONS_ON));
    } else if (!over && entry_is(entry, ENTRY_PRESENT)) {
        table_set_global(arch_entry_frame(entry), state == COMMONS_ON);
    }
    quarter_unlock(quarter);
    return over;
}

/* Make all entries global (STATE COMMONS_ON) or none (COMMONS_ENDING), for as long as that is the
 * state. A CPU may hold what they were a while longer: the same translation, which a
 * shootdown drops either way. */
static void entries_rewrite(struct quarter *quarter, enum commons_state state) {
    for (u32 i = 0; i < arch_directory_entries(quarter->slot); i++) {
        if (step(quarter, i, state)) {
            return;
        }
        sched_preemption_point();
    }
}

/* ---- Promotion and demotion ------------------------------------------------------------------ */

/* From state FROM of ROUND to TO. False: that is over. */
static bool state_change(struct quarter *quarter, enum commons_state from, enum commons_state to,
                         u32 round) {
    quarter_lock(quarter);
    bool mine = quarter->commons == from && quarter->commons_round == round;
    if (mine) {
        quarter->commons = to;
    }
    quarter_unlock(quarter);
    return mine;
}

/* The next round begins. False: another quarter, or the last round, is in the way. */
static bool commons_claim(struct quarter *quarter, u32 *round) {
    struct quarter *nobody = NULL;
    quarter_lock(quarter);
    bool claimed = quarter->commons == COMMONS_NONE &&
                   __atomic_compare_exchange_n(&commons_quarter, &nobody, quarter, false,
                                               __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    if (claimed) {
        quarter->commons = COMMONS_STARTING;
        *round = ++quarter->commons_round;
    }
    quarter_unlock(quarter);
    return claimed;
}

/* The lock is held, or nobody refers to QUARTER any more. */
static void commons_disclaim(struct quarter *quarter) {
    struct quarter *expected = quarter;
    __atomic_compare_exchange_n(&commons_quarter, &expected, NULL, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_RELAXED);
}

int commons_promote(struct quarter *quarter) {
    if (!arch_global_usable()) {
        return E_NOSYS;
    }
    u32 round;
    if (!commons_claim(quarter, &round)) {
        return E_BUSY;
    }
    request_run(cpus_online(), settle_here, NULL); /* no CPU fills unawares */
    if (state_change(quarter, COMMONS_STARTING, COMMONS_ON, round)) {
        entries_rewrite(quarter, COMMONS_ON);
    }
    return 0;
}

/* The end of this round begins, or has begun already. False: QUARTER is not the commons. */
static bool ending_begin(struct quarter *quarter, u32 *round) {
    quarter_lock(quarter);
    bool begun = quarter->commons != COMMONS_NONE;
    if (begun) {
        quarter->commons = COMMONS_ENDING;
        *round = quarter->commons_round;
    }
    quarter_unlock(quarter);
    return begun;
}

void commons_demote(struct quarter *quarter) {
    u32 round;
    if (!ending_begin(quarter, &round)) {
        return;
    }
    entries_rewrite(quarter, COMMONS_ENDING);
    quarter_lock(quarter);
    if (quarter->commons == COMMONS_ENDING && quarter->commons_round == round) {
        commons_disclaim(quarter);
    }
    quarter_unlock(quarter);
    request_run(cpus_online(), flush_here, NULL);
    state_change(quarter, COMMONS_ENDING, COMMONS_NONE, round);
}

void commons_discard(struct quarter *quarter) {
    if (quarter->commons != COMMONS_NONE) {
        commons_disclaim(quarter);
        request_run(cpus_online(), flush_here, NULL);
    }
}
