/* SPDX-License-Identifier: MIT */
/*
 * Upper bounds: the kernel that always flushes, and tells everybody, would be safe too. So for each
 * operation it is counted how often it shot down, whom it interrupted, and for each load of a space
 * whether what is cached had to be kept.
 *
 * A reference of the hot digits decides the last: for each CPU and slot a list of (sub-ID, view) in
 * the order of their last use. A space whose four have stayed in their lists since it was loaded
 * last, and have not been shot down since it was left, finds its translations again.
 */
#include "kernel/base/cpu.h"
#include "tests/host/crowd.h"

#define VISITS 64u

struct hot_reference {
    u64 sub_id, since; /* since: number of the load at which it came */
    u32 view;
};

struct visit { /* the last time that a CPU had a space loaded */
    u64 space;
    u64 since[SLOT_COUNT], generation[SLOT_COUNT];
    bool sure; /* no shootdown was under way when it was left */
};

static struct bound {
    u64 shootdowns, interrupts;
    struct quarter *locked;
    uword ran; /* CPUs that have run it since */
    /* loads: */
    u64 loads;
    struct hot_reference hot[SLOT_COUNT][TAG_DIGITS]; /* last used first */
    struct visit visit[VISITS];
} bounds[ARCH_CPU_LIMIT];

static u32 digits;

static struct bound *own_bound(void) { return &bounds[crowd_cpu()]; }

void bound_start(u32 hot_digits) {
    memset(bounds, 0, sizeof(bounds));
    digits = hot_digits;
    sim_knobs.root_loaded = bound_root_loaded;
    sim_knobs.interrupted = bound_interrupted;
}

/* ---- Shootdowns and interrupts --------------------------------------------------------------- */

static u64 shootdowns(void) {
    u64 count = 0;
    for (u32 cause = 0; cause < CAUSE_COUNT; cause++) {
        count += vm_counters[crowd_cpu()].translation.shootdowns[cause];
    }
    return count;
}

void bound_begin(void) {
    own_bound()->shootdowns = shootdowns();
    own_bound()->interrupts = 0;
}

void bound_end(const char *what, u32 limit) {
    const struct bound *own = own_bound();
    u64 count = shootdowns() - own->shootdowns;
    CHECK(count <= limit, "%s shoots down %llu times, %u would do", what, (unsigned long long)count,
          limit);
    CHECK(own->interrupts <= count * (cpu_count - 1), "%s: %llu interrupts for %llu shootdowns",
          what, (unsigned long long)own->interrupts, (unsigned long long)count);
}

/* As quarter_running, but in one look: no other CPU goes on meanwhile. */
static uword runners(const struct quarter *quarter) {
    uword mask = 0;
    for (u32 i = 0; i < cpu_count; i++) {
        const struct space *entering = cpus[i].entering, *loaded = cpus[i].loaded;
        bool has = (entering && entering->slot[quarter->slot].quarter == quarter) ||
                   (loaded && loaded->slot[quarter->slot].quarter == quarter);
        mask |= (uword)has << i;
    }
    return mask;
}

void bound_lock_acquired(struct quarter *quarter) {
    own_bound()->locked = quarter;
    own_bound()->ran = runners(quarter);
}

void bound_lock_released(void) { own_bound()->locked = NULL; }

void bound_interrupted(u32 cpu) {
    struct bound *own = own_bound();
    own->interrupts++;
    if (own->locked) {
        CHECK((own->ran | runners(own->locked)) >> cpu & 1,
              "CPU %u is interrupted for quarter %llu, which it does not run", cpu,
              (unsigned long long)own->locked->sub_id);
    }
}

/* ---- Loads ----------------------------------------------------------------------------------- */

/* The load at which what stands in PLACE came into the list; it is the last used now. */
static u64 hot_use(struct bound *own, u32 slot, const struct space_slot *place) {
    struct hot_reference *list = own->hot[slot], found;
    u32 at = 0;
    if (!place->quarter) {
        return 0;
    }
    while (at < digits &&
           (list[at].sub_id != place->quarter->sub_id || list[at].view != place->view)) {
        at++;
    }
    if (at < digits) {
        found = list[at];
    } else {
        at = digits - 1; /* the last one goes */
        found = (struct hot_reference){place->quarter->sub_id, own->loads, place->view};
    }
    memmove(&list[1], &list[0], at * sizeof(*list));
    list[0] = found;
    return found.since;
}

static struct visit *visit_of(struct bound *own, const struct space *space) {
    return &own->visit[space->id % VISITS];
}

static bool under_change(const struct space *space) {
    bool any = false;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct quarter *quarter = space->slot[slot].quarter;
        any |= quarter && quarter->lock->locked;
    }
    return any;
}

static void leave(struct bound *own, const struct space *space) {
    struct visit *visit = visit_of(own, space);
    visit->sure = !under_change(space);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct quarter *quarter = space->slot[slot].quarter;
        visit->generation[slot] = quarter ? quarter->generation : 0;
    }
}

/* SPACE comes in; true if what is cached of it must be kept. */
static bool enter(struct bound *own, const struct space *space) {
    struct visit *visit = visit_of(own, space);
    bool must = visit->space == space->id && visit->sure && !under_change(space);
    own->loads++;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct quarter *quarter = space->slot[slot].quarter;
        u64 since = hot_use(own, slot, &space->slot[slot]);
        must = must && since == visit->since[slot] &&
               (!quarter || quarter->generation == visit->generation[slot]);
        visit->since[slot] = since;
    }
    visit->space = space->id;
    return must;
}

/* CPU runs the quarters of SPACE from now on: who has one of them locked may interrupt it. */
static void runs(const struct space *space, u32 cpu) {
    for (u32 i = 0; i < cpu_count; i++) {
        struct quarter *locked = bounds[i].locked;
        if (locked && space->slot[locked->slot].quarter == locked) {
            bounds[i].ran |= (uword)1 << cpu;
        }
    }
}

void bound_root_loaded(const struct arch_root *root, u32 tag, bool kept) {
    struct bound *own = own_bound();
    const struct space *old = arch_cpu()->loaded;
    CHECK(!root || !old || root != &old->root, "the root that is loaded is loaded again");
    if (old) {
        leave(own, old);
    }
    if (root) {
        const struct space *space = CONTAINER_OF(root, struct space, root);
        bool must = enter(own, space);
        CHECK(kept || !must || arch_tag_count() == 0,
              "space %llu is loaded under tag %#o, and what is cached is forgotten without need",
              (unsigned long long)space->id, tag);
        runs(space, crowd_cpu());
    }
}
