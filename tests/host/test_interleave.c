/* SPDX-License-Identifier: MIT */
/*
 * Proves, by very many random interleavings, that several CPUs may do everything at once: user
 * accesses, page faults, map, unmap, protect, kernel writes, clone by all plans, attach, detach and
 * swap under running threads, exits, handles, the commons, memory that runs out. Each access is
 * judged by the model (crowd.h); no CPU can use a stale translation, walk a freed table, or bring
 * one back by a kept tag (arch/sim/check.c); and no more is flushed than must be (crowd_bound.c).
 *
 * Each seed is one interleaving. SEED= and OPERATIONS= as for test_random.
 */
#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/tags.h"
#include "tests/host/crowd.h"

#define ROUND 1500u /* operations of each CPU between two audits */

static u64 left;       /* operations of this round */
static u32 user_share; /* of a hundred operations */
static bool few;       /* processes */
static u64 promotions; /* begun */
static u32 promoting;  /* now */

static bool no_memory(int error) { return error == E_NOMEM || error == E_LIMIT; }

static void check_error(const char *what, int error, int expected) {
    CHECK(error == expected || (no_memory(error) && crowd.memory_may_fail),
          "%s answers %d, the model says %d", what, error, expected);
}

/* ---- Changes of a quarter -------------------------------------------------------------------- */

static u32 random_rights(void) {
    static const u32 rights[] = {RIGHTS_RW, RIGHTS_RW, RIGHTS_RW, RIGHTS_RX, RIGHT_READ};
    return rights[sim_random_below(ARRAY_LENGTH(rights))];
}

/* Short ones mostly; now and then whole 2 MiB. An unmap of all there is would leave little to do. */
static u32 random_run(const struct shadow *shadow, enum change_kind kind, u32 *first) {
    return sim_random_below(kind == CHANGE_UNMAP ? 24 : 8) == 0
               ? universe_large_run(shadow->slot, first)
               : universe_run(shadow->slot, kind == CHANGE_UNMAP ? 4 : 12, first);
}

static void change_random(struct member *member, enum change_kind kind) {
    static const char *const names[] = {"map", "unmap", "protect"};
    struct shadow *shadow = shadow_take(member);
    if (!shadow) {
        return;
    }
    u32 first, rights = random_rights();
    u32 count = random_run(shadow, kind, &first);
    u32 offset = universe_page(shadow->slot, first) << PAGE_SHIFT, length = count << PAGE_SHIFT;
    struct quarter *quarter = shadow->quarter;
    change_begin((struct change){
        .kind = kind, .shadow = {shadow}, .first = first, .count = count, .rights = rights});
    bound_begin();
    trace("%s quarter %llu offset %#x pages %u rights %x", names[kind],
          (unsigned long long)shadow->sub_id, offset, count, rights);
    int error = kind == CHANGE_MAP     ? quarter_map(quarter, offset, length, rights)
                : kind == CHANGE_UNMAP ? quarter_unmap(quarter, offset, length)
                                       : quarter_protect(quarter, offset, length, rights);
    const struct change *change = change_end();
    trace("%s: %d", names[kind], error);
    bound_end(names[kind], change->limit);
    check_error(names[kind], error, change->expected);
    CHECK(error || change->committed, "%s succeeds and has changed nothing", names[kind]);
    shadow_drop(shadow);
}

static void supply_random(struct member *member) {
    struct shadow *shadow = shadow_take(member);
    if (!shadow) {
        return;
    }
    u32 element = sim_random_below(12), word = sim_random_below(MODEL_WORDS);
    u32 offset = (universe_page(shadow->slot, element) << PAGE_SHIFT) + word_offset(word);
    u32 value = ++crowd.last_value;
    change_begin((struct change){.kind = CHANGE_SUPPLY,
                                 .shadow = {shadow},
                                 .element = element,
                                 .word = word,
                                 .value = value});
    bound_begin();
    int error = quarter_write(shadow->quarter, offset, &value, sizeof(value));
    const struct change *change = change_end();
    trace("supply quarter %llu offset %#x: %d", (unsigned long long)shadow->sub_id, offset, error);
    bound_end("supply", change->limit);
    check_error("supply", error, change->expected);
    CHECK(error || change->committed || change->overtaken, "a supply has written nothing");
    shadow_drop(shadow);
}

/* ---- Clone, swap, exit ----------------------------------------------------------------------- */

static u32 random_action(void) {
    static const u32 actions[] = {PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_COPY,
                                  PLAN_COPY,  PLAN_COPY,  PLAN_COPY,  PLAN_FRESH, PLAN_NONE};
    return actions[sim_random_below(ARRAY_LENGTH(actions) - (few ? 2 : 0))];
}

static u32 random_plan(void) {
    u32 plan = PLAN(random_action(), random_action(), random_action(), random_action());
    return sim_random_below(4) == 0           ? PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
           : !few && sim_random_below(8) == 0 ? sim_random_below(256)
                                              : plan;
}

static void seat_clone(struct change *change, const struct space *child, u32 slot, u32 action,
                       struct seat *to) {
    struct shadow *from = change->shadow[slot];
    struct quarter *quarter = child->slot[slot].quarter;
    to->view = child->slot[slot].view;
    to->shadow = NULL;
    if (action == PLAN_NONE || (action != PLAN_FRESH && !from)) {
        CHECK(!quarter, "clone puts something into slot %u", slot);
    } else if (action == PLAN_FRESH) {
        to->shadow = shadow_create(quarter);
    } else if (action == PLAN_COPY) {
        to->shadow = change->copy[slot];
        CHECK(to->shadow, "a COPY without the lock of its source");
        shadow_become(to->shadow, quarter);
        change->copy[slot] = NULL;
        shadow_verify(to->shadow, "a COPY"); /* no write comes after it (hazard 18) */
    } else {
        CHECK(quarter == from->quarter, "clone does not SHARE slot %u", slot);
        shadow_reference(from);
        to->shadow = from;
    }
}

/* The shadows of SPACE, which we hold, with references. */
static void shadows_of(const struct space *space, struct shadow *shadows[SLOT_COUNT]) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        shadows[slot] = space->slot[slot].quarter ? shadow_find(space->slot[slot].quarter) : NULL;
        CHECK(shadows[slot] || !space->slot[slot].quarter, "the model has lost a quarter");
        if (shadows[slot]) {
            shadow_reference(shadows[slot]);
        }
    }
}

static void shadows_release(struct shadow *shadows[SLOT_COUNT]) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        shadow_release(shadows[slot]);
    }
}

static void clone_random(struct member *member) {
    u32 plan = random_plan();
    struct space *space, *child = NULL;
    struct change change = {.kind = CHANGE_COPY};
    struct seat seat[SLOT_COUNT] = {{0}};
    spinlock_acquire(crowd.lock); /* as process_space: the reference before anyone can drop it */
    space = member->space;
    shadows_of(space, change.shadow);
    space_reference(space);
    spinlock_release(crowd.lock);
    change_begin(change);
    bound_begin();
    trace("clone process %u, space %llu, by plan %02x", (u32)(member - crowd.member),
          (unsigned long long)space->id, plan);
    int error = space_clone(space, plan, world.budget, &child);
    struct change *done = change_end();
    trace("clone: %d, space %llu", error, error ? 0 : (unsigned long long)child->id);
    check_error("clone", error, 0);
    for (u32 slot = 0; !error && slot < SLOT_COUNT; slot++) {
        seat_clone(done, child, slot, PLAN_FOR_SLOT(plan, slot), &seat[slot]);
    }
    if (!error && !member_begin(child, seat)) {
        space_release(child);
    }
    shadows_release(done->copy);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        shadow_release(seat[slot].shadow);
    }
    space_release(space);
    shadows_release(change.shadow);
}

/* Attach, detach or swap, as call_space_set does; other CPUs may run MEMBER. */
static void swap_random(struct member *member) {
    struct shadow *shadow = few || sim_random_below(8) ? shadow_take(member_pick()) : NULL;
    u32 slot = shadow ? shadow->slot : sim_random_below(SLOT_COUNT);
    static const u32 views[] = {VIEW_FULL, VIEW_FULL, RIGHT_READ, RIGHTS_RW, RIGHTS_RX};
    struct space_slot slots[SLOT_COUNT];
    struct seat seat[SLOT_COUNT];
    struct shadow *held[SLOT_COUNT];
    spinlock_acquire(crowd.lock);
    struct space *before = member->space, *space = NULL;
    shadows_of(before, held);
    space_reference(before);
    spinlock_release(crowd.lock);
    memcpy(slots, before->slot, sizeof(slots));
    slots[slot].quarter = shadow ? shadow->quarter : NULL;
    slots[slot].view = shadow ? views[sim_random_below(ARRAY_LENGTH(views))] : 0;
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        seat[i] = (struct seat){i == slot ? shadow : held[i], slots[i].view};
    }
    int error = space_obtain(slots, &space);
    trace("swap process %u slot %u to quarter %llu view %x: %d, space %llu",
          (u32)(member - crowd.member), slot, shadow ? (unsigned long long)shadow->sub_id : 0,
          slots[slot].view, error, error ? 0 : (unsigned long long)space->id);
    check_error("space_obtain", error, 0);
    if (!error) {
        member_set_space(member, space, seat);
        trace("swap is over");
    }
    space_release(before);
    shadows_release(held);
    if (shadow) {
        shadow_drop(shadow);
    }
}

static void exit_random(struct member *member) {
    u32 alive = 0;
    for (u32 i = 0; i < CROWD_PROCESSES; i++) {
        alive += crowd.member[i].alive;
    }
    if (alive < 3 || member->running != 1u << crowd_cpu()) {
        return;
    }
    member->ending = true; /* its last thread is on its way out: nobody else runs it */
    switch (sim_random_below(3)) {
    case 0:
        crowd_idle();
        break;
    case 1:
        crowd_arrive(member_pick());
        break;
    default:
        crowd_arrive(NULL); /* its space stays loaded */
    }
    trace("exit process %u", (u32)(member - crowd.member));
    member_end(member);
}

/* ---- Handles, commons ------------------------------------------------------------------------ */

static void handle_random(struct member *member) {
    struct shadow **place = &crowd.handle[sim_random_below(CROWD_HANDLES)];
    struct shadow *shadow;
    struct quarter *quarter = NULL;
    u32 kind = sim_random_below(3);
    int error = 0;
    spinlock_acquire(crowd.lock);
    shadow = *place;
    *place = NULL;
    spinlock_release(crowd.lock);
    if (shadow) {
        trace("drop the handle of quarter %llu", (unsigned long long)shadow->sub_id);
        shadow_drop(shadow);
        return;
    }
    struct shadow *from = kind == 0 ? NULL : shadow_take(member);
    if (!from) {
        error = quarter_create(sim_random_below(SLOT_COUNT), world.budget, &quarter);
        shadow = error ? NULL : shadow_create(quarter);
    } else if (kind == 1) {
        shadow = from;
    } else {
        change_begin((struct change){.kind = CHANGE_COPY, .shadow = {from}});
        bound_begin();
        error = quarter_copy(from->quarter, world.budget, &quarter);
        struct change *done = change_end();
        shadow = done->copy[0];
        if (!error) {
            shadow_become(shadow, quarter);
            shadow_verify(shadow, "quarter_copy");
        } else if (shadow) {
            shadow_release(shadow);
        }
        shadow_drop(from);
    }
    trace("handle, kind %u: %d", kind, error);
    check_error("quarter create or copy", error, 0);
    if (!error && *place) { /* another CPU was faster */
        shadow_drop(shadow);
    } else if (!error) {
        *place = shadow;
    }
}

static void promote(struct shadow *shadow) {
    promotions++;
    promoting++;
    trace("promote quarter %llu", (unsigned long long)shadow->sub_id);
    int error = commons_promote(shadow->quarter);
    promoting--;
    trace("promote: %d", error);
    CHECK(error == 0 || error == (sim_knobs.global ? E_BUSY : E_NOSYS), "promote answers %d",
          error);
}

/* Unless there is another commons meanwhile, no global translation is left. */
static void demote(struct shadow *shadow) {
    u64 before = promotions;
    bool mine = promoting == 0 && shadow->quarter->commons != COMMONS_NONE;
    trace("demote quarter %llu", (unsigned long long)shadow->sub_id);
    commons_demote(shadow->quarter);
    trace("demoted");
    if (mine && promotions == before) {
        sim_check_no_global("a demotion");
    }
}

static void commons_random(struct member *member) {
    struct shadow *shadow = shadow_take(member);
    if (!shadow) {
        return;
    }
    if (sim_random_below(2)) {
        promote(shadow);
    } else {
        demote(shadow);
    }
    shadow_drop(shadow);
}

/* ---- A CPU ----------------------------------------------------------------------------------- */

static void kernel_operation(struct member *member) {
    u32 kind = sim_random_below(100);
    if (kind < 30) {
        change_random(member, CHANGE_MAP);
    } else if (kind < 40) {
        change_random(member, CHANGE_UNMAP);
    } else if (kind < 54) {
        change_random(member, CHANGE_PROTECT);
    } else if (kind < 60) {
        supply_random(member);
    } else if (kind < 74) {
        clone_random(member);
    } else if (kind < 86) {
        swap_random(member);
    } else if (kind < 93) {
        exit_random(member);
    } else if (kind < 98) {
        handle_random(member);
    } else {
        commons_random(member);
    }
}

static void user_operation(struct member *member) {
    sim_user(true);
    arch_cpu()->arch.interrupts = true;
    u32 count = 1 + sim_random_below(6);
    for (u32 i = 0; i < count; i++) {
        access_random(member);
    }
    arch_interrupts_save();
    sim_user(false);
}

static void operation(void) {
    u32 cpu = crowd_cpu();
    if (!crowd.current[cpu] || sim_random_below(3) == 0) {
        crowd_arrive(member_pick());
    } else if (sim_random_below(100) == 0) {
        crowd_idle();
        return;
    }
    struct member *member = crowd.current[cpu];
    if (sim_random_below(100) < user_share) {
        user_operation(member);
    } else {
        kernel_operation(member);
    }
}

static void cpu_body(u32 cpu) {
    (void)cpu;
    while (left != 0) {
        left--;
        operation();
        sim_progress();
        arch_interrupt_window();
    }
}

/* ---- Configurations -------------------------------------------------------------------------- */

struct configuration {
    u32 cpus, digits;
    bool tags, tag_invalidates, global, scarce;
    bool few; /* processes: several CPUs run each, and mostly access memory */
};

/* Each is worth more than one of test_random, and takes longer. */
static u64 operations(void) {
    const char *text = getenv("OPERATIONS");
    return (text ? strtoull(text, NULL, 0) : 50000) * 6 / 10;
}

static void map_some(struct shadow *shadow) {
    for (u32 first = 0; first < 14; first += 2) {
        u32 rights = random_rights(), offset = universe_page(shadow->slot, first) << PAGE_SHIFT;
        change_begin((struct change){
            .kind = CHANGE_MAP, .shadow = {shadow}, .first = first, .count = 1, .rights = rights});
        CHECK_EQUAL(quarter_map(shadow->quarter, offset, PAGE_SIZE, rights), 0);
        change_end();
    }
}

static void members_create(void) {
    for (u32 i = 0; i < 3; i++) {
        struct space_slot slots[SLOT_COUNT];
        struct seat seat[SLOT_COUNT];
        struct space *space = NULL;
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            CHECK_EQUAL(quarter_create(slot, world.budget, &slots[slot].quarter), 0);
            slots[slot].view = VIEW_FULL;
            seat[slot] = (struct seat){shadow_create(slots[slot].quarter), VIEW_FULL};
            map_some(seat[slot].shadow);
        }
        CHECK_EQUAL(space_obtain(slots, &space), 0);
        CHECK(member_begin(space, seat), "no room for a process");
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            shadow_drop(seat[slot].shadow);
        }
    }
}

static void boot(const struct configuration *configuration) {
    static const struct sim_memory ample = {
        .low_frames = 0x4000, .high_start = 0x8000, .high_frames = 0x8000};
    static const struct sim_memory scarce = {
        .low_frames = 0x2C0, .high_start = 0x8000, .high_frames = 0xE0};
    sim_knobs.tags = configuration->tags;
    sim_knobs.tag_invalidates = configuration->tag_invalidates;
    sim_knobs.global = configuration->global;
    sim_knobs.span_fills = 6;
    tags_limit_digits(configuration->digits);
    machine_cpus = configuration->cpus;
    crowd_boot(configuration->scarce ? &scarce : &ample);
    bound_start(configuration->digits);
    crowd.memory_may_fail = configuration->scarce;
    few = crowd.narrow = configuration->few;
    crowd.member_limit = few ? 4 : CROWD_PROCESSES;
    user_share = few ? 75 : 55;
}

static void run(const struct configuration *configuration) {
    u64 count = operations();
    printf("    SEED=%llu, %llu operations on %u CPUs\n",
           (unsigned long long)test_seed(3000 + configuration->cpus), (unsigned long long)count,
           configuration->cpus);
    boot(configuration);
    members_create();
    for (u64 done = 0; done < count; done += left) {
        u64 now = count - done < ROUND * cpu_count ? count - done : ROUND * cpu_count;
        left = now;
        allocation_fail_randomly(configuration->scarce ? 50 : 0);
        sim_run(cpu_count, cpu_body);
        allocation_fail_randomly(0);
        for (u32 cpu = 0; cpu < cpu_count; cpu++) {
            sim_cpu_select(cpu);
            crowd_idle();
        }
        sim_cpu_select(0);
        crowd_audit("a round");
        done += now;
        left = 0;
    }
    struct vm_counters sum;
    vm_counters_sum(&sum);
    printf("    %llu reads, %llu writes, %llu refused, %llu without memory, %u page faults; "
           "loads: %llu kept, %llu flushed; %llu interrupts sent, %llu saved; %llu steps\n",
           (unsigned long long)crowd.read, (unsigned long long)crowd.written,
           (unsigned long long)crowd.refused, (unsigned long long)crowd.out_of_memory,
           sim_user_faults(), (unsigned long long)sum.translation.loads_kept,
           (unsigned long long)sum.translation.loads_flushed,
           (unsigned long long)sum.translation.interrupts_sent,
           (unsigned long long)sum.translation.interrupts_saved, (unsigned long long)sim_steps());
    crowd_end();
}

TEST(without_tags) { run(&(struct configuration){.cpus = 3, .digits = TAG_DIGITS}); }
TEST(with_tags) { run(&(struct configuration){.cpus = 3, .digits = TAG_DIGITS, .tags = true}); }
TEST(with_tag_invalidation) {
    run(&(struct configuration){
        .cpus = 2, .digits = TAG_DIGITS, .tags = true, .tag_invalidates = true, .global = true});
}
TEST(with_one_hot_digit) {
    run(&(struct configuration){.cpus = 3, .digits = 1, .tags = true, .tag_invalidates = true});
}
TEST(with_two_hot_digits_and_commons) {
    run(&(struct configuration){.cpus = 4, .digits = 2, .tags = true, .global = true});
}
TEST(without_tags_with_commons) {
    run(&(struct configuration){.cpus = 2, .digits = TAG_DIGITS, .global = true});
}
TEST(with_few_processes) {
    run(&(struct configuration){.cpus = 4, .digits = TAG_DIGITS, .tags = true, .few = true});
}
TEST(with_few_processes_and_no_tags) {
    run(&(struct configuration){.cpus = 4, .digits = TAG_DIGITS, .global = true, .few = true});
}
TEST(with_eight_cpus) {
    run(&(struct configuration){
        .cpus = 8, .digits = TAG_DIGITS, .tags = true, .tag_invalidates = true, .global = true});
}
TEST(with_scarce_memory) {
    run(&(struct configuration){.cpus = 4,
                                .digits = TAG_DIGITS,
                                .tags = true,
                                .tag_invalidates = true,
                                .global = true,
                                .scarce = true});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_tags),
        cmocka_unit_test(with_tags),
        cmocka_unit_test(with_tag_invalidation),
        cmocka_unit_test(with_one_hot_digit),
        cmocka_unit_test(with_two_hot_digits_and_commons),
        cmocka_unit_test(without_tags_with_commons),
        cmocka_unit_test(with_few_processes),
        cmocka_unit_test(with_few_processes_and_no_tags),
        cmocka_unit_test(with_eight_cpus),
        cmocka_unit_test(with_scarce_memory),
    };
    return cmocka_run_group_tests_name("interleave", tests, NULL, NULL);
}
