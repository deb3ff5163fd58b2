/* SPDX-License-Identifier: MIT */
/*
 * Proves that each hazard of partial address-space sharing (docs/hazards.md) that can happen on one
 * CPU is handled, on each rung of the ladder: one test for each, with the hazard's number in its name. What a test needs not
 * say: after every fault the simulated machine compares all cached translations with the tables,
 * and every freed frame is looked for in the TLB.
 */
#include "kernel/base/cpu.h"
#include "kernel/vm/table.h"
#include "tests/host/world.h"

#define COPY_ALL PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
#define SHARE_ALL PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_SHARE)
#define SLOT1 SLOT_BASE(1)
#define SLOT2 SLOT_BASE(2)

static struct vm_counters counters(void) {
    struct vm_counters sum;
    vm_counters_sum(&sum);
    return sum;
}

static u64 shootdowns(void) {
    u64 count = 0;
    for (u32 cause = 0; cause < CAUSE_COUNT; cause++) {
        count += counters().translation.shootdowns[cause];
    }
    return count;
}

/* A world with one process that has PAGES pages at the start of slot 1, each written with its
 * number plus one. */
static u32 begin(u32 pages) {
    world_boot(&memory_usual);
    u32 process = process_new();
    map(process, SLOT1, pages * PAGE_SIZE, RIGHTS_RW);
    for (u32 i = 0; i < pages; i++) {
        poke(process, SLOT1 + i * PAGE_SIZE, i + 1);
    }
    return process;
}

static void finish(void) {
    audit("the test");
    process_end_all();
    world_end();
}

TEST(hazard_01_unmapped_frame_is_not_reused_before_the_tlb_forgets_it) {
    u32 p = begin(40);
    CHECK_EQUAL(quarter_unmap(process_quarter(p, 1), 0, 40 * PAGE_SIZE), 0);
    sim_check_translations("unmap");
    peek_fails(p, SLOT1, FAULT_NO_REGION);
    map(p, SLOT1, 40 * PAGE_SIZE, RIGHTS_RW);
    for (u32 i = 0; i < 40; i++) {
        CHECK_EQUAL(peek(p, SLOT1 + i * PAGE_SIZE), 0);
    }
    finish();
}

TEST(hazard_01_cow_frame_is_not_reused_before_the_tlb_forgets_it) {
    u32 p = begin(1), child = process_clone_must(p, COPY_ALL);
    CHECK_EQUAL(peek(p, SLOT1), 1); /* caches the shared frame */
    process_end(child);             /* whose last other holder goes */
    poke(p, SLOT1, 2);
    CHECK_EQUAL(peek(p, SLOT1), 2);
    child = process_clone_must(p, COPY_ALL);
    CHECK_EQUAL(peek(p, SLOT1), 2);
    poke(p, SLOT1, 3); /* copies the page while the old frame is cached */
    CHECK_EQUAL(peek(child, SLOT1), 2);
    finish();
}

TEST(hazard_02_page_table_is_not_freed_while_a_cached_directory_entry_walks_it) {
    u32 p = begin(1);
    map(p, SLOT1 + 2 * MIB, 4 * MIB - PAGE_SIZE, RIGHTS_RW);
    poke(p, SLOT1 + 4 * MIB, 7);
    sim_speculate(SLOT1 + 4 * MIB);
    CHECK_EQUAL(quarter_unmap(process_quarter(p, 1), 0, 6 * MIB), 0); /* whole tables go */
    sim_check_translations("unmap");
    CHECK_EQUAL(process_quarter(p, 1)->resident, 0);
    finish();
}

TEST(hazard_02_shared_table_is_not_let_go_while_a_cached_directory_entry_walks_it) {
    u32 p = begin(8), child = process_clone_must(p, COPY_ALL);
    process_run(p);
    for (u32 i = 0; i < 8; i++) {
        sim_speculate(SLOT1 + i * PAGE_SIZE);
    }
    poke(p, SLOT1, 100); /* copies the table */
    process_end(child);  /* frees the old one */
    sim_check_translations("table copy");
    CHECK_EQUAL(peek(p, SLOT1 + PAGE_SIZE), 2);
    finish();
}

TEST(hazard_03_detached_empty_directory_is_forgotten) {
    u32 p = begin(1);
    process_run(p);
    sim_speculate(SLOT2); /* slot 2 is empty: only its directory is cached */
    struct quarter *empty = process_quarter(p, 2);
    CHECK_EQUAL(empty->tables, 0);
    process_attach(p, 2, NULL, 0); /* frees the empty directory */
    sim_check_translations("detach");
    peek_fails(p, SLOT2, FAULT_NO_QUARTER);
    struct quarter *other = handle_new(2);
    process_attach(p, 2, other, VIEW_FULL);
    map(p, SLOT2, PAGE_SIZE, RIGHTS_RW);
    poke(p, SLOT2, 5);
    finish();
}

TEST(hazard_04_loaded_root_is_never_edited) {
    u32 p = begin(1);
    process_run(p);
    frame_t root = world.process[p]->root.frame;
    struct quarter *other = handle_new(2);
    process_attach(p, 2, other,
                   RIGHT_READ); /* the simulator compares the loaded root with memory */
    CHECK(world.process[p]->root.frame.number != root.number || !arch_cpu()->loaded,
          "the root has been edited");
    CHECK(arch_cpu()->loaded == world.process[p], "the new space is not loaded");
    sim_check_translations("attach");
    finish();
}

TEST(hazard_07_sub_ids_are_never_reused) {
    world_boot(&memory_usual);
    u64 last = 0;
    for (u32 i = 0; i < 5000; i++) {
        struct quarter *quarter = handle_new(i % SLOT_COUNT);
        CHECK(quarter->sub_id > last, "sub-ID %llu after %llu", (unsigned long long)quarter->sub_id,
              (unsigned long long)last);
        last = quarter->sub_id;
        handle_drop(quarter);
    }
    finish();
}

TEST(hazard_16_accessed_and_dirty_set_meanwhile_do_no_harm) {
    u32 p = begin(4), child = process_clone_must(p, COPY_ALL);
    for (u32 round = 0; round < 4;
         round++) { /* the CPU sets A in shared tables, A and D in own ones, at every change */
        peek(child, SLOT1 + round * PAGE_SIZE);
        poke(p, SLOT1 + round * PAGE_SIZE, 50 + round);
        CHECK_EQUAL(
            quarter_protect(process_quarter(p, 1), round * PAGE_SIZE, PAGE_SIZE, RIGHT_READ), 0);
        sim_check_translations("protect");
        CHECK_EQUAL(peek(child, SLOT1 + round * PAGE_SIZE), round + 1);
    }
    finish();
}

TEST(hazard_17_cow_copy_in_a_shared_quarter_is_seen_by_all_who_share_it) {
    u32 p = begin(2);
    u32 sharer = process_clone_must(p, SHARE_ALL); /* the same space: no load between them */
    u32 other = process_clone_must(
        p, PLAN(PLAN_FRESH, PLAN_SHARE, PLAN_FRESH, PLAN_FRESH)); /* another space */
    u32 copy = process_clone_must(p, COPY_ALL);
    CHECK(world.process[p] == world.process[sharer], "equal spaces are not the same");
    CHECK_EQUAL(peek(sharer, SLOT1), 1);
    CHECK_EQUAL(peek(other, SLOT1), 1);
    poke(p, SLOT1, 10);
    CHECK_EQUAL(peek(sharer, SLOT1), 10);
    CHECK_EQUAL(peek(other, SLOT1), 10);
    CHECK_EQUAL(peek(copy, SLOT1), 1);
    poke(other, SLOT1 + PAGE_SIZE, 20);
    CHECK_EQUAL(peek(sharer, SLOT1 + PAGE_SIZE), 20);
    CHECK_EQUAL(peek(copy, SLOT1 + PAGE_SIZE), 2);
    finish();
}

TEST(hazard_18_copy_ends_cached_write_access) {
    u32 p = begin(8);
    for (u32 i = 0; i < 8; i++) {
        poke(p, SLOT1 + i * PAGE_SIZE, 10 + i); /* writable translations are cached */
    }
    u32 child = process_clone_must(p, COPY_ALL); /* the parent stays loaded */
    sim_check_translations("clone");
    for (u32 i = 0; i < 8; i++) {
        u32 value = 99;
        CHECK(sim_user_write(SLOT1 + i * PAGE_SIZE, &value, sizeof(value)) == SIM_OK,
              "the parent cannot write");
    }
    for (u32 i = 0; i < 8; i++) {
        CHECK_EQUAL(peek(child, SLOT1 + i * PAGE_SIZE), 10 + i);
    }
    finish();
}

TEST(hazard_18_copy_of_a_quarter_ends_cached_write_access_to_2_mib_pages) {
    u32 p = begin(1);
    map(p, SLOT2, 4 * MIB, RIGHTS_RW);
    poke(p, SLOT2 + PAGE_SIZE, 1);
    CHECK(sim_walk(SLOT2).large, "no 2 MiB page was used");
    struct quarter *copy = NULL;
    CHECK_EQUAL(quarter_copy(process_quarter(p, 2), world.budget, &copy), 0);
    handle_keep(copy);
    sim_check_translations("copy");
    u32 value = 2;
    CHECK(sim_user_write(SLOT2 + PAGE_SIZE, &value, sizeof(value)) == SIM_OK,
          "the parent cannot write");
    process_attach(p, 2, copy, VIEW_FULL);
    CHECK_EQUAL(peek(p, SLOT2 + PAGE_SIZE), 1);
    finish();
}

TEST(hazard_19_copy_of_a_quarter_that_three_spaces_share_protects_all) {
    u32 p = begin(4);
    u32 plan = PLAN(PLAN_FRESH, PLAN_SHARE, PLAN_FRESH, PLAN_FRESH);
    u32 sharer[3] = {p, process_clone_must(p, plan), process_clone_must(p, plan)};
    for (u32 i = 0; i < 3; i++) {
        poke(sharer[i], SLOT1 + i * PAGE_SIZE, 100 + i);
    }
    u32 copy = process_clone_must(sharer[1], COPY_ALL);
    for (u32 i = 0; i < 3; i++) {
        poke(sharer[i], SLOT1 + i * PAGE_SIZE, 200 + i);
        CHECK_EQUAL(peek(copy, SLOT1 + i * PAGE_SIZE), 100 + i);
        CHECK_EQUAL(peek(sharer[(i + 1) % 3], SLOT1 + i * PAGE_SIZE), 200 + i);
    }
    finish();
}

TEST(hazard_20_a_count_of_one_is_reclaimed_and_shared_again) {
    u32 p = begin(4);
    for (u32 round = 0; round < 8; round++) {
        u32 child = process_clone_must(p, COPY_ALL),
            grandchild = process_clone_must(child, COPY_ALL);
        poke(grandchild, SLOT1,
             1000 + round); /* copies table and page: three quarters, two tables */
        process_end(child);
        poke(p, SLOT1 + PAGE_SIZE, 2000 + round);
        CHECK_EQUAL(peek(grandchild, SLOT1 + PAGE_SIZE), round ? 2000 + round - 1 : 2);
        audit("a round");
        process_end(grandchild);
        poke(p, SLOT1 + 2 * PAGE_SIZE, round); /* alone again: reclaims */
    }
    CHECK(counters().table_reclaims > 0, "no table was ever reclaimed");
    finish();
}

TEST(hazard_20_reclaim_does_not_open_frames_that_others_still_have) {
    u32 p = begin(8), child = process_clone_must(p, COPY_ALL);
    poke(child, SLOT1, 50); /* the child has its own table now, which refers to 7 of the frames */
    poke(p, SLOT1 + PAGE_SIZE, 60); /* the parent's table has a count of one: reclaimed */
    CHECK_EQUAL(counters().table_reclaims, 1);
    for (u32 i = 2; i < 8; i++) {
        poke(p, SLOT1 + i * PAGE_SIZE, 70 + i);
        CHECK_EQUAL(peek(child, SLOT1 + i * PAGE_SIZE), i + 1);
    }
    finish();
}

TEST(hazard_21_chain_of_clones_keeps_copy_on_write) {
    enum { DEPTH = 16 };
    u32 chain[DEPTH] = {begin(DEPTH)};
    for (u32 i = 1; i < DEPTH; i++) {
        chain[i] = process_clone_must(chain[i - 1], COPY_ALL);
        poke(chain[i], SLOT1 + i * PAGE_SIZE, 1000 + i);
    }
    audit("the chain");
    for (u32 i = 0; i < DEPTH; i++) {
        for (u32 page = 0; page < DEPTH; page++) {
            CHECK_EQUAL(peek(chain[i], SLOT1 + page * PAGE_SIZE),
                        page && page <= i ? 1000 + page : page + 1);
        }
    }
    for (u32 i = 0; i < DEPTH; i += 2) {
        process_end(chain[i]);
    }
    for (u32 i = 1; i < DEPTH; i += 2) {
        poke(chain[i], SLOT1, i);
        CHECK_EQUAL(peek(chain[i], SLOT1 + i * PAGE_SIZE), 1000 + i);
    }
    finish();
}

TEST(hazard_22_kernel_writes_break_copy_on_write) {
    u32 p = begin(3), child = process_clone_must(p, COPY_ALL), value = 77;
    process_run(p);
    CHECK_EQUAL(arch_copy_out(SLOT1 + PAGE_SIZE - 2, &value, sizeof(value)), 0); /* two pages */
    CHECK_EQUAL(quarter_write(process_quarter(p, 1), 2 * PAGE_SIZE, &value, sizeof(value)), 0);
    sim_check_translations("supply");
    CHECK_EQUAL(peek(p, SLOT1 + 2 * PAGE_SIZE), 77);
    CHECK_EQUAL(peek(child, SLOT1), 1);
    CHECK_EQUAL(peek(child, SLOT1 + PAGE_SIZE), 2);
    CHECK_EQUAL(peek(child, SLOT1 + 2 * PAGE_SIZE), 3);
    finish();
}

TEST(hazard_23_no_memory_in_a_cow_break_harms_nobody_else) {
    u32 p = begin(4), child = process_clone_must(p, COPY_ALL), value = 5;
    for (u32 n = 1;; n++) {
        process_run(p);
        allocation_fail(n);
        enum sim_result result = sim_user_write(SLOT1, &value, sizeof(value));
        bool failed = allocation_has_failed();
        allocation_fail(0);
        audit("a COW break without memory");
        CHECK_EQUAL(peek(child, SLOT1), 1);
        CHECK((result == SIM_FAULT) == failed, "result %d although an allocation has%s failed",
              result, failed ? "" : " not");
        if (!failed) {
            CHECK(n > 2, "only %u allocations were tried", n);
            break;
        }
        CHECK_EQUAL(world.fault_reason, FAULT_NO_MEMORY);
        CHECK_EQUAL(peek(p, SLOT1), 1);
    }
    CHECK_EQUAL(peek(p, SLOT1), 5);
    finish();
}

TEST(hazard_24_rights_are_the_and_of_all_levels) {
    u32 p = begin(2);
    map(p, SLOT1 + 2 * MIB, PAGE_SIZE, RIGHTS_RX);
    u32 viewer = process_clone_must(p, SHARE_ALL);
    process_attach(viewer, 1, process_quarter(p, 1), RIGHT_READ);
    poke(p, SLOT1, 3); /* writable in the table */
    CHECK_EQUAL(peek(viewer, SLOT1), 3);
    poke_fails(viewer, SLOT1, FAULT_RIGHTS); /* not through the view */
    execute_works(p, SLOT1 + 2 * MIB);
    execute_fails(viewer, SLOT1 + 2 * MIB, FAULT_RIGHTS);
    process_attach(viewer, 1, process_quarter(p, 1), RIGHTS_RW);
    poke(viewer, SLOT1, 4);
    execute_fails(viewer, SLOT1 + 2 * MIB, FAULT_RIGHTS);
    CHECK_EQUAL(peek(p, SLOT1), 4);
    finish();
}

TEST(hazard_25_spurious_faults_are_served_and_counted) {
    u32 p = begin(1), child = process_clone_must(p, COPY_ALL);
    CHECK_EQUAL(peek(p, SLOT1), 1);
    process_end(child);
    process_run(p);
    struct quarter *quarter = process_quarter(p, 1);
    for (u32 round = 0; round < 40 && counters().spurious_faults == 0; round++) {
        child = process_clone_must(p, COPY_ALL);
        process_end(child);
        process_run(p);
        peek(p, SLOT1); /* a read-only translation is cached */
        CHECK_EQUAL(quarter_fault(quarter, 0, ACCESS_WRITE, VIEW_FULL),
                    0); /* another thread makes it writable */
        sim_seed(round);
        poke(p, SLOT1, round); /* may use the old one, and fault */
    }
    CHECK(counters().spurious_faults > 0, "no spurious fault in 40 rounds");
    finish();
}

TEST(hazard_31_the_last_handle_goes_while_a_space_has_the_quarter) {
    u32 p = begin(1);
    struct quarter *quarter = handle_new(2);
    process_attach(p, 2, quarter, VIEW_FULL);
    handle_drop(quarter);
    map(p, SLOT2, PAGE_SIZE, RIGHTS_RW);
    poke(p, SLOT2, 9);
    audit("the handle went");
    finish();
}

TEST(hazard_32_a_process_ends_while_its_space_is_loaded) {
    u32 p = begin(4);
    process_run(p);
    sim_speculate(SLOT1);
    sim_speculate(SLOT2);
    process_end(p); /* the simulator refuses to free a loaded root, its directories, cached tables
                       or pages */
    CHECK(arch_cpu()->loaded == NULL, "the CPU still has the dead space loaded");
    finish();
}

TEST(hazard_34_nothing_changes_a_shared_table) { /* the simulator fails any change in a table with
                                                    two references */
    u32 p = begin(16);
    struct quarter *quarter = process_quarter(p, 1);
    for (u32 kind = 0; kind < 6; kind++) {
        u32 child = process_clone_must(p, COPY_ALL), value = 0;
        process_run(p);
        switch (kind) {
        case 0:
            CHECK_EQUAL(quarter_unmap(quarter, 15 * PAGE_SIZE, PAGE_SIZE), 0);
            break;
        case 1:
            CHECK_EQUAL(quarter_protect(quarter, 3 * PAGE_SIZE, PAGE_SIZE, RIGHT_READ), 0);
            break;
        case 2:
            CHECK_EQUAL(quarter_map(quarter, 20 * PAGE_SIZE, PAGE_SIZE, RIGHTS_RW), 0);
            peek(p, SLOT1 + 20 * PAGE_SIZE);
            break;
        case 3:
            CHECK_EQUAL(quarter_write(quarter, 5 * PAGE_SIZE, &value, sizeof(value)), 0);
            break;
        case 4:
            poke(p, SLOT1 + 6 * PAGE_SIZE, 1);
            break;
        default:
            CHECK_EQUAL(quarter_unmap(quarter, 0, TABLE_SPAN), 0);
            break;
        }
        audit("a change");
        CHECK_EQUAL(peek(child, SLOT1 + 7 * PAGE_SIZE), 8);
        CHECK_EQUAL(peek(child, SLOT1 + 3 * PAGE_SIZE), 4);
        process_end(child);
    }
    finish();
}

TEST(hazard_35_one_shootdown_for_each_call) {
    u32 p = begin(1);
    for (u32 i = 0; i < 20; i++) {
        map(p, SLOT2 + i * 2 * MIB, 3 * PAGE_SIZE, RIGHTS_RW);
        poke(p, SLOT2 + i * 2 * MIB, i);
        poke(p, SLOT2 + i * 2 * MIB + PAGE_SIZE, i);
    }
    u64 before = shootdowns();
    CHECK_EQUAL(quarter_unmap(process_quarter(p, 2), PAGE_SIZE, 40 * MIB - PAGE_SIZE), 0);
    CHECK_EQUAL(shootdowns(), before + 1);
    process_clone_must(p, COPY_ALL);
    CHECK(shootdowns() <= before + 1 + SLOT_COUNT, "%llu shootdowns for a clone",
          (unsigned long long)(shootdowns() - before - 1));
    process_end_all();
    CHECK(shootdowns() <= before + 1 + SLOT_COUNT, "an exit shoots down");
    finish();
}

TEST(hazard_36_2_mib_page_is_cleared_and_shot_down_before_4_kib_ones_come) {
    u32 p = begin(1);
    map(p, SLOT2, 2 * MIB, RIGHTS_RW);
    for (u32 i = 0; i < TABLE_ENTRIES; i += 37) {
        poke(p, SLOT2 + i * PAGE_SIZE, i);
    }
    CHECK(sim_walk(SLOT2).large, "no 2 MiB page was used");
    u32 child = process_clone_must(p, COPY_ALL);
    poke(p, SLOT2, 7777); /* splits */
    CHECK(!sim_walk(SLOT2).large, "the shared 2 MiB page was written to");
    CHECK_EQUAL(counters().large_splits, 1);
    for (u32 i = 37; i < TABLE_ENTRIES; i += 37) {
        CHECK_EQUAL(peek(p, SLOT2 + i * PAGE_SIZE), i);
        CHECK_EQUAL(peek(child, SLOT2 + i * PAGE_SIZE), i);
    }
    CHECK_EQUAL(peek(child, SLOT2), 0);
    finish();
}

/* New frames are full of what looks like entries that lead to a page of somebody's. */
TEST(hazard_37_a_new_table_is_empty_before_it_is_published) {
    u32 p = begin(1);
    process_run(p);
    frame_rubbish = frame_address(sim_walk(SLOT1).frame) | SIM_ENTRY_PRESENT | SIM_ENTRY_USER;
    map(p, SLOT2, 64 * PAGE_SIZE, RIGHTS_RW);
    poke(p, SLOT2 + 9 * PAGE_SIZE, 1);
    sim_check_translations("a first touch");
    finish();
}

TEST(hazard_37_a_table_is_complete_before_it_is_published) { /* publish is followed by fills of all
                                                                that it leads to */
    u32 p = begin(1), child;
    map(p, SLOT2, 64 * PAGE_SIZE, RIGHTS_RW);
    peek(p, SLOT2 + 9 * PAGE_SIZE); /* a new table */
    sim_check_translations("a first touch");
    child = process_clone_must(p, COPY_ALL);
    poke(p, SLOT2 + 9 * PAGE_SIZE, 1); /* a copied table */
    poke(child, SLOT2 + 9 * PAGE_SIZE, 2);
    map(p, SLOT2 + 2 * MIB, 2 * MIB, RIGHTS_RW);
    poke(p, SLOT2 + 2 * MIB, 3);
    CHECK_EQUAL(quarter_unmap(process_quarter(p, 2), 3 * MIB, PAGE_SIZE), 0); /* a split table */
    sim_check_translations("a split");
    CHECK_EQUAL(peek(p, SLOT2 + 2 * MIB), 3);
    finish();
}

TEST(hazard_41_no_accessed_bit_lands_in_a_freed_table) { /* sim_check_freed sees cached directory
                                                            entries as well */
    u32 p = begin(4), child = process_clone_must(p, COPY_ALL);
    process_run(p);
    sim_speculate(SLOT1);
    poke(p, SLOT1, 2);
    process_end(child);
    CHECK_EQUAL(quarter_unmap(process_quarter(p, 1), 0, 2 * MIB), 0);
    for (u32 i = 0; i < 50; i++) { /* its frame is used again */
        struct quarter *quarter = handle_new(0);
        sim_speculate(SLOT1 + i * PAGE_SIZE);
        for (u32 k = 0; k < arch_directory_entries(0); k++) {
            CHECK_EQUAL(quarter->directory[k].raw, 0);
        }
    }
    finish();
}

TEST(hazard_43_a_new_space_at_an_old_address_is_loaded_afresh) {
    world_boot(&memory_usual);
    process_new(); /* stays, so that the memory for spaces does too */
    u32 old = process_new();
    struct space *address = world.process[old];
    u64 id = address->id;
    map(old, SLOT1, PAGE_SIZE, RIGHTS_RW);
    poke(old, SLOT1, 1);
    process_end(old);
    u32 new = process_new();
    CHECK(world.process[new] == address, "the space is elsewhere: the test shows nothing");
    CHECK(world.process[new]->id != id, "the identity %llu is used again", (unsigned long long)id);
    peek_fails(new, SLOT1, FAULT_NO_REGION);
    map(new, SLOT1, PAGE_SIZE, RIGHTS_RW);
    CHECK_EQUAL(peek(new, SLOT1), 0);
    finish();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hazard_01_unmapped_frame_is_not_reused_before_the_tlb_forgets_it),
        cmocka_unit_test(hazard_01_cow_frame_is_not_reused_before_the_tlb_forgets_it),
        cmocka_unit_test(hazard_02_page_table_is_not_freed_while_a_cached_directory_entry_walks_it),
        cmocka_unit_test(
            hazard_02_shared_table_is_not_let_go_while_a_cached_directory_entry_walks_it),
        cmocka_unit_test(hazard_03_detached_empty_directory_is_forgotten),
        cmocka_unit_test(hazard_04_loaded_root_is_never_edited),
        cmocka_unit_test(hazard_07_sub_ids_are_never_reused),
        cmocka_unit_test(hazard_16_accessed_and_dirty_set_meanwhile_do_no_harm),
        cmocka_unit_test(hazard_17_cow_copy_in_a_shared_quarter_is_seen_by_all_who_share_it),
        cmocka_unit_test(hazard_18_copy_ends_cached_write_access),
        cmocka_unit_test(hazard_18_copy_of_a_quarter_ends_cached_write_access_to_2_mib_pages),
        cmocka_unit_test(hazard_19_copy_of_a_quarter_that_three_spaces_share_protects_all),
        cmocka_unit_test(hazard_20_a_count_of_one_is_reclaimed_and_shared_again),
        cmocka_unit_test(hazard_20_reclaim_does_not_open_frames_that_others_still_have),
        cmocka_unit_test(hazard_21_chain_of_clones_keeps_copy_on_write),
        cmocka_unit_test(hazard_22_kernel_writes_break_copy_on_write),
        cmocka_unit_test(hazard_23_no_memory_in_a_cow_break_harms_nobody_else),
        cmocka_unit_test(hazard_24_rights_are_the_and_of_all_levels),
        cmocka_unit_test(hazard_25_spurious_faults_are_served_and_counted),
        cmocka_unit_test(hazard_31_the_last_handle_goes_while_a_space_has_the_quarter),
        cmocka_unit_test(hazard_32_a_process_ends_while_its_space_is_loaded),
        cmocka_unit_test(hazard_34_nothing_changes_a_shared_table),
        cmocka_unit_test(hazard_35_one_shootdown_for_each_call),
        cmocka_unit_test(hazard_36_2_mib_page_is_cleared_and_shot_down_before_4_kib_ones_come),
        cmocka_unit_test(hazard_37_a_new_table_is_empty_before_it_is_published),
        cmocka_unit_test(hazard_37_a_table_is_complete_before_it_is_published),
        cmocka_unit_test(hazard_41_no_accessed_bit_lands_in_a_freed_table),
        cmocka_unit_test(hazard_43_a_new_space_at_an_old_address_is_loaded_afresh),
    };
    int failed = cmocka_run_group_tests_name("hazards", tests, NULL, NULL);
    sim_knobs.tags = true; /* what is cached stays under its tag */
    failed += cmocka_run_group_tests_name("hazards with tags", tests, NULL, NULL);
    sim_knobs.tag_invalidates = true;
    failed += cmocka_run_group_tests_name("hazards with tag invalidation", tests, NULL, NULL);
    return failed;
}
