/* SPDX-License-Identifier: MIT */
/*
 * Proves that a space exists once for each tuple and not longer than its processes, that all 256
 * plans do to each slot what they say, and that views take rights away and give none.
 */
#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"
#include "tests/host/world.h"

#define SHARE_ALL PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_SHARE)
#define COPY_ALL PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
#define WORD(slot) (SLOT_BASE(slot) + 0x5000)

static void finish(void) {
    audit("the test");
    process_end_all();
    world_end();
}

/* A process with one written page in each slot. */
static u32 begin(void) {
    world_boot(&memory_usual);
    u32 process = process_new();
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        map(process, WORD(slot), PAGE_SIZE, RIGHTS_RW);
        poke(process, WORD(slot), 100 + slot);
    }
    return process;
}

TEST(one_tuple_one_space) {
    u32 p = begin();
    u32 thread = process_clone_must(p, SHARE_ALL);
    CHECK(world.process[thread] == world.process[p], "two spaces for one tuple");
    CHECK_EQUAL(space_count(), 1);
    CHECK_EQUAL(world.process[p]->references, 2);
    u32 other = process_clone_must(p, COPY_ALL);
    CHECK(world.process[other] != world.process[p], "one space for two tuples");
    process_attach(other, 0, process_quarter(p, 0), VIEW_FULL);
    process_attach(other, 1, process_quarter(p, 1), VIEW_FULL);
    process_attach(other, 2, process_quarter(p, 2), RIGHT_READ);
    process_attach(other, 3, process_quarter(p, 3), VIEW_FULL);
    CHECK(world.process[other] != world.process[p], "the view does not count");
    process_attach(other, 2, process_quarter(p, 2), VIEW_FULL);
    CHECK(world.process[other] == world.process[p],
          "the same tuple by another way is another space");
    CHECK_EQUAL(space_count(), 1);
    finish();
}

TEST(spaces_that_differ_anywhere_are_two) {
    u32 p = begin();
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        struct quarter *other = handle_new(slot);
        u32 thread = process_clone_must(p, SHARE_ALL);
        for (u32 i = 0; i < 300; i++) { /* so many, that they meet in the table's buckets */
            process_attach(thread, slot, other, VIEW_FULL);
            CHECK(process_quarter(thread, slot) == other, "slot %u holds another quarter", slot);
            CHECK(world.process[thread] != world.process[p],
                  "one space for two quarters in slot %u", slot);
            process_attach(thread, slot, other, RIGHT_READ);
            CHECK_EQUAL(world.process[thread]->slot[slot].view, RIGHT_READ);
            process_attach(thread, slot, process_quarter(p, slot), VIEW_FULL);
            handle_drop(other);
            other = handle_new(slot);
        }
        handle_drop(other);
        process_end(thread);
    }
    finish();
}

TEST(a_space_of_nothing) {
    world_boot(&memory_usual);
    struct space_slot none[SLOT_COUNT] = {{0}};
    u32 p = process_new_from(none), same = process_new_from(none);
    CHECK(world.process[p] == world.process[same], "two empty spaces");
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        peek_fails(p, WORD(slot), FAULT_NO_QUARTER);
    }
    process_clone_must(p, COPY_ALL);
    CHECK_EQUAL(space_count(), 1);
    finish();
}

TEST(equal_spaces_are_not_loaded_again) {
    u32 p = begin(), thread = process_clone_must(p, SHARE_ALL);
    process_run(p);
    struct info_translation before = vm_counters[0].translation;
    process_run(thread);
    process_run(p);
    const struct info_translation *after = &vm_counters[0].translation;
    CHECK_EQUAL(after->loads_kept + after->loads_flushed, before.loads_kept + before.loads_flushed);
    CHECK_EQUAL(after->loads_skipped, before.loads_skipped + 2);
    finish();
}

/* What PLAN's action must do to SLOT of a new CHILD: both sides write, both read. */
static void check_slot(u32 parent, u32 child, u32 slot, u32 action) {
    struct quarter *of_parent = process_quarter(parent, slot),
                   *of_child = process_quarter(child, slot);
    switch (action) {
    case PLAN_SHARE:
        CHECK(of_child == of_parent, "slot %u is not shared", slot);
        CHECK_EQUAL(peek(child, WORD(slot)), 100 + slot);
        poke(child, WORD(slot), 1);
        CHECK_EQUAL(peek(parent, WORD(slot)), 1);
        poke(parent, WORD(slot), 2);
        CHECK_EQUAL(peek(child, WORD(slot)), 2);
        break;
    case PLAN_COPY:
        CHECK(of_child && of_child != of_parent, "slot %u is not copied", slot);
        CHECK_EQUAL(peek(child, WORD(slot)), 100 + slot);
        poke(parent, WORD(slot), 2);
        CHECK_EQUAL(peek(child, WORD(slot)), 100 + slot);
        poke(child, WORD(slot), 3);
        CHECK_EQUAL(peek(parent, WORD(slot)), 2);
        break;
    case PLAN_FRESH:
        CHECK(of_child && of_child != of_parent, "slot %u is not fresh", slot);
        peek_fails(child, WORD(slot), FAULT_NO_REGION);
        map(child, WORD(slot), PAGE_SIZE, RIGHTS_RW);
        CHECK_EQUAL(peek(child, WORD(slot)), 0);
        poke(child, WORD(slot), 4);
        CHECK_EQUAL(peek(parent, WORD(slot)), 100 + slot);
        break;
    default:
        CHECK(!of_child, "slot %u has something", slot);
        peek_fails(child, WORD(slot), FAULT_NO_QUARTER);
    }
    poke(parent, WORD(slot), 100 + slot); /* as it was, for the next plan */
}

TEST(all_256_plans) {
    u32 p = begin();
    for (u32 plan = 0; plan < 256; plan++) {
        trace("plan %02x", plan);
        u32 child = process_clone_must(p, plan);
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            check_slot(p, child, slot, PLAN_FOR_SLOT(plan, slot));
        }
        if (plan % 16 == 0) {
            audit("a plan");
        }
        process_end(child);
    }
    finish();
}

TEST(all_256_plans_of_a_parent_with_empty_slots) {
    u32 p = begin();
    process_attach(p, 0, NULL, 0);
    process_attach(p, 2, NULL, 0);
    for (u32 plan = 0; plan < 256; plan++) {
        u32 child = process_clone_must(p, plan);
        for (u32 slot = 0; slot < SLOT_COUNT; slot += 2) {
            bool fresh = PLAN_FOR_SLOT(plan, slot) == PLAN_FRESH;
            CHECK((process_quarter(child, slot) != NULL) == fresh, "plan %02x slot %u", plan, slot);
        }
        process_end(child);
    }
    finish();
}

TEST(a_shared_write_after_a_page_of_both_was_copied) {
    u32 p = begin(), copy = process_clone_must(p, COPY_ALL),
        sharer = process_clone_must(p, SHARE_ALL);
    CHECK_EQUAL(peek(sharer, WORD(1)), 101);
    poke(p, WORD(1), 1);
    CHECK_EQUAL(peek(sharer, WORD(1)), 1);
    CHECK_EQUAL(peek(copy, WORD(1)), 101);
    finish();
}

TEST(views_follow_every_change_of_the_quarter) {
    u32 p = begin();
    struct quarter *quarter = process_quarter(p, 2);
    u32 reader = process_clone_must(p, PLAN(PLAN_NONE, PLAN_NONE, PLAN_NONE, PLAN_NONE));
    process_attach(reader, 2, quarter, RIGHT_READ);
    map(p, SLOT_BASE(2) + 2 * MIB, 4 * MIB, RIGHTS_RW);
    for (u32 i = 0; i < 3; i++) {
        u32 at = SLOT_BASE(2) + 2 * MIB + i * MIB;
        CHECK_EQUAL(peek(reader, at), 0); /* the reader's fault fills both directories */
        poke(p, at, 5 + i);
        CHECK_EQUAL(peek(reader, at), 5 + i);
        poke_fails(reader, at, FAULT_RIGHTS);
    }
    u32 copy = process_clone_must(p, COPY_ALL);
    poke(p, WORD(2), 9); /* a table copy is seen through the view */
    CHECK_EQUAL(peek(reader, WORD(2)), 9);
    process_run(reader);
    CHECK_EQUAL(quarter_unmap(quarter, 2 * MIB, 4 * MIB), 0);
    peek_fails(reader, SLOT_BASE(2) + 2 * MIB, FAULT_NO_REGION);
    CHECK_EQUAL(peek(copy, SLOT_BASE(2) + 3 * MIB), 6);
    process_end(p);
    CHECK_EQUAL(peek(reader, WORD(2)), 9); /* the view keeps the quarter */
    finish();
}

TEST(a_clone_through_a_view_keeps_the_view) {
    u32 p = begin();
    process_attach(p, 1, process_quarter(p, 1), RIGHT_READ);
    u32 shared = process_clone_must(p, SHARE_ALL), copied = process_clone_must(p, COPY_ALL);
    poke_fails(shared, WORD(1), FAULT_RIGHTS);
    poke_fails(copied, WORD(1), FAULT_RIGHTS);
    CHECK_EQUAL(peek(copied, WORD(1)), 101);
    finish();
}

TEST(all_views) {
    static const u32 views[] = {RIGHT_READ, RIGHTS_RW, RIGHTS_RX, VIEW_FULL};
    u32 p = begin();
    map(p, SLOT_BASE(1) + 4 * MIB, PAGE_SIZE, RIGHTS_RX);
    struct quarter *quarter = process_quarter(p, 1);
    quarter_reference(quarter);
    handle_keep(quarter);
    for (u32 round = 0; round < 8; round++) {
        u32 view = views[(round * 3 + round / 4) % 4];
        process_run(p);
        process_attach(p, 1, quarter, view);
        CHECK(peek(p, WORD(1)) != 0, "nothing to read");
        view &RIGHT_WRITE ? poke(p, WORD(1), round + 1) : poke_fails(p, WORD(1), FAULT_RIGHTS);
        view &RIGHT_EXECUTE ? execute_works(p, SLOT_BASE(1) + 4 * MIB)
                            : execute_fails(p, SLOT_BASE(1) + 4 * MIB, FAULT_RIGHTS);
        audit("a view");
    }
    finish();
}

TEST(swapping_banks_in_a_slot) { /* more memory than a slot holds, one quarter at a time */
    enum { BANKS = 12 };
    u32 p = begin();
    struct quarter *bank[BANKS];
    for (u32 i = 0; i < BANKS; i++) {
        bank[i] = handle_new(2);
        CHECK_EQUAL(quarter_map(bank[i], 0, 16 * PAGE_SIZE, RIGHTS_RW), 0);
    }
    for (u32 round = 0; round < 3 * BANKS; round++) {
        u32 i = round * 5 % BANKS;
        process_run(p);
        process_attach(p, 2, bank[i], VIEW_FULL);
        for (u32 page = 0; page < 16; page++) {
            u32 at = SLOT_BASE(2) + page * PAGE_SIZE;
            CHECK_EQUAL(peek(p, at), round >= BANKS ? (round - BANKS) * 100 + page : 0);
            poke(p, at, round * 100 + page);
        }
    }
    finish();
}

TEST(a_quarter_lives_as_long_as_anyone_has_it) {
    u32 p = begin();
    struct quarter *quarter = process_quarter(p, 1);
    quarter_reference(quarter);
    handle_keep(quarter);
    process_end(p);
    CHECK_EQUAL(space_count(), 0);
    CHECK_EQUAL(quarter_count(), 1);
    u32 next = process_new();
    process_attach(next, 1, quarter, VIEW_FULL);
    handle_drop(quarter);
    CHECK_EQUAL(peek(next, WORD(1)), 101);
    finish();
}

TEST(thousands_of_clones_leave_nothing) {
    u32 p = begin(), before = frame_free_count();
    for (u32 i = 0; i < 3000; i++) {
        u32 child = process_clone_must(p, COPY_ALL);
        poke(child, WORD(i % 4), i);
        process_end(child);
    }
    poke(p, WORD(0), 1);
    CHECK_EQUAL(frame_free_count(), before);
    finish();
}

TEST(a_clone_bomb_meets_its_limit) {
    u32 p = begin(), child = p, count = 0;
    struct process_limits limits = {.quarters = 100};
    world.budget = budget_create(&budget_root, &limits);
    int error = 0;
    while (!(error = process_clone_try(child, COPY_ALL, &child))) {
        count++;
    }
    CHECK(error == E_LIMIT && count == 25, "%u clones, error %d", count, error);
    audit("a clone bomb");
    CHECK_EQUAL(peek(child, WORD(3)), 103);
    struct budget *budget = world.budget;
    process_end_all();
    CHECK_EQUAL(budget->resource[BUDGET_QUARTERS].used, 0);
    world_end();
}

TEST_FAILS(a_quarter_in_a_foreign_slot_is_caught, PANIC) {
    u32 p = begin();
    process_attach(p, 2, process_quarter(p, 1), VIEW_FULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_tuple_one_space),
        cmocka_unit_test(spaces_that_differ_anywhere_are_two),
        cmocka_unit_test(a_space_of_nothing),
        cmocka_unit_test(equal_spaces_are_not_loaded_again),
        cmocka_unit_test(all_256_plans),
        cmocka_unit_test(all_256_plans_of_a_parent_with_empty_slots),
        cmocka_unit_test(a_shared_write_after_a_page_of_both_was_copied),
        cmocka_unit_test(views_follow_every_change_of_the_quarter),
        cmocka_unit_test(a_clone_through_a_view_keeps_the_view),
        cmocka_unit_test(all_views),
        cmocka_unit_test(swapping_banks_in_a_slot),
        cmocka_unit_test(a_quarter_lives_as_long_as_anyone_has_it),
        cmocka_unit_test(thousands_of_clones_leave_nothing),
        cmocka_unit_test(a_clone_bomb_meets_its_limit),
        cmocka_unit_test(a_quarter_in_a_foreign_slot_is_caught),
    };
    return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
