/* SPDX-License-Identifier: MIT */
/*
 * Proves that device memory is mapped as it is and nothing else: writes reach the device through
 * copies too, no count of frames moves, nothing is ever copied, and what the region loses every CPU
 * loses.
 */
#include "kernel/vm/frame.h"
#include "kernel/vm/supply.h"
#include "tests/host/world.h"

#define COPY_ALL PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
#define DEVICE_PAGES 8u
#define SLOT1 SLOT_BASE(1)
#define SLOT2 SLOT_BASE(2)
#define READ_WRITE (RIGHT_READ | RIGHT_WRITE)

static u32 p;
static frame_t device;

/* The device stands in the hole that the memory has. */
static void begin(void) {
    world_boot(&memory_usual);
    device = (frame_t){memory_usual.hole_start + 2};
    CHECK(memory_usual.hole_frames >= DEVICE_PAGES + 2, "the hole is too small");
    sim_device(device.number, DEVICE_PAGES);
    p = process_new();
}

static void finish(void) {
    audit("all");
    process_end_all();
    world_end();
}

static struct quarter *shared_quarter(u32 process) { return process_quarter(process, 2); }

static u32 *device_word(u32 page) {
    return (u32 *)(void *)sim_frame_bytes((frame_t){device.number + page});
}

static void device_map(u32 offset, u32 rights) {
    CHECK_EQUAL(quarter_map_device(shared_quarter(p), offset, device, DEVICE_PAGES, rights), 0);
}

TEST(accesses_reach_the_device) {
    begin();
    device_map(PAGE_SIZE, READ_WRITE);
    peek(p, SLOT2 + PAGE_SIZE);
    u32 free = frame_free_count();
    *device_word(3) = 0x1234;
    CHECK_EQUAL(peek(p, SLOT2 + 4 * PAGE_SIZE), 0x1234);
    poke(p, SLOT2 + 5 * PAGE_SIZE, 77);
    CHECK_EQUAL(*device_word(4), 77);
    CHECK_EQUAL(frame_free_count(), free);
    execute_fails(p, SLOT2 + PAGE_SIZE, FAULT_RIGHTS);
    peek_fails(p, SLOT2, FAULT_NO_REGION);
    peek_fails(p, SLOT2 + (DEVICE_PAGES + 1) * PAGE_SIZE, FAULT_NO_REGION);
    finish();
}

TEST(copies_share_it_and_count_nothing) {
    begin();
    device_map(0, READ_WRITE);
    map(p, SLOT2 + 16 * PAGE_SIZE, PAGE_SIZE, READ_WRITE); /* in the same table */
    poke(p, SLOT2, 1);
    poke(p, SLOT2 + 16 * PAGE_SIZE, 5);
    u32 child = process_clone_must(p, COPY_ALL);
    audit("the copy");
    poke(child, SLOT2, 2); /* the child's table becomes its own */
    poke(child, SLOT2 + 16 * PAGE_SIZE, 6);
    CHECK_EQUAL(*device_word(0), 2);
    CHECK_EQUAL(peek(p, SLOT2), 2);
    poke(p, SLOT2, 3); /* reclaimed */
    CHECK_EQUAL(peek(child, SLOT2), 3);
    CHECK_EQUAL(peek(p, SLOT2 + 16 * PAGE_SIZE), 5);
    u32 grandchild = process_clone_must(child, COPY_ALL);
    poke(grandchild, SLOT2 + PAGE_SIZE, 9); /* the first touch comes after the copy */
    CHECK_EQUAL(peek(p, SLOT2 + PAGE_SIZE), 9);
    audit("writes");
    process_end(child);
    audit("an end");
    poke(p, SLOT2, 4);
    CHECK_EQUAL(peek(grandchild, SLOT2), 4);
    finish();
}

TEST(unmap_and_protect_take_it_away) {
    begin();
    device_map(0, READ_WRITE);
    for (u32 i = 0; i < DEVICE_PAGES; i++) {
        poke(p, SLOT2 + i * PAGE_SIZE, i);
    }
    struct quarter *quarter = shared_quarter(p);
    CHECK_EQUAL(quarter_protect(quarter, 0, 2 * PAGE_SIZE, RIGHT_READ), 0);
    poke_fails(p, SLOT2, FAULT_RIGHTS);
    CHECK_EQUAL(peek(p, SLOT2 + PAGE_SIZE), 1);
    CHECK_EQUAL(quarter_unmap(quarter, 3 * PAGE_SIZE, PAGE_SIZE), 0);
    peek_fails(p, SLOT2 + 3 * PAGE_SIZE, FAULT_NO_REGION);
    poke(p, SLOT2 + 4 * PAGE_SIZE, 44); /* the rest of the region leads to the same pages */
    CHECK_EQUAL(*device_word(4), 44);
    audit("a part");
    CHECK_EQUAL(quarter_unmap(quarter, 0, 2 * PAGE_SIZE * 512), 0);
    peek_fails(p, SLOT2 + 4 * PAGE_SIZE, FAULT_NO_REGION);
    CHECK_EQUAL(*device_word(7), 7);
    finish();
}

TEST(rights_do_not_grow_and_nothing_is_supplied) {
    begin();
    u32 word = 1, done;
    struct quarter *quarter = shared_quarter(p), *other = handle_new(2);
    *device_word(0) = 4711;
    device_map(0, RIGHT_READ);
    CHECK_EQUAL(quarter_protect(quarter, 0, PAGE_SIZE, READ_WRITE), E_RIGHTS);
    CHECK_EQUAL(quarter_protect(quarter, 0, PAGE_SIZE, RIGHT_READ | RIGHT_EXECUTE), E_RIGHTS);
    CHECK_EQUAL(quarter_protect(quarter, 0, PAGE_SIZE, RIGHT_READ), 0);
    CHECK_EQUAL(quarter_write(quarter, 0, &word, sizeof(word)), E_INVALID);
    CHECK_EQUAL(quarter_map(other, 0, PAGE_SIZE, READ_WRITE), 0);
    for (u32 mode = PAGER_MOVE; mode <= PAGER_SHARE; mode++) {
        CHECK_EQUAL(quarter_supply_pages(other, 0, quarter, 0, 1, mode, 0, &done), E_INVALID);
        CHECK_EQUAL(quarter_supply_pages(quarter, 0, other, 0, 1, mode, 0, &done), E_INVALID);
    }
    CHECK_EQUAL(*device_word(0), 4711);
    finish();
}

TEST(what_cannot_be_mapped_is_refused) {
    begin();
    struct quarter *quarter = shared_quarter(p);
    CHECK_EQUAL(quarter_map_device(quarter, 5, device, 1, READ_WRITE), E_ALIGN);
    CHECK_EQUAL(quarter_map_device(quarter, 0, device, 0, READ_WRITE), E_INVALID);
    CHECK_EQUAL(quarter_map_device(quarter, 0, device, 1, RIGHT_WRITE), E_INVALID);
    CHECK_EQUAL(quarter_map_device(quarter, 0, device, 1, RIGHT_READ | RIGHT_EXECUTE), E_INVALID);
    CHECK_EQUAL(quarter_map_device(quarter, QUARTER_SIZE, device, 1, RIGHT_READ), E_RANGE);
    device_map(0, RIGHT_READ);
    CHECK_EQUAL(quarter_map_device(quarter, PAGE_SIZE, device, 1, RIGHT_READ), E_EXISTS);
    finish();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accesses_reach_the_device),
        cmocka_unit_test(copies_share_it_and_count_nothing),
        cmocka_unit_test(unmap_and_protect_take_it_away),
        cmocka_unit_test(rights_do_not_grow_and_nothing_is_supplied),
        cmocka_unit_test(what_cannot_be_mapped_is_refused),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
