/* SPDX-License-Identifier: MIT */
/*
 * Proves that object caches hand out zeroed, aligned, distinct objects and give their frames back,
 * that budgets charge all levels or none, and that the lock-order check of debug builds speaks.
 */
#include "kernel/base/cache.h"
#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"
#include "kernel/vm/frame.h"
#include "tests/host/harness.h"

/* ---- Caches ---------------------------------------------------------------------------------- */

static struct cache small_cache = CACHE("small", 40, 16);
static struct cache big_cache = CACHE("big", 1500, 64);

static void cache_stress(struct cache *cache, u32 size, u32 alignment) {
    enum { COUNT = 500 };
    static u8 *object[COUNT];
    u32 free = frame_free_count(), alive = 0;
    for (u32 i = 0; i < 20000; i++) {
        u32 at = sim_random_below(COUNT);
        if (!object[at]) {
            object[at] = cache_allocate(cache);
            CHECK(object[at] && (uword)object[at] % alignment == 0, "object at %p",
                  (void *)object[at]);
            for (u32 k = 0; k < size; k++) {
                CHECK_EQUAL(object[at][k], 0);
            }
            memset(object[at], (int)(at % 251 + 1), size);
            alive++;
        } else {
            for (u32 k = 0; k < size; k++) {
                CHECK_EQUAL(object[at][k], at % 251 + 1);
            }
            cache_free(cache, object[at]);
            object[at] = NULL;
            alive--;
        }
        CHECK_EQUAL(cache->objects, alive);
    }
    for (u32 at = 0; at < COUNT; at++) {
        if (object[at]) {
            cache_free(cache, object[at]);
            object[at] = NULL;
        }
    }
    CHECK_EQUAL(cache->objects, 0);
    CHECK_EQUAL(frame_free_count(), free);
}

TEST(caches_hand_out_zeroed_distinct_objects) {
    machine_boot(&memory_usual);
    test_seed(3);
    cache_stress(&small_cache, 40, 16);
    cache_stress(&big_cache, 1500, 64);
}

TEST(caches_pack_objects) {
    machine_boot(&memory_usual);
    u32 free = frame_free_count();
    for (u32 i = 0; i < 80; i++) {
        cache_allocate(&small_cache);
    }
    CHECK_EQUAL(free - frame_free_count(), 1);
}

TEST(a_cache_without_memory_says_so) {
    machine_boot(&memory_usual);
    allocation_fail(2); /* the cache's own call is the first, its frame the second */
    CHECK(cache_allocate(&small_cache) == NULL, "an object without a frame");
    CHECK_EQUAL(small_cache.objects, 0);
    CHECK(cache_allocate(&small_cache) != NULL, "the cache does not recover");
}

TEST_FAILS(an_object_of_another_cache_is_refused, "is not one of its objects") {
    machine_boot(&memory_usual);
    cache_free(&big_cache, cache_allocate(&small_cache));
}

/* Of two, so that its slab stays; then of the last one, whose slab goes. */
static void touch_a_freed_object(u32 kept) {
    u8 *object = NULL;
    machine_boot(&memory_usual);
    for (u32 i = 0; i <= kept; i++) {
        object = cache_allocate(&small_cache);
    }
    cache_free(&small_cache, object);
    object[39]++;
}

TEST_FAILS(a_freed_object_is_not_touched, "use-after-poison") { touch_a_freed_object(1); }
TEST_FAILS(a_freed_slab_is_not_touched, "use-after-poison") { touch_a_freed_object(0); }

/* ---- Budgets --------------------------------------------------------------------------------- */

TEST(budgets_charge_all_levels_or_none) {
    machine_boot(&memory_usual);
    struct process_limits wide = {.frames = 100}, narrow = {.frames = 30};
    struct budget *outer = budget_create(&budget_root, &wide);
    struct budget *inner = budget_create(outer, &narrow), *other = budget_create(outer, &wide);
    CHECK_EQUAL(budget_charge(inner, BUDGET_FRAMES, 30), 0);
    CHECK_EQUAL(budget_charge(inner, BUDGET_FRAMES, 1), E_LIMIT);
    CHECK_EQUAL(outer->resource[BUDGET_FRAMES].used, 30);
    CHECK_EQUAL(budget_charge(other, BUDGET_FRAMES, 71),
                E_LIMIT); /* its own limit would do, the outer one is full */
    CHECK_EQUAL(other->resource[BUDGET_FRAMES].used, 0);
    CHECK_EQUAL(budget_charge(other, BUDGET_FRAMES, 70), 0);
    CHECK_EQUAL(budget_root.resource[BUDGET_FRAMES].used, 100);
    budget_refund(inner, BUDGET_FRAMES, 30);
    budget_refund(other, BUDGET_FRAMES, 70);
    CHECK_EQUAL(budget_root.resource[BUDGET_FRAMES].used, 0);
    CHECK_EQUAL(outer->resource[BUDGET_FRAMES].used, 0);
}

TEST(charges_near_the_top_do_not_wrap) {
    machine_boot(&memory_usual);
    struct process_limits limits = {.frames = UINT32_MAX};
    struct budget *budget = budget_create(&budget_root, &limits);
    CHECK_EQUAL(budget_charge(budget, BUDGET_FRAMES, UINT32_MAX - 5), 0);
    CHECK_EQUAL(budget_charge(budget, BUDGET_FRAMES, 6), E_LIMIT);
    CHECK_EQUAL(budget_charge(budget, BUDGET_FRAMES, UINT32_MAX), E_LIMIT);
    CHECK_EQUAL(budget->resource[BUDGET_FRAMES].used, UINT32_MAX - 5);
}

TEST(limits_are_of_each_resource) {
    machine_boot(&memory_usual);
    struct process_limits limits = {.quarters = 2};
    struct budget *budget = budget_create(&budget_root, &limits);
    CHECK_EQUAL(budget_charge(budget, BUDGET_QUARTERS, 2), 0);
    CHECK_EQUAL(budget_charge(budget, BUDGET_QUARTERS, 1), E_LIMIT);
    CHECK_EQUAL(budget_charge(budget, BUDGET_FRAMES, 1000), 0); /* 0: no limit of its own */
}

TEST(a_budget_outlives_its_processes_while_a_charge_is_out) {
    machine_boot(&memory_usual);
    struct process_limits limits = {.frames = 5};
    struct budget *budget = budget_create(&budget_root, &limits);
    u16 index = budget->index;
    CHECK_EQUAL(budget_charge(budget, BUDGET_FRAMES, 3), 0);
    budget_release(budget);
    struct budget *next = budget_create(&budget_root, &limits);
    CHECK(next != budget, "a budget with a charge out is given away");
    CHECK(budget_by_index(index) == budget, "index %u finds another budget", index);
    budget_refund(budget, BUDGET_FRAMES, 3);
    CHECK(budget_create(&budget_root, &limits) == budget, "a dead budget's place is lost");
}

/* What one job nests, in depth or width, leaves places for other jobs, and comes back. */
TEST(a_job_has_few_budgets_inside_it) {
    const struct process_limits limits = {0};
    struct budget *job = budget_create(&budget_root, &limits), *inside[BUDGETS_INSIDE];
    for (u32 i = 0; i < BUDGETS_INSIDE; i++) {
        inside[i] = budget_create(i % 3 == 0 ? job : inside[i - 1], &limits);
        CHECK(inside[i], "budget %u is refused", i);
    }
    CHECK(!budget_create(job, &limits) && !budget_create(inside[5], &limits), "a job nests without end");
    struct budget *other = budget_create(&budget_root, &limits);
    CHECK(other, "another job finds no place");
    budget_release(other);
    for (u32 i = 0; i < BUDGETS_INSIDE; i++) {
        budget_release(inside[i]);
    }
    CHECK_EQUAL(job->inside, 0);
    budget_release(job);
}

TEST(the_table_of_budgets_fills_and_empties) {
    machine_boot(&memory_usual);
    static struct budget *all[BUDGET_COUNT];
    struct process_limits limits = {.frames = 5};
    u32 count = 0, references = budget_root.references;
    while (count < BUDGET_COUNT && (all[count] = budget_create(&budget_root, &limits))) {
        CHECK(budget_by_index(all[count]->index) == all[count], "index %u", all[count]->index);
        count++;
    }
    CHECK(count >= BUDGET_COUNT - 2 && !budget_create(&budget_root, &limits), "%u budgets", count);
    CHECK_EQUAL(budget_root.references, references + count);
    for (u32 i = 0; i < count; i++) {
        budget_release(all[i]);
    }
    CHECK_EQUAL(budget_root.references, references);
    CHECK(budget_create(&budget_root, &limits) != NULL, "no place is free again");
}

TEST_FAILS(a_refund_of_what_was_never_charged_is_caught, PANIC) {
    machine_boot(&memory_usual);
    struct process_limits limits = {.frames = 5};
    budget_refund(budget_create(&budget_root, &limits), BUDGET_FRAMES, 1);
}

/* ---- Locks ----------------------------------------------------------------------------------- */

static struct spinlock quarter_7 = {.class = LOCK_QUARTER, .order = 7, .name = "quarter 7"};
static struct spinlock quarter_9 = {.class = LOCK_QUARTER, .order = 9, .name = "quarter 9"};
static struct spinlock spaces = SPINLOCK(LOCK_SPACES, "spaces");

TEST(locks_in_order) {
    machine_boot(&memory_usual);
    spinlock_acquire(&spaces);
    spinlock_acquire(&quarter_7);
    spinlock_acquire(&quarter_9);
    CHECK(spinlock_held(&quarter_7), "a held lock is not");
    spinlock_release(&quarter_7); /* not the reverse order, which is allowed */
    CHECK(!spinlock_held(&quarter_7) && spinlock_held(&quarter_9), "the wrong lock was released");
    spinlock_release(&quarter_9);
    spinlock_release(&spaces);
    CHECK_EQUAL(arch_cpu()->lock_count, 0);
}

TEST_FAILS(a_lower_class_after_a_higher_one, "lock order: spaces") {
    machine_boot(&memory_usual);
    spinlock_acquire(&quarter_7);
    spinlock_acquire(&spaces);
}

TEST_FAILS(a_lower_sub_id_after_a_higher_one, "lock order: quarter 7") {
    machine_boot(&memory_usual);
    spinlock_acquire(&quarter_9);
    spinlock_acquire(&quarter_7);
}

TEST_FAILS(a_lock_taken_twice, "is acquired twice") {
    machine_boot(&memory_usual);
    spinlock_acquire(&quarter_9);
    spinlock_acquire(&quarter_9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caches_hand_out_zeroed_distinct_objects),
        cmocka_unit_test(caches_pack_objects),
        cmocka_unit_test(a_cache_without_memory_says_so),
        cmocka_unit_test(an_object_of_another_cache_is_refused),
        cmocka_unit_test(a_freed_object_is_not_touched),
        cmocka_unit_test(a_freed_slab_is_not_touched),
        cmocka_unit_test(budgets_charge_all_levels_or_none),
        cmocka_unit_test(charges_near_the_top_do_not_wrap),
        cmocka_unit_test(limits_are_of_each_resource),
        cmocka_unit_test(a_budget_outlives_its_processes_while_a_charge_is_out),
        cmocka_unit_test(a_job_has_few_budgets_inside_it),
        cmocka_unit_test(the_table_of_budgets_fills_and_empties),
        cmocka_unit_test(a_refund_of_what_was_never_charged_is_caught),
        cmocka_unit_test(locks_in_order),
        cmocka_unit_test(a_lower_class_after_a_higher_one),
        cmocka_unit_test(a_lower_sub_id_after_a_higher_one),
        cmocka_unit_test(a_lock_taken_twice),
    };
    return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
