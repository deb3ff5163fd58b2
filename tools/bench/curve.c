/* SPDX-License-Identifier: MIT */
/*
 * How page faults scale: the real VM over arch/sim says which locks each fault takes in which order,
 * and then the CPUs go through these orders in virtual time. tools/bench/curve runs it.
 *
 *     curve LENGTHS quarter|big LAYOUT CPUS
 *
 * LENGTHS has a line "EVENT EVENT INSTRUCTIONS" for each pair of events of a fault that follow one
 * another (enter, +quarter, -quarter, +frames, -frames, leave), as holds.py has measured them.
 * LAYOUT: `own`, each CPU has a thread of a process of its own, in a quarter of its own; `slots`,
 * each process has four threads, each in its own of the process's four quarters; `one`, all threads
 * are in one quarter. Prints "FAULTS WAITED": faults in a million instructions' time, all CPUs
 * together, and the percentage of their time that they waited for locks.
 *
 * A CPU that finds a lock taken gets it in the order of arrival. What is left out: that a lock or a
 * count moves between caches, and the memory's bandwidth. So the curve is an upper bound.
 */
#include "kernel/base/cpu.h"
#include "kernel/base/spinlock.h"
#include "kernel/object/budget.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/quarter.h"
#include "tests/host/harness.h"

#define FAULTS 192u /* of each CPU, over and over */
#define EVENTS (FAULTS * 16u)
#define HORIZON 3000000.0 /* instructions */
#define REGION_PAGES 511u /* no whole 2 MiB: small pages only */

/* ---- What a fault does ----------------------------------------------------------------------- */

enum kind { ENTER, TAKE_QUARTER, GIVE_QUARTER, TAKE_FRAMES, GIVE_FRAMES, LEAVE, KINDS };
static const char *const kind_names[KINDS] = {"enter",   "+quarter", "-quarter",
                                              "+frames", "-frames",  "leave"};
static double length[KINDS][KINDS]; /* from one event to the next */

struct event {
    enum kind kind;
    struct spinlock *lock; /* null: ENTER, LEAVE */
};

static struct trail {
    struct event event[EVENTS];
    u32 count;
} trails[ARCH_CPU_LIMIT];

static enum kind kind_of(const char *name) {
    for (u32 kind = 0; kind < KINDS; kind++) {
        if (strcmp(name, kind_names[kind]) == 0) {
            return kind;
        }
    }
    sim_fail("curve: the event %s is unknown", name);
}

static void lengths_read(const char *path) {
    char from[16], to[16];
    double instructions;
    FILE *file = fopen(path, "r");
    CHECK(file, "no file %s", path);
    while (fscanf(file, "%15s %15s %lf", from, to, &instructions) == 3) {
        length[kind_of(from)][kind_of(to)] = instructions;
    }
    fclose(file);
}

static void event_add(enum kind kind, struct spinlock *lock) {
    struct trail *trail = &trails[arch_cpu()->number];
    CHECK(trail->count < EVENTS, "a fault takes more locks than there is room for");
    if (trail->count > 0 && kind != ENTER) {
        enum kind last = trail->event[trail->count - 1].kind;
        CHECK(length[last][kind] > 0, "no length from %s to %s", kind_names[last],
              kind_names[kind]);
    }
    trail->event[trail->count++] = (struct event){kind, lock};
}

static bool is_quarter(const struct spinlock *lock) {
    CHECK(lock->class == LOCK_QUARTER || lock->class == LOCK_FRAMES, "a fault takes the lock %s",
          lock->name);
    return lock->class == LOCK_QUARTER;
}

static void on_acquired(struct spinlock *lock) {
    event_add(is_quarter(lock) ? TAKE_QUARTER : TAKE_FRAMES, lock);
}

static void on_released(struct spinlock *lock) {
    event_add(is_quarter(lock) ? GIVE_QUARTER : GIVE_FRAMES, lock);
}

/* ---- The layouts ----------------------------------------------------------------------------- */

enum layout { OWN, SLOTS, ONE, LAYOUTS };
static const char *const layout_names[LAYOUTS] = {"own", "slots", "one"};
static struct quarter *quarters[ARCH_CPU_LIMIT];

static enum layout layout_of(const char *name) {
    for (u32 layout = 0; layout < LAYOUTS; layout++) {
        if (strcmp(name, layout_names[layout]) == 0) {
            return layout;
        }
    }
    sim_fail("curve: the layout %s is unknown", name);
}

/* The page that the CPU's fault number INDEX fills; CPUs in one quarter take turns. */
static u32 page_offset(enum layout layout, u32 cpus, u32 cpu, u32 index) {
    u32 page = layout == ONE ? index * cpus + cpu : index;
    return (page / REGION_PAGES * TABLE_ENTRIES + page % REGION_PAGES + 1) << PAGE_SHIFT;
}

/* With regions for all faults, and their tables. */
static void quarter_prepare(struct quarter *quarter, u32 pages) {
    for (u32 at = 0; at * REGION_PAGES < pages + 1; at++) {
        u32 offset = (at << TABLE_SHIFT) + PAGE_SIZE, byte = 0;
        CHECK_EQUAL(
            quarter_map(quarter, offset, REGION_PAGES << PAGE_SHIFT, RIGHT_READ | RIGHT_WRITE), 0);
        CHECK_EQUAL(quarter_write(quarter, offset + ((REGION_PAGES - 1) << PAGE_SHIFT), &byte, 1),
                    0);
    }
}

static void quarters_create(enum layout layout, u32 cpus) {
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        if (layout == ONE && cpu > 0) {
            quarters[cpu] = quarters[0];
            continue;
        }
        CHECK_EQUAL(
            quarter_create(layout == SLOTS ? cpu % SLOT_COUNT : 2, &budget_root, &quarters[cpu]),
            0);
        quarter_prepare(quarters[cpu], layout == ONE ? FAULTS * cpus : FAULTS);
    }
}

static void faults_record(enum layout layout, u32 cpus) {
    sim_knobs.lock_acquired = on_acquired;
    sim_knobs.lock_released = on_released;
    for (u32 index = 0; index < FAULTS; index++) {
        for (u32 cpu = 0; cpu < cpus; cpu++) {
            sim_cpu_select(cpu);
            event_add(ENTER, NULL);
            u32 offset = page_offset(layout, cpus, cpu, index);
            CHECK_EQUAL(quarter_fault(quarters[cpu], offset, ACCESS_WRITE, VIEW_FULL), 0);
            event_add(LEAVE, NULL);
        }
    }
    sim_knobs.lock_acquired = sim_knobs.lock_released = NULL;
}

/* ---- Virtual time ---------------------------------------------------------------------------- */

struct runner {
    double now, waited, arrived;
    u32 at;                  /* the next event of its trail */
    struct spinlock *wanted; /* what it waits for */
    u64 faults;
};
static struct runner runners[ARCH_CPU_LIMIT];

static double step_length(u32 cpu) {
    const struct trail *trail = &trails[cpu];
    u32 at = runners[cpu].at;
    enum kind to = trail->event[at].kind;
    return to == ENTER ? 0 : length[trail->event[at - 1].kind][to];
}

static void step_end(struct runner *runner, u32 cpu) {
    runner->at = (runner->at + 1) % trails[cpu].count;
    runner->now += step_length(cpu);
}

/* LOCK is free at NOW: it goes to the one that came first. */
static void lock_hand_over(struct spinlock *lock, double now, u32 cpus) {
    struct runner *first = NULL;
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        struct runner *runner = &runners[cpu];
        if (runner->wanted == lock && (!first || runner->arrived < first->arrived)) {
            first = runner;
        }
    }
    lock->locked = first != NULL;
    if (first) {
        first->wanted = NULL;
        first->waited += now - first->arrived;
        first->now = now;
        step_end(first, (u32)(first - runners));
    }
}

/* The event that RUNNER has come to, at its time. */
static void event_happen(struct runner *runner, u32 cpu, u32 cpus) {
    const struct event *event = &trails[cpu].event[runner->at];
    bool take = event->kind == TAKE_QUARTER || event->kind == TAKE_FRAMES;
    if (take && event->lock->locked) {
        runner->wanted = event->lock;
        runner->arrived = runner->now;
        return;
    }
    double now = runner->now;
    runner->faults += event->kind == LEAVE;
    step_end(runner, cpu);
    if (take) {
        event->lock->locked = 1;
    } else if (event->lock) {
        lock_hand_over(event->lock, now, cpus);
    }
}

static struct runner *runner_next(u32 cpus) {
    struct runner *next = NULL;
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        struct runner *runner = &runners[cpu];
        if (!runner->wanted && (!next || runner->now < next->now)) {
            next = runner;
        }
    }
    return next;
}

/* They begin one after the other, so that their faults do not run in step. */
static void time_run(u32 cpus) {
    struct runner *runner;
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        runners[cpu].now = cpu * 1000.0 / cpus;
    }
    while ((runner = runner_next(cpus))->now < HORIZON) {
        event_happen(runner, (u32)(runner - runners), cpus);
    }
}

int main(int count, char **words) {
    static const struct sim_memory memory = {.low_frames = 0x8000};
    CHECK(count == 5, "usage: curve LENGTHS quarter|big own|slots|one CPUS");
    u32 cpus = (u32)atoi(words[4]);
    CHECK(cpus >= 1 && cpus <= ARCH_CPU_LIMIT, "%u CPUs", cpus);
    lengths_read(words[1]);
    machine_boot(&memory);
    sim_knobs.speculate = false;
    cpu_count = cpus;
    if (strcmp(words[2], "big") == 0) {
        quarter_use_big_lock();
    }
    enum layout layout = layout_of(words[3]);
    quarters_create(layout, cpus);
    faults_record(layout, cpus);
    time_run(cpus);
    double waited = 0;
    u64 faults = 0;
    for (u32 cpu = 0; cpu < cpus; cpu++) {
        waited += runners[cpu].waited;
        faults += runners[cpu].faults;
    }
    printf("%.0f %.0f\n", (double)faults / HORIZON * 1e6, 100 * waited / HORIZON / cpus);
    return 0;
}
