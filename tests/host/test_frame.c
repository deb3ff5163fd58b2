/* SPDX-License-Identifier: MIT */
/*
 * Proves that the frame allocator hands out each usable frame exactly once, keeps the zones apart,
 * never touches what is no RAM or taken at boot, coalesces to whole 2 MiB blocks, and keeps counts
 * and charges right.
 */
#include "kernel/boot/boot_info.h"
#include "kernel/object/budget.h"
#include "kernel/vm/frame.h"
#include "tests/host/harness.h"

static frame_t allocate(enum frame_zone zone) {
    frame_t frame;
    frame_allocate(zone, NULL, &frame);
    return frame;
}

static frame_t allocate_large(void) {
    frame_t first;
    frame_allocate_large(NULL, &first);
    return first;
}

/* Take frames of ZONE until there are none; the number taken. */
static u32 drain(enum frame_zone zone, u8 *seen) {
    u32 count = 0;
    for (frame_t frame = allocate(zone); !frame_is_none(frame); frame = allocate(zone)) {
        CHECK(sim_frame_exists(frame), "frame %#x is no RAM", frame.number);
        CHECK(!seen[frame.number], "frame %#x is handed out twice", frame.number);
        CHECK_EQUAL(frame_references(frame), 1);
        seen[frame.number] = 1;
        count++;
    }
    return count;
}

static void release_all(const u8 *seen) {
    for (u32 i = 0; i < sim_frame_limit(); i++) {
        if (seen[i]) {
            frame_release((frame_t){i});
        }
    }
}

TEST(each_frame_is_handed_out_once) {
    machine_boot(&memory_usual);
    u8 *seen = calloc(1, sim_frame_limit());
    u32 free = frame_free_count();
    CHECK_EQUAL(drain(FRAME_USER, seen), free);
    CHECK_EQUAL(frame_free_count(), 0);
    frame_t none;
    CHECK_EQUAL(frame_allocate(FRAME_LOW, NULL, &none), E_NOMEM);
    CHECK(frame_is_none(none), "frame %#x comes with an error", none.number);
    release_all(seen);
    CHECK_EQUAL(frame_free_count(), free);
}

TEST(boot_takes_what_is_not_free) {
    machine_boot(&memory_usual);
    const struct boot_info *boot = machine_boot_info();
    u8 *seen = calloc(1, sim_frame_limit());
    drain(FRAME_USER, seen);
    for (u32 i = 0; i < arch_memory_reserved_low(); i++) {
        CHECK(!seen[i], "firmware's frame %#x is handed out", i);
    }
    for (u64 at = boot->kernel_start; at < boot->kernel_end; at += PAGE_SIZE) {
        CHECK(!seen[at >> PAGE_SHIFT], "the kernel's frame %#llx is handed out",
              (unsigned long long)at >> PAGE_SHIFT);
    }
    for (u64 at = boot->initrd_start; at < boot->initrd_end; at += PAGE_SIZE) {
        CHECK(!seen[at >> PAGE_SHIFT], "the initrd's frame %#llx is handed out",
              (unsigned long long)at >> PAGE_SHIFT);
        CHECK_EQUAL(frame_references((frame_t){(u32)(at >> PAGE_SHIFT)}), 1);
    }
    CHECK(!seen[0x11F], "the last, partial frame of the kernel is handed out");
    CHECK(seen[0x120], "the frame after the kernel is lost");
    for (u32 i = 0xA0; i < 0x100; i++) {
        CHECK(!seen[i], "frame %#x of the hole is handed out", i);
    }
}

TEST(zones_are_kept_apart) {
    machine_boot(&memory_usual);
    u8 *seen = calloc(1, sim_frame_limit());
    CHECK(!arch_frame_is_low(allocate(FRAME_USER)),
          "a user frame is low though high ones are free");
    u32 low = drain(FRAME_LOW, seen);
    for (u32 i = 0; i < sim_frame_limit(); i++) {
        CHECK(!seen[i] || arch_frame_is_low((frame_t){i}), "FRAME_LOW gave the high frame %#x", i);
    }
    CHECK(low > 0 && frame_free_count() == frame_high_total() - 1, "%u low, %u of %u high left",
          low, frame_free_count(), frame_high_total());
    CHECK_EQUAL(drain(FRAME_USER, seen), frame_high_total() - 1);
}

TEST(user_frames_fall_back_to_low_ones) {
    machine_boot(&memory_small);
    CHECK_EQUAL(frame_high_total(), 0);
    CHECK(arch_frame_is_low(allocate(FRAME_USER)), "no low frame for the user");
}

TEST(references_count) {
    machine_boot(&memory_usual);
    u32 free = frame_free_count();
    frame_t frame = allocate(FRAME_LOW);
    frame_reference(frame);
    frame_reference(frame);
    CHECK_EQUAL(frame_references(frame), 3);
    frame_release(frame);
    CHECK(!frame_drop(frame), "the last but one reference counts as the last");
    CHECK_EQUAL(frame_free_count(), free - 1);
    CHECK(frame_drop(frame), "the last reference does not count as such");
    CHECK_EQUAL(frame_free_count(), free - 1); /* until it is freed */
    frame_free(frame);
    CHECK_EQUAL(frame_free_count(), free);
}

TEST(large_blocks_come_whole_and_coalesce) {
    machine_boot(&memory_usual);
    u32 free = frame_free_count();
    frame_t high = allocate_large();
    CHECK(high.number % LARGE_FRAMES == 0 && !arch_frame_is_low(high), "2 MiB block at frame %#x",
          high.number);
    CHECK_EQUAL(frame_free_count(), free - LARGE_FRAMES);
    CHECK_EQUAL(frame_large_references(high), 1);
    CHECK(frame_large_exclusive(high), "a new block is not exclusive");
    frame_release_large(high);
    CHECK_EQUAL(frame_free_count(), free);
    u32 count = 0;
    u8 *seen = calloc(1, sim_frame_limit());
    while (!frame_is_none(allocate_large())) {
        count++;
    }
    CHECK(count >= 30 + 31, "only %u blocks of 2 MiB", count);
    drain(FRAME_USER, seen); /* what is left are partial blocks */
    release_all(seen);
}

TEST(a_block_freed_frame_by_frame_is_whole_again) {
    machine_boot(&memory_usual);
    u8 *seen = calloc(1, sim_frame_limit());
    u32 before = 0, after = 0;
    frame_t block[128];
    while (!frame_is_none(block[before] = allocate_large())) {
        before++;
    }
    for (u32 i = 0; i < before; i++) {
        frame_release_large(block[i]);
    }
    drain(FRAME_USER, seen);
    release_all(seen);
    while (!frame_is_none(block[after] = allocate_large())) {
        after++;
    }
    CHECK_EQUAL(before, after);
}

TEST(single_frames_do_not_break_whole_blocks_needlessly) {
    machine_boot(&memory_usual);
    frame_t first = allocate(FRAME_LOW);
    for (u32 i = 0; i < 200; i++) {
        frame_t frame = allocate(FRAME_LOW);
        CHECK(frame.number / LARGE_FRAMES == first.number / LARGE_FRAMES || i > 50,
              "frame %#x starts another block", frame.number);
    }
}

TEST(large_references_and_split) {
    machine_boot(&memory_usual);
    u32 free = frame_free_count();
    frame_t block = allocate_large();
    frame_reference_block(block.number / LARGE_FRAMES); /* two entries */
    CHECK(!frame_large_exclusive(block), "two entries, and exclusive");
    frame_split_large(block); /* one of them becomes 512 */
    CHECK_EQUAL(frame_large_references(block), 1);
    CHECK_EQUAL(frame_references(block), 2);
    CHECK(!frame_large_exclusive(block), "one entry and 512 small ones, and exclusive");
    for (u32 i = 0; i < LARGE_FRAMES; i += 2) {
        frame_release((frame_t){block.number + i}); /* half of the small ones go */
    }
    CHECK_EQUAL(frame_free_count(), free - LARGE_FRAMES);
    frame_release_large(block); /* the last large entry goes: the other half stays */
    CHECK_EQUAL(frame_free_count(), free - LARGE_FRAMES / 2);
    for (u32 i = 1; i < LARGE_FRAMES; i += 2) {
        CHECK_EQUAL(frame_references((frame_t){block.number + i}), 1);
        frame_release((frame_t){block.number + i});
    }
    CHECK_EQUAL(frame_free_count(), free);
}

TEST(splitting_the_only_entry_gives_the_frames_to_the_small_ones) {
    machine_boot(&memory_usual);
    u32 free = frame_free_count();
    frame_t block = allocate_large();
    frame_split_large(block);
    CHECK_EQUAL(frame_large_references(block), 0);
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        CHECK_EQUAL(frame_references((frame_t){block.number + i}), 1);
        frame_release((frame_t){block.number + i});
    }
    CHECK_EQUAL(frame_free_count(), free);
}

TEST(runs_are_contiguous_aligned_and_low) {
    machine_boot(&memory_usual);
    u32 free = frame_free_count();
    allocate(FRAME_LOW); /* so that the next one is unaligned */
    for (u32 count = 1; count <= 8; count *= 2) {
        frame_t first = frame_allocate_low_run(count);
        CHECK(!frame_is_none(first) && first.number % count == 0, "run of %u at %#x", count,
              first.number);
        for (u32 i = 0; i < count; i++) {
            CHECK(arch_frame_is_low((frame_t){first.number + i}), "a high frame in a run");
            CHECK_EQUAL(frame_references((frame_t){first.number + i}), 1);
        }
        frame_free_low_run(first, count);
    }
    CHECK_EQUAL(frame_free_count(), free - 1);
}

TEST(runs_end_when_only_single_frames_are_left) {
    machine_boot(&memory_small);
    u8 *seen = calloc(1, sim_frame_limit());
    drain(FRAME_LOW, seen);
    u32 count = 0;
    for (u32 i = 0; i < sim_frame_limit(); i += 2) {
        if (seen[i]) {
            frame_release((frame_t){i});
            count++;
        }
    }
    CHECK(frame_is_none(frame_allocate_low_run(2)), "a run of two out of single frames");
    CHECK_EQUAL(frame_free_count(), count);
}

TEST(charges_go_back_to_the_budget_that_paid) {
    machine_boot(&memory_usual);
    struct process_limits limits = {.frames = 600};
    struct budget *budget = budget_create(&budget_root, &limits);
    frame_t block, frame;
    CHECK_EQUAL(frame_allocate_large(budget, &block), 0);
    CHECK_EQUAL(budget->resource[BUDGET_FRAMES].used, LARGE_FRAMES);
    u32 free = frame_free_count();
    CHECK_EQUAL(frame_allocate_large(budget, &frame), E_LIMIT);
    CHECK(frame_is_none(frame), "block %#x comes with an error", frame.number);
    CHECK_EQUAL(frame_free_count(), free);
    frame_split_large(block);
    for (u32 i = 0; i < LARGE_FRAMES; i++) {
        frame_release((frame_t){block.number + i}); /* whoever frees it */
    }
    CHECK_EQUAL(budget->resource[BUDGET_FRAMES].used, 0);
    CHECK_EQUAL(budget_root.resource[BUDGET_FRAMES].used, 0);
    for (u32 i = 0; i < 600; i++) {
        int error = frame_allocate(FRAME_USER, budget, &frame);
        CHECK(error == 0 && !frame_is_none(frame), "frame %u of 600: error %d", i, error);
    }
    CHECK_EQUAL(frame_allocate(FRAME_USER, budget, &frame), E_LIMIT);
}

TEST(no_memory_charges_nothing) {
    machine_boot(&memory_small);
    u8 *seen = calloc(1, sim_frame_limit());
    drain(FRAME_USER, seen);
    frame_t frame;
    CHECK_EQUAL(frame_allocate(FRAME_USER, &budget_root, &frame), E_NOMEM);
    CHECK_EQUAL(frame_allocate_large(&budget_root, &frame), E_NOMEM);
    CHECK_EQUAL(budget_root.resource[BUDGET_FRAMES].used, 0);
}

TEST(maps_with_odd_edges_are_taken_as_they_are) { /* many short ranges, some across block borders */
    const struct sim_memory memory = {.low_frames = 0x2000};
    sim_start(&memory);
    struct boot_info boot = {.loader = "test", .range_count = 40};
    u32 expected = 0;
    for (u32 i = 0; i < 40; i++) {
        u32 start = 0x20 + i * 0xC7;
        boot.range[i].start = frame_address((frame_t){start});
        boot.range[i].end = frame_address((frame_t){start + 1 + i * 4});
        expected += 1 + i * 4;
    }
    frame_initialise(&boot);
    CHECK(frame_total() <= expected && frame_total() > expected - 64, "%u of %u frames",
          frame_total(), expected);
    u8 *seen = calloc(1, 0x10000);
    CHECK_EQUAL(drain(FRAME_USER, seen), frame_total());
    for (u32 i = 0; i < 0x2000; i++) {
        bool inside =
            i >= 0x20 && (i - 0x20) / 0xC7 < 40 && (i - 0x20) % 0xC7 <= (i - 0x20) / 0xC7 * 4;
        CHECK(inside || !seen[i], "frame %#x, which no range has, is handed out", i);
    }
}

TEST_FAILS(double_release_is_caught, PANIC) {
    machine_boot(&memory_small);
    frame_t frame = allocate(FRAME_LOW);
    frame_release(frame);
    frame_release(frame);
}

TEST_FAILS(too_little_memory_is_said, "memory: ") {
    const struct sim_memory memory = {.low_frames = 0x150, .hole_start = 0x20, .hole_frames = 0x40};
    machine_boot(&memory);
}

TEST(random_use_against_a_plain_model) {
    enum { SLOTS = 3000 };
    static frame_t held[SLOTS];
    static u32 references[SLOTS];
    machine_boot(&memory_usual);
    test_seed(4711);
    u32 free = frame_free_count();
    for (u32 i = 0; i < 200000; i++) {
        u32 slot = sim_random_below(SLOTS);
        if (references[slot] == 0) {
            held[slot] = allocate(sim_random_below(2) ? FRAME_USER : FRAME_LOW);
            references[slot] = 1;
            *(u32 *)sim_frame_bytes(held[slot]) = slot;
        } else if (sim_random_below(3) == 0) {
            frame_reference(held[slot]);
            references[slot]++;
        } else {
            CHECK_EQUAL(*(u32 *)sim_frame_bytes(held[slot]), slot);
            CHECK_EQUAL(frame_references(held[slot]), references[slot]);
            frame_release(held[slot]);
            references[slot]--;
        }
    }
    for (u32 slot = 0; slot < SLOTS; slot++) {
        for (; references[slot]; references[slot]--) {
            frame_release(held[slot]);
        }
    }
    CHECK_EQUAL(frame_free_count(), free);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_is_handed_out_once),
        cmocka_unit_test(boot_takes_what_is_not_free),
        cmocka_unit_test(zones_are_kept_apart),
        cmocka_unit_test(user_frames_fall_back_to_low_ones),
        cmocka_unit_test(references_count),
        cmocka_unit_test(large_blocks_come_whole_and_coalesce),
        cmocka_unit_test(a_block_freed_frame_by_frame_is_whole_again),
        cmocka_unit_test(single_frames_do_not_break_whole_blocks_needlessly),
        cmocka_unit_test(large_references_and_split),
        cmocka_unit_test(splitting_the_only_entry_gives_the_frames_to_the_small_ones),
        cmocka_unit_test(runs_are_contiguous_aligned_and_low),
        cmocka_unit_test(runs_end_when_only_single_frames_are_left),
        cmocka_unit_test(charges_go_back_to_the_budget_that_paid),
        cmocka_unit_test(no_memory_charges_nothing),
        cmocka_unit_test(maps_with_odd_edges_are_taken_as_they_are),
        cmocka_unit_test(double_release_is_caught),
        cmocka_unit_test(too_little_memory_is_said),
        cmocka_unit_test(random_use_against_a_plain_model),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
