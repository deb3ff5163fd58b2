/* SPDX-License-Identifier: MIT */
/*
 * Proves that every allocation of every VM operation can fail: for each n, the n-th allocation
 * (frame, object or budget charge) of the operation fails, on a fresh world each time. Then either
 * the operation has done without, or it says E_NOMEM or E_LIMIT and a digest of all that user
 * programs can find out is as before; every count is right; and the same operation, tried again,
 * succeeds.
 */
#include "kernel/base/cpu.h"
#include "kernel/vm/supply.h"
#include "kernel/vm/table.h"
#include "tests/host/world.h"

#define COPY_ALL PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY)
#define SLOT1 SLOT_BASE(1)
#define SLOT2 SLOT_BASE(2)
#define TOUCHED 12u

static u32 p, child;
static struct quarter *q, *handle; /* slot 1 of p; a quarter for slot 2 with a page in it */

/* p has small pages in [0, 2 MiB) and a 2 MiB page at 4 MiB of slot 1; child is its copy. */
static void setup(void) {
    p = process_new();
    q = process_quarter(p, 1);
    map(p, SLOT1, 2 * MIB - PAGE_SIZE, RIGHTS_RW);
    map(p, SLOT1 + 4 * MIB, 2 * MIB, RIGHTS_RW);
    map(p, SLOT1 + 8 * MIB, 2 * MIB, RIGHTS_RW); /* untouched */
    for (u32 i = 0; i < TOUCHED; i++) {
        poke(p, SLOT1 + i * PAGE_SIZE, i + 1);
        poke(p, SLOT1 + 4 * MIB + i * PAGE_SIZE, i + 100);
    }
    handle = handle_new(2);
    CHECK_EQUAL(quarter_map(handle, 0, 8 * PAGE_SIZE, RIGHTS_RW), 0);
    CHECK_EQUAL(quarter_write(handle, 0, &p, sizeof(p)), 0);
    child = process_clone_must(p, COPY_ALL);
    process_run(p);
}

typedef int (*operation)(void);

static int faulted(enum sim_result result) {
    if (result == SIM_OK) {
        return 0;
    }
    CHECK(world.fault_reason == FAULT_NO_MEMORY, "the fault fails for reason %d",
          world.fault_reason);
    return E_NOMEM;
}

enum promise {
    SAME,          /* nothing that user programs can find out has changed */
    SAME_STRICTLY, /* not even the number of free frames */
    IN_PART, /* the operation is a sequence: what came before the failure stays; the copies have not
                changed */
};

static void check_copies(void) {
    for (u32 i = 0; i < TOUCHED; i++) {
        CHECK_EQUAL(peek(child, SLOT1 + i * PAGE_SIZE), i + 1);
        CHECK_EQUAL(peek(child, SLOT1 + 4 * MIB + i * PAGE_SIZE), i + 100);
    }
    process_run(p);
}

static void check_failing(operation operation, u32 least, enum promise promise) {
    bool strict = promise == SAME_STRICTLY;
    world_boot(&memory_usual);
    for (u32 n = 1;; n++) {
        trace("allocation %u fails", n);
        setup();
        u64 before = world_digest(strict);
        allocation_fail(n);
        int error = operation();
        bool failed = allocation_has_failed();
        allocation_fail(0);
        sim_check_translations("the operation");
        audit("the operation");
        CHECK(error == 0 || (failed && (error == E_NOMEM || error == E_LIMIT)),
              "error %d, an allocation has%s failed", error, failed ? "" : " not");
        if (error) {
            CHECK(promise == IN_PART || world_digest(strict) == before,
                  "allocation %u failed, and something has changed", n);
            CHECK_EQUAL(operation(), 0); /* nothing is broken for good */
            audit("the operation, tried again");
        }
        check_copies();
        process_end_all();
        world_end();
        if (!failed) {
            CHECK(n > least, "only %u allocations, at least %u expected", n - 1, least);
            return;
        }
    }
}

/* ---- The operations -------------------------------------------------------------------------- */

static int do_create(void) {
    struct quarter *quarter = NULL;
    int error = quarter_create(3, world.budget, &quarter);
    if (!error) {
        handle_keep(quarter);
    }
    return error;
}

static int do_copy(void) {
    struct quarter *quarter = NULL;
    int error = quarter_copy(q, world.budget, &quarter);
    if (!error) {
        handle_keep(quarter);
    }
    return error;
}

static int do_copy_eagerly(void) {
    quarter_copies_eagerly = true;
    int error = do_copy();
    quarter_copies_eagerly = false;
    return error;
}

static int do_attach(void) { return process_attach_try(p, 2, handle, VIEW_FULL); }
static int do_attach_view(void) { return process_attach_try(p, 2, handle, RIGHT_READ); }
static int do_detach(void) { return process_attach_try(p, 1, NULL, 0); }

static u32 clone_plan;
static int do_clone(void) {
    u32 new;
    return process_clone_try(p, clone_plan, &new);
}

static int do_map(void) { return quarter_map(q, 32 * MIB, 64 * PAGE_SIZE, RIGHTS_RW); }
static int do_map_first(void) {
    return quarter_map(process_quarter(p, 0), 0, PAGE_SIZE, RIGHTS_RW);
}
static int do_map_image(void) {
    return quarter_map_boot_image(process_quarter(p, 2), 0, (frame_t){0x140}, 8);
}
static int do_unmap_pages(void) { return quarter_unmap(q, 2 * PAGE_SIZE, 4 * PAGE_SIZE); }
static int do_unmap_large_part(void) { return quarter_unmap(q, 4 * MIB + PAGE_SIZE, PAGE_SIZE); }
static int do_unmap_two_edges(void) { return quarter_unmap(q, 2 * PAGE_SIZE, 4 * MIB); }
static int do_unmap_all(void) { return quarter_unmap(q, 0, 16 * MIB); }
static int do_protect_pages(void) {
    return quarter_protect(q, 2 * PAGE_SIZE, 4 * PAGE_SIZE, RIGHT_READ);
}
static int do_protect_large_part(void) { return quarter_protect(q, 4 * MIB, PAGE_SIZE, RIGHTS_RX); }
static int do_protect_large(void) { return quarter_protect(q, 4 * MIB, 2 * MIB, RIGHT_READ); }

static int write_at(u32 offset) {
    u32 word = 4242;
    return quarter_write(q, offset, &word, sizeof(word));
}
static int do_write_shared(void) { return write_at(PAGE_SIZE); }
static int do_write_new(void) { return write_at(64 * PAGE_SIZE); }
static int do_write_large(void) { return write_at(4 * MIB); }
static int do_write_untouched(void) { return write_at(8 * MIB); }

static u32 supplied;
static int supply_to(u32 offset, struct quarter *from, u32 pages, u32 mode, u32 rights) {
    return quarter_supply_pages(handle, offset, from, 0, pages, mode, rights, &supplied);
}
/* p's pages 0 to 11 are copy-on-write with child's. Page 0 of the handle is there already. */
static int do_supply_move(void) { return supply_to(0, q, 8, PAGER_MOVE, 0); }
static int do_supply_copy(void) { return supply_to(0, q, 8, PAGER_COPY, 0); }
static int do_supply_share(void) { return supply_to(0, q, 8, PAGER_SHARE, 0); }
static int do_supply_to_no_region(void) {
    return supply_to(64 * PAGE_SIZE, q, 1, PAGER_COPY, RIGHT_READ);
}
static int do_supply_from_large(void) {
    return quarter_supply_pages(handle, PAGE_SIZE, q, 4 * MIB, 1, PAGER_SHARE, 0, &supplied);
}

static int user_write_at(u32 address) {
    u32 word = 4242;
    return faulted(sim_user_write(address, &word, sizeof(word)));
}
static int do_fault_shared(void) { return user_write_at(SLOT1 + PAGE_SIZE); }
static int do_fault_new(void) { return user_write_at(SLOT1 + 64 * PAGE_SIZE); }
static int do_fault_large_shared(void) { return user_write_at(SLOT1 + 4 * MIB); }
static int do_fault_large_new(void) { return user_write_at(SLOT1 + 8 * MIB); }
static int do_fault_read(void) {
    u32 word;
    return faulted(sim_user_read(SLOT1 + 100 * PAGE_SIZE, &word, sizeof(word)));
}
static int do_copy_out(void) {
    u32 word = 99;
    return arch_copy_out(SLOT1 + 3 * PAGE_SIZE - 2, &word, sizeof(word)) ? faulted(SIM_FAULT) : 0;
}

/* ---- The tests ------------------------------------------------------------------------------- */

#define FAILING(name, operation, least, promise) \
    TEST(name) { check_failing(operation, least, promise); }

/* SAME: they may have copied a table, split a 2 MiB page or made a view's directory before they
 * failed. */
FAILING(quarter_create_fails_cleanly, do_create, 3, SAME_STRICTLY)
FAILING(quarter_copy_fails_cleanly, do_copy, 3, SAME_STRICTLY)
FAILING(eager_copy_fails_cleanly, do_copy_eagerly, 3 + TOUCHED, SAME)
FAILING(attach_fails_cleanly, do_attach, 2, SAME_STRICTLY)
FAILING(attach_of_a_view_fails_cleanly, do_attach_view, SIM_VIEW_DIRECTORIES ? 3 : 2, SAME)
FAILING(detach_fails_cleanly, do_detach, 2, SAME_STRICTLY)
FAILING(map_fails_cleanly, do_map, 1, SAME_STRICTLY)
FAILING(map_of_the_first_region_fails_cleanly, do_map_first, 1, SAME_STRICTLY)
FAILING(map_of_the_boot_image_fails_cleanly, do_map_image, 1, SAME_STRICTLY)
FAILING(unmap_of_pages_fails_cleanly, do_unmap_pages, 4, SAME)
FAILING(unmap_of_a_part_of_a_large_page_fails_cleanly, do_unmap_large_part, 4, SAME)
FAILING(unmap_with_two_edges_fails_cleanly, do_unmap_two_edges, 5, SAME)
FAILING(unmap_of_everything_fails_cleanly, do_unmap_all, 2, SAME_STRICTLY)
FAILING(protect_of_pages_fails_cleanly, do_protect_pages, 2, SAME)
FAILING(protect_of_a_part_of_a_large_page_fails_cleanly, do_protect_large_part, 2, SAME)
FAILING(protect_of_a_large_page_fails_cleanly, do_protect_large, 1, SAME_STRICTLY)
FAILING(supply_to_a_shared_page_fails_cleanly, do_write_shared, 2, SAME)
FAILING(supply_to_a_new_page_fails_cleanly, do_write_new, 2, SAME)
FAILING(supply_to_a_large_page_fails_cleanly, do_write_large, 2, SAME)
FAILING(supply_to_an_untouched_large_region_fails_cleanly, do_write_untouched, 2, SAME)
FAILING(supply_of_moved_pages_fails_in_part, do_supply_move, 1, IN_PART)
FAILING(supply_of_copied_pages_fails_in_part, do_supply_copy, 1, IN_PART)
FAILING(supply_of_shared_pages_fails_in_part, do_supply_share, 8, IN_PART)
FAILING(supply_to_no_region_fails_cleanly, do_supply_to_no_region, 3, SAME)
FAILING(supply_from_a_large_page_fails_cleanly, do_supply_from_large, 2, SAME)
FAILING(write_fault_on_a_shared_page_fails_cleanly, do_fault_shared, 2, SAME)
FAILING(write_fault_on_a_new_page_fails_cleanly, do_fault_new, 2, SAME)
FAILING(write_fault_on_a_shared_large_page_fails_cleanly, do_fault_large_shared, 2, SAME)
FAILING(write_fault_on_a_new_large_page_does_without, do_fault_large_new, 1, SAME)
FAILING(read_fault_fails_cleanly, do_fault_read, 2, SAME)
FAILING(copy_out_over_two_pages_fails_in_part, do_copy_out, 3, IN_PART)

TEST(clone_fails_cleanly_under_every_plan) {
    for (clone_plan = 0; clone_plan < 256; clone_plan++) {
        if (clone_plan % 5 == 0 ||
            clone_plan % 85 == 1) { /* 0x00, 0x55, 0xAA, 0xFF are among them */
            trace("plan %02x", clone_plan);
            check_failing(do_clone, clone_plan == 0 ? 0 : 1, SAME_STRICTLY);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quarter_create_fails_cleanly),
        cmocka_unit_test(quarter_copy_fails_cleanly),
        cmocka_unit_test(eager_copy_fails_cleanly),
        cmocka_unit_test(attach_fails_cleanly),
        cmocka_unit_test(attach_of_a_view_fails_cleanly),
        cmocka_unit_test(detach_fails_cleanly),
        cmocka_unit_test(map_fails_cleanly),
        cmocka_unit_test(map_of_the_first_region_fails_cleanly),
        cmocka_unit_test(map_of_the_boot_image_fails_cleanly),
        cmocka_unit_test(unmap_of_pages_fails_cleanly),
        cmocka_unit_test(unmap_of_a_part_of_a_large_page_fails_cleanly),
        cmocka_unit_test(unmap_with_two_edges_fails_cleanly),
        cmocka_unit_test(unmap_of_everything_fails_cleanly),
        cmocka_unit_test(protect_of_pages_fails_cleanly),
        cmocka_unit_test(protect_of_a_part_of_a_large_page_fails_cleanly),
        cmocka_unit_test(protect_of_a_large_page_fails_cleanly),
        cmocka_unit_test(supply_to_a_shared_page_fails_cleanly),
        cmocka_unit_test(supply_to_a_new_page_fails_cleanly),
        cmocka_unit_test(supply_to_a_large_page_fails_cleanly),
        cmocka_unit_test(supply_to_an_untouched_large_region_fails_cleanly),
        cmocka_unit_test(supply_of_moved_pages_fails_in_part),
        cmocka_unit_test(supply_of_copied_pages_fails_in_part),
        cmocka_unit_test(supply_of_shared_pages_fails_in_part),
        cmocka_unit_test(supply_to_no_region_fails_cleanly),
        cmocka_unit_test(supply_from_a_large_page_fails_cleanly),
        cmocka_unit_test(write_fault_on_a_shared_page_fails_cleanly),
        cmocka_unit_test(write_fault_on_a_new_page_fails_cleanly),
        cmocka_unit_test(write_fault_on_a_shared_large_page_fails_cleanly),
        cmocka_unit_test(write_fault_on_a_new_large_page_does_without),
        cmocka_unit_test(read_fault_fails_cleanly),
        cmocka_unit_test(copy_out_over_two_pages_fails_in_part),
        cmocka_unit_test(clone_fails_cleanly_under_every_plan),
    };
    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
