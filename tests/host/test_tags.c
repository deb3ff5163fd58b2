/* SPDX-License-Identifier: MIT */
/*
 * Proves, step by step on one, two or three simulated CPUs, what kernel/vm/tags.h, shootdown.c and
 * commons.c promise: digits, recycling, catching up by the generation, who is interrupted and who is
 * not, retirement, the commons. Between the steps the simulated machine compares all that is cached
 * with the tables; test_interleave.c tries all orders of the same.
 */
#include "kernel/vm/tags.h"

#include "kernel/base/cpu.h"
#include "kernel/vm/commons.h"
#include "tests/host/world.h"

#define SHARE_ALL PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_SHARE)
#define FRESH_BUT_1 PLAN(PLAN_FRESH, PLAN_SHARE, PLAN_FRESH, PLAN_FRESH)
#define COPY_OF_1 PLAN(PLAN_FRESH, PLAN_COPY, PLAN_FRESH, PLAN_FRESH)
#define SLOT1 SLOT_BASE(1)

static bool kept; /* the last load was with keep */

static void on_load(const struct arch_root *root, u32 tag, bool keep) {
    (void)tag;
    kept = root && keep;
}

static void begin(u32 cpu_number) {
    sim_knobs.tags = true;
    machine_cpus = cpu_number;
    world_boot(&memory_usual);
    sim_knobs.root_loaded = on_load;
}

static void finish(void) {
    sim_check_translations("the test");
    audit("the test");
    process_end_all();
    world_end();
}

/* A process with PAGES pages in slot 1, written on the CPU that runs. */
static u32 process_with(u32 pages) {
    u32 process = process_new();
    map(process, SLOT1, pages * PAGE_SIZE, RIGHTS_RW);
    for (u32 i = 0; i < pages; i++) {
        poke(process, SLOT1 + i * PAGE_SIZE, 100 * process + i);
    }
    return process;
}

static u32 tag_of(u32 process) {
    process_run(process);
    return arch_cpu()->tag;
}

static void on_cpu(u32 cpu, u32 process) {
    sim_cpu_select(cpu);
    process_run(process);
}

/* What the CPU that runs has counted. */
static const struct info_translation *counted(void) {
    return &vm_counters[arch_cpu()->number].translation;
}

static void unmap(u32 process, u32 offset, u32 pages) {
    CHECK_EQUAL(quarter_unmap(process_quarter(process, 1), offset, pages * PAGE_SIZE), 0);
}

/* ---- Digits ---------------------------------------------------------------------------------- */

TEST(a_tag_is_four_octal_digits_one_for_each_slot) {
    begin(1);
    u32 a = process_new(), b = process_new();
    CHECK_EQUAL(tag_of(a), 01111);
    CHECK_EQUAL(tag_of(b), 02222);
    u32 c = process_clone_must(a, PLAN(PLAN_SHARE, PLAN_FRESH, PLAN_SHARE, PLAN_NONE));
    CHECK_EQUAL(tag_of(c), 00131); /* slot 0 first in PLAN, last in the tag */
    process_attach(c, 3, process_quarter(b, 3), VIEW_FULL);
    CHECK_EQUAL(tag_of(c), 02131);
    process_run(a);
    CHECK(kept, "the first process's translations have been forgotten");
    finish();
}

TEST(another_view_is_another_digit) {
    begin(1);
    u32 a = process_with(1), viewer = process_clone_must(a, SHARE_ALL);
    process_attach(viewer, 1, process_quarter(a, 1), RIGHT_READ);
    CHECK_EQUAL(tag_of(a), 01111);
    CHECK_EQUAL(tag_of(viewer), 01121);
    CHECK_EQUAL(peek(viewer, SLOT1), 100 * a);
    poke_fails(viewer, SLOT1, FAULT_RIGHTS);
    poke(a, SLOT1, 7);
    CHECK_EQUAL(peek(viewer, SLOT1), 7);
    finish();
}

TEST(equal_spaces_have_one_tag_and_no_load_between_them) {
    begin(1);
    u32 a = process_with(1), thread = process_clone_must(a, SHARE_ALL);
    u32 tag = tag_of(a);
    u64 loads = counted()->loads_kept + counted()->loads_flushed;
    CHECK_EQUAL(tag_of(thread), tag);
    CHECK_EQUAL(counted()->loads_kept + counted()->loads_flushed, loads);
    finish();
}

TEST(what_is_cached_is_kept_while_nothing_changes) {
    begin(1);
    u32 a = process_with(4), b = process_with(4);
    process_run(a);
    u64 flushed = counted()->loads_flushed;
    for (u32 i = 0; i < 20; i++) {
        CHECK_EQUAL(peek(i % 2 ? a : b, SLOT1), 100 * (i % 2 ? a : b));
        CHECK(kept, "round %u: the translations have been forgotten", i);
    }
    CHECK_EQUAL(counted()->loads_flushed, flushed);
    finish();
}

/* Hazard 7: eight quarters in a slot have seven digits. */
TEST(hazard_07_a_digit_that_another_quarter_gets_brings_nothing_of_the_old) {
    begin(1);
    u32 process[9];
    for (u32 i = 0; i < 9; i++) {
        process[i] = process_with(2);
    }
    CHECK_EQUAL(counted()->digits_evicted, 2 * SLOT_COUNT);
    for (u32 round = 0; round < 3; round++) { /* always the one that is out of use for longest */
        for (u32 i = 0; i < 9; i++) {
            CHECK_EQUAL(peek(process[i], SLOT1), 100 * process[i]);
            CHECK(!kept, "the translations of an evicted quarter are used");
        }
    }
    CHECK_EQUAL(peek(process[7], SLOT1), 100 * process[7]);
    CHECK(kept, "the digits that were used last have been given away");
    finish();
}

TEST(one_hot_digit_is_recycled_all_the_time) {
    tags_limit_digits(1);
    begin(1);
    u32 a = process_with(2), b = process_clone_must(a, FRESH_BUT_1);
    for (u32 i = 0; i < 8; i++) {
        CHECK_EQUAL(peek(i % 2 ? a : b, SLOT1 + PAGE_SIZE), 100 * a + 1);
        CHECK_EQUAL(arch_cpu()->tag, 01111);
        CHECK(!kept, "the tag is another space's");
    }
    finish();
}

/* ---- Generations ----------------------------------------------------------------------------- */

/* Hazard 8: that one CPU has caught up says nothing of another. */
TEST(hazard_08_each_cpu_catches_up_for_itself) {
    begin(3);
    u32 a = process_with(3), away = process_new();
    for (u32 cpu = 0; cpu < 3; cpu++) {
        on_cpu(cpu, a);
        CHECK_EQUAL(peek(a, SLOT1), 100 * a);
        process_run(away);
    }
    on_cpu(0, a);
    unmap(a, 0, 1);
    CHECK_EQUAL(counted()->interrupts_sent, 0); /* nobody else runs it */
    CHECK_EQUAL(counted()->interrupts_saved, 2);
    for (u32 cpu = 1; cpu < 3; cpu++) {
        u64 before = vm_counters[cpu].translation.catch_ups;
        on_cpu(cpu, a);
        CHECK(!kept, "CPU %u keeps what another has shot down", cpu);
        CHECK_EQUAL(counted()->catch_ups, before + 1);
        peek_fails(a, SLOT1, FAULT_NO_REGION);
        process_run(away);
        process_run(a);
        CHECK(kept, "CPU %u has caught up and forgets again", cpu);
    }
    finish();
}

/* Hazard 10: the CPU is asked for a quarter that it has left; what is loaded decides. */
TEST(hazard_10_what_is_loaded_decides) {
    begin(2);
    u32 a = process_with(1), b = process_with(1);
    on_cpu(1, a);
    process_run(b);
    sim_cpu_select(0);
    cpus[1].entering = world.process[a]; /* as if it had left since that was read */
    process_run(a);
    u64 before = vm_counters[1].translation.invalidations;
    unmap(a, 0, 1);
    cpus[1].entering = cpus[1].loaded;
    CHECK_EQUAL(vm_counters[1].translation.invalidations, before);
    on_cpu(1, a);
    CHECK(!kept, "what was missed is kept");
    finish();
}

/* Hazard 12, and 11: each CPU shoots a quarter that the other runs, with the lock held. */
static u32 shooter[2];

static void shoot_each_other(u32 cpu) {
    process_run(shooter[1 - cpu]);
    for (u32 i = 0; i < 200; i++) {
        struct quarter *quarter = process_quarter(shooter[cpu], 1);
        CHECK_EQUAL(quarter_protect(quarter, 0, PAGE_SIZE, i % 2 ? RIGHTS_RW : RIGHT_READ), 0);
        CHECK_EQUAL(quarter_fault(quarter, 0, ACCESS_READ, VIEW_FULL), 0);
        sim_progress();
    }
}

TEST(hazard_12_two_cpus_shoot_each_other) {
    begin(2);
    shooter[0] = process_with(1);
    shooter[1] = process_with(1);
    sim_run(2, shoot_each_other);
    CHECK(vm_counters[0].translation.interrupts_sent != 0 &&
              vm_counters[1].translation.interrupts_sent != 0,
          "nobody was interrupted");
    finish();
}

/* Hazard 17, with three CPUs in one space: CPU 0 gives the page a frame of its own, CPU 1 writes to
 * the page while CPU 0 shoots down the old one, CPU 2 reads as soon as that write is done, or soon
 * enough for the others to go on. Once a write is done, nobody reads what was there before. */
#define PATIENCE 300u
static u32 crowded, written;

static void copy_write_and_read(u32 cpu) {
    struct quarter *quarter = process_quarter(crowded, 1);
    u64 generation = quarter->generation;
    u32 value = 7, before;
    process_run(crowded);
    if (cpu == 0) {
        CHECK_EQUAL(sim_user_write(SLOT1 + 8, &value, sizeof(value)), SIM_OK);
    } else if (cpu == 1) {
        for (u32 i = 0; i < PATIENCE && quarter->generation == generation; i++) {
            sim_point();
        }
        CHECK_EQUAL(sim_user_write(SLOT1, &value, sizeof(value)), SIM_OK);
        written = value;
    } else {
        for (u32 i = 0; i < 4 * PATIENCE && written == 0; i++) {
            sim_point();
        }
        before = written;
        CHECK_EQUAL(sim_user_read(SLOT1, &value, sizeof(value)), SIM_OK);
        CHECK(value >= before, "read %u after %u had been written", value, before);
    }
}

TEST(hazard_17_nobody_reads_the_old_page_once_the_new_one_is_written) {
    begin(3);
    for (u32 round = 0; round < 100; round++) {
        sim_cpu_select(0);
        crowded = process_with(2);
        poke(crowded, SLOT1, written = 0);
        u32 child = process_clone_must(crowded, COPY_OF_1);
        poke(crowded, SLOT1 + PAGE_SIZE, 1); /* the table is its own now, the first page is not */
        sim_run(3, copy_write_and_read);
        sim_cpu_select(0);
        process_end(child);
        process_end(crowded);
    }
    finish();
}

/* Hazard 13: the range is all that was missed only if one generation was. */
TEST(hazard_13_a_gap_in_the_generations_forgets_everything) {
    begin(1);
    u32 a = process_with(8);
    struct quarter *quarter = process_quarter(a, 1);
    process_run(a);
    for (u32 i = 0; i < 8; i++) {
        sim_speculate(SLOT1 + i * PAGE_SIZE);
    }
    u32 cached = sim_tlb_count();
    tags_shoot(quarter, ++quarter->generation, SLOT1, 1);
    CHECK(sim_tlb_count() < cached && sim_tlb_count() >= 7, "%u of %u translations are left",
          sim_tlb_count(), cached);
    quarter->generation += 2; /* one was missed */
    tags_shoot(quarter, quarter->generation, SLOT1, 1);
    CHECK_EQUAL(sim_tlb_count(), 0);
    finish();
}

/* Hazard 43: the same four quarters, but another space: its root is elsewhere, or somebody else's. */
TEST(hazard_43_a_tag_is_kept_by_the_identity_of_its_space) {
    begin(1);
    u32 a = process_with(1), b = process_clone_must(a, FRESH_BUT_1), other = process_new();
    struct space_slot slots[SLOT_COUNT];
    CHECK_EQUAL(peek(b, SLOT1), 100 * a);
    u32 tag = arch_cpu()->tag;
    memcpy(slots, world.process[b]->slot, sizeof(slots));
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        quarter_reference(slots[i].quarter);
        handle_keep(slots[i].quarter);
    }
    process_run(other);
    process_end(b);
    b = process_new_from(slots);
    CHECK_EQUAL(tag_of(b), tag);
    CHECK(!kept, "the tag of a dead space is kept for a new one");
    finish();
}

/* ---- Shootdowns ------------------------------------------------------------------------------ */

TEST(a_shootdown_interrupts_only_cpus_that_run_the_quarter) {
    begin(3);
    u32 a = process_with(4), sharer = process_clone_must(a, FRESH_BUT_1), other = process_with(1);
    on_cpu(1, sharer);
    CHECK_EQUAL(peek(sharer, SLOT1 + PAGE_SIZE), 100 * a + 1);
    on_cpu(2, other);
    on_cpu(0, a);
    unmap(a, 0, 2);
    CHECK_EQUAL(counted()->interrupts_sent, 1);
    CHECK_EQUAL(counted()->interrupts_saved, 1);
    CHECK_EQUAL(cpus[1].interrupts_received, 1);
    CHECK_EQUAL(cpus[2].interrupts_received, 0);
    sim_cpu_select(1);
    peek_fails(sharer, SLOT1 + PAGE_SIZE, FAULT_NO_REGION);
    finish();
}

/* The second copy finds every entry write-protected by the first. */
TEST(a_copy_of_what_is_closed_already_shoots_nobody) {
    begin(2);
    u32 a = process_with(4);
    on_cpu(1, a);
    sim_cpu_select(0);
    process_clone_must(a, COPY_OF_1);
    CHECK_EQUAL(counted()->shootdowns[CAUSE_COPY], 1);
    process_clone_must(a, COPY_OF_1);
    CHECK_EQUAL(counted()->shootdowns[CAUSE_COPY], 1);
    finish();
}

/* The pages stay where they are, and their rights have not shrunk: only the way to them is new. */
TEST(the_copy_of_a_table_forgets_its_upper_levels_only) {
    begin(1);
    u32 a = process_with(60);
    process_clone_must(a, COPY_OF_1);
    process_run(a);
    for (u32 i = 0; i < 60; i++) {
        CHECK_EQUAL(peek(a, SLOT1 + i * PAGE_SIZE), 100 * a + i);
    }
    sim_knobs.speculate = false;
    poke(a, SLOT1, 1);
    CHECK_EQUAL(counted()->shootdowns[CAUSE_TABLE_COPY], 1);
    CHECK(sim_tlb_count() >= 59, "%u of 60 translations are left", sim_tlb_count());
    finish();
}

/* Of the other tags that have the quarter, a few pages are taken out where the CPU can do that. */
TEST(other_tags_of_a_quarter_are_shot_page_by_page) {
    sim_knobs.tag_invalidates = true;
    begin(1);
    u32 a = process_with(8), sharer = process_clone_must(a, FRESH_BUT_1);
    CHECK_EQUAL(peek(sharer, SLOT1), 100 * a);
    process_run(a);
    unmap(a, 0, 1);
    peek_fails(sharer, SLOT1, FAULT_NO_REGION);
    process_run(a);
    process_run(sharer);
    CHECK(kept, "the sharer's tag was forgotten for one page");
    sim_knobs.tag_invalidates = false;
    process_run(a);
    unmap(a, PAGE_SIZE, 1);
    process_run(sharer);
    CHECK(!kept, "the sharer's tag is kept with a translation that was shot down");
    peek_fails(sharer, SLOT1 + PAGE_SIZE, FAULT_NO_REGION);
    finish();
}

TEST(more_other_tags_than_are_searched_are_forgotten) {
    enum { SHARERS = 7 };
    sim_knobs.tag_invalidates = true;
    begin(1);
    u32 a = process_with(4), sharer[SHARERS];
    for (u32 i = 0; i < SHARERS; i++) {
        u32 other = process_new();
        sharer[i] = process_clone_must(a, SHARE_ALL);
        process_attach(sharer[i], i % 2 ? 0 : 2, process_quarter(other, i % 2 ? 0 : 2), VIEW_FULL);
        process_end(other);
    }
    for (u32 count = 1; count <= SHARERS; count++) { /* so many have cached the page */
        for (u32 i = 0; i < count; i++) {
            poke(sharer[i], SLOT1 + PAGE_SIZE, count);
        }
        process_run(a);
        CHECK_EQUAL(quarter_protect(process_quarter(a, 1), PAGE_SIZE, PAGE_SIZE, RIGHT_READ), 0);
        for (u32 i = 0; i < count; i++) {
            poke_fails(sharer[i], SLOT1 + PAGE_SIZE, FAULT_RIGHTS);
        }
        CHECK_EQUAL(quarter_protect(process_quarter(a, 1), PAGE_SIZE, PAGE_SIZE, RIGHTS_RW), 0);
    }
    finish();
}

/* Hazards 2 and 32: the last reference goes while another CPU has the space loaded. */
TEST(hazard_32_every_cpu_leaves_a_space_before_it_is_destroyed) {
    begin(3);
    u32 a = process_with(1), b = process_with(1);
    on_cpu(1, a);
    on_cpu(2, b);
    sim_cpu_select(0);
    space_load(NULL);
    process_end(a); /* the simulator refuses to destroy a root that is loaded anywhere */
    CHECK(!cpus[1].loaded, "CPU 1 still has the dead space");
    CHECK(cpus[2].loaded == world.process[b], "CPU 2 has left a space that lives");
    finish();
}

/* ---- The commons ----------------------------------------------------------------------------- */

static void begin_commons(u32 cpu_number) {
    sim_knobs.global = true;
    begin(cpu_number);
}

static bool is_global(u32 process, u32 address) {
    process_run(process);
    return arch_entry_has(*sim_walk(address).leaf, ENTRY_GLOBAL);
}

TEST(the_commons_needs_global_pages) {
    begin(1);
    u32 a = process_with(1);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), E_NOSYS);
    finish();
}

TEST(leaves_of_the_commons_are_global) {
    begin_commons(2);
    u32 a = process_with(2), b = process_new();
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    CHECK_EQUAL(commons_promote(process_quarter(b, 1)), E_BUSY);
    CHECK(is_global(a, SLOT1), "a page that was there is not global");
    map(a, SLOT1 + 4 * MIB, PAGE_SIZE, RIGHTS_RW);
    map(a, SLOT1 + 6 * MIB, 2 * MIB, RIGHTS_RW);
    poke(a, SLOT1 + 4 * MIB, 1);
    poke(a, SLOT1 + 6 * MIB, 2);
    CHECK(is_global(a, SLOT1 + 4 * MIB), "a new page is not global");
    CHECK(sim_walk(SLOT1 + 6 * MIB).large && is_global(a, SLOT1 + 6 * MIB),
          "a new 2 MiB page is not global");
    commons_demote(process_quarter(a, 1));
    sim_check_no_global("a demotion");
    CHECK(!is_global(a, SLOT1) && !is_global(a, SLOT1 + 4 * MIB) && !is_global(a, SLOT1 + 6 * MIB),
          "a page of the quarter is still global");
    CHECK_EQUAL(commons_promote(process_quarter(b, 1)), 0);
    finish();
}

/* Hazard 26: flushes of a tag do not reach what is global. */
TEST(hazard_26_a_shootdown_reaches_global_translations) {
    begin_commons(2);
    u32 a = process_with(60), sharer = process_clone_must(a, FRESH_BUT_1);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    on_cpu(1, sharer);
    for (u32 i = 0; i < 60; i++) {
        CHECK_EQUAL(peek(sharer, SLOT1 + i * PAGE_SIZE), 100 * a + i);
    }
    on_cpu(0, a);
    unmap(a, 0, 1);              /* a page */
    unmap(a, 2 * PAGE_SIZE, 50); /* more than is worth a range */
    sim_cpu_select(1);
    sim_check_translations("an unmap in the commons");
    peek_fails(sharer, SLOT1, FAULT_NO_REGION);
    peek_fails(sharer, SLOT1 + 9 * PAGE_SIZE, FAULT_NO_REGION);
    CHECK_EQUAL(peek(sharer, SLOT1 + PAGE_SIZE), 100 * a + 1);
    finish();
}

/* The point of it: spaces that have the commons share its translations, and nothing is flushed. */
TEST(spaces_with_the_commons_share_its_translations) {
    begin_commons(1);
    u32 a = process_with(1), sharer = process_clone_must(a, FRESH_BUT_1);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    peek(a, SLOT1);
    u64 flushes = counted()->global_flushes;
    u32 faults = sim_user_faults();
    for (u32 i = 0; i < 10; i++) {
        CHECK_EQUAL(peek(i % 2 ? a : sharer, SLOT1), 100 * a);
    }
    CHECK_EQUAL(counted()->global_flushes, flushes);
    CHECK_EQUAL(sim_user_faults(), faults);
    for (u32 i = 0; i < 10; i++) { /* nor by what becomes of other quarters */
        map(a, 0, 64 * PAGE_SIZE, RIGHTS_RW);
        poke(a, 0, i);
        CHECK_EQUAL(quarter_unmap(process_quarter(a, 0), 0, 64 * PAGE_SIZE), 0);
        peek(sharer, SLOT1);
    }
    CHECK_EQUAL(counted()->global_flushes, flushes);
    finish();
}

/* Hazards 26, 38: a space with something else in that slot, or with another view of the commons. */
TEST(hazard_38_a_space_that_lacks_the_commons_uses_none_of_it) {
    begin_commons(1);
    u32 a = process_with(2), b = process_with(2), viewer = process_clone_must(a, FRESH_BUT_1);
    process_attach(viewer, 1, process_quarter(a, 1), RIGHT_READ);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    for (u32 i = 0; i < 4; i++) {
        poke(a, SLOT1, i);
        sim_check_translations("the commons");
        CHECK_EQUAL(peek(b, SLOT1), 100 * b);
        CHECK_EQUAL(peek(viewer, SLOT1), i);
        poke_fails(viewer, SLOT1, FAULT_RIGHTS);
        sim_check_translations("another view");
    }
    finish();
}

TEST(hazard_38_a_copy_of_the_commons_ends_it) {
    begin_commons(2);
    u32 a = process_with(4);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    on_cpu(1, a);
    peek(a, SLOT1);
    sim_cpu_select(0);
    u32 child = process_clone_must(a, PLAN(PLAN_FRESH, PLAN_COPY, PLAN_FRESH, PLAN_FRESH));
    sim_check_no_global("a copy of the commons");
    CHECK(!is_global(a, SLOT1), "a page that is shared with a copy is global");
    poke(a, SLOT1, 5);
    CHECK_EQUAL(peek(child, SLOT1), 100 * a);
    finish();
}

static u32 demoter; /* whose slot 1 is the commons */

/* The root of CPU 1 has just been loaded: CPU 0 ends the commons before that CPU can look at it. */
static void demote_meanwhile(const struct arch_root *root, u32 tag, bool kept) {
    (void)root, (void)tag, (void)kept;
    sim_knobs.root_loaded = NULL;
    sim_cpu_select(0);
    commons_demote(process_quarter(demoter, 1));
    sim_cpu_select(1);
}

TEST(hazard_38_a_commons_that_ends_while_a_space_is_loaded_leaves_nothing) {
    begin_commons(2);
    demoter = process_with(4);
    CHECK_EQUAL(commons_promote(process_quarter(demoter, 1)), 0);
    peek(demoter, SLOT1);
    sim_knobs.root_loaded = demote_meanwhile;
    on_cpu(1, demoter);
    CHECK(sim_knobs.root_loaded == NULL, "no root was loaded");
    sim_check_no_global("a commons that ended during a load");
    sim_cpu_select(0);
    finish();
}

TEST(an_idle_cpu_gives_up_global_translations_at_a_demotion) {
    begin_commons(3);
    u32 a = process_with(2);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    on_cpu(1, a);
    peek(a, SLOT1);
    space_load(NULL);
    sim_cpu_select(0);
    commons_demote(process_quarter(a, 1));
    sim_check_no_global("a demotion");
    finish();
}

TEST(the_commons_ends_with_its_last_reference) {
    begin_commons(3);
    u32 a = process_with(2);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    on_cpu(2, a);
    peek(a, SLOT1);
    space_load(NULL);
    on_cpu(1, a);
    peek(a, SLOT1);
    sim_cpu_select(0);
    process_end(a);
    sim_check_no_global("the end of the commons");
    u32 b = process_with(1);
    CHECK_EQUAL(commons_promote(process_quarter(b, 1)), 0);
    on_cpu(1, b);
    CHECK_EQUAL(peek(b, SLOT1), 100 * b);
    finish();
}

/* Hazard 13 for what is global. */
TEST(hazard_13_a_gap_in_the_generations_of_the_commons_forgets_everything) {
    begin_commons(1);
    u32 a = process_with(4);
    struct quarter *quarter = process_quarter(a, 1);
    CHECK_EQUAL(commons_promote(quarter), 0);
    peek(a, SLOT1);
    u64 flushes = counted()->global_flushes;
    commons_shoot(quarter, ++quarter->generation, 1);
    CHECK_EQUAL(counted()->global_flushes, flushes);
    quarter->generation += 2; /* one was missed */
    commons_shoot(quarter, quarter->generation, 1);
    CHECK_EQUAL(counted()->global_flushes, flushes + 1);
    finish();
}

/* CPU 0 holds global translations of the commons ENDING and has not heard yet that it is none any
 * more, when it comes to a space with the next one, whose generation is the same. */
static u32 ending, next;

static void one_commons_after_the_other(u32 cpu) {
    struct quarter *old = process_quarter(ending, 1), *new = process_quarter(next, 1);
    if (cpu == 1) {
        commons_demote(old);
    } else if (cpu == 2) {
        while (commons_promote(new) != 0) {
            sim_progress();
            sim_point();
        }
    } else {
        while (new->commons != COMMONS_STARTING) { /* in the kernel: interrupts are off */
            sim_progress();
            sim_point();
        }
        CHECK_EQUAL(peek(next, SLOT1), 100 * next);
    }
}

TEST(hazard_38_the_next_commons_is_not_taken_for_the_last) {
    begin_commons(3);
    for (u32 round = 0; round < 20; round++) {
        ending = process_with(1);
        next = process_with(1);
        CHECK_EQUAL(commons_promote(process_quarter(ending, 1)), 0);
        CHECK_EQUAL(peek(ending, SLOT1), 100 * ending);
        sim_run(3, one_commons_after_the_other);
        sim_cpu_select(0);
        commons_demote(process_quarter(next, 1));
        process_end(next);
        process_end(ending);
    }
    finish();
}

/* Hazard 8 for what is global: the CPU was in no space when the page went. */
TEST(hazard_08_a_cpu_that_comes_back_to_the_commons_catches_up) {
    begin_commons(2);
    u32 a = process_with(4);
    CHECK_EQUAL(commons_promote(process_quarter(a, 1)), 0);
    on_cpu(1, a);
    CHECK_EQUAL(peek(a, SLOT1), 100 * a);
    space_load(NULL);
    on_cpu(0, a);
    unmap(a, 0, 1);
    on_cpu(1, a);
    sim_check_translations("coming back to the commons");
    peek_fails(a, SLOT1, FAULT_NO_REGION);
    finish();
}

static struct quarter *contested;

static void promote_and_demote(u32 cpu) {
    (void)cpu;
    for (u32 i = 0; i < 12; i++) {
        if (sim_random_below(2)) {
            commons_promote(contested);
        } else {
            commons_demote(contested);
        }
        sim_progress();
    }
}

TEST(a_late_helper_of_a_demotion_does_not_end_the_next_promotion) {
    begin_commons(3);
    u32 a = process_with(2), b = process_with(1);
    contested = process_quarter(a, 1);
    for (u32 round = 0; round < 20; round++) {
        sim_run(3, promote_and_demote);
        sim_cpu_select(0);
        commons_demote(contested);
        sim_check_no_global("the last demotion");
        CHECK(!is_global(a, SLOT1), "a page of what is no commons is global");
        CHECK_EQUAL(commons_promote(process_quarter(b, 1)), 0);
        commons_demote(process_quarter(b, 1));
    }
    finish();
}

/* ---- The table of spaces --------------------------------------------------------------------- */

static struct space_slot tuple[SLOT_COUNT];

static void obtain_and_release(u32 cpu) {
    (void)cpu;
    for (u32 i = 0; i < 300; i++) {
        struct space *space;
        CHECK_EQUAL(space_obtain(tuple, &space), 0);
        sim_progress();
        space_release(space);
    }
}

/* Hazard 31: nobody else has the tuple, so each release may be the last. */
TEST(hazard_31_a_lookup_never_finds_a_space_that_is_going) {
    begin(2);
    u32 a = process_with(1);
    memcpy(tuple, world.process[a]->slot, sizeof(tuple));
    tuple[0] = (struct space_slot){0};
    sim_run(2, obtain_and_release);
    finish();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_is_four_octal_digits_one_for_each_slot),
        cmocka_unit_test(another_view_is_another_digit),
        cmocka_unit_test(equal_spaces_have_one_tag_and_no_load_between_them),
        cmocka_unit_test(what_is_cached_is_kept_while_nothing_changes),
        cmocka_unit_test(hazard_07_a_digit_that_another_quarter_gets_brings_nothing_of_the_old),
        cmocka_unit_test(one_hot_digit_is_recycled_all_the_time),
        cmocka_unit_test(hazard_08_each_cpu_catches_up_for_itself),
        cmocka_unit_test(hazard_10_what_is_loaded_decides),
        cmocka_unit_test(hazard_12_two_cpus_shoot_each_other),
        cmocka_unit_test(hazard_17_nobody_reads_the_old_page_once_the_new_one_is_written),
        cmocka_unit_test(hazard_13_a_gap_in_the_generations_forgets_everything),
        cmocka_unit_test(hazard_43_a_tag_is_kept_by_the_identity_of_its_space),
        cmocka_unit_test(a_shootdown_interrupts_only_cpus_that_run_the_quarter),
        cmocka_unit_test(a_copy_of_what_is_closed_already_shoots_nobody),
        cmocka_unit_test(the_copy_of_a_table_forgets_its_upper_levels_only),
        cmocka_unit_test(other_tags_of_a_quarter_are_shot_page_by_page),
        cmocka_unit_test(more_other_tags_than_are_searched_are_forgotten),
        cmocka_unit_test(hazard_32_every_cpu_leaves_a_space_before_it_is_destroyed),
        cmocka_unit_test(the_commons_needs_global_pages),
        cmocka_unit_test(leaves_of_the_commons_are_global),
        cmocka_unit_test(hazard_26_a_shootdown_reaches_global_translations),
        cmocka_unit_test(spaces_with_the_commons_share_its_translations),
        cmocka_unit_test(hazard_38_a_space_that_lacks_the_commons_uses_none_of_it),
        cmocka_unit_test(hazard_38_a_copy_of_the_commons_ends_it),
        cmocka_unit_test(hazard_38_a_commons_that_ends_while_a_space_is_loaded_leaves_nothing),
        cmocka_unit_test(an_idle_cpu_gives_up_global_translations_at_a_demotion),
        cmocka_unit_test(the_commons_ends_with_its_last_reference),
        cmocka_unit_test(hazard_13_a_gap_in_the_generations_of_the_commons_forgets_everything),
        cmocka_unit_test(hazard_38_the_next_commons_is_not_taken_for_the_last),
        cmocka_unit_test(hazard_08_a_cpu_that_comes_back_to_the_commons_catches_up),
        cmocka_unit_test(a_late_helper_of_a_demotion_does_not_end_the_next_promotion),
        cmocka_unit_test(hazard_31_a_lookup_never_finds_a_space_that_is_going),
    };
    return cmocka_run_group_tests_name("tags", tests, NULL, NULL);
}
