/* SPDX-License-Identifier: MIT */
/*
 * Proves what quarter_supply_pages promises for MOVE, COPY and SHARE: who sees which bytes afterwards
 * and after writes on either side, with copies of both quarters, 2 MiB pages, shared tables and stale
 * translations; who pays; what stays when it fails; and that paged regions wait for their pager.
 */
#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"
#include "kernel/vm/supply.h"
#include "kernel/vm/table.h"
#include "tests/host/world.h"

#define COPY_ALL PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
#define SLOT1 SLOT_BASE(1)
#define SLOT2 SLOT_BASE(2)
#define PAGES 8u

static u32 p, r; /* the process that supplies from slot 1, the one that gets in slot 2 */
static struct quarter *from, *to;

static u32 at(u32 page) { return page << PAGE_SHIFT; }

static void begin(void) {
    world_boot(&memory_usual);
    p = process_new();
    r = process_new();
    from = process_quarter(p, 1);
    to = process_quarter(r, 2);
    map(p, SLOT1, at(PAGES), RIGHTS_RW);
    map(r, SLOT2, at(PAGES), RIGHTS_RW | MAP_PAGED);
    for (u32 i = 0; i < PAGES; i++) {
        poke(p, SLOT1 + at(i), 100 + i);
    }
}

static void finish(void) {
    sim_check_translations("the test");
    audit("the test");
    process_end_all();
    world_end();
}

static int supply(u32 page, u32 source, u32 pages, u32 mode) {
    u32 done;
    int error = quarter_supply_pages(to, at(page), from, at(source), pages, mode, 0, &done);
    CHECK(error ? done < pages : done == pages, "%u of %u pages and error %d", done, pages, error);
    audit("a supply");
    return error;
}

/* ---- The modes ------------------------------------------------------------------------------- */

TEST(a_paged_region_waits_for_its_pager) {
    begin();
    peek_fails(r, SLOT2, FAULT_NO_PAGER);
    poke_fails(r, SLOT2, FAULT_NO_PAGER);
    CHECK_EQUAL(to->resident, 0);
    CHECK_EQUAL(to->tables, 0);
    finish();
}

TEST(moved_pages_leave_their_source) {
    begin();
    frame_t frame = arch_entry_frame(table_entries(arch_entry_frame(from->directory[0]))[1]);
    peek(p, SLOT1 + at(1)); /* this CPU has it cached */
    CHECK_EQUAL(supply(3, 1, 2, PAGER_MOVE), 0);
    process_run(p);
    CHECK_EQUAL(peek(p, SLOT1 + at(1)), 0); /* an anonymous region fills it anew */
    CHECK_EQUAL(peek(p, SLOT1 + at(0)), 100);
    CHECK_EQUAL(peek(r, SLOT2 + at(3)), 101);
    CHECK_EQUAL(peek(r, SLOT2 + at(4)), 102);
    CHECK_EQUAL(arch_entry_frame(table_entries(arch_entry_frame(to->directory[0]))[3]).number,
                frame.number); /* no byte was copied */
    poke(r, SLOT2 + at(3), 7);
    CHECK_EQUAL(frame_references(frame), 1);
    finish();
}

TEST(copied_pages_are_each_sides_own) {
    begin();
    u64 copies = vm_counters[0].page_copies;
    CHECK_EQUAL(supply(0, 0, PAGES, PAGER_COPY), 0);
    CHECK_EQUAL(vm_counters[0].page_copies, copies);
    poke(p, SLOT1 + at(1), 7); /* the writable translation of before must be gone */
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 101);
    poke(r, SLOT2 + at(2), 8);
    CHECK_EQUAL(peek(p, SLOT1 + at(2)), 102);
    CHECK_EQUAL(peek(r, SLOT2 + at(2)), 8);
    CHECK_EQUAL(vm_counters[0].page_copies, copies + 2);
    poke(p, SLOT1 + at(2), 9); /* alone again: no copy */
    CHECK_EQUAL(vm_counters[0].page_copies, copies + 2);
    finish();
}

TEST(shared_pages_are_one) {
    begin();
    CHECK_EQUAL(supply(0, 0, PAGES, PAGER_SHARE), 0);
    poke(p, SLOT1 + at(1), 7);
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 7);
    poke(r, SLOT2 + at(1), 8);
    CHECK_EQUAL(peek(p, SLOT1 + at(1)), 8);
    finish();
}

TEST(shared_pages_stay_so_through_copies_of_either_side) {
    begin();
    CHECK_EQUAL(supply(0, 0, PAGES, PAGER_SHARE), 0);
    u32 p2 = process_clone_must(p, COPY_ALL), r2 = process_clone_must(r, COPY_ALL);
    poke(p2, SLOT1 + at(1), 7);
    CHECK_EQUAL(peek(p, SLOT1 + at(1)), 7);
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 7);
    CHECK_EQUAL(peek(r2, SLOT2 + at(1)), 7);
    poke(r2, SLOT2 + at(1), 8);
    CHECK_EQUAL(peek(p, SLOT1 + at(1)), 8);
    CHECK_EQUAL(peek(p2, SLOT1 + at(1)), 8);
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 8);
    finish();
}

TEST(a_share_of_what_others_have_copy_on_write_leaves_them_alone) {
    begin();
    u32 child = process_clone_must(p, COPY_ALL);
    CHECK_EQUAL(supply(0, 0, 2, PAGER_SHARE), 0);
    poke(r, SLOT2, 7);
    CHECK_EQUAL(peek(p, SLOT1), 7);
    CHECK_EQUAL(peek(child, SLOT1), 100);
    poke(child, SLOT1, 8);
    CHECK_EQUAL(peek(p, SLOT1), 7);
    finish();
}

TEST(a_copy_of_a_shared_page_is_no_longer_shared) {
    begin();
    CHECK_EQUAL(supply(0, 0, 1, PAGER_SHARE), 0);
    CHECK_EQUAL(supply(1, 0, 1, PAGER_COPY), 0);
    poke(p, SLOT1, 7);
    CHECK_EQUAL(peek(r, SLOT2), 7);
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 100);
    poke(r, SLOT2 + at(1), 8);
    CHECK_EQUAL(peek(p, SLOT1), 7);
    finish();
}

TEST(a_moved_page_takes_with_it_that_it_is_shared) {
    begin();
    CHECK_EQUAL(supply(0, 0, 1, PAGER_SHARE), 0);
    CHECK_EQUAL(supply(1, 0, 1, PAGER_MOVE), 0); /* now R has it twice */
    poke(r, SLOT2, 7);
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 7);
    CHECK_EQUAL(peek(p, SLOT1), 0);
    finish();
}

TEST(a_moved_page_that_others_have_stays_copy_on_write) {
    begin();
    u32 child = process_clone_must(p, COPY_ALL);
    CHECK_EQUAL(supply(0, 0, 2, PAGER_MOVE), 0);
    CHECK_EQUAL(peek(r, SLOT2), 100);
    poke(r, SLOT2, 7);
    CHECK_EQUAL(peek(child, SLOT1), 100);
    CHECK_EQUAL(peek(p, SLOT1), 0);
    finish();
}

/* ---- What is there already ------------------------------------------------------------------- */

TEST(a_present_page_stays_and_so_does_its_source) {
    begin();
    CHECK_EQUAL(supply(1, 1, 1, PAGER_MOVE), 0);
    poke(r, SLOT2 + at(1), 7);
    poke(p, SLOT1 + at(1), 8);
    CHECK_EQUAL(supply(0, 0, 3, PAGER_MOVE), 0);
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 7);
    CHECK_EQUAL(peek(p, SLOT1 + at(1)), 8);
    CHECK_EQUAL(peek(r, SLOT2 + at(2)), 102);
    finish();
}

TEST(
    copies_of_the_destination_get_their_own) { /* its table is shared with the child: copied first */
    begin();
    CHECK_EQUAL(supply(0, 0, 1, PAGER_COPY), 0);
    u32 child = process_clone_must(r, COPY_ALL);
    CHECK_EQUAL(supply(1, 1, 1, PAGER_MOVE), 0);
    CHECK_EQUAL(peek(r, SLOT2 + at(1)), 101);
    peek_fails(child, SLOT2 + at(1), FAULT_NO_PAGER);
    poke(child, SLOT2, 7);
    CHECK_EQUAL(peek(r, SLOT2), 100);
    CHECK_EQUAL(peek(p, SLOT1), 100);
    finish();
}

TEST(absent_pages_of_the_source_are_filled) {
    begin();
    CHECK_EQUAL(quarter_map(from, 4 * MIB, at(4), RIGHT_READ), 0);
    CHECK_EQUAL(quarter_map_boot_image(from, 6 * MIB, (frame_t){0x140}, 4), 0);
    CHECK_EQUAL(supply(0, 4 * MIB >> PAGE_SHIFT, 2, PAGER_MOVE), 0);
    CHECK_EQUAL(supply(2, 6 * MIB >> PAGE_SHIFT, 2, PAGER_COPY), 0);
    CHECK_EQUAL(supply(4, 6 * MIB >> PAGE_SHIFT, 2, PAGER_MOVE), 0);
    CHECK_EQUAL(supply(6, 6 * MIB >> PAGE_SHIFT, 2, PAGER_SHARE), 0);
    CHECK_EQUAL(peek(r, SLOT2), 0);
    CHECK_EQUAL(peek(r, SLOT2 + at(2)), 0x30303030);
    CHECK_EQUAL(peek(r, SLOT2 + at(5)), 0x31313131);
    for (u32 i = 0; i < PAGES; i++) {
        poke(r, SLOT2 + at(i), i);
    }
    CHECK(sim_frame_bytes((frame_t){0x140})[0] == 0x30, "the boot image has been written to");
    finish();
}

TEST(a_source_that_waits_for_a_pager_has_nothing_to_give) {
    begin();
    CHECK_EQUAL(quarter_map(from, 4 * MIB, at(4), RIGHTS_RW | MAP_PAGED), 0);
    u64 before = world_digest(false);
    CHECK_EQUAL(supply(0, 4 * MIB >> PAGE_SHIFT, 1, PAGER_COPY), E_NOTFOUND);
    CHECK(world_digest(false) == before, "something has changed");
    finish();
}

/* ---- 2 MiB pages, many pages ----------------------------------------------------------------- */

TEST(large_pages_are_split_on_either_side) {
    begin();
    map(p, SLOT1 + 4 * MIB, 4 * MIB, RIGHTS_RW);
    map(r, SLOT2 + 4 * MIB, 2 * MIB, RIGHTS_RW);
    poke(p, SLOT1 + 4 * MIB + at(5), 7);
    poke(r, SLOT2 + 4 * MIB, 8);
    u32 large = 4 * MIB >> PAGE_SHIFT;
    CHECK_EQUAL(supply(large, large, 512, PAGER_MOVE), 0); /* all there: nothing is split */
    CHECK(entry_is(to->directory[2], ENTRY_LARGE), "a 2 MiB page is split for nothing");
    CHECK_EQUAL(peek(p, SLOT1 + 4 * MIB + at(5)), 7);
    CHECK_EQUAL(quarter_unmap(to, 4 * MIB + at(4), at(4)), 0);
    CHECK_EQUAL(quarter_map(to, 4 * MIB + at(4), at(4), RIGHTS_RW), 0);
    CHECK_EQUAL(supply(large, large, 16, PAGER_MOVE), 0);
    CHECK_EQUAL(peek(r, SLOT2 + 4 * MIB + at(5)), 7);
    CHECK_EQUAL(peek(r, SLOT2 + 4 * MIB), 8);
    CHECK_EQUAL(peek(p, SLOT1 + 4 * MIB + at(5)), 0);
    poke(p, SLOT1 + 6 * MIB, 9);
    u32 child = process_clone_must(p, COPY_ALL); /* it shares the 2 MiB page */
    map(r, SLOT2 + 8 * MIB, at(4), RIGHTS_RW | MAP_PAGED);
    CHECK_EQUAL(supply(8 * MIB >> PAGE_SHIFT, 6 * MIB >> PAGE_SHIFT, 2, PAGER_COPY), 0);
    CHECK_EQUAL(supply((8 * MIB >> PAGE_SHIFT) + 2, 6 * MIB >> PAGE_SHIFT, 1, PAGER_SHARE), 0);
    poke(r, SLOT2 + 8 * MIB + at(2), 10);
    CHECK_EQUAL(peek(p, SLOT1 + 6 * MIB), 10);
    CHECK_EQUAL(peek(child, SLOT1 + 6 * MIB), 9);
    CHECK_EQUAL(peek(r, SLOT2 + 8 * MIB), 9);
    finish();
}

TEST(many_pages_go_in_bounded_steps) {
    begin();
    map(p, SLOT1 + 8 * MIB, 6 * MIB, RIGHTS_RW);
    map(r, SLOT2 + 8 * MIB, 8 * MIB, RIGHT_READ | MAP_PAGED);
    for (u32 i = 0; i < 1500; i += 100) {
        poke(p, SLOT1 + 8 * MIB + at(i), i);
    }
    u64 before = preemption_count(), shot = from->shootdowns;
    u32 done, first = (8 * MIB >> PAGE_SHIFT) + 3;
    CHECK_EQUAL(quarter_supply_pages(to, at(first), from, 8 * MIB, 1500, PAGER_COPY, 0, &done), 0);
    CHECK_EQUAL(done, 1500);
    CHECK(preemption_count() - before >= 1500 / 32, "1500 pages in %llu steps",
          (unsigned long long)(preemption_count() - before));
    CHECK(from->shootdowns - shot <= preemption_count() - before + 3, "a shootdown a page");
    audit("1500 pages");
    for (u32 i = 0; i < 1500; i += 100) {
        CHECK_EQUAL(peek(r, SLOT2 + at(first + i)), i);
    }
    poke_fails(r, SLOT2 + at(first), FAULT_RIGHTS);
    finish();
}

/* ---- Regions --------------------------------------------------------------------------------- */

TEST(a_supply_adds_the_regions_that_are_missing) {
    begin();
    u32 done;
    CHECK_EQUAL(supply(PAGES, 0, 1, PAGER_COPY), E_NOTFOUND); /* not unless asked to */
    CHECK_EQUAL(quarter_supply_pages(to, at(PAGES - 2), from, 0, 4, PAGER_COPY, RIGHT_READ, &done),
                0);
    audit("a supply with regions");
    CHECK_EQUAL(to->regions->count, 2);
    CHECK_EQUAL(to->regions->region[1].start, at(PAGES));
    CHECK_EQUAL(to->regions->region[1].end, at(PAGES + 2));
    CHECK_EQUAL(to->regions->region[1].kind, REGION_PAGED);
    poke(r, SLOT2 + at(PAGES - 1), 7);
    poke_fails(r, SLOT2 + at(PAGES), FAULT_RIGHTS);
    CHECK_EQUAL(peek(r, SLOT2 + at(PAGES)), 102);
    CHECK_EQUAL(quarter_supply_pages(to, at(PAGES + 2), from, 0, 1, PAGER_COPY, RIGHT_READ, &done),
                0);
    CHECK_EQUAL(to->regions->count, 2); /* it has grown */
    u64 before = world_digest(false);
    CHECK_EQUAL(
        quarter_supply_pages(to, 16 * MIB, from, 16 * MIB, 1, PAGER_COPY, RIGHT_READ, &done),
        E_NOTFOUND); /* no source: no region either */
    CHECK(world_digest(false) == before, "a region was added for nothing");
    finish();
}

TEST(what_the_region_allows_is_all_that_is_given) {
    begin();
    CHECK_EQUAL(quarter_map(to, MIB, at(1), RIGHTS_RX | MAP_PAGED), 0);
    CHECK_EQUAL(supply(MIB >> PAGE_SHIFT, 0, 1, PAGER_SHARE), 0);
    execute_works(r, SLOT2 + MIB);
    poke_fails(r, SLOT2 + MIB, FAULT_RIGHTS);
    CHECK_EQUAL(quarter_protect(to, MIB, at(1), RIGHTS_RW), 0);
    poke(r, SLOT2 + MIB, 7); /* SHARE means shared: who supplies so needs the right to write */
    CHECK_EQUAL(peek(p, SLOT1), 7);
    finish();
}

TEST(copies_that_become_writable_stay_copies) {
    begin();
    CHECK_EQUAL(quarter_map(to, MIB, at(1), RIGHTS_RX | MAP_PAGED), 0);
    CHECK_EQUAL(supply(MIB >> PAGE_SHIFT, 0, 1, PAGER_COPY), 0);
    CHECK_EQUAL(quarter_protect(to, MIB, at(1), RIGHTS_RW), 0);
    poke(r, SLOT2 + MIB, 7);
    CHECK_EQUAL(peek(p, SLOT1), 100);
    finish();
}

TEST(bytes_may_be_written_into_a_paged_region) {
    begin();
    u32 word = 42;
    CHECK_EQUAL(quarter_write(to, 8, &word, sizeof(word)), 0);
    CHECK_EQUAL(peek(r, SLOT2 + 8), 42);
    CHECK_EQUAL(peek(r, SLOT2 + 12), 0);
    CHECK_EQUAL(supply(0, 0, 1, PAGER_COPY), 0); /* it is there */
    CHECK_EQUAL(peek(r, SLOT2 + 8), 42);
    finish();
}

TEST(bad_arguments_change_nothing) {
    begin();
    u32 done;
    u64 before = world_digest(true);
    CHECK_EQUAL(quarter_supply_pages(to, 0, to, 0, 1, PAGER_COPY, 0, &done), E_INVALID);
    CHECK_EQUAL(quarter_supply_pages(to, 0, from, 0, 0, PAGER_COPY, 0, &done), E_INVALID);
    CHECK_EQUAL(quarter_supply_pages(to, 0, from, 0, 1, PAGER_FAULT, 0, &done), E_INVALID);
    CHECK_EQUAL(quarter_supply_pages(to, 0, from, 0, 1, PAGER_RETRY, 0, &done), E_INVALID);
    CHECK_EQUAL(quarter_supply_pages(to, 0, from, 0, 1, PAGER_COPY, RIGHT_WRITE, &done), E_INVALID);
    CHECK_EQUAL(quarter_supply_pages(to, 0, from, 0, 1, PAGER_COPY, 7, &done), E_INVALID);
    CHECK_EQUAL(quarter_supply_pages(to, 1, from, 0, 1, PAGER_COPY, 0, &done), E_ALIGN);
    CHECK_EQUAL(quarter_supply_pages(to, 0, from, 9, 1, PAGER_COPY, 0, &done), E_ALIGN);
    CHECK_EQUAL(quarter_supply_pages(to, QUARTER_SIZE, from, 0, 1, PAGER_COPY, 0, &done), E_RANGE);
    CHECK_EQUAL(
        quarter_supply_pages(to, 0, from, QUARTER_SIZE - PAGE_SIZE, 2, PAGER_COPY, 0, &done),
        E_RANGE);
    CHECK_EQUAL(quarter_supply_pages(to, 0, from, 0, UINT32_MAX, PAGER_COPY, 0, &done), E_INVALID);
    CHECK_EQUAL(done, 0);
    CHECK(world_digest(true) == before, "something has changed");
    finish();
}

/* ---- Who pays -------------------------------------------------------------------------------- */

TEST(moved_pages_are_paid_by_who_gets_them) {
    begin();
    const struct process_limits limits = {.frames = 8};
    struct budget *small = budget_create(&budget_root, &limits);
    struct quarter *poor = NULL;
    u32 done;
    CHECK_EQUAL(quarter_create(2, small, &poor), 0); /* its directory is the first frame */
    handle_keep(poor);
    CHECK_EQUAL(quarter_map(poor, 0, at(PAGES), RIGHTS_RW), 0);
    CHECK_EQUAL(quarter_supply_pages(poor, 0, from, 0, PAGES, PAGER_MOVE, 0, &done), E_LIMIT);
    CHECK_EQUAL(done, 6); /* and a table */
    audit("a supply over the limit");
    CHECK_EQUAL(small->resource[BUDGET_FRAMES].used, 8);
    CHECK_EQUAL(peek(p, SLOT1 + at(6)), 106);
    CHECK_EQUAL(quarter_unmap(poor, 0, at(4)), 0);
    CHECK_EQUAL(small->resource[BUDGET_FRAMES].used, 4);
    CHECK_EQUAL(quarter_supply_pages(poor, at(6), from, at(6), 2, PAGER_COPY, 0, &done), 0);
    CHECK_EQUAL(small->resource[BUDGET_FRAMES].used, 4); /* copies cost nothing until written */
    budget_release(small);
    finish();
}

/* ---- The pager itself ------------------------------------------------------------------------ */

TEST(copies_inherit_the_pager) {
    u32 pager = 1;
    begin();
    CHECK(quarter_pager_swap(to, (struct pager){&pager, OBJECT_ENDPOINT}).object == NULL,
          "a new quarter has a pager");
    u32 child = process_clone_must(r, COPY_ALL);
    CHECK_EQUAL(pager, 2);
    struct pager found = quarter_pager_get(process_quarter(child, 2));
    CHECK(found.object == &pager, "the copy has another pager");
    CHECK_EQUAL(pager, 3);
    pager--;
    process_end(child);
    CHECK_EQUAL(pager, 1);
    pager_release(quarter_pager_swap(to, (struct pager){0}));
    CHECK_EQUAL(pager, 0);
    CHECK(quarter_pager_get(to).object == NULL, "a pager that was taken away");
    finish();
}

TEST(both_locks_are_taken_in_order) { /* the debug check of locks would panic */
    begin();
    u32 done;
    CHECK(from->sub_id < to->sub_id, "the other way round");
    map(p, SLOT1 + MIB, at(2), RIGHTS_RW);
    CHECK_EQUAL(supply(0, 0, 1, PAGER_MOVE), 0);
    CHECK_EQUAL(quarter_supply_pages(from, MIB, to, 0, 1, PAGER_MOVE, 0, &done), 0);
    CHECK_EQUAL(peek(p, SLOT1 + MIB), 100);
    finish();
}

TEST(one_big_lock_is_taken_once) {
    quarter_use_big_lock();
    begin();
    CHECK_EQUAL(supply(0, 0, PAGES, PAGER_SHARE), 0);
    finish();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_paged_region_waits_for_its_pager),
        cmocka_unit_test(moved_pages_leave_their_source),
        cmocka_unit_test(copied_pages_are_each_sides_own),
        cmocka_unit_test(shared_pages_are_one),
        cmocka_unit_test(shared_pages_stay_so_through_copies_of_either_side),
        cmocka_unit_test(a_share_of_what_others_have_copy_on_write_leaves_them_alone),
        cmocka_unit_test(a_copy_of_a_shared_page_is_no_longer_shared),
        cmocka_unit_test(a_moved_page_takes_with_it_that_it_is_shared),
        cmocka_unit_test(a_moved_page_that_others_have_stays_copy_on_write),
        cmocka_unit_test(a_present_page_stays_and_so_does_its_source),
        cmocka_unit_test(copies_of_the_destination_get_their_own),
        cmocka_unit_test(absent_pages_of_the_source_are_filled),
        cmocka_unit_test(a_source_that_waits_for_a_pager_has_nothing_to_give),
        cmocka_unit_test(large_pages_are_split_on_either_side),
        cmocka_unit_test(many_pages_go_in_bounded_steps),
        cmocka_unit_test(a_supply_adds_the_regions_that_are_missing),
        cmocka_unit_test(what_the_region_allows_is_all_that_is_given),
        cmocka_unit_test(copies_that_become_writable_stay_copies),
        cmocka_unit_test(bytes_may_be_written_into_a_paged_region),
        cmocka_unit_test(bad_arguments_change_nothing),
        cmocka_unit_test(moved_pages_are_paid_by_who_gets_them),
        cmocka_unit_test(copies_inherit_the_pager),
        cmocka_unit_test(both_locks_are_taken_in_order),
        cmocka_unit_test(one_big_lock_is_taken_once),
    };
    return cmocka_run_group_tests_name("supply", tests, NULL, NULL);
}
