/* SPDX-License-Identifier: MIT */
/*
 * snapshot SECONDS: COPY while other CPUs write. What the kernel promises of a copy of one quarter:
 *
 *     the copy is the content of the quarter at one moment between the call and its return.
 *
 * Under the quarter's lock, COPY closes the directory entries one after the other, then shoots
 * down. A CPU that still has a translation writes on meanwhile, into frames that the copy has too;
 * one that has none faults, and waits for the lock. When the shootdown ends, nobody can write into
 * those frames any more. So every write before that moment is in the copy, every other one comes
 * after it. A clone copies slot after slot: each has a moment of its own, a higher slot's not
 * before a lower one's.
 *
 * Writers in this space and in others fill lanes (cut.h). By turns, quarter_copy, a clone with slot
 * 2 COPY, and a fork are checked: one moment, within the call; nothing changes afterwards; and
 * after a fork, that slot 2 is not older than slot 1. Ends with status 1 and a sentence at the
 * first failure.
 */
#include "user/bin/cut.h"

#define USAGE "snapshot SECONDS"

static struct {
    uint32_t stop, cpus, count;
    struct verdict verdict;
    struct lane lane[LANES] __attribute__((aligned(64)));
} shared; /* in slot 1, with which the writers go on when it is copied */

static int writer(void *argument) {
    uint32_t lane = (uint32_t)(uintptr_t)argument;
    while (!word_get(&shared.stop)) {
        lane_write(&shared.lane[lane], lane, shared.count);
        if (shared.cpus == 1 && shared.lane[lane].done % 8 == 0) {
            thread_yield(); /* nobody copies before this one lets them */
        }
    }
    return 0;
}

/* ---- Bounds of the moment -------------------------------------------------------------------- */

struct bounds {
    uint32_t done[LANES];  /* rounds that were over before the call */
    uint32_t begun[LANES]; /* that had begun when it had returned */
};

static void bounds_before(struct bounds *bounds) {
    for (uint32_t i = 0; i < shared.count; i++) {
        bounds->done[i] = word_get(&shared.lane[i].done);
    }
}

static void bounds_after(struct bounds *bounds) {
    for (uint32_t i = 0; i < shared.count; i++) {
        bounds->begun[i] = word_get(&shared.lane[i].begun);
    }
}

/* Until each writer has begun and ended another round. */
static void writers_advance(void) {
    uint32_t turns = 0;
    for (uint32_t i = 0; i < shared.count; i++) {
        uint32_t done = word_get(&shared.lane[i].done);
        while (word_get(&shared.lane[i].done) - done < 2 && !verdict_failed(&shared.verdict)) {
            many_wait(&turns);
        }
    }
}

/* Slot 2 is the copy here; the writers have the original. */
static void copy_check(const struct bounds *bounds) {
    uint32_t sum = lanes_sum(shared.count);
    for (uint32_t i = 0; i < shared.count; i++) {
        lane_check(i, shared.count, bounds->done[i], bounds->begun[i], &shared.verdict);
    }
    writers_advance();
    if (lanes_sum(shared.count) != sum) {
        verdict_fail(&shared.verdict, "a copy has changed after the call had returned");
    }
}

/* ---- The three copies ------------------------------------------------------------------------ */

static void try_quarter_copy(void) {
    struct bounds bounds;
    long original = demo_must("space_get", space_get(SLOT_SHARED));
    bounds_before(&bounds);
    long copy = demo_must("quarter_copy", quarter_copy((int)original));
    bounds_after(&bounds);
    demo_must("space_set", demo_attach(SLOT_SHARED, (int)copy, RIGHT_READ | RIGHT_WRITE, 1));
    copy_check(&bounds);
    demo_must("space_set", demo_attach(SLOT_SHARED, (int)original, RIGHT_READ | RIGHT_WRITE, 1));
}

/* The parent waits for the child, which SHAREs slot 1 with it. */
static void try_clone(void) {
    static struct bounds bounds;
    static uint32_t returned;
    word_put(&returned, 0);
    bounds_before(&bounds);
    long child =
        demo_must("process_clone",
                  process_clone(PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_COPY, PLAN_COPY), 0, 0, 0));
    if (child == 0) {
        uint32_t turns = 0;
        while (!word_get(&returned)) {
            many_wait(&turns);
        }
        copy_check(&bounds);
        process_exit(0);
    }
    bounds_after(&bounds);
    word_put(&returned, 1);
    if (demo_wait(child) != 0) {
        verdict_fail(&shared.verdict, "the child that looks at a copy did not end well");
    }
}

/* The child's slot 1 has the rounds as they stood when that was copied: before slot 2. */
static void fork_check(void) {
    for (uint32_t i = 0; i < shared.count; i++) {
        lane_check(i, shared.count, shared.lane[i].done, UINT32_MAX, &shared.verdict);
    }
    uint32_t sum = lanes_sum(shared.count);
    thread_sleep(2000);
    if (lanes_sum(shared.count) != sum) {
        verdict_fail(&shared.verdict, "a fork's copy has changed after the call had returned");
    }
    process_exit((uint32_t)verdict_end(&shared.verdict, "snapshot: fork's child"));
}

static void try_fork(void) {
    long child = demo_must("process_clone", process_clone(PLAN_FORK, 0, 0, 0));
    if (child == 0) {
        fork_check();
    }
    if (demo_wait(child) != 0) {
        verdict_fail(&shared.verdict, "a fork's child has found a wrong copy");
    }
}

/* ---- The run --------------------------------------------------------------------------------- */

static void copies_make(uint64_t end, uint32_t counts[3]) {
    static void (*const tries[3])(void) = {try_quarter_copy, try_clone, try_fork};
    for (uint32_t i = 0; many_milliseconds() < end && !verdict_failed(&shared.verdict); i++) {
        tries[i % 3]();
        writers_advance(); /* so that they have writable translations again */
        counts[i % 3]++;
    }
}

/* What the writers leave: their last rounds, whole. */
static void original_check(void) {
    for (uint32_t i = 0; i < shared.count; i++) {
        uint32_t done = shared.lane[i].done;
        if (*lane_number(i, 0) != done || *lane_number(i, LANE_PAGES - 1) != done) {
            verdict_fail(&shared.verdict, "lane %lu lost a write of its writer's",
                         (unsigned long)i);
        }
    }
}

static int run(long seconds) {
    long child[LANES];
    uint32_t counts[3] = {0};
    struct info_machine before = many_machine();
    shared.cpus = before.cpus;
    shared.count = before.cpus < 3 ? 2 : before.cpus > LANES ? LANES : before.cpus - 1;
    long quarter = demo_must("quarter_create", quarter_create(SLOT_SHARED));
    demo_must("space_set", demo_attach(SLOT_SHARED, (int)quarter, RIGHT_READ | RIGHT_WRITE, 1));
    for (uint32_t i = 0; i < shared.count; i++) {
        lane_map(i);
    }
    for (uint32_t i = 0; i < shared.count; i++) {
        uint32_t plan = i % 2 == 0 ? PLAN_RFORK : PLAN_THREAD;
        child[i] = demo_must("quartet_clone", quartet_clone(plan, writer, (void *)(uintptr_t)i));
    }
    writers_advance();
    copies_make(many_milliseconds() + (uint64_t)seconds * 1000, counts);
    word_put(&shared.stop, 1);
    for (uint32_t i = 0; i < shared.count; i++) {
        demo_wait(child[i]);
    }
    original_check();
    struct info_machine after = many_machine();
    printf("snapshot: %lu writers; quarter_copy %lu times, clone %lu, fork %lu\n",
           (unsigned long)shared.count, (unsigned long)counts[0], (unsigned long)counts[1],
           (unsigned long)counts[2]);
    many_print_counters(&before, &after);
    return verdict_end(&shared.verdict, "snapshot");
}

int main(int argc, char **argv) {
    long seconds;
    if (argc == 2 && strcmp(argv[1], "-h") == 0) {
        return command_usage(USAGE, 'h');
    }
    if (argc != 2 || command_number(argv[1], 1, 86400, &seconds) != 0) {
        return command_usage(USAGE, 0);
    }
    return run(seconds);
}
