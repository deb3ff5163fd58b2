/* SPDX-License-Identifier: MIT */
/*
 * Proves that a handle table does what a plain array of 256 does, takes and drops exactly one
 * reference for each handle, keeps its lock while objects are released out of it, and survives
 * having no memory for its frame. Includes handle.c, so that objects can be plain counters here.
 */
#include "kernel/base/cpu.h"
#include "tests/host/harness.h"

#include "kernel/object/handle.c"

struct counter {
    int references, readers; /* readers: what object_handle_added counts of endpoints */
};

void object_reference(void *object, enum object_type type, u32 rights) {
    struct counter *counter = object;
    counter->references++;
    counter->readers += type == OBJECT_ENDPOINT && (rights & RIGHT_READ);
}

void object_release(void *object, enum object_type type, u32 rights) {
    struct counter *counter = object;
    CHECK_EQUAL(arch_cpu()->lock_count, 0); /* it may free quarters */
    counter->readers -= type == OBJECT_ENDPOINT && (rights & RIGHT_READ);
    CHECK(--counter->references >= 0 && counter->readers >= 0, "an object is released too often");
}

void object_handle_added(void *object, enum object_type type, u32 rights) {
    ((struct counter *)object)->readers += type == OBJECT_ENDPOINT && (rights & RIGHT_READ);
}

/* Nothing here ends as a server does. */
void endpoint_reference(struct endpoint *endpoint) { ((struct counter *)endpoint)->references++; }
void endpoint_release(struct endpoint *endpoint) { ((struct counter *)endpoint)->references--; }
void endpoint_server_ended(struct endpoint *endpoint, const struct process *process) {
    CHECK(false, "endpoint %p lost %p", (void *)endpoint, (const void *)process);
}

#define OBJECTS 20u
static struct counter objects[OBJECTS];

/* The plain model. */
static struct {
    struct counter *object;
    u32 type, rights;
} naive[HANDLE_LIMIT];

static int naive_free_index(void) {
    int index = HANDLE_FIRST;
    while (index < HANDLE_LIMIT && naive[index].object) {
        index++;
    }
    return index < HANDLE_LIMIT ? index : -E_LIMIT;
}

static void naive_set(int index, struct counter *object, u32 type, u32 rights) {
    naive[index].object = object;
    naive[index].type = type;
    naive[index].rights = rights;
}

static void compare(struct handle_table *table) {
    u32 count = 0;
    for (int i = -3; i < HANDLE_LIMIT + 3; i++) {
        struct handle found;
        bool there = i >= 0 && i < HANDLE_LIMIT && naive[i].object;
        int error = handle_lookup(table, i, 0, 0, &found);
        CHECK(error == (there ? 0 : E_HANDLE), "lookup of %d: error %d", i, error);
        if (there) {
            CHECK(found.object == naive[i].object && found.rights == naive[i].rights &&
                      found.type == naive[i].type,
                  "handle %d differs", i);
            object_release(found.object, found.type, 0);
            count++;
        }
    }
    CHECK_EQUAL(table->count, count);
}

static void compare_references(u32 tables) {
    int expected[OBJECTS] = {0}, readers[OBJECTS] = {0};
    for (int i = 0; i < HANDLE_LIMIT; i++) {
        if (naive[i].object) {
            expected[naive[i].object - objects] += (int)tables;
            readers[naive[i].object - objects] +=
                naive[i].type == OBJECT_ENDPOINT && (naive[i].rights & RIGHT_READ) ? (int)tables
                                                                                   : 0;
        }
    }
    for (u32 i = 0; i < OBJECTS; i++) {
        CHECK(objects[i].references == expected[i], "object %u has %d references, should be %d", i,
              objects[i].references, expected[i]);
        CHECK(objects[i].readers == readers[i], "object %u has %d readers, should be %d", i,
              objects[i].readers, readers[i]);
    }
}

static void install_random(struct handle_table *table) {
    struct counter *object = &objects[sim_random_below(OBJECTS)];
    u32 type = (u32)(object - objects) % 5 + 1, rights = sim_random_below(64);
    bool at = sim_random_below(2);
    int target = at ? (int)sim_random_below(HANDLE_LIMIT + 6) - 3 : naive_free_index();
    object->references++; /* the plain reference that is handed over */
    int result = at ? handle_install_at(table, target, object, type, rights)
                    : handle_install(table, object, type, rights);
    if (result < 0) {
        object->references--;
        bool bad = target < 0 || target >= HANDLE_LIMIT;
        CHECK(result == (bad ? (at ? -E_HANDLE : -E_LIMIT) : -E_NOMEM), "install into %d: %d",
              target, result);
        CHECK(bad || allocation_has_failed(), "install into %d: no memory, but there is", target);
        return;
    }
    CHECK(result == target, "index %d instead of %d", result, target);
    naive_set(target, object, type, rights);
}

static void close_random(struct handle_table *table) {
    int index = (int)sim_random_below(HANDLE_LIMIT + 6) - 3;
    bool there = index >= 0 && index < HANDLE_LIMIT && naive[index].object;
    CHECK_EQUAL(handle_close(table, index), there ? 0 : E_HANDLE);
    if (there) {
        naive_set(index, NULL, 0, 0);
    }
}

TEST(random_use_against_a_plain_array) {
    static struct handle_table table, copy;
    machine_boot(&memory_usual);
    test_seed(12);
    for (u32 round = 0; round < 60; round++) {
        u32 free = frame_free_count();
        handle_table_create(&table);
        memset(naive, 0, sizeof(naive));
        allocation_fail(round % 3 == 0);
        u32 steps = round % 2 ? 40 : 700;
        for (u32 i = 0; i < steps; i++) {
            sim_random_below(steps > 100 ? 3 : 2) ? install_random(&table) : close_random(&table);
            if (i % 20 == 0) {
                compare(&table);
            }
        }
        compare_references(1);
        allocation_fail(round % 4 == 1);
        handle_table_create(&copy);
        int error = handle_table_copy(&copy, &table);
        CHECK(error == 0 || (error == E_NOMEM && copy.count == 0 && copy.end == 0),
              "copy: error %d", error);
        compare_references(error ? 1 : 2);
        if (!error) {
            compare(&copy);
        }
        handle_table_destroy(&table);
        compare_references(error ? 0 : 1);
        handle_table_destroy(&copy);
        memset(naive, 0, sizeof(naive));
        compare_references(0);
        CHECK_EQUAL(frame_free_count(), free);
    }
}

TEST(types_and_rights_are_checked) {
    struct handle_table table;
    struct handle found;
    machine_boot(&memory_usual);
    handle_table_create(&table);
    objects[0].references = 1;
    int index = handle_install(&table, &objects[0], OBJECT_QUARTER, RIGHT_READ | RIGHT_MAP);
    CHECK_EQUAL(index, HANDLE_FIRST);
    CHECK_EQUAL(handle_lookup(&table, index, OBJECT_PROCESS, RIGHT_READ, &found), E_TYPE);
    CHECK_EQUAL(handle_lookup(&table, index, OBJECT_QUARTER, RIGHT_READ | RIGHT_WRITE, &found),
                E_RIGHTS);
    CHECK_EQUAL(objects[0].references, 1);
    CHECK_EQUAL(handle_lookup(&table, index, OBJECT_QUARTER, RIGHT_READ | RIGHT_MAP, &found), 0);
    CHECK_EQUAL(objects[0].references, 2);
    CHECK_EQUAL(handle_close(&table, index), 0);
    CHECK_EQUAL(handle_close(&table, index), E_HANDLE);
    CHECK_EQUAL(objects[0].references, 1); /* what the lookup took */
}

TEST(a_full_table_refuses) {
    struct handle_table table;
    machine_boot(&memory_usual);
    handle_table_create(&table);
    objects[0].references = 1000;
    for (int i = HANDLE_FIRST; i < HANDLE_LIMIT; i++) {
        CHECK_EQUAL(handle_install(&table, &objects[0], OBJECT_QUARTER, RIGHT_READ), i);
    }
    CHECK_EQUAL(handle_install(&table, &objects[0], OBJECT_QUARTER, RIGHT_READ), -E_LIMIT);
    CHECK_EQUAL(handle_close(&table, 100), 0);
    CHECK_EQUAL(handle_install(&table, &objects[0], OBJECT_QUARTER, RIGHT_READ), 100);
    CHECK_EQUAL(handle_install_at(&table, 3, &objects[0], OBJECT_QUARTER, RIGHT_READ),
                3); /* a well-known one */
    CHECK_EQUAL(handle_install_at(&table, HANDLE_LIMIT, &objects[0], OBJECT_QUARTER, RIGHT_READ),
                -E_HANDLE);
    CHECK_EQUAL(handle_install_at(&table, -1, &objects[0], OBJECT_QUARTER, RIGHT_READ), -E_HANDLE);
    handle_table_destroy(&table);
}

TEST(the_lowest_free_index_from_one_on) {
    struct handle_table table;
    machine_boot(&memory_usual);
    handle_table_create(&table);
    objects[0].references = 1000;
    for (int i = 0; i <= HANDLE_STDERR; i++) {
        CHECK_EQUAL(handle_install_from(&table, 0, &objects[0], OBJECT_QUARTER, 0), i);
    }
    CHECK_EQUAL(handle_install_from(&table, 1, &objects[0], OBJECT_QUARTER, 0), HANDLE_FIRST);
    CHECK_EQUAL(handle_install_from(&table, 50, &objects[0], OBJECT_QUARTER, 0), 50);
    CHECK_EQUAL(handle_install_from(&table, 50, &objects[0], OBJECT_QUARTER, 0), 51);
    CHECK_EQUAL(handle_install(&table, &objects[0], OBJECT_QUARTER, 0), HANDLE_FIRST + 1);
    CHECK_EQUAL(handle_close(&table, 1), 0);
    CHECK_EQUAL(handle_install_from(&table, 2, &objects[0], OBJECT_QUARTER, 0), HANDLE_FIRST + 2);
    CHECK_EQUAL(handle_install_from(&table, 0, &objects[0], OBJECT_QUARTER, 0), 1);
    for (int i = 250; i < HANDLE_LIMIT; i++) {
        CHECK_EQUAL(handle_install_from(&table, 250, &objects[0], OBJECT_QUARTER, 0), i);
    }
    CHECK_EQUAL(handle_install_from(&table, 250, &objects[0], OBJECT_QUARTER, 0), -E_LIMIT);
    handle_table_destroy(&table);
}

/* What HANDLE's lookup returns; it is not private. */
static int public_lookup(struct handle_table *table, int handle) {
    struct handle found;
    int error = handle_lookup(table, handle, OBJECT_QUARTER, 0, &found);
    if (error == 0) {
        CHECK(!found.private, "handle %d is private", handle);
        object_release(found.object, found.type, 0);
    }
    return error;
}

/* Marks every third of 30 handles, and looks who is left. */
TEST(private_handles_go_with_the_program) {
    struct handle_table table;
    machine_boot(&memory_usual);
    handle_table_create(&table);
    objects[0].references = 30;
    for (int i = HANDLE_FIRST; i < HANDLE_FIRST + 30; i++) {
        CHECK_EQUAL(handle_install(&table, &objects[0], OBJECT_QUARTER, 0), i);
        CHECK_EQUAL(handle_set_private(&table, i, i % 3 != 1), 0);
        CHECK_EQUAL(handle_set_private(&table, i, i % 3 == 0), 0);
    }
    CHECK_EQUAL(handle_set_private(&table, 200, true), E_HANDLE);
    handle_table_close_private(&table);
    CHECK_EQUAL(table.count, 20);
    CHECK_EQUAL(objects[0].references, 20);
    for (int i = HANDLE_FIRST; i < HANDLE_FIRST + 30; i++) {
        CHECK_EQUAL(public_lookup(&table, i), i % 3 == 0 ? E_HANDLE : 0);
    }
    CHECK_EQUAL(handle_install(&table, &objects[0], OBJECT_QUARTER, 0), 9);
    CHECK_EQUAL(public_lookup(&table, 9), 0); /* not as private as the one before */
    objects[0].references++;
    handle_table_destroy(&table);
    CHECK_EQUAL(objects[0].references, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_use_against_a_plain_array),
        cmocka_unit_test(types_and_rights_are_checked),
        cmocka_unit_test(a_full_table_refuses),
        cmocka_unit_test(the_lowest_free_index_from_one_on),
        cmocka_unit_test(private_handles_go_with_the_program),
    };
    return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
