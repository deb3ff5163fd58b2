/* SPDX-License-Identifier: MIT */
/*
 * locks [-p PROCESSES] [-t THREADS] [ROUNDS]: the locks of the user library under contention, from
 * THREADS threads in each of PROCESSES processes that SHARE slot 2, where the locks stand:
 *
 *     mutex      a counter that only it guards loses no increment
 *     condition  a queue of four places: every number comes out once, in each producer's order
 *     barrier    nobody is a round ahead, and one of each round is told that it was the last
 *     libc       the C library's own locks: malloc, and one stream for all threads of a process
 *     heap       the same with processes that SHARE slot 1: one heap for all
 *
 * Prints a line for each, and ends with status 1 if one did not hold. A thread that is never woken
 * shows as a run that does not end.
 */
#include "user/bin/many.h"

#define USAGE "locks [-p PROCESSES] [-t THREADS] [ROUNDS]"
#define MEMBERS_LIMIT 64u
#define PLACES 4u
#define FILE_NAME "/tmp/locks"

struct shared {
    struct quartet_mutex mutex;
    struct quartet_condition filled, emptied;
    struct quartet_barrier barrier;
    uint32_t counter;
    uint32_t queue[PLACES], first, used; /* mutex: */
    uint32_t taken[MEMBERS_LIMIT];       /* mutex: numbers of each producer that came out */
    uint32_t round[MEMBERS_LIMIT];       /* of the barrier: written by the member only */
    uint32_t lasts;
    struct verdict verdict;
};
#define SHARED ((struct shared *)demo_pointer(SLOT_SHARED, 0))

static uint32_t processes = 2, threads = 4, rounds = 500, members;

/* ---- What one member does -------------------------------------------------------------------- */

static void member_mutex(uint32_t member) {
    for (uint32_t i = 0; i < rounds; i++) {
        if ((i + member) % 5 != 0 || !quartet_mutex_try(&SHARED->mutex)) {
            quartet_mutex_lock(&SHARED->mutex);
        }
        uint32_t seen = *(volatile uint32_t *)&SHARED->counter;
        if ((i + member) % 17 == 0) {
            thread_yield(); /* with the mutex: others come to wait */
        }
        *(volatile uint32_t *)&SHARED->counter = seen + 1;
        quartet_mutex_unlock(&SHARED->mutex);
    }
}

static void queue_put(uint32_t value) {
    quartet_mutex_lock(&SHARED->mutex);
    while (SHARED->used == PLACES) {
        quartet_condition_wait(&SHARED->emptied, &SHARED->mutex);
    }
    SHARED->queue[(SHARED->first + SHARED->used++) % PLACES] = value;
    quartet_mutex_unlock(&SHARED->mutex);
    quartet_condition_signal(&SHARED->filled);
}

static void queue_take(void) {
    quartet_mutex_lock(&SHARED->mutex);
    while (SHARED->used == 0) {
        quartet_condition_wait(&SHARED->filled, &SHARED->mutex);
    }
    uint32_t value = SHARED->queue[SHARED->first], producer = value >> 24;
    SHARED->first = (SHARED->first + 1) % PLACES;
    SHARED->used--;
    if (producer >= MEMBERS_LIMIT || (value & 0xFFFFFF) != SHARED->taken[producer]) {
        verdict_fail(&SHARED->verdict, "the queue gave %#lx after %lu of that producer's",
                     (unsigned long)value, (unsigned long)SHARED->taken[producer % MEMBERS_LIMIT]);
    }
    SHARED->taken[producer % MEMBERS_LIMIT]++;
    quartet_mutex_unlock(&SHARED->mutex);
    quartet_condition_signal(&SHARED->emptied);
}

/* Even members produce, odd ones consume. */
static void member_condition(uint32_t member) {
    for (uint32_t i = 0; i < rounds && member != (members & ~1u); i++) {
        if (member % 2 == 0) {
            queue_put(member << 24 | i);
        } else {
            queue_take();
        }
    }
}

static void member_barrier(uint32_t member) {
    for (uint32_t i = 1; i <= rounds / 4; i++) {
        *(volatile uint32_t *)&SHARED->round[member] = i;
        if (quartet_barrier_wait(&SHARED->barrier)) {
            __atomic_add_fetch(&SHARED->lasts, 1, __ATOMIC_RELAXED);
        }
        for (uint32_t other = 0; other < members; other++) {
            uint32_t seen = word_get(&SHARED->round[other]);
            if (seen != i && seen != i + 1) {
                verdict_fail(&SHARED->verdict, "round %lu of the barrier met member %lu in %lu",
                             (unsigned long)i, (unsigned long)other, (unsigned long)seen);
            }
        }
    }
}

/* ---- The C library --------------------------------------------------------------------------- */

static void blocks_use(uint32_t member, uint32_t i) {
    unsigned char *block[8];
    uint32_t random = member * 7919 + i + 1;
    for (uint32_t b = 0; b < 8; b++) {
        size_t length = 1 + many_random(&random, 3000);
        block[b] = malloc(length);
        if (block[b] == NULL) {
            verdict_fail(&SHARED->verdict, "malloc has no %lu bytes", (unsigned long)length);
            return;
        }
        memset(block[b], (int)(member + b), length);
        block[b] = realloc(block[b], length + 50);
        if (block[b] == NULL || block[b][length - 1] != (unsigned char)(member + b)) {
            verdict_fail(&SHARED->verdict, "a block from malloc was somebody else's too");
            return;
        }
    }
    for (uint32_t b = 0; b < 8; b++) {
        if (block[b][0] != (unsigned char)(member + b)) {
            verdict_fail(&SHARED->verdict, "a block from malloc has changed");
        }
        free(block[b]);
    }
}

static void member_heap(uint32_t member) {
    for (uint32_t i = 0; i < rounds / 4; i++) {
        blocks_use(member, i);
    }
}

static FILE *stream;

static void member_libc(uint32_t member) {
    for (uint32_t i = 0; i < rounds / 4; i++) {
        blocks_use(member, i);
        fprintf(stream, "%lu %lu %lu\n", (unsigned long)member, (unsigned long)i,
                (unsigned long)(member * 1000003 + i));
    }
}

/* Every line of the process's file whole, and as many as its threads have written. */
static void stream_check(const char *name) {
    unsigned long member, i, sum, lines = 0;
    rewind(stream);
    while (fscanf(stream, "%lu %lu %lu", &member, &i, &sum) == 3) {
        if (sum != member * 1000003 + i) {
            verdict_fail(&SHARED->verdict, "a line of two threads at once in %s", name);
        }
        lines++;
    }
    if (lines != threads * (rounds / 4)) {
        verdict_fail(&SHARED->verdict, "%lu lines in %s, not %lu", lines, name,
                     (unsigned long)(threads * (rounds / 4)));
    }
    fclose(stream);
    unlink(name);
}

/* ---- Members: threads of processes ----------------------------------------------------------- */

static void (*member_run)(uint32_t member);

static int member_thread(void *argument) {
    member_run((uint32_t)(uintptr_t)argument);
    return 0;
}

static int process_run(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument;
    struct quartet_thread *thread[MEMBERS_LIMIT];
    char name[32];
    snprintf(name, sizeof(name), FILE_NAME "%lu", (unsigned long)number);
    if (member_run == member_libc && (stream = fopen(name, "w+")) == NULL) {
        verdict_fail(&SHARED->verdict, "%s cannot be opened", name);
        return 1;
    }
    for (uint32_t i = 0; i < threads; i++) {
        thread[i] = quartet_thread_start(member_thread, (void *)(uintptr_t)(number * threads + i));
        demo_must("quartet_thread_start", thread[i] == NULL ? -E_NOMEM : 0);
    }
    for (uint32_t i = 0; i < threads; i++) {
        quartet_thread_join(thread[i], NULL);
    }
    if (member_run == member_libc) {
        stream_check(name);
    }
    return 0;
}

static void check_run(const char *name, uint32_t plan, void (*run)(uint32_t), int (*right)(void)) {
    long child[MEMBERS_LIMIT];
    memset(SHARED, 0, sizeof(*SHARED));
    SHARED->barrier.count = members;
    member_run = run;
    fflush(stdout);
    for (uint32_t i = 0; i < processes; i++) {
        child[i] =
            demo_must("quartet_clone", quartet_clone(plan, process_run, (void *)(uintptr_t)i));
    }
    for (uint32_t i = 0; i < processes; i++) {
        if (demo_wait(child[i]) != 0) {
            verdict_fail(&SHARED->verdict, "process %lu did not end well", (unsigned long)i);
        }
    }
    if (!right()) {
        verdict_fail(&SHARED->verdict, "the count at the end is wrong");
    }
    printf("%-4s %s%s%s\n", verdict_failed(&SHARED->verdict) ? "FAIL" : "ok", name,
           verdict_failed(&SHARED->verdict) ? ": " : "", SHARED->verdict.sentence);
}

/* ---- The checks ------------------------------------------------------------------------------ */

static int right_mutex(void) { return SHARED->counter == members * rounds; }

static int right_condition(void) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < MEMBERS_LIMIT; i++) {
        sum += SHARED->taken[i];
    }
    return sum == members / 2 * rounds && SHARED->used == 0;
}

static int right_barrier(void) { return SHARED->lasts == rounds / 4; }
static int right_always(void) { return 1; }

static const struct check {
    const char *name;
    uint32_t plan;
    void (*run)(uint32_t member);
    int (*right)(void);
} checks[] = {
    {"mutex", PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), member_mutex, right_mutex},
    {"condition", PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), member_condition,
     right_condition},
    {"barrier", PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), member_barrier, right_barrier},
    {"libc", PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), member_libc, right_always},
    {"heap", PLAN_RFORK, member_heap, right_always},
};

int main(int argc, char **argv) {
    long number;
    int option, failed = 0;
    while ((option = getopt(argc, argv, "p:t:h")) != -1) {
        if ((option != 'p' && option != 't') ||
            command_number(optarg, 1, (long)MEMBERS_LIMIT, &number) != 0) {
            return command_usage(USAGE, option);
        }
        *(option == 'p' ? &processes : &threads) = (uint32_t)number;
    }
    if (optind < argc && command_number(argv[optind], 4, 1000000, &number) == 0) {
        rounds = (uint32_t)number;
        optind++;
    }
    members = processes * threads;
    if (optind < argc || members > MEMBERS_LIMIT || members < 2) {
        return command_usage(USAGE, 0);
    }
    demo_fresh_area(SLOT_SHARED, (sizeof(struct shared) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1));
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        check_run(checks[i].name, checks[i].plan, checks[i].run, checks[i].right);
        failed += verdict_failed(&SHARED->verdict);
    }
    return failed ? EXIT_FAILURE : command_end("locks", EXIT_SUCCESS);
}
