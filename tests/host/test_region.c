/* SPDX-License-Identifier: MIT */
/*
 * Proves that region tables do what a naive array of pages does, that they are sorted, merged and
 * bounded, and that a change that does not fit leaves everything as it was.
 */
#include "kernel/vm/frame.h"
#include "kernel/vm/region.h"
#include "tests/host/harness.h"

#define PAGES 600u

static struct region_table *table; /* the present one */
static u8 naive[PAGES];            /* rights of each page, 0: none */

static void begin(void) {
    machine_boot(&memory_small);
    table = region_table_create();
    memset(naive, 0, sizeof(naive));
}

static u32 at(u32 page) { return page << PAGE_SHIFT; }

static void replace(struct region_table *new) {
    region_table_release(table);
    table = new;
}

static int insert(u32 first, u32 end, u8 rights) {
    struct region region = {
        .start = at(first), .end = at(end), .rights = rights, .kind = REGION_ANONYMOUS};
    struct region_table *new = region_table_create();
    int error = region_insert(new, table, &region);
    error ? region_table_release(new) : replace(new);
    return error;
}

static int remove_range(u32 first, u32 end) {
    struct region_table *new = region_table_create();
    int error = region_remove(new, table, at(first), at(end));
    error ? region_table_release(new) : replace(new);
    return error;
}

static int set_rights(u32 first, u32 end, u8 rights) {
    struct region_table *new = region_table_create();
    int error = region_set_rights(new, table, at(first), at(end), rights);
    error ? region_table_release(new) : replace(new);
    return error;
}

static void compare(void) {
    u32 runs = 0;
    for (u32 page = 0; page < PAGES; page++) {
        const struct region *region = region_find(table, at(page) + 17);
        CHECK((region ? region->rights : 0) == naive[page], "page %u: rights %x, should be %x",
              page, region ? region->rights : 0, naive[page]);
        CHECK(!region || (at(page) >= region->start && at(page) < region->end),
              "page %u: a region elsewhere", page);
        runs += naive[page] && (page == 0 || naive[page] != naive[page - 1]);
    }
    CHECK_EQUAL(table->count, runs); /* merged, and nothing empty */
}

static bool naive_covers(u32 first, u32 end) {
    for (u32 i = first; i < end; i++) {
        if (!naive[i]) {
            return false;
        }
    }
    return true;
}

static bool naive_overlaps(u32 first, u32 end) {
    for (u32 i = first; i < end; i++) {
        if (naive[i]) {
            return true;
        }
    }
    return false;
}

TEST(random_changes_against_a_naive_model) {
    static const u8 rights[] = {RIGHT_READ, RIGHT_READ | RIGHT_WRITE, RIGHT_READ | RIGHT_EXECUTE};
    begin();
    test_seed(99);
    for (u32 i = 0; i < 20000; i++) {
        u32 first = sim_random_below(PAGES - 1),
            end = first + 1 + sim_random_below(PAGES - first < 40 ? PAGES - first : 40);
        end = end > PAGES ? PAGES : end;
        u8 right = rights[sim_random_below(3)];
        CHECK(region_covers(table, at(first), at(end)) == naive_covers(first, end),
              "covers [%u, %u)", first, end);
        CHECK(region_overlaps(table, at(first), at(end)) == naive_overlaps(first, end),
              "overlaps [%u, %u)", first, end);
        u32 kind = sim_random_below(3);
        if (kind == 0 && !naive_overlaps(first, end)) {
            CHECK_EQUAL(insert(first, end, right), 0);
            memset(&naive[first], right, end - first);
        } else if (kind == 1) {
            CHECK_EQUAL(remove_range(first, end), 0);
            memset(&naive[first], 0, end - first);
        } else if (kind == 2 && naive_covers(first, end)) {
            CHECK_EQUAL(set_rights(first, end, right), 0);
            memset(&naive[first], right, end - first);
        }
        compare();
    }
}

TEST(empty_and_missing_tables) {
    begin();
    CHECK(!region_find(NULL, 0) && !region_find(table, 0), "a region out of nothing");
    CHECK(!region_covers(NULL, 0, PAGE_SIZE) && !region_overlaps(NULL, 0, PAGE_SIZE),
          "nothing covers");
    struct region_table *new = region_table_create();
    struct region region = {.start = 0, .end = PAGE_SIZE, .rights = RIGHT_READ};
    CHECK_EQUAL(region_insert(new, NULL, &region), 0);
    CHECK_EQUAL(new->count, 1);
    CHECK_EQUAL(region_remove(table, NULL, 0, PAGE_SIZE), 0);
    CHECK_EQUAL(table->count, 0);
    region_table_release(NULL);
}

TEST(a_full_table_refuses_and_stays) {
    begin();
    u32 limit = REGION_LIMIT;
    for (u32 i = 0; i < limit; i++) {
        CHECK_EQUAL(insert(2 * i, 2 * i + 1, RIGHT_READ), 0);
    }
    CHECK_EQUAL(table->count, limit);
    CHECK_EQUAL(insert(2 * limit, 2 * limit + 1, RIGHT_READ), E_LIMIT);
    CHECK_EQUAL(insert(1, 2, RIGHT_READ), 0); /* merges three into one */
    CHECK_EQUAL(table->count, limit - 1);
    CHECK_EQUAL(insert(2 * limit, 2 * limit + 9, RIGHT_READ), 0);
    CHECK_EQUAL(remove_range(2 * limit + 4, 2 * limit + 5), E_LIMIT); /* a hole makes one more */
    CHECK_EQUAL(set_rights(2 * limit + 4, 2 * limit + 5, RIGHT_READ | RIGHT_WRITE), E_LIMIT);
    CHECK(region_covers(table, at(2 * limit), at(2 * limit + 9)), "a refused change left a trace");
    CHECK_EQUAL(table->count, limit);
}

TEST(the_last_page_of_a_quarter) {
    begin();
    u32 last = QUARTER_SIZE / PAGE_SIZE - 1;
    CHECK_EQUAL(insert(last, last + 1, RIGHT_READ), 0);
    CHECK(region_find(table, QUARTER_SIZE - 1) != NULL, "the last byte lies in no region");
    CHECK_EQUAL(insert(0, 1, RIGHT_READ), 0);
    CHECK_EQUAL(remove_range(0, last + 1), 0);
    CHECK_EQUAL(table->count, 0);
}

TEST(boot_image_parts_keep_their_frames) {
    begin();
    struct region image = {.start = at(10),
                           .end = at(20),
                           .rights = RIGHT_READ,
                           .kind = REGION_BOOT_IMAGE,
                           .first_frame = 100};
    struct region_table *new = region_table_create();
    CHECK_EQUAL(region_insert(new, table, &image), 0);
    replace(new);
    CHECK_EQUAL(remove_range(14, 16), 0);
    CHECK_EQUAL(region_find(table, at(10))->first_frame, 100);
    CHECK_EQUAL(region_find(table, at(16))->first_frame, 106);
    struct region back = {.start = at(14),
                          .end = at(16),
                          .rights = RIGHT_READ,
                          .kind = REGION_BOOT_IMAGE,
                          .first_frame = 104};
    new = region_table_create();
    CHECK_EQUAL(region_insert(new, table, &back), 0);
    replace(new);
    CHECK_EQUAL(table->count, 1); /* merged: the frames continue */
    CHECK_EQUAL(insert(20, 22, RIGHT_READ), 0);
    CHECK_EQUAL(table->count, 2); /* another kind does not merge */
}

TEST(tables_are_counted) {
    begin();
    u32 free = frame_free_count();
    struct region_table *other = region_table_create();
    CHECK_EQUAL(frame_free_count(), free - 1);
    region_table_reference(other);
    region_table_release(other);
    CHECK_EQUAL(frame_free_count(), free - 1);
    region_table_release(other);
    CHECK_EQUAL(frame_free_count(), free);
    allocation_fail(1);
    CHECK(region_table_create() == NULL, "a table without memory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_against_a_naive_model),
        cmocka_unit_test(empty_and_missing_tables),
        cmocka_unit_test(a_full_table_refuses_and_stays),
        cmocka_unit_test(the_last_page_of_a_quarter),
        cmocka_unit_test(boot_image_parts_keep_their_frames),
        cmocka_unit_test(tables_are_counted),
    };
    return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
