/* SPDX-License-Identifier: MIT */
/*
 * spread [meet|kill|fair|ends|pins]...: does work spread over all CPUs? Without a word all five.
 *
 *     meet   threads of one process run on all CPUs at the same time, and see each other's writes
 *     kill   a process that spins on every CPU ends when it is killed
 *     fair   one spinning process more than there are CPUs: all of them get the same time
 *     ends   who has waited for the end of a thread or process finds nothing of it any more, though
 *            it has ended on another CPU
 *     pins   a pinned process runs on its CPU only, beside more spinners than there are CPUs
 *
 * Nothing here sleeps or calls the kernel in order to be moved: the scheduler does it all.
 */
#include "many.h"

#define USAGE "spread [meet|kill|fair|ends|pins]..."
#define CPU_LIMIT 32u
#define HANDOVERS 256u
#define BOUND 20000u /* milliseconds until something that must happen counts as failed */
#define FAIR_TIME 4000u
#define FAIR_PERCENT 20u
#define ENDS 500u
#define PIN_TIME 300u

static uint32_t cpus;
static uint32_t turn, stop, moved; /* words that threads of this process share */

static struct info_process process_info(uint32_t pid) {
    struct info_process info = {.pid = pid};
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info)));
    return info;
}

static uint32_t process_id(int handle) {
    struct handle_stat stat;
    demo_must("handle_stat", handle_stat(handle, &stat));
    return (uint32_t)stat.id;
}

/* Wait until PID runs on all CPUs at once. */
static bool spreads(uint32_t pid) {
    uint64_t all = (1ull << cpus) - 1, end = many_milliseconds() + BOUND;
    while (process_info(pid).running != all) {
        if (many_milliseconds() > end) {
            return false;
        }
    }
    return true;
}

static int spin(void *unused) {
    (void)unused;
    while (!word_get(&stop)) {
        __builtin_ia32_pause();
    }
    return 0;
}

/* Threads that hand a number round and round: number I waits for it to be I, modulo how many they
 * are, and adds one. */
static int hand_on(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument;
    for (uint32_t round = 0; round < HANDOVERS / cpus; round++) {
        while (word_get(&turn) != round * cpus + number) {
            __builtin_ia32_pause();
        }
        word_put(&turn, round * cpus + number + 1);
    }
    return 0;
}

static struct quartet_thread *start(int (*function)(void *), uint32_t number) {
    struct quartet_thread *thread = quartet_thread_start(function, (void *)(uintptr_t)number);
    if (thread == NULL) {
        demo_must("quartet_thread_start", -E_NOMEM);
    }
    return thread;
}

static int meet(void) {
    struct quartet_thread *thread[CPU_LIMIT];
    for (uint32_t i = 1; i < cpus; i++) {
        thread[i] = start(spin, 0);
    }
    int failed = demo_claim(spreads(process_id(QUARTET_SELF)),
                            "threads of one process run on all CPUs at the same time");
    word_put(&stop, 1);
    for (uint32_t i = 1; i < cpus; i++) {
        quartet_thread_join(thread[i], NULL);
        thread[i] = start(hand_on, i);
    }
    hand_on(NULL);
    for (uint32_t i = 1; i < cpus; i++) {
        quartet_thread_join(thread[i], NULL);
    }
    return failed +
           demo_claim(turn == HANDOVERS / cpus * cpus, "and hand a number round by spinning alone");
}

static int spin_everywhere(void *unused) {
    for (uint32_t i = 1; i < cpus; i++) {
        start(spin, 0);
    }
    return spin(unused);
}

static int kill_spinners(void) {
    long child = demo_must("quartet_clone", quartet_clone(PLAN_FORK, spin_everywhere, NULL));
    uint32_t pid = process_id((int)child);
    uint64_t end = many_milliseconds() + BOUND;
    /* We run, too, now and then: so all CPUs but one are as much as we can see. */
    while (__builtin_popcountll(process_info(pid).running) + 1u < cpus &&
           many_milliseconds() < end) {
        thread_sleep(1000);
    }
    int failed = demo_claim(many_milliseconds() < end, "a process spins on all CPUs");
    uint64_t killed = many_milliseconds();
    demo_must("process_kill", process_kill((int)child, 7));
    failed += demo_claim(demo_wait(child) == (STATUS_KILLED | 7u), "and ends when it is killed,");
    return failed + demo_claim(many_milliseconds() - killed < BOUND / 4, "in good time");
}

static int fair(void) {
    long child[CPU_LIMIT + 1];
    uint32_t pid[CPU_LIMIT + 1], low = UINT32_MAX, high = 0;
    for (uint32_t i = 0; i <= cpus; i++) {
        child[i] = demo_must("quartet_clone", quartet_clone(PLAN_FORK, spin, NULL));
        pid[i] = process_id((int)child[i]);
    }
    uint64_t from = many_milliseconds();
    thread_sleep(FAIR_TIME * 1000);
    uint64_t elapsed = many_milliseconds() - from, share = elapsed * cpus / (cpus + 1);
    for (uint32_t i = 0; i <= cpus; i++) {
        uint32_t percent = (uint32_t)(process_info(pid[i]).cpu_time / 1000000 * 100 / share);
        low = percent < low ? percent : low;
        high = percent > high ? percent : high;
    }
    for (uint32_t i = 0; i <= cpus; i++) {
        process_kill((int)child[i], 0);
        demo_wait(child[i]);
    }
    printf("  %lu processes on %lu CPUs got %lu to %lu %% of a fair share\n",
           (unsigned long)cpus + 1, (unsigned long)cpus, (unsigned long)low, (unsigned long)high);
    return demo_claim(low >= 100 - FAIR_PERCENT && high <= 100 + FAIR_PERCENT,
                      "one process more than CPUs: all get the same time");
}

static int nothing(void *unused) {
    (void)unused;
    return 0;
}

/* In a budget with room for one child, which is waited for each time. */
static int child_after_child(void *unused) {
    (void)unused;
    struct process_limits limits = {.processes = 2};
    demo_must("process_limit", process_limit(&limits));
    for (uint32_t i = 0; i < ENDS; i++) {
        demo_wait(demo_must("quartet_clone", quartet_clone(PLAN_FORK, nothing, NULL)));
    }
    return 0;
}

static int ends(void) {
    uint32_t pid = process_id(QUARTET_SELF), left = 0;
    for (uint32_t i = 0; i < ENDS; i++) {
        quartet_thread_join(start(nothing, 0), NULL);
        left += process_info(pid).threads != 1;
    }
    int failed = demo_claim(left == 0, "a thread that was waited for is not in its process");
    long child = demo_must("quartet_clone", quartet_clone(PLAN_FORK, child_after_child, NULL));
    return failed + demo_claim(demo_wait(child) == 0,
                               "a process that was waited for has left room for the next");
}

static int spin_pinned(void *argument) {
    demo_must("thread_pin", thread_pin((uint32_t)(uintptr_t)argument));
    word_put(&moved, 1);
    return spin(NULL);
}

/* Is PID, for PIN_TIME milliseconds, never seen on another CPU than NUMBER, and on that one once? Who
 * looks stays on another CPU: if there is none, it cannot see PID run. */
static bool stays(uint32_t pid, uint32_t number) {
    uint64_t end = many_milliseconds() + PIN_TIME, own = 1ull << number;
    bool seen = cpus == 1, elsewhere = false;
    demo_must("thread_pin", thread_pin((number + 1) % cpus));
    while (many_milliseconds() < end || (!seen && many_milliseconds() < end + BOUND)) {
        uint64_t running = process_info(pid).running;
        seen |= running == own;
        elsewhere |= (running & ~own) != 0;
        thread_yield();
    }
    return seen && !elsewhere;
}

static int pins(void) {
    long child[CPU_LIMIT];
    int failed = 0;
    for (uint32_t i = 0; i < cpus; i++) {
        child[i] = demo_must("quartet_clone", quartet_clone(PLAN_RFORK, spin, NULL));
    }
    for (uint32_t i = 0; i < cpus; i++) {
        word_put(&moved, 0);
        long pinned = demo_must("quartet_clone",
                                quartet_clone(PLAN_RFORK, spin_pinned, (void *)(uintptr_t)i));
        while (!word_get(&moved)) {
            thread_sleep(10000);
        }
        failed += !stays(process_id((int)pinned), i);
        process_kill((int)pinned, 0);
        demo_wait(pinned);
    }
    demo_must("thread_pin", thread_pin(THREAD_ANY_CPU));
    word_put(&stop, 1);
    for (uint32_t i = 0; i < cpus; i++) {
        demo_wait(child[i]);
    }
    return demo_claim(failed == 0, "a pinned process runs on its CPU, and on no other");
}

static const struct part {
    const char *name;
    int (*function)(void);
} parts[] = {
    {"meet", meet}, {"kill", kill_spinners}, {"fair", fair}, {"ends", ends}, {"pins", pins}};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static int part_run(const struct part *part) {
    printf("%s\n", part->name);
    fflush(stdout);
    word_put(&stop, 0);
    int failed = part->function();
    fflush(stdout);
    return failed;
}

int main(int argc, char **argv) {
    int failed = 0, found = argc == 1;
    if (argc > 1 && strcmp(argv[1], "-h") == 0) {
        return command_usage(USAGE, 'h');
    }
    cpus = many_machine().cpus;
    printf("spread: %lu CPU%s\n", (unsigned long)cpus, cpus == 1 ? "" : "s");
    for (uint32_t i = 0; i < PARTS; i++) {
        bool chosen = argc == 1;
        for (int j = 1; j < argc; j++) {
            chosen |= strcmp(argv[j], parts[i].name) == 0;
        }
        if (chosen) {
            found = 1;
            failed += part_run(&parts[i]);
        }
    }
    if (!found) {
        return command_usage(USAGE, 0);
    }
    return failed ? EXIT_FAILURE : command_end("spread", EXIT_SUCCESS);
}
