/* SPDX-License-Identifier: MIT */
/*
 * stress SECONDS [-j WORKERS] [-s SEED]: all that processes can do to each other on many CPUs, at
 * once. WORKERS processes (default: two more than CPUs) do random operations of the table below,
 * each of which checks its results. A line every ten seconds; at the end what was done, and the
 * kernel's counters. Afterwards the machine must have as many frames, quarters, spaces, processes
 * and threads as before, and each worker as many handles. Ends with status 1 and a sentence at the
 * first failure. Read stress/stress.h next.
 */
#include "user/bin/stress/stress.h"

#define USAGE "stress SECONDS [-j WORKERS] [-s SEED]"
#define GRACE 30000u /* milliseconds that a worker may take to end its last operation */

static const struct operation {
    const char *name;
    void (*run)(void);
} operations[] = {
    {"plans", stress_plans},     /* clones by random plans, each slot compared */
    {"trees", stress_tree},      /* clones of clones */
    {"regions", stress_regions}, /* map, unmap, protect, supply, write in one quarter by several */
    {"swaps", stress_swaps},     /* space_set under threads that read and write */
    {"copies", stress_copies},   /* COPY while others write */
    {"views", stress_views},     /* read-only attachments */
    {"lock-step", stress_lockstep}, /* two that alternate */
    {"threads", stress_threads},    /* a mutex and an atomic counter */
    {"ends", stress_ends},          /* exits, faults, kills in any state */
    {"messages", stress_messages},  /* calls to a server that may be killed */
    {"short", stress_short},        /* short calls, of clients and to servers that are killed */
    {"loans", stress_loans},        /* a quarter lent, with time-outs and deaths */
    {"signals", stress_signals},    /* notifications and timers between processes */
    {"pagers", stress_pagers},      /* pages of a child supplied by the worker */
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

uint32_t stress_self, stress_seed;

/* ---- Workers --------------------------------------------------------------------------------- */

static uint32_t handles_count(void) {
    struct handle_stat stat;
    uint32_t count = 0;
    for (int i = 0; i < HANDLE_LIMIT; i++) {
        count += handle_stat(i, &stat) == 0;
    }
    return count;
}

/* Of slots 1 and 3 a page for the words of plans.c; slot 0 has them on the board. */
static void worker_prepare(uint32_t number, uint32_t seed) {
    stress_self = number;
    stress_seed = seed * 2654435761u + number + 1;
    for (uint32_t slot = 1; slot < SLOT_COUNT; slot += 2) {
        stress_must("quarter_map", quarter_map(QUARTET_SLOT(slot), BOARD_OFFSET, PAGE_SIZE, RW));
    }
}

static void operation_run(uint32_t number, uint32_t chosen) {
    BOARD->doing[number] = chosen;
    operations[chosen].run();
    __atomic_add_fetch(&BOARD->count[chosen], 1, __ATOMIC_RELAXED);
}

/* One of each, then in random order until the stop. */
static _Noreturn void worker_run(uint32_t number, uint32_t seed) {
    worker_prepare(number, seed);
    uint32_t handles = handles_count();
    for (uint32_t i = 0; i < OPERATIONS && !stress_failed(); i++) {
        operation_run(number, (i + number) % OPERATIONS);
    }
    while (!word_get(&BOARD->stop) && !stress_failed()) {
        operation_run(number, chance(OPERATIONS));
    }
    uint32_t left = handles_count();
    if (left != handles) {
        stress_fail("worker %lu has %lu handles, and had %lu", (unsigned long)number,
                    (unsigned long)left, (unsigned long)handles);
    }
    process_exit(0);
    __builtin_unreachable();
}

static long worker_start(uint32_t number, uint32_t seed) {
    long child = process_clone(PLAN(PLAN_SHARE, PLAN_COPY, PLAN_FRESH, PLAN_COPY), 0, 0, 0);
    if (child == 0) {
        worker_run(number, seed);
    }
    return stress_must("process_clone", child);
}

/* Wait until it has ended, but not for ever. */
static void worker_end(long worker, uint32_t number, uint64_t latest) {
    struct process_status status = {0};
    long result;
    while ((result = process_wait((int)worker, WAIT_NOHANG, &status)) == -E_AGAIN) {
        if (many_milliseconds() > latest) {
            stress_fail("worker %lu does not end: it is in %s", (unsigned long)number,
                        operations[BOARD->doing[number]].name);
            process_kill((int)worker, 9);
            latest = UINT64_MAX;
        }
        thread_sleep(10000);
    }
    if (stress_must("process_wait", result) == 0 && status.status != 0) {
        stress_fail("worker %lu ended with status %#lx in %s", (unsigned long)number,
                    (unsigned long)status.status, operations[BOARD->doing[number]].name);
    }
    handle_close((int)worker);
}

/* ---- The run --------------------------------------------------------------------------------- */

static void print_counts(unsigned long seconds) {
    unsigned long sum = 0;
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        sum += BOARD->count[i];
    }
    printf("stress: %lu s: %lu operations:", seconds, sum);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        printf("%s %s %lu", i > 0 ? "," : "", operations[i].name, (unsigned long)BOARD->count[i]);
    }
    putchar('\n');
    fflush(stdout);
}

static void wait_and_print(unsigned long seconds) {
    uint64_t start = many_milliseconds(), end = start + seconds * 1000, next = start + 10000;
    while (many_milliseconds() < end && !stress_failed()) {
        thread_sleep(50000);
        if (many_milliseconds() >= next && next < end) {
            print_counts((unsigned long)((next - start) / 1000));
            next += 10000;
        }
    }
}

/* Each CPU may keep the root tables of four ended spaces for the next ones: two frames each. */
#define KEPT_FRAMES 8

static bool counts_equal(const struct info_machine *before, const struct info_machine *after) {
    long frames = (long)after->frames_free - (long)before->frames_free;
    return before->processes == after->processes && before->threads == after->threads &&
           before->quarters == after->quarters && before->spaces == after->spaces &&
           labs(frames) <= KEPT_FRAMES * (long)after->cpus;
}

/* What ended is torn down by the idle time of the CPUs: give it some. */
static void counts_check(const struct info_machine *before) {
    struct info_machine after = many_machine();
    for (int i = 0; i < 500 && !counts_equal(before, &after); i++) {
        thread_sleep(10000);
        after = many_machine();
    }
    if (!counts_equal(before, &after)) {
        stress_fail("processes %+ld, threads %+ld, quarters %+ld, spaces %+ld, free frames %+ld",
                    (long)after.processes - (long)before->processes,
                    (long)after.threads - (long)before->threads,
                    (long)after.quarters - (long)before->quarters,
                    (long)after.spaces - (long)before->spaces,
                    (long)after.frames_free - (long)before->frames_free);
    }
}

static void workers_run(unsigned long seconds, uint32_t workers, uint32_t seed) {
    long worker[WORKERS_LIMIT];
    word_put(&BOARD->stop, seconds == 0);
    for (uint32_t i = 0; i < workers; i++) {
        worker[i] = worker_start(i, seed);
    }
    wait_and_print(seconds);
    word_put(&BOARD->stop, 1);
    uint64_t latest = many_milliseconds() + GRACE;
    for (uint32_t i = 0; i < workers; i++) {
        worker_end(worker[i], i, latest);
    }
}

/* The kernel's caches of objects have grown when the machine is looked at first: so each worker
 * does one of each before that. */
static int stress_run(unsigned long seconds, uint32_t workers, uint32_t seed) {
    stress_must("quartet_slot_own", quartet_slot_own(0));
    stress_must("quarter_map", quarter_map(QUARTET_SLOT(0), BOARD_OFFSET, BOARD_LENGTH, RW));
    memset(demo_pointer(0, BOARD_OFFSET), 0, BOARD_LENGTH);
    printf("stress: %lu workers on %lu CPUs for %lu seconds, seed %lu\n", (unsigned long)workers,
           (unsigned long)many_machine().cpus, seconds, (unsigned long)seed);
    fflush(stdout);
    workers_run(0, workers, seed);
    thread_sleep(300000);
    struct info_machine before = many_machine();
    workers_run(seconds, workers, seed);
    if (!stress_failed()) {
        counts_check(&before);
    }
    struct info_machine after = many_machine();
    print_counts(seconds);
    many_print_counters(&before, &after);
    return verdict_end(&BOARD->verdict, "stress");
}

int main(int argc, char **argv) {
    long seconds = 0, workers = 0, seed = 1;
    int option;
    while ((option = getopt(argc, argv, "j:s:h")) != -1) {
        if ((option != 'j' || command_number(optarg, 1, (long)WORKERS_LIMIT, &workers) != 0) &&
            (option != 's' || command_number(optarg, 1, 0x7FFFFFFF, &seed) != 0)) {
            return command_usage(USAGE, option);
        }
    }
    if (optind != argc - 1 || command_number(argv[optind], 1, 1000000, &seconds) != 0) {
        return command_usage(USAGE, 0);
    }
    if (workers == 0) {
        uint32_t cpus = many_machine().cpus;
        workers = cpus + 2 < WORKERS_LIMIT ? (long)cpus + 2 : (long)WORKERS_LIMIT;
    }
    return stress_run((unsigned long)seconds, (uint32_t)workers, (uint32_t)seed);
}
