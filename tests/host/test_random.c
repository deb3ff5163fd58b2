/* SPDX-License-Identifier: MIT */
/*
 * Proves, by very many random operations, that every process reads what it must: clone with random
 * plans, map, unmap, protect, write, read, execute, kernel copies, supply of bytes, pages moved and
 * copied between quarters, swap of quarters and views, exit, all compared with the plain model of model.c. In between, other processes run at the
 * VM's preemption points, and the audit compares every count with a full walk. Afterwards no frame
 * is left.
 *
 * The seed is fixed, so that a run fails for what has changed; SEED=random takes a new one and
 * prints it, SEED=NUMBER repeats it. OPERATIONS= says how many (each configuration).
 */
#include "kernel/base/cpu.h"
#include "kernel/object/budget.h"
#include "kernel/vm/supply.h"
#include "tests/host/model.h"

#define PROCESSES 14u
#define HANDLES 8u
#define AUDIT_EVERY 61u

struct seat { /* a slot of a model process */
    struct shadow *shadow;
    u32 view;
};

static struct {
    bool alive[PROCESSES];
    u32 index[PROCESSES]; /* in the world */
    struct seat seat[PROCESSES][SLOT_COUNT];
    struct shadow *handle[HANDLES];
    struct shadow *busy[2]; /* an operation on it is under way: the model and it may differ */
    u32 failures;           /* one allocation in so many fails; 0: none */
    u64 refused, served, out_of_memory;
} m;

static u32 random_rights(void) {
    static const u32 rights[] = {RIGHTS_RW, RIGHTS_RW, RIGHTS_RW, RIGHTS_RW, RIGHTS_RX, RIGHT_READ};
    return rights[sim_random_below(ARRAY_LENGTH(rights))];
}

static u32 random_view(void) {
    static const u32 views[] = {VIEW_FULL, VIEW_FULL, RIGHT_READ, RIGHTS_RW, RIGHTS_RX};
    return views[sim_random_below(ARRAY_LENGTH(views))];
}

static u32 random_action(void) {
    static const u32 actions[] = {PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_COPY,
                                  PLAN_COPY,  PLAN_COPY,  PLAN_COPY,  PLAN_COPY,
                                  PLAN_SHARE, PLAN_SHARE, PLAN_FRESH, PLAN_NONE};
    return actions[sim_random_below(ARRAY_LENGTH(actions))];
}

static u32 random_plan(void) {
    u32 plan = sim_random_below(256);
    if (sim_random_below(8) != 0) {
        plan = PLAN(random_action(), random_action(), random_action(), random_action());
    }
    return sim_random_below(4) == 0 ? PLAN(PLAN_COPY, PLAN_COPY, PLAN_COPY, PLAN_COPY) : plan;
}

static bool no_memory(int error) { return error == E_NOMEM || error == E_LIMIT; }

/* ---- Model processes ------------------------------------------------------------------------- */

static u32 process_pick(void) {
    u32 process = sim_random_below(PROCESSES);
    while (!m.alive[process]) {
        process = (process + 1) % PROCESSES;
    }
    return process;
}

static u32 process_count_alive(void) {
    u32 count = 0;
    for (u32 i = 0; i < PROCESSES; i++) {
        count += m.alive[i];
    }
    return count;
}

static u32 process_free_place(void) {
    u32 place = 0;
    while (place < PROCESSES && m.alive[place]) {
        place++;
    }
    return place;
}

static void process_begin(u32 place) {
    m.alive[place] = true;
    m.index[place] = process_new();
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        m.seat[place][slot] =
            (struct seat){shadow_create(process_quarter(m.index[place], slot)), VIEW_FULL};
    }
}

/* ---- Accesses -------------------------------------------------------------------------------- */

static void fault_judge(enum sim_result result, int expected, const char *what, u32 address) {
    if (result == SIM_OK) {
        CHECK(expected == 0, "%s at %#x succeeds, the model says reason %d", what, address,
              expected);
        m.served++;
    } else if (world.fault_reason == FAULT_NO_MEMORY && expected == 0) {
        m.out_of_memory++;
        CHECK(allocation_has_failed() || frame_free_count() < LARGE_FRAMES,
              "%s at %#x: no memory, but %u frames are free", what, address, frame_free_count());
    } else {
        CHECK(world.fault_reason == expected, "%s at %#x fails for reason %d, the model says %d",
              what, address, world.fault_reason, expected);
        m.refused++;
    }
}

/* Mostly a page of a region, and among these mostly the first ones after a few fixed points, so
 * that the copies of a quarter meet in the same pages. */
static u32 element_pick(const struct shadow *shadow, u32 slot) {
    u32 element, size = universe_size(slot);
    universe_run(slot, 1, &element);
    if (!shadow || sim_random_below(16) == 0) {
        return element;
    }
    if (sim_random_below(2)) {
        element = sim_random_below(16) * size / 16;
    }
    for (u32 i = 0; i < size; i++) {
        u32 at = (element + i) % size;
        if (shadow->page[at].rights) {
            return (at + sim_random_below(4)) % size;
        }
    }
    return element;
}

/* A slot of PROCESS, mostly one that has something in it. */
static u32 slot_pick(u32 process) {
    u32 slot = sim_random_below(SLOT_COUNT);
    for (u32 i = 0; i < 8 && !m.seat[process][slot].shadow; i++) {
        slot = sim_random_below(SLOT_COUNT);
    }
    return slot;
}

static void access_random(u32 process) {
    u32 slot = slot_pick(process), word = sim_random_below(MODEL_WORDS);
    struct seat *seat = &m.seat[process][slot];
    u32 element = element_pick(seat->shadow, slot);
    if (seat->shadow && (seat->shadow == m.busy[0] || seat->shadow == m.busy[1])) {
        return;
    }
    u32 address =
        SLOT_BASE(slot) + (universe_page(slot, element) << PAGE_SHIFT) + word_offset(word);
    u32 kind = sim_random_below(16);
    process_run(m.index[process]);
    allocation_fail(0);
    if (kind == 0) {
        fault_judge(sim_user_execute(address),
                    shadow_access(seat->shadow, seat->view, element, RIGHT_EXECUTE), "execution",
                    address);
    } else if (kind < 7) {
        u32 value = 0xAA55;
        enum sim_result result = sim_user_read(address, &value, sizeof(value));
        fault_judge(result, shadow_access(seat->shadow, seat->view, element, RIGHT_READ), "read",
                    address);
        CHECK(result != SIM_OK || value == seat->shadow->page[element].word[word],
              "process %u reads %#x at %#x, the model has %#x", process, value, address,
              seat->shadow->page[element].word[word]);
    } else {
        u32 value = (u32)sim_random();
        bool by_kernel = kind == 15;
        enum sim_result result =
            by_kernel ? (arch_copy_out(address, &value, sizeof(value)) ? SIM_FAULT : SIM_OK)
                      : sim_user_write(address, &value, sizeof(value));
        fault_judge(result, shadow_access(seat->shadow, seat->view, element, RIGHT_WRITE), "write",
                    address);
        if (result == SIM_OK) {
            seat->shadow->page[element].word[word] = value;
        }
    }
}

/* At a preemption point another process runs for a while. */
static void others_run(void) {
    struct space *before = arch_cpu()->loaded;
    static bool inside;
    if (inside || process_count_alive() == 0 || sim_random_below(4) != 0) {
        return;
    }
    inside = true;
    u32 process = process_pick();
    for (u32 i = 0; i < 4; i++) {
        access_random(process);
    }
    space_load(before);
    inside = false;
}

/* ---- Operations on quarters ------------------------------------------------------------------ */

/* A quarter that somebody holds: of a process or a handle. */
static struct shadow *shadow_pick(void) {
    u32 handle = sim_random_below(HANDLES);
    if (sim_random_below(4) == 0 && m.handle[handle]) {
        return m.handle[handle];
    }
    u32 process = process_pick();
    return m.seat[process][slot_pick(process)].shadow;
}

enum region_change { CHANGE_MAP, CHANGE_UNMAP, CHANGE_PROTECT };

static int shadow_change(struct shadow *shadow, enum region_change change, u32 first, u32 count,
                         u32 rights, bool apply) {
    return change == CHANGE_MAP     ? shadow_map(shadow, first, count, rights, apply)
           : change == CHANGE_UNMAP ? shadow_unmap(shadow, first, count, apply)
                                    : shadow_protect(shadow, first, count, rights, apply);
}

static int quarter_change(struct quarter *quarter, enum region_change change, u32 offset,
                          u32 length, u32 rights) {
    return change == CHANGE_MAP     ? quarter_map(quarter, offset, length, rights)
           : change == CHANGE_UNMAP ? quarter_unmap(quarter, offset, length)
                                    : quarter_protect(quarter, offset, length, rights);
}

static void change_random(enum region_change change) {
    static const char *const names[] = {"map", "unmap", "protect"};
    struct shadow *shadow = shadow_pick();
    if (!shadow) {
        return;
    }
    u32 first, rights = random_rights();
    bool large = sim_random_below(12) == 0;
    u32 count =
        large ? universe_large_run(shadow->slot, &first) : universe_run(shadow->slot, 64, &first);
    u32 offset = universe_page(shadow->slot, first) << PAGE_SHIFT;
    process_run(m.index[process_pick()]);
    int expected = shadow_change(shadow, change, first, count, rights, false);
    m.busy[0] = shadow;
    int error = quarter_change(shadow->quarter, change, offset, count << PAGE_SHIFT, rights);
    m.busy[0] = NULL;
    trace("%s quarter %llu (slot %u) offset %#x pages %u rights %x: %d", names[change],
          (unsigned long long)shadow->quarter->sub_id, shadow->slot, offset, count, rights, error);
    CHECK(error == expected || no_memory(error), "%s answers %d, the model says %d", names[change],
          error, expected);
    if (!error) {
        shadow_change(shadow, change, first, count, rights, true);
    }
    sim_check_translations(names[change]);
}

static void supply_random(void) {
    struct shadow *shadow = shadow_pick();
    u32 element, word = sim_random_below(MODEL_WORDS), value = (u32)sim_random();
    if (!shadow) {
        return;
    }
    element = element_pick(shadow, shadow->slot);
    u32 offset = (universe_page(shadow->slot, element) << PAGE_SHIFT) + word_offset(word);
    int error = quarter_write(shadow->quarter, offset, &value, sizeof(value));
    trace("supply quarter %llu offset %#x: %d", (unsigned long long)shadow->quarter->sub_id, offset,
          error);
    int expected = shadow->page[element].rights ? 0 : E_NOTFOUND;
    CHECK(error == expected || (no_memory(error) && !expected),
          "supply answers %d, the model says %d", error, expected);
    if (!error) {
        shadow->page[element].word[word] = value;
    }
    sim_check_translations("supply");
}

/* Number I of the run: what the call must find, and what it does. */
static int shadow_supply(struct shadow *to, u32 first, struct shadow *from, u32 from_first, u32 i,
                         bool move, bool present) {
    struct shadow_page *page = &to->page[first + i], *source = &from->page[from_first + i];
    if (!page->rights || (!present && !source->rights)) {
        return E_NOTFOUND;
    }
    if (!present) {
        memcpy(page->word, source->word, sizeof(page->word));
        memset(source->word, 0, move ? sizeof(source->word) : 0);
    }
    return 0;
}

/* SHARE is not among them: the model has no pages that are one. */
static void supply_pages_random(void) {
    struct shadow *to = shadow_pick(), *from = shadow_pick();
    bool move = sim_random_below(2), present[64];
    u32 first, from_first, done;
    if (!to || !from || to == from) {
        return;
    }
    u32 count = universe_run(to->slot, 64, &first);
    u32 from_count = universe_run(from->slot, 64, &from_first);
    count = count < from_count ? count : from_count;
    u32 page = universe_page(to->slot, first), from_page = universe_page(from->slot, from_first);
    for (u32 i = 0; i < count; i++) {
        present[i] = page_bytes(to->quarter, page + i) != NULL;
    }
    process_run(m.index[process_pick()]);
    m.busy[0] = to;
    m.busy[1] = from;
    int error = quarter_supply_pages(to->quarter, page << PAGE_SHIFT, from->quarter,
                                     from_page << PAGE_SHIFT, count, move ? PAGER_MOVE : PAGER_COPY,
                                     0, &done);
    m.busy[0] = m.busy[1] = NULL;
    trace("%s %u pages from quarter %llu page %u to quarter %llu page %u: %d, %u done",
          move ? "move" : "copy", count, (unsigned long long)from->quarter->sub_id, from_page,
          (unsigned long long)to->quarter->sub_id, page, error, done);
    int expected = 0;
    for (u32 i = 0; i < done; i++) {
        expected = shadow_supply(to, first, from, from_first, i, move, present[i]);
        CHECK(expected == 0, "page %u is supplied, the model says %d", i, expected);
    }
    CHECK(error || done == count, "success after %u of %u pages", done, count);
    bool refused = error == E_NOTFOUND &&
                   (!to->page[first + done].rights || !from->page[from_first + done].rights);
    CHECK(error == 0 || no_memory(error) || refused, "supply of page %u answers %d", done, error);
    sim_check_translations("supply of pages");
}

/* ---- Operations on processes ----------------------------------------------------------------- */

static void seat_clone(u32 parent, u32 child, u32 slot, u32 action) {
    const struct seat *from = &m.seat[parent][slot];
    struct seat *to = &m.seat[child][slot];
    struct quarter *quarter = process_quarter(m.index[child], slot);
    *to = (struct seat){0};
    if (action == PLAN_NONE || (action != PLAN_FRESH && !from->shadow)) {
        CHECK(!quarter, "clone puts something into slot %u", slot);
    } else if (action == PLAN_FRESH) {
        *to = (struct seat){shadow_create(quarter), VIEW_FULL};
    } else if (action == PLAN_COPY) {
        *to = (struct seat){shadow_copy(from->shadow, quarter), from->view};
    } else {
        CHECK(quarter == from->shadow->quarter, "clone does not SHARE slot %u", slot);
        shadow_reference(from->shadow);
        *to = *from;
    }
}

static void clone_random(void) {
    u32 parent = process_pick(), child = process_free_place();
    u32 plan = random_plan();
    if (child == PROCESSES) {
        return;
    }
    process_run(m.index[parent]);
    int error = process_clone_try(m.index[parent], plan, &m.index[child]);
    trace("clone process %u by plan %02x as %u: %d", parent, plan, child, error);
    CHECK(error == 0 || no_memory(error), "clone answers %d", error);
    if (!error) {
        m.alive[child] = true;
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            seat_clone(parent, child, slot, PLAN_FOR_SLOT(plan, slot));
        }
    }
    sim_check_translations("clone");
}

static void exit_random(void) {
    u32 process = process_pick();
    if (process_count_alive() < 2) {
        return;
    }
    if (sim_random_below(2)) {
        process_run(m.index[process]); /* it ends while it is loaded */
    }
    trace("exit process %u", process);
    m.alive[process] = false;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        shadow_release(m.seat[process][slot].shadow);
    }
    process_end(m.index[process]);
    sim_check_translations("exit");
}

/* Attach, detach or swap: another quarter, or nothing, goes into a slot of a process. */
static void swap_random(void) {
    u32 process = process_pick();
    struct shadow *shadow = sim_random_below(12) ? shadow_pick() : NULL;
    u32 slot = shadow ? shadow->slot : sim_random_below(SLOT_COUNT);
    u32 view = shadow ? random_view() : 0;
    struct seat *seat = &m.seat[process][slot];
    if (sim_random_below(2)) {
        process_run(m.index[process]);
    }
    if (shadow) {
        shadow_reference(shadow);
    }
    struct seat old = *seat;
    *seat = (struct seat){shadow, view};
    m.busy[0] = shadow != old.shadow ? old.shadow : NULL;
    int error = process_attach_try(m.index[process], slot, shadow ? shadow->quarter : NULL, view);
    m.busy[0] = NULL;
    trace("swap process %u slot %u to quarter %llu view %x: %d", process, slot,
          shadow ? (unsigned long long)shadow->quarter->sub_id : 0, view, error);
    CHECK(error == 0 || no_memory(error), "swap answers %d", error);
    if (error) {
        *seat = old;
        old.shadow = shadow;
    }
    shadow_release(old.shadow);
    sim_check_translations("swap");
}

/* Drop a handle, or make one: to a new quarter, to a copy, to one that a process has. */
static void handle_random(void) {
    struct shadow **place = &m.handle[sim_random_below(HANDLES)];
    struct quarter *quarter = NULL;
    if (*place) {
        struct shadow *old = *place;
        *place = NULL;
        trace("drop the handle of quarter %llu", (unsigned long long)old->quarter->sub_id);
        struct quarter *gone = old->quarter;
        shadow_release(old);
        handle_drop(gone);
        return;
    }
    struct shadow *from = shadow_pick();
    u32 kind = from ? sim_random_below(3) : 0;
    int error = 0;
    if (kind == 0) {
        error = quarter_create(sim_random_below(SLOT_COUNT), world.budget, &quarter);
        *place = error ? NULL : shadow_create(quarter);
    } else if (kind == 1) {
        error = quarter_copy(from->quarter, world.budget, &quarter);
        *place = error ? NULL : shadow_copy(from, quarter);
    } else {
        quarter = from->quarter;
        quarter_reference(quarter);
        shadow_reference(from);
        *place = from;
    }
    trace("handle, kind %u, of quarter %llu: %d", kind,
          quarter ? (unsigned long long)quarter->sub_id : 0, error);
    CHECK(error == 0 || no_memory(error), "quarter create or copy answers %d", error);
    if (!error) {
        handle_keep(quarter);
    }
    sim_check_translations("handle");
}

/* ---- The run --------------------------------------------------------------------------------- */

static void verify_all(const char *after) {
    for (u32 i = 0; i < PROCESSES; i++) {
        for (u32 slot = 0; m.alive[i] && slot < SLOT_COUNT; slot++) {
            if (m.seat[i][slot].shadow) {
                shadow_verify(m.seat[i][slot].shadow, after);
            }
        }
    }
    for (u32 i = 0; i < HANDLES; i++) {
        if (m.handle[i]) {
            shadow_verify(m.handle[i], after);
        }
    }
    audit(after);
}

static void operation_random(void) {
    u32 kind = sim_random_below(100);
    if (kind < 60) {
        u32 process = process_pick();
        for (u32 i = 0; i < 3; i++) {
            access_random(process);
        }
    } else if (kind < 72) {
        change_random(CHANGE_MAP);
    } else if (kind < 76) {
        change_random(CHANGE_UNMAP);
    } else if (kind < 81) {
        change_random(CHANGE_PROTECT);
    } else if (kind < 84) {
        supply_random();
    } else if (kind < 88) {
        supply_pages_random();
    } else if (kind < 92) {
        clone_random();
    } else if (kind < 94) {
        exit_random();
    } else if (kind < 96) {
        swap_random();
    } else {
        handle_random();
    }
}

static u64 operations(void) {
    const char *text = getenv("OPERATIONS");
    return text ? strtoull(text, NULL, 0) : 50000;
}

static void run(const struct sim_memory *memory, u64 count, u32 verify_every) {
    u64 seed = test_seed(2000);
    printf("    SEED=%llu, %llu operations\n", (unsigned long long)seed, (unsigned long long)count);
    world_boot(memory);
    preemption_hook = others_run;
    process_begin(0);
    allocation_fail_randomly(m.failures);
    for (u64 i = 0; i < count; i++) {
        operation_random();
        if (i % verify_every == verify_every - 1) {
            verify_all("a random operation");
        } else if (i % AUDIT_EVERY == 0) {
            audit("a random operation");
        }
    }
    verify_all("all operations");
    printf("    %llu accesses served, %llu refused, %llu without memory, %u page faults; %llu "
           "preemption points\n",
           (unsigned long long)m.served, (unsigned long long)m.refused,
           (unsigned long long)m.out_of_memory, sim_user_faults(),
           (unsigned long long)preemption_count());
    preemption_hook = NULL;
    allocation_fail_randomly(0);
    process_end_all();
    world_end();
}

TEST(random_with_ample_memory) {
    const struct sim_memory memory = {.low_frames = 0x8000,
                                      .hole_start = 0xA0,
                                      .hole_frames = 0x60,
                                      .high_start = 0x10000,
                                      .high_frames = 0x10000};
    run(&memory, operations(), 997);
    CHECK(m.out_of_memory == 0, "%llu accesses found no memory",
          (unsigned long long)m.out_of_memory);
}

TEST(random_with_tags) {
    const struct sim_memory memory = {
        .low_frames = 0x4000, .high_start = 0x8000, .high_frames = 0x4000};
    sim_knobs.tags = sim_knobs.tag_invalidates = true;
    run(&memory, operations() / 2, 997);
}

TEST(random_with_one_big_lock) {
    const struct sim_memory memory = {
        .low_frames = 0x4000, .high_start = 0x8000, .high_frames = 0x4000};
    quarter_use_big_lock();
    run(&memory, operations() / 4, 997);
}

TEST(random_without_large_pages) { /* no 2 MiB block is ever whole: the 4 KiB paths get all the work
                                    */
    const struct sim_memory memory = {
        .low_frames = 0x1E0, .high_start = 0x8011, .high_frames = 0x1E0};
    run(&memory, operations(), 499);
}

TEST(random_with_scarce_memory) {
    const struct sim_memory memory = {
        .low_frames = 0x500, .high_start = 0x8000, .high_frames = 0x480};
    run(&memory, operations(), 499);
}

TEST(random_with_failing_allocations) {
    const struct sim_memory memory = {
        .low_frames = 0x4000, .high_start = 0x8000, .high_frames = 0x4000};
    m.failures = 20;
    run(&memory, operations(), 997);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_with_ample_memory),
        cmocka_unit_test(random_with_tags),
        cmocka_unit_test(random_with_one_big_lock),
        cmocka_unit_test(random_without_large_pages),
        cmocka_unit_test(random_with_scarce_memory),
        cmocka_unit_test(random_with_failing_allocations),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
