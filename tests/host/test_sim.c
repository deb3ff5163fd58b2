/* SPDX-License-Identifier: MIT */
/*
 * Proves that the simulated machine can fail: each rule that it enforces is broken once, by hand,
 * and must be caught with its own sentence. A check that cannot fail proves nothing of the VM.
 */
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/base/request.h"
#include "kernel/vm/frame.h"
#include "tests/host/world.h"

#define RW_PAGE (ENTRY_PRESENT | ENTRY_WRITE)
#define OPEN (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_EXECUTE)

/* A bare machine: one root, one directory in slot 0, one table, two pages at 0 and 4096. */
static struct {
    struct arch_root root;
    entry_t *directory, *table;
    frame_t page[2];
} bare;

static frame_t frame_new(void) {
    frame_t frame = frame_allocate_low();
    arch_frame_zero(frame);
    return frame;
}

static void bare_boot(void) {
    machine_boot(&memory_usual);
    bare.directory = arch_low_pointer(frame_new());
    bare.table = arch_low_pointer(frame_new());
    for (u32 i = 0; i < 2; i++) {
        bare.page[i] = frame_new();
        arch_entry_publish(&bare.table[i], arch_entry_make(bare.page[i], RW_PAGE));
    }
    arch_entry_publish(&bare.directory[0], arch_entry_make(arch_low_frame(bare.table), OPEN));
    struct arch_slot slots[SLOT_COUNT] = {{arch_low_frame(bare.directory), VIEW_FULL}};
    CHECK_EQUAL(arch_root_create(&bare.root, slots), 0);
    arch_root_load(&bare.root, 0, false);
}

static void user_write(u32 address) {
    u8 byte = 1;
    CHECK(sim_user_write(address, &byte, 1) == SIM_OK, "the write at %#x faults", address);
}

static void user_read(u32 address) {
    u8 byte;
    CHECK(sim_user_read(address, &byte, 1) == SIM_OK, "the read at %#x faults", address);
}

TEST(correct_unmap_passes) {
    bare_boot();
    user_write(0);
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    arch_invalidate(0, 1);
    frame_release(bare.page[0]);
    sim_check_translations("unmap");
    user_write(4096);
}

TEST_FAILS(unmap_without_invalidation, "after unmap a stale translation of 0 ") {
    bare_boot();
    arch_entry_exchange(&bare.table[0],
                        (entry_t){0}); /* never touched: cached by speculation alone */
    sim_check_translations("unmap");
}

TEST_FAILS(free_without_invalidation, "is freed while CPU 0 caches it as a page of address 0") {
    bare_boot();
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    frame_release(bare.page[0]);
}

TEST_FAILS(invalidation_of_the_wrong_page, "after unmap a stale translation") {
    bare_boot();
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    arch_invalidate(4096, 1);
    sim_check_translations("unmap");
}

TEST_FAILS(read_through_stale_translation, "may go to frame") {
    bare_boot();
    arch_entry_exchange(&bare.table[0], arch_entry_make(bare.page[1], RW_PAGE));
    user_read(0);
}

TEST_FAILS(write_protection_without_invalidation, "not allowed") {
    bare_boot();
    arch_entry_exchange(&bare.table[0], arch_entry_make(bare.page[0], ENTRY_PRESENT));
    user_write(0);
}

TEST_FAILS(directory_protection_without_invalidation,
           "after protect a cached directory entry of 0 on CPU 0 has rights") {
    bare_boot();
    sim_knobs.speculate = false;
    sim_speculate(8192); /* nothing there, but the upper levels are cached all the same */
    arch_entry_exchange(&bare.directory[0],
                        arch_entry_make(arch_low_frame(bare.table), ENTRY_PRESENT));
    sim_check_translations("protect");
}

TEST_FAILS(table_freed_without_invalidation, "caches it as the table of address 0") {
    bare_boot();
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    arch_entry_exchange(&bare.table[1], (entry_t){0});
    arch_invalidate(0, 2);
    arch_entry_exchange(&bare.directory[0], (entry_t){0});
    frame_release(arch_low_frame(bare.table));
}

TEST_FAILS(directory_freed_while_loaded, "is the directory of slot 0 on CPU 0") {
    bare_boot();
    arch_entry_exchange(&bare.directory[0], (entry_t){0});
    arch_invalidate(0, 0);
    frame_release(arch_low_frame(bare.directory));
}

TEST_FAILS(empty_directory_freed_while_loaded,
           "is the directory of slot 1 on CPU 0") { /* hazard 3 */
    bare_boot();
    frame_t empty = frame_new();
    struct arch_root root;
    struct arch_slot slots[SLOT_COUNT] = {{arch_low_frame(bare.directory), VIEW_FULL},
                                          {empty, VIEW_FULL}};
    CHECK_EQUAL(arch_root_create(&root, slots), 0);
    arch_root_load(&root, 0, false);
    frame_release(empty);
}

TEST_FAILS(loaded_root_is_edited, "was edited in slot 1") { /* hazard 4 */
    bare_boot();
    entry_t *root = arch_low_pointer(bare.root.frame);
    root[1] = arch_entry_make(arch_low_frame(bare.directory), OPEN);
    sim_check_translations("an attach");
}

TEST_FAILS(loaded_root_is_destroyed, "is destroyed while CPU 0 has it loaded") {
    bare_boot();
    arch_root_destroy(&bare.root);
}

TEST_FAILS(publish_over_present_entry, "publish of") {
    bare_boot();
    arch_entry_publish(&bare.table[0], arch_entry_make(bare.page[1], RW_PAGE));
}

TEST_FAILS(exchange_over_empty_entry, "over an entry that is not present") {
    bare_boot();
    arch_entry_exchange(&bare.table[7], arch_entry_make(bare.page[1], RW_PAGE));
}

TEST_FAILS(shared_table_is_changed, "which has 2 references (one that is shared is immutable)") {
    bare_boot();
    frame_reference(arch_low_frame(bare.table));
    arch_entry_exchange(&bare.table[0], (entry_t){0});
}

TEST_FAILS(page_size_changes_in_one_step, "page sizes change without a clear") { /* hazard 36 */
    bare_boot();
    frame_t large;
    frame_allocate_large(NULL, &large);
    arch_entry_exchange(&bare.directory[0], arch_entry_make(large, RW_PAGE | ENTRY_LARGE));
}

TEST_FAILS(page_size_changes_without_shootdown,
           "while a 2 MiB translation of it is cached") { /* hazard 36 */
    bare_boot();
    frame_t large;
    frame_allocate_large(NULL, &large);
    arch_entry_publish(&bare.directory[1], arch_entry_make(large, RW_PAGE | ENTRY_LARGE));
    arch_entry_exchange(&bare.directory[1], (entry_t){0});
    arch_entry_publish(&bare.directory[1], arch_entry_make(arch_low_frame(bare.table), OPEN));
}

TEST_FAILS(kernel_pointer_to_high_frame, "kernel pointer wanted to the high frame") {
    machine_boot(&memory_usual);
    frame_t high;
    frame_allocate(FRAME_USER, NULL, &high);
    arch_low_pointer(high);
}

TEST_FAILS(copy_with_a_lock_held, "locks held") {
    static struct spinlock lock = SPINLOCK(LOCK_QUARTER, "test");
    u32 word;
    bare_boot();
    spinlock_acquire(&lock);
    arch_copy_in(&word, 0, sizeof(word));
}

/* ---- Tags ------------------------------------------------------------------------------------ */

/* Tag 1 is the bare machine's; under tag 2 another root with the second page at address 0. */
static struct arch_root other_root;

static void tagged_boot(void) {
    sim_knobs.tags = sim_knobs.tag_invalidates = sim_knobs.global = true;
    bare_boot();
    entry_t *directory = arch_low_pointer(frame_new()), *table = arch_low_pointer(frame_new());
    arch_entry_publish(&table[0], arch_entry_make(bare.page[1], RW_PAGE));
    arch_entry_publish(&directory[0], arch_entry_make(arch_low_frame(table), OPEN));
    struct arch_slot slots[SLOT_COUNT] = {{arch_low_frame(directory), VIEW_FULL}};
    CHECK_EQUAL(arch_root_create(&other_root, slots), 0);
    arch_root_load(&bare.root, 1, false);
    user_read(0);
}

TEST(a_kept_tag_brings_back_what_it_had) {
    tagged_boot();
    u32 cached = sim_tlb_count();
    arch_root_load(&other_root, 2, false);
    user_read(0);
    CHECK(sim_tlb_count() > cached, "a load with another tag has removed something");
    arch_root_load(&bare.root, 1, true);
    user_write(0);
    arch_root_load(&other_root, 2, false);
    CHECK(sim_tlb_count() < cached + 2, "a load without keep has removed nothing");
    sim_check_translations("tags");
}

TEST(another_tags_translations_may_be_stale) {
    tagged_boot();
    arch_root_load(&other_root, 2, false);
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    sim_check_translations("an unmap that only another tag has cached");
    frame_release(bare.page[0]);
    arch_root_load(&bare.root, 1, false);
    sim_check_translations("a load without keep");
}

TEST_FAILS(a_kept_tag_brings_back_a_stale_translation,
           "after a load that keeps its tag a stale translation of 0 ") {
    tagged_boot();
    arch_root_load(&other_root, 2, false);
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    arch_root_load(&bare.root, 1, true);
}

TEST(a_tag_is_invalidated_without_a_load) {
    tagged_boot();
    arch_root_load(&other_root, 2, false);
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    arch_tag_invalidate(1, 0, 1);
    arch_root_load(&bare.root, 1, true);
}

#if !SIM_VIEW_DIRECTORIES
TEST_FAILS(a_tag_is_kept_for_another_root, "walks under it may still go by root") { /* hazard 43 */
    tagged_boot();
    arch_root_load(&other_root, 1, true);
}
#endif

TEST_FAILS(an_invalidation_of_the_loaded_tag_by_name, "which is loaded") {
    tagged_boot();
    arch_tag_invalidate(1, 0, 1);
}

static void global_boot(void) {
    tagged_boot();
    arch_entry_exchange(&bare.table[0], arch_entry_make(bare.page[0], RW_PAGE | ENTRY_GLOBAL));
    arch_invalidate(0, 1);
    user_read(0);
}

TEST_FAILS(a_global_translation_is_used_under_another_tag,
           "after a switch a stale global translation of 0 ") {
    global_boot();
    arch_root_load(&other_root, 2, false);
    sim_check_translations("a switch");
}

TEST_FAILS(a_flush_of_the_tag_misses_what_is_global, /* hazard 26 */
           "after unmap a stale global translation of 0 ") {
    global_boot();
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    arch_invalidate(0, 0);
    sim_check_translations("unmap");
}

TEST_FAILS(an_invalidation_by_tag_misses_what_is_global, /* hazard 26 */
           "after unmap a stale global translation of 0 ") {
    global_boot();
    arch_root_load(NULL, 0, true);
    arch_entry_exchange(&bare.table[0], (entry_t){0});
    arch_tag_invalidate(1, 0, 1);
    arch_root_load(&bare.root, 1, true);
    sim_check_translations("unmap");
}

TEST(an_invalidation_of_everything_reaches_what_is_global) {
    global_boot();
    arch_invalidate_all();
    sim_check_no_global("arch_invalidate_all");
    CHECK_EQUAL(sim_tlb_count(), 0);
}

/* ---- Several CPUs ---------------------------------------------------------------------------- */

static u64 cell[2], seen[2];
static bool plain;

/* Each CPU stores into its own cell and reads the other's: with a full barrier between them, one of
 * the two sees the other. */
static void store_and_read(u32 cpu) {
    if (plain) {
        sim_store(&cell[cpu], 1);
    } else {
        atomic_add_64(&cell[cpu], 1);
    }
    seen[cpu] = atomic_read_64(&cell[1 - cpu]);
}

/* In how many of many interleavings neither CPU sees the other. */
static u32 rounds_unseen(bool with_plain_store) {
    u32 unseen = 0;
    machine_cpus = 2;
    machine_boot(&memory_usual);
    plain = with_plain_store;
    for (u32 round = 0; round < 2000; round++) {
        cell[0] = cell[1] = 0;
        sim_run(2, store_and_read);
        unseen += !seen[0] && !seen[1];
    }
    return unseen;
}

TEST(a_locked_operation_is_a_full_barrier) { CHECK_EQUAL(rounds_unseen(false), 0); }

TEST(a_plain_store_is_overtaken_by_a_load) {
    CHECK(rounds_unseen(true) != 0, "in 2000 interleavings no store was late");
}

static u32 order_seen;

/* A race: both look before either has come in. */
static void come_in_first(u32 cpu) {
    bool first = atomic_read(&order_seen) == 0;
    sim_point();
    if (first) {
        order_seen |= 1u << cpu;
    }
}

TEST(all_orders_of_the_cpus_are_tried) {
    u32 orders = 0;
    machine_cpus = 2;
    machine_boot(&memory_usual);
    for (u32 round = 0; round < 200; round++) {
        order_seen = 0;
        sim_run(2, come_in_first);
        orders |= 1u << order_seen;
    }
    CHECK_EQUAL(orders, 1u << 1 | 1u << 2 | 1u << 3);
}

static u32 served;

static void serve(void *argument) {
    (void)argument;
    served |= 1u << arch_cpu()->number;
}

static void ask_all(u32 cpu) {
    request_run(cpus_online(), serve, NULL);
    CHECK(served == 7, "CPU %u goes on when only %x have answered", cpu, served);
}

TEST(requests_are_served_by_all) {
    machine_cpus = 3;
    machine_boot(&memory_usual);
    sim_run(3, ask_all);
}

static void halt_for_ever(u32 cpu) {
    (void)cpu;
    arch_wait_for_interrupt();
}

TEST_FAILS(nobody_can_go_on, "no CPU can go on") {
    machine_cpus = 2;
    machine_boot(&memory_usual);
    sim_run(2, halt_for_ever);
}

static struct spinlock lock_of_one = SPINLOCK(LOCK_SPACES, "one"),
                       lock_of_other = SPINLOCK(LOCK_HANDLES, "other");

static void wait_with_a_lock(u32 cpu) {
    spinlock_acquire(cpu ? &lock_of_one : &lock_of_other);
    while (spinlock_held(cpu ? &lock_of_one : &lock_of_other)) {
        arch_relax();
    }
}

TEST_FAILS(nobody_gets_anywhere, "the CPUs wait for each other") {
    machine_cpus = 2;
    machine_boot(&memory_usual);
    sim_run(2, wait_with_a_lock);
}

/* ---- What is no failure ---------------------------------------------------------------------- */

TEST(any_cached_translation_may_be_used) { /* after a growth of rights both old and new are seen:
                                              the old one faults, once */
    bare_boot();
    arch_entry_exchange(&bare.table[0], arch_entry_make(bare.page[0], ENTRY_PRESENT));
    arch_invalidate(0, 1);
    arch_entry_exchange(&bare.table[0], arch_entry_make(bare.page[0], RW_PAGE));
    sim_check_translations("growth");
    u32 faults = 0;
    for (u32 round = 0; round < 64; round++) {
        u8 byte = 0;
        sim_seed(round);
        faults += sim_user_write(0, &byte, 1) == SIM_FAULT;
        if (faults) {
            break;
        }
    }
    CHECK_EQUAL(faults, 1);
    user_write(0); /* the fault has dropped the old translation */
}

TEST(accessed_and_dirty_are_set_in_the_table) {
    bare_boot();
    sim_knobs.speculate = false;
    user_read(0);
    user_write(4096);
    CHECK_EQUAL(arch_entry_flags(bare.table[0]) & (ENTRY_ACCESSED | ENTRY_DIRTY), ENTRY_ACCESSED);
    CHECK_EQUAL(arch_entry_flags(bare.table[1]) & (ENTRY_ACCESSED | ENTRY_DIRTY),
                ENTRY_ACCESSED | ENTRY_DIRTY);
}

TEST(a_load_forgets_everything) {
    bare_boot();
    user_write(0);
    user_write(4096);
    CHECK(sim_tlb_count() >= 2, "%u translations cached", sim_tlb_count());
    arch_root_load(NULL, 0, false);
    CHECK_EQUAL(sim_tlb_count(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(correct_unmap_passes),
        cmocka_unit_test(unmap_without_invalidation),
        cmocka_unit_test(free_without_invalidation),
        cmocka_unit_test(invalidation_of_the_wrong_page),
        cmocka_unit_test(read_through_stale_translation),
        cmocka_unit_test(write_protection_without_invalidation),
        cmocka_unit_test(directory_protection_without_invalidation),
        cmocka_unit_test(table_freed_without_invalidation),
        cmocka_unit_test(directory_freed_while_loaded),
        cmocka_unit_test(empty_directory_freed_while_loaded),
        cmocka_unit_test(loaded_root_is_edited),
        cmocka_unit_test(loaded_root_is_destroyed),
        cmocka_unit_test(publish_over_present_entry),
        cmocka_unit_test(exchange_over_empty_entry),
        cmocka_unit_test(shared_table_is_changed),
        cmocka_unit_test(page_size_changes_in_one_step),
        cmocka_unit_test(page_size_changes_without_shootdown),
        cmocka_unit_test(kernel_pointer_to_high_frame),
        cmocka_unit_test(copy_with_a_lock_held),
        cmocka_unit_test(a_kept_tag_brings_back_what_it_had),
        cmocka_unit_test(another_tags_translations_may_be_stale),
        cmocka_unit_test(a_kept_tag_brings_back_a_stale_translation),
        cmocka_unit_test(a_tag_is_invalidated_without_a_load),
#if !SIM_VIEW_DIRECTORIES
        cmocka_unit_test(a_tag_is_kept_for_another_root),
#endif
        cmocka_unit_test(an_invalidation_of_the_loaded_tag_by_name),
        cmocka_unit_test(a_global_translation_is_used_under_another_tag),
        cmocka_unit_test(a_flush_of_the_tag_misses_what_is_global),
        cmocka_unit_test(an_invalidation_by_tag_misses_what_is_global),
        cmocka_unit_test(an_invalidation_of_everything_reaches_what_is_global),
        cmocka_unit_test(a_locked_operation_is_a_full_barrier),
        cmocka_unit_test(a_plain_store_is_overtaken_by_a_load),
        cmocka_unit_test(all_orders_of_the_cpus_are_tried),
        cmocka_unit_test(requests_are_served_by_all),
        cmocka_unit_test(nobody_can_go_on),
        cmocka_unit_test(nobody_gets_anywhere),
        cmocka_unit_test(any_cached_translation_may_be_used),
        cmocka_unit_test(accessed_and_dirty_are_set_in_the_table),
        cmocka_unit_test(a_load_forgets_everything),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
