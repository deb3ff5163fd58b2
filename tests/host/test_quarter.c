/* SPDX-License-Identifier: MIT */
/*
 * Proves what quarter_map, unmap, protect, copy, write and faults promise, call by call: the errors
 * for bad arguments with nothing changed, zeroed pages, ragged edges, 2 MiB pages, the boot image,
 * statistics.
 */
#include "kernel/object/budget.h"
#include "kernel/vm/table.h"
#include "tests/host/world.h"

#define COPY_ALL PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
#define SLOT1 SLOT_BASE(1)
#define SLOT2 SLOT_BASE(2)

static u32 p;             /* the process of most tests */
static struct quarter *q; /* its slot 1 */

static struct vm_counters counters(void) {
    struct vm_counters sum;
    vm_counters_sum(&sum);
    return sum;
}

static void begin(void) {
    world_boot(&memory_usual);
    p = process_new();
    q = process_quarter(p, 1);
}

static void finish(void) {
    audit("the test");
    process_end_all();
    world_end();
}

/* ---- Arguments ------------------------------------------------------------------------------- */

#define UNCHANGED(call, expected)                                             \
    do {                                                                      \
        u64 before_ = world_digest(true);                                     \
        CHECK_EQUAL(call, expected);                                          \
        CHECK(world_digest(true) == before_, #call " has changed something"); \
    } while (0)

TEST(bad_ranges_are_refused) {
    begin();
    CHECK_EQUAL(quarter_map(q, 0x10000, 0x10000, RIGHTS_RW), 0);
    poke(p, SLOT1 + 0x10000, 1);
    struct {
        u32 offset, length;
        int error;
    } bad[] = {
        {1, PAGE_SIZE, E_ALIGN},
        {0, 1, E_ALIGN},
        {0x800, 0x800, E_ALIGN},
        {0, 0, E_INVALID},
        {QUARTER_SIZE, PAGE_SIZE, E_RANGE},
        {0, QUARTER_SIZE + PAGE_SIZE, E_RANGE},
        {QUARTER_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, E_RANGE},
        {0xFFFFF000, PAGE_SIZE, E_RANGE},
        {0xFFFFF000, 0x2000, E_RANGE},
        {PAGE_SIZE, 0xFFFFF000, E_RANGE},
        {0x80000000, 0x80000000, E_RANGE},
    };
    for (u32 i = 0; i < ARRAY_LENGTH(bad); i++) {
        UNCHANGED(quarter_map(q, bad[i].offset, bad[i].length, RIGHTS_RW), bad[i].error);
        UNCHANGED(quarter_unmap(q, bad[i].offset, bad[i].length), bad[i].error);
        UNCHANGED(quarter_protect(q, bad[i].offset, bad[i].length, RIGHT_READ), bad[i].error);
    }
    UNCHANGED(quarter_map_boot_image(q, 0, (frame_t){0x140}, 0x80000000), E_RANGE);
    UNCHANGED(quarter_map_boot_image(q, 0, (frame_t){0x140}, 0), E_INVALID);
    UNCHANGED(quarter_map_boot_image(q, 5, (frame_t){0x140}, 1), E_ALIGN);
    finish();
}

TEST(slot_3_ends_where_the_users_addresses_end) {
    begin();
    struct quarter *stack = process_quarter(p, 3);
    u32 end = (u32)(ARCH_USER_TOP - SLOT_BASE(3));
    UNCHANGED(quarter_map(stack, end - PAGE_SIZE, 2 * PAGE_SIZE, RIGHTS_RW), E_RANGE);
    CHECK_EQUAL(quarter_map(stack, end - PAGE_SIZE, PAGE_SIZE, RIGHTS_RW), 0);
    poke(p, (u32)(ARCH_USER_TOP - 4), 1);
    CHECK_EQUAL(peek(p, (u32)(ARCH_USER_TOP - 4)), 1);
    finish();
}

TEST(bad_rights_are_refused) {
    begin();
    CHECK_EQUAL(quarter_map(q, 0x10000, 0x10000, RIGHTS_RW), 0);
    const u32 bad[] = {
        0, RIGHT_WRITE, RIGHT_EXECUTE, RIGHTS_RW | RIGHT_EXECUTE, RIGHT_READ | RIGHT_MAP, ~0u};
    for (u32 i = 0; i < ARRAY_LENGTH(bad); i++) {
        UNCHANGED(quarter_map(q, 0x40000, PAGE_SIZE, bad[i]), E_INVALID);
        UNCHANGED(quarter_protect(q, 0x10000, PAGE_SIZE, bad[i]), E_INVALID);
    }
    finish();
}

TEST(overlaps_and_holes_are_refused) {
    begin();
    CHECK_EQUAL(quarter_map(q, 0x10000, 0x10000, RIGHTS_RW), 0);
    UNCHANGED(quarter_map(q, 0x1F000, 0x2000, RIGHTS_RW), E_EXISTS);
    UNCHANGED(quarter_map(q, 0, QUARTER_SIZE / 2, RIGHTS_RW), E_EXISTS);
    UNCHANGED(quarter_protect(q, 0x1F000, 0x2000, RIGHT_READ), E_NOTFOUND);
    UNCHANGED(quarter_protect(q, 0x40000, 0x1000, RIGHT_READ), E_NOTFOUND);
    UNCHANGED(quarter_unmap(q, 0x20000, 0x10000), E_NOTFOUND);
    u32 word = 1;
    UNCHANGED(quarter_write(q, 0x20000, &word, sizeof(word)), E_NOTFOUND);
    CHECK_EQUAL(quarter_map(q, 0x20000, 0x1000, RIGHTS_RW),
                0); /* touching is no overlap, and merges */
    struct quarter_stat stat;
    quarter_stat_fill(q, &stat);
    CHECK_EQUAL(stat.regions, 1);
    finish();
}

TEST(too_many_regions_are_refused) {
    begin();
    u32 count = 0;
    while (quarter_map(q, count * 2 * PAGE_SIZE, PAGE_SIZE, RIGHTS_RW) == 0) {
        count++;
    }
    CHECK_EQUAL(count, REGION_LIMIT);
    UNCHANGED(quarter_map(q, 16 * MIB, PAGE_SIZE, RIGHTS_RW), E_LIMIT);
    CHECK_EQUAL(quarter_unmap(q, 0, PAGE_SIZE), 0);
    CHECK_EQUAL(quarter_map(q, 16 * MIB, 3 * PAGE_SIZE, RIGHTS_RW), 0);
    poke(p, SLOT1 + 16 * MIB + PAGE_SIZE, 8);
    UNCHANGED(quarter_unmap(q, 16 * MIB + PAGE_SIZE, PAGE_SIZE), E_LIMIT);
    UNCHANGED(quarter_protect(q, 16 * MIB + PAGE_SIZE, PAGE_SIZE, RIGHT_READ), E_LIMIT);
    finish();
}

/* ---- Faults ---------------------------------------------------------------------------------- */

TEST(first_touch_gives_zeros) {
    begin();
    map(p, SLOT1, 600 * PAGE_SIZE, RIGHTS_RW);
    map(p, SLOT2, 2 * MIB, RIGHTS_RW);
    for (u32 page = 0; page < 600; page += 7) { /* new frames come full of rubbish */
        for (u32 at = 0; at < PAGE_SIZE; at += 508) {
            CHECK_EQUAL(peek(p, SLOT1 + page * PAGE_SIZE + at), 0);
            CHECK_EQUAL(peek(p, SLOT2 + page % 512 * PAGE_SIZE + at), 0);
        }
    }
    finish();
}

TEST(refusals_name_their_reason) {
    begin();
    map(p, SLOT1, PAGE_SIZE, RIGHT_READ);
    map(p, SLOT1 + PAGE_SIZE, PAGE_SIZE, RIGHTS_RX);
    map(p, SLOT1 + 2 * PAGE_SIZE, PAGE_SIZE, RIGHTS_RW);
    for (u32 touched = 0; touched < 2;
         touched++) { /* the same before and after the page is there */
        poke_fails(p, SLOT1, FAULT_RIGHTS);
        execute_fails(p, SLOT1, FAULT_RIGHTS);
        poke_fails(p, SLOT1 + PAGE_SIZE, FAULT_RIGHTS);
        execute_fails(p, SLOT1 + 2 * PAGE_SIZE, FAULT_RIGHTS);
        peek_fails(p, SLOT1 + 3 * PAGE_SIZE, FAULT_NO_REGION);
        CHECK_EQUAL(peek(p, SLOT1), 0);
        execute_works(p, SLOT1 + PAGE_SIZE);
        poke(p, SLOT1 + 2 * PAGE_SIZE, 1);
    }
    process_attach(p, 1, NULL, 0);
    peek_fails(p, SLOT1, FAULT_NO_QUARTER);
    finish();
}

TEST(without_nx_every_page_may_run) {
    sim_knobs.no_execute = false;
    begin();
    map(p, SLOT1, 4 * MIB, RIGHTS_RW);
    poke(p, SLOT1, 1);
    execute_works(p, SLOT1); /* the CPU cannot stop it */
    CHECK_EQUAL(quarter_protect(q, PAGE_SIZE, PAGE_SIZE, RIGHT_READ), 0);
    CHECK_EQUAL(peek(p, SLOT1), 1);
    poke_fails(p, SLOT1 + PAGE_SIZE, FAULT_RIGHTS);
    u32 child = process_clone_must(p, COPY_ALL);
    poke(child, SLOT1, 2);
    CHECK_EQUAL(peek(p, SLOT1), 1);
    finish();
}

TEST(a_write_fault_beside_a_shared_page_copies_only_what_it_must) {
    begin();
    map(p, SLOT1, 512 * PAGE_SIZE - PAGE_SIZE, RIGHTS_RW);
    for (u32 i = 0; i < 500; i++) {
        poke(p, SLOT1 + i * PAGE_SIZE, i);
    }
    u32 free = frame_free_count(), child = process_clone_must(p, COPY_ALL);
    u32 after_clone = frame_free_count();
    CHECK(free - after_clone < 16, "a clone takes %u frames", free - after_clone);
    poke(child, SLOT1 + 3 * PAGE_SIZE, 1);
    CHECK_EQUAL(after_clone - frame_free_count(), 2); /* one table and one page */
    CHECK_EQUAL(counters().table_copies, 1);
    CHECK_EQUAL(counters().page_copies, 1);
    poke(child, SLOT1 + 4 * PAGE_SIZE, 1);
    CHECK_EQUAL(after_clone - frame_free_count(), 3); /* one page */
    poke(p, SLOT1 + 4 * PAGE_SIZE, 1);                /* alone with it again: no copy at all */
    CHECK_EQUAL(after_clone - frame_free_count(), 3);
    finish();
}

TEST(a_copied_page_is_the_same_page) { /* every word of it, but the one that was written */
    begin();
    map(p, SLOT1, PAGE_SIZE, RIGHTS_RW);
    for (u32 at = 0; at < PAGE_SIZE; at += 4) {
        poke(p, SLOT1 + at, at * 3 + 1);
    }
    u32 child = process_clone_must(p, COPY_ALL);
    poke(child, SLOT1 + 2000, 7);
    for (u32 at = 0; at < PAGE_SIZE; at += 4) {
        CHECK_EQUAL(peek(p, SLOT1 + at), at * 3 + 1);
        CHECK_EQUAL(peek(child, SLOT1 + at), at == 2000 ? 7 : at * 3 + 1);
    }
    finish();
}

TEST(a_read_of_a_copy_copies_nothing) {
    begin();
    map(p, SLOT1, 64 * PAGE_SIZE, RIGHTS_RW);
    poke(p, SLOT1, 5);
    u32 child = process_clone_must(p, COPY_ALL), free = frame_free_count(),
        faults = sim_user_faults();
    CHECK_EQUAL(peek(child, SLOT1), 5);
    CHECK_EQUAL(sim_user_faults(), faults); /* not even a fault */
    CHECK_EQUAL(frame_free_count(), free);
    finish();
}

/* ---- 2 MiB pages ----------------------------------------------------------------------------- */

TEST(large_pages_are_used_where_they_fit) {
    begin();
    map(p, SLOT1 + MIB, 5 * MIB, RIGHTS_RW); /* one whole span [2, 4) and [4, 6), ragged before */
    poke(p, SLOT1 + MIB, 1);
    CHECK(!sim_walk(SLOT1 + MIB).large, "a 2 MiB page beyond its region");
    poke(p, SLOT1 + 2 * MIB + 12345, 2);
    CHECK(sim_walk(SLOT1 + 2 * MIB).large, "no 2 MiB page where one fits");
    CHECK_EQUAL(counters().large_fills, 1);
    CHECK_EQUAL(q->resident, 1 + LARGE_FRAMES);
    CHECK_EQUAL(counters().page_faults, 2);
    finish();
}

TEST(small_pages_do_where_no_block_is_whole) {
    world_boot(&memory_small);
    p = process_new();
    q = process_quarter(p, 1);
    frame_t block;
    while (frame_allocate_large(NULL, &block) == 0) {
        world.frames_at_start -= LARGE_FRAMES;
    }
    map(p, SLOT1, 4 * MIB, RIGHTS_RW);
    poke(p, SLOT1 + PAGE_SIZE, 1);
    CHECK(!sim_walk(SLOT1 + PAGE_SIZE).large, "a 2 MiB page out of nothing");
    CHECK_EQUAL(q->resident, 1);
    process_end_all();
    world_end();
}

TEST(a_large_page_is_split_by_unmap_protect_and_write_to_a_copy) {
    for (u32 kind = 0; kind < 4; kind++) {
        if (kind == 0) {
            begin();
        }
        u32 at = kind * 4 * MIB;
        map(p, SLOT1 + at, 2 * MIB, RIGHTS_RW);
        for (u32 page = 0; page < TABLE_ENTRIES; page++) {
            poke(p, SLOT1 + at + page * PAGE_SIZE, page + 1);
        }
        struct quarter *copy = NULL;
        if (kind >= 2) {
            CHECK_EQUAL(quarter_copy(q, world.budget, &copy), 0);
            handle_keep(copy);
        }
        if (kind == 0 || kind == 3) {
            CHECK_EQUAL(quarter_unmap(q, at + 100 * PAGE_SIZE, 3 * PAGE_SIZE), 0);
            peek_fails(p, SLOT1 + at + 101 * PAGE_SIZE, FAULT_NO_REGION);
        } else if (kind == 1) {
            CHECK_EQUAL(quarter_protect(q, at + 100 * PAGE_SIZE, 3 * PAGE_SIZE, RIGHT_READ), 0);
            poke_fails(p, SLOT1 + at + 101 * PAGE_SIZE, FAULT_RIGHTS);
        } else {
            poke(p, SLOT1 + at + 101 * PAGE_SIZE, 9999);
        }
        audit("a split");
        for (u32 page = 0; page < TABLE_ENTRIES; page++) {
            if (page < 100 || page > 102) {
                CHECK_EQUAL(peek(p, SLOT1 + at + page * PAGE_SIZE), page + 1);
            }
        }
        if (copy) {
            struct quarter *old = q;
            quarter_reference(old);
            handle_keep(old);
            process_attach(p, 1, copy, VIEW_FULL);
            CHECK_EQUAL(peek(p, SLOT1 + at + 101 * PAGE_SIZE), 102);
            process_attach(p, 1, old, VIEW_FULL);
            handle_drop(old);
            handle_drop(copy);
        }
    }
    finish();
}

TEST(rights_that_grow_in_a_part_of_a_large_page_stay_there) { /* found by test_random */
    begin();
    map(p, SLOT1, 4 * MIB, RIGHT_READ);
    CHECK_EQUAL(peek(p, SLOT1), 0);
    CHECK_EQUAL(peek(p, SLOT1 + 2 * MIB), 0);
    CHECK_EQUAL(quarter_protect(q, 100 * PAGE_SIZE, 3 * PAGE_SIZE, RIGHTS_RW), 0);
    CHECK_EQUAL(quarter_protect(q, 2 * MIB + 100 * PAGE_SIZE, 3 * PAGE_SIZE, RIGHTS_RX), 0);
    poke(p, SLOT1 + 101 * PAGE_SIZE, 1);
    execute_works(p, SLOT1 + 2 * MIB + 101 * PAGE_SIZE);
    poke_fails(p, SLOT1 + 99 * PAGE_SIZE, FAULT_RIGHTS);
    poke_fails(p, SLOT1 + 103 * PAGE_SIZE, FAULT_RIGHTS);
    execute_fails(p, SLOT1 + 2 * MIB + 99 * PAGE_SIZE, FAULT_RIGHTS);
    finish();
}

TEST(a_large_page_that_is_alone_again_is_written_in_place) {
    begin();
    map(p, SLOT1, 2 * MIB, RIGHTS_RW);
    poke(p, SLOT1, 1);
    u32 child = process_clone_must(p, COPY_ALL);
    process_end(child);
    u32 free = frame_free_count();
    poke(p, SLOT1, 2);
    CHECK(sim_walk(SLOT1).large && frame_free_count() == free, "it was split or copied");
    finish();
}

TEST(a_large_page_is_protected_and_unmapped_whole) {
    begin();
    map(p, SLOT1, 4 * MIB, RIGHTS_RW);
    poke(p, SLOT1, 1);
    poke(p, SLOT1 + 2 * MIB, 2);
    CHECK_EQUAL(quarter_protect(q, 0, 2 * MIB, RIGHT_READ), 0);
    poke_fails(p, SLOT1, FAULT_RIGHTS);
    CHECK_EQUAL(peek(p, SLOT1), 1);
    CHECK(sim_walk(SLOT1).large, "it was split");
    CHECK_EQUAL(quarter_protect(q, 0, 2 * MIB, RIGHTS_RX), 0);
    execute_works(p, SLOT1);
    CHECK_EQUAL(quarter_protect(q, 0, 2 * MIB, RIGHTS_RW), 0);
    execute_fails(p, SLOT1, FAULT_RIGHTS);
    poke(p, SLOT1, 3);
    CHECK_EQUAL(quarter_unmap(q, 0, 4 * MIB), 0);
    CHECK_EQUAL(q->resident, 0);
    finish();
}

/* ---- Unmap and protect ----------------------------------------------------------------------- */

TEST(unmap_takes_the_range_and_nothing_else) {
    begin();
    u32 span = 6 * MIB + 64 * PAGE_SIZE;
    for (u32 shared = 0; shared < 2; shared++) {
        map(p, SLOT1, span, RIGHTS_RW);
        for (u32 at = 0; at < span; at += 5 * PAGE_SIZE) {
            poke(p, SLOT1 + at, at + 1);
        }
        u32 child = shared ? process_clone_must(p, COPY_ALL) : p;
        u32 start = 3 * PAGE_SIZE, end = span - 7 * PAGE_SIZE;
        process_run(p);
        CHECK_EQUAL(quarter_unmap(q, start, end - start), 0);
        audit("unmap");
        for (u32 at = 0; at < span; at += 5 * PAGE_SIZE) {
            if (at >= start && at < end) {
                peek_fails(p, SLOT1 + at, FAULT_NO_REGION);
            } else {
                CHECK_EQUAL(peek(p, SLOT1 + at), at + 1);
            }
            if (shared) {
                CHECK_EQUAL(peek(child, SLOT1 + at), at + 1);
            }
        }
        CHECK_EQUAL(quarter_unmap(q, 0, span), 0);
    }
    finish();
}

TEST(unmap_removes_several_regions_and_the_holes_between) {
    begin();
    for (u32 i = 0; i < 10; i++) {
        map(p, SLOT1 + i * 3 * PAGE_SIZE, PAGE_SIZE, i % 2 ? RIGHTS_RW : RIGHT_READ);
        peek(p, SLOT1 + i * 3 * PAGE_SIZE);
    }
    CHECK_EQUAL(quarter_unmap(q, PAGE_SIZE, 25 * PAGE_SIZE), 0);
    struct quarter_stat stat;
    quarter_stat_fill(q, &stat);
    CHECK_EQUAL(stat.regions, 2);
    CHECK_EQUAL(stat.resident, 2);
    finish();
}

TEST(protect_shrinks_and_grows) {
    begin();
    map(p, SLOT1, 8 * MIB, RIGHTS_RW);
    for (u32 i = 0; i < 4; i++) {
        map(p, SLOT2 + i * 2 * MIB, 2 * MIB - PAGE_SIZE, RIGHTS_RW); /* small pages */
        poke(p, SLOT1 + i * 2 * MIB, i);
        poke(p, SLOT2 + i * 2 * MIB, i);
    }
    u32 child = process_clone_must(p, COPY_ALL);
    for (u32 slot = 1; slot <= 2; slot++) {
        struct quarter *quarter = process_quarter(p, slot);
        u32 end = slot == 1 ? 8 * MIB : 2 * MIB - PAGE_SIZE;
        process_run(p);
        CHECK_EQUAL(quarter_protect(quarter, 0, end, RIGHT_READ), 0);
        sim_check_translations("protect");
        poke_fails(p, SLOT_BASE(slot), FAULT_RIGHTS);
        poke(child, SLOT_BASE(slot), 70);
        CHECK_EQUAL(peek(p, SLOT_BASE(slot)), 0);
        process_run(p);
        CHECK_EQUAL(quarter_protect(quarter, 0, end, RIGHTS_RX), 0);
        execute_works(p, SLOT_BASE(slot));
        poke_fails(p, SLOT_BASE(slot), FAULT_RIGHTS);
        CHECK_EQUAL(quarter_protect(quarter, PAGE_SIZE, PAGE_SIZE, RIGHTS_RW), 0);
        sim_check_translations("protect");
        execute_fails(p, SLOT_BASE(slot) + PAGE_SIZE, FAULT_RIGHTS);
        poke(p, SLOT_BASE(slot) + PAGE_SIZE, 7);
        execute_works(p, SLOT_BASE(slot));
        CHECK_EQUAL(peek(child, SLOT_BASE(slot) + PAGE_SIZE), 0);
        audit("protect");
    }
    finish();
}

/* ---- Supply and the boot image --------------------------------------------------------------- */

TEST(supply_writes_whatever_the_rights) {
    begin();
    map(p, SLOT1, 2 * PAGE_SIZE, RIGHTS_RX);
    map(p, SLOT2, 2 * MIB, RIGHT_READ);
    u32 word = 0x1234;
    CHECK_EQUAL(quarter_write(q, 8, &word, sizeof(word)), 0);
    CHECK_EQUAL(quarter_write(q, PAGE_SIZE - 4, &word, sizeof(word)), 0);
    CHECK_EQUAL(quarter_write(process_quarter(p, 2), MIB, &word, sizeof(word)), 0);
    CHECK_EQUAL(peek(p, SLOT1 + 8), 0x1234);
    CHECK_EQUAL(peek(p, SLOT1), 0);
    CHECK_EQUAL(peek(p, SLOT1 + PAGE_SIZE - 4), 0x1234);
    CHECK_EQUAL(peek(p, SLOT2 + MIB), 0x1234);
    poke_fails(p, SLOT1 + 8, FAULT_RIGHTS);
    poke_fails(p, SLOT2 + MIB, FAULT_RIGHTS);
    execute_works(p, SLOT1);
    finish();
}

TEST(the_boot_image_is_read_copied_and_never_freed) {
    begin();
    struct quarter *image = process_quarter(p, 2);
    CHECK_EQUAL(quarter_map_boot_image(image, 3 * PAGE_SIZE, (frame_t){0x140}, 8), 0);
    for (u32 i = 0; i < 8; i++) {
        CHECK_EQUAL(peek(p, SLOT2 + (3 + i) * PAGE_SIZE), 0x01010101 * (0x30 + i));
    }
    poke_fails(p, SLOT2 + 3 * PAGE_SIZE, FAULT_RIGHTS);
    u32 child = process_clone_must(p, COPY_ALL), word = 5;
    CHECK_EQUAL(quarter_write(image, 4 * PAGE_SIZE, &word, sizeof(word)),
                0); /* into a copy of the page */
    CHECK_EQUAL(peek(p, SLOT2 + 4 * PAGE_SIZE), 5);
    CHECK_EQUAL(peek(child, SLOT2 + 4 * PAGE_SIZE), 0x31313131);
    CHECK_EQUAL(quarter_protect(image, 3 * PAGE_SIZE, 8 * PAGE_SIZE, RIGHTS_RW), 0);
    poke(p, SLOT2 + 5 * PAGE_SIZE, 6);
    CHECK_EQUAL(peek(child, SLOT2 + 5 * PAGE_SIZE), 0x32323232);
    CHECK_EQUAL(quarter_unmap(image, 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    audit("the boot image");
    process_end_all();
    for (u32 i = 0; i < 8; i++) {
        CHECK_EQUAL(frame_references((frame_t){0x140 + i}), 1);
        CHECK_EQUAL(*sim_frame_bytes((frame_t){0x140 + i}), 0x30 + i);
    }
    world_end();
}

/* ---- Statistics and limits ------------------------------------------------------------------- */

TEST(statistics_and_region_info) {
    begin();
    map(p, SLOT1, 4 * PAGE_SIZE, RIGHTS_RX);
    map(p, SLOT1 + 2 * MIB, 2 * MIB + 8 * PAGE_SIZE, RIGHTS_RW);
    peek(p, SLOT1);
    peek(p, SLOT1 + PAGE_SIZE);
    poke(p, SLOT1 + 2 * MIB, 1);
    poke(p, SLOT1 + 4 * MIB + PAGE_SIZE, 1);
    struct quarter_stat stat;
    quarter_stat_fill(q, &stat);
    CHECK_EQUAL(stat.sub_id, q->sub_id);
    CHECK_EQUAL(stat.slot, 1);
    CHECK_EQUAL(stat.references, 1);
    CHECK_EQUAL(stat.resident, 2 + LARGE_FRAMES + 1);
    CHECK_EQUAL(stat.tables, 2);
    CHECK_EQUAL(stat.regions, 2);
    process_clone_must(p, COPY_ALL);
    struct info_region info;
    CHECK_EQUAL(quarter_region_info(q, 0, &info), 0);
    CHECK(info.start == 0 && info.end == 4 * PAGE_SIZE && info.rights == RIGHTS_RX,
          "region [%#x, %#x)", info.start, info.end);
    CHECK(info.resident == 2 && info.shared == 2 && info.large == 0,
          "%u resident, %u shared, %u large", info.resident, info.shared, info.large);
    CHECK_EQUAL(quarter_region_info(q, 1, &info), 0);
    CHECK(info.resident == LARGE_FRAMES + 1 && info.shared == LARGE_FRAMES + 1 && info.large == 1,
          "%u resident, %u shared, %u large", info.resident, info.shared, info.large);
    poke(p, SLOT1 + 4 * MIB + PAGE_SIZE, 2);
    CHECK_EQUAL(quarter_region_info(q, 1, &info), 0);
    CHECK_EQUAL(info.shared, LARGE_FRAMES);
    CHECK_EQUAL(quarter_region_info(q, 2, &info), E_NOTFOUND);
    CHECK_EQUAL(quarter_region_info(process_quarter(p, 2), 0, &info), E_NOTFOUND);
    finish();
}

TEST(a_memory_hog_meets_its_limit_and_others_do_not) {
    world_boot(&memory_usual);
    struct process_limits limits = {.frames = 40, .quarters = 8};
    u32 other = process_new();
    world.budget = budget_create(&budget_root, &limits);
    p = process_new();
    map(p, SLOT1, 100 * PAGE_SIZE, RIGHTS_RW);
    map(other, SLOT1, 100 * PAGE_SIZE, RIGHTS_RW);
    u32 touched = 0;
    process_run(p);
    while (sim_user_write(SLOT1 + touched * PAGE_SIZE, &touched, sizeof(touched)) == SIM_OK) {
        touched++;
    }
    CHECK(world.fault_reason == FAULT_NO_MEMORY && touched >= 30 && touched < 40,
          "%u pages, reason %d", touched, world.fault_reason);
    for (u32 i = 0; i < 100; i++) {
        poke(other, SLOT1 + i * PAGE_SIZE, i);
    }
    u32 child;
    CHECK_EQUAL(process_clone_try(p, COPY_ALL, &child), E_LIMIT); /* no frames for directories */
    audit("a refused clone");
    struct budget *budget = world.budget;
    process_end_all();
    CHECK_EQUAL(budget->resource[BUDGET_FRAMES].used, 0);
    CHECK_EQUAL(budget->resource[BUDGET_QUARTERS].used, 0);
    world_end();
}

/* The most frames that went between two preemption points. */
static u32 frames_seen, longest_step;

static void step_measure(void) {
    u32 gone = frame_free_count() - frames_seen;
    longest_step = gone > longest_step ? gone : longest_step;
    frames_seen = frame_free_count();
}

TEST(teardown_lets_interrupts_in) {
    begin();
    for (u32 i = 0; i < 100; i++) {
        map(p, SLOT1 + i * 2 * MIB, 40 * PAGE_SIZE, RIGHTS_RW);
        for (u32 page = 0; page < 40; page++) {
            poke(p, SLOT1 + i * 2 * MIB + page * PAGE_SIZE, i);
        }
    }
    u32 most = DISCARD_STEPS + TABLE_ENTRIES + 1;
    preemption_hook = step_measure;
    for (u32 kind = 0; kind < 2; kind++) {
        u64 before = preemption_count();
        frames_seen = frame_free_count();
        longest_step = 0;
        if (kind == 0) {
            CHECK_EQUAL(quarter_unmap(q, 0, 100 * MIB), 0);
        } else {
            process_end(p);
        }
        u64 points = preemption_count() - before;
        CHECK(points >= 50 * 41 / most && longest_step <= most,
              "%llu preemption points for 50 tables of 40 pages, at "
              "most %u frames at once",
              (unsigned long long)points, longest_step);
    }
    preemption_hook = NULL;
    finish();
}

/* cow=eager: what can be written is copied at once, small pages and large ones; what cannot, is not. */
TEST(an_eager_copy_has_frames_of_its_own) {
    begin();
    map(p, SLOT1, 4 * MIB, RIGHTS_RW); /* a large page, then small ones */
    poke(p, SLOT1, 1);
    map(p, SLOT1 + 8 * MIB, 3 * PAGE_SIZE, RIGHTS_RW);
    poke(p, SLOT1 + 8 * MIB, 2);
    poke(p, SLOT1 + 8 * MIB + PAGE_SIZE, 3);
    CHECK_EQUAL(quarter_protect(q, 8 * MIB + PAGE_SIZE, PAGE_SIZE, RIGHT_READ), 0);
    u32 before = frame_free_count();
    struct quarter *copy;
    quarter_copies_eagerly = true;
    CHECK_EQUAL(quarter_copy(q, world.budget, &copy), 0);
    quarter_copies_eagerly = false;
    handle_keep(copy);
    /* The pages that can be written, two tables, the directory; not the one that cannot. */
    CHECK_EQUAL(before - frame_free_count(), TABLE_ENTRIES + 1 + 2 + 1);
    audit("an eager copy");
    struct vm_counters lazy = counters();
    poke(p, SLOT1, 4);
    poke(p, SLOT1 + 8 * MIB, 5);
    quarter_reference(q);
    handle_keep(q);
    process_attach(p, 1, copy, VIEW_FULL);
    CHECK_EQUAL(peek(p, SLOT1), 1);
    CHECK_EQUAL(peek(p, SLOT1 + 8 * MIB), 2);
    CHECK_EQUAL(peek(p, SLOT1 + 8 * MIB + PAGE_SIZE), 3);
    poke(p, SLOT1 + 8 * MIB, 6);
    CHECK_EQUAL(counters().page_copies, lazy.page_copies);
    poke_fails(p, SLOT1 + 8 * MIB + PAGE_SIZE, FAULT_RIGHTS);
    handle_drop(q);
    handle_drop(copy);
    finish();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_ranges_are_refused),
        cmocka_unit_test(slot_3_ends_where_the_users_addresses_end),
        cmocka_unit_test(bad_rights_are_refused),
        cmocka_unit_test(overlaps_and_holes_are_refused),
        cmocka_unit_test(too_many_regions_are_refused),
        cmocka_unit_test(first_touch_gives_zeros),
        cmocka_unit_test(refusals_name_their_reason),
        cmocka_unit_test(without_nx_every_page_may_run),
        cmocka_unit_test(a_write_fault_beside_a_shared_page_copies_only_what_it_must),
        cmocka_unit_test(a_copied_page_is_the_same_page),
        cmocka_unit_test(a_read_of_a_copy_copies_nothing),
        cmocka_unit_test(large_pages_are_used_where_they_fit),
        cmocka_unit_test(small_pages_do_where_no_block_is_whole),
        cmocka_unit_test(a_large_page_is_split_by_unmap_protect_and_write_to_a_copy),
        cmocka_unit_test(rights_that_grow_in_a_part_of_a_large_page_stay_there),
        cmocka_unit_test(a_large_page_that_is_alone_again_is_written_in_place),
        cmocka_unit_test(a_large_page_is_protected_and_unmapped_whole),
        cmocka_unit_test(unmap_takes_the_range_and_nothing_else),
        cmocka_unit_test(unmap_removes_several_regions_and_the_holes_between),
        cmocka_unit_test(protect_shrinks_and_grows),
        cmocka_unit_test(supply_writes_whatever_the_rights),
        cmocka_unit_test(the_boot_image_is_read_copied_and_never_freed),
        cmocka_unit_test(statistics_and_region_info),
        cmocka_unit_test(a_memory_hog_meets_its_limit_and_others_do_not),
        cmocka_unit_test(teardown_lets_interrupts_in),
        cmocka_unit_test(an_eager_copy_has_frames_of_its_own),
    };
    return cmocka_run_group_tests_name("quarter", tests, NULL, NULL);
}
