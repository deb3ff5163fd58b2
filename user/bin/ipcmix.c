/* SPDX-License-Identifier: MIT */
/*
 * ipcmix [SEED [EPISODES]]: a random mix of short and long messages between threads and processes,
 * with closed handles, odd labels, changed priorities and kills in between; prints a digest of all
 * that any of them saw, in the order in which they saw it. The same on a kernel without the fast
 * path (make FAST_PATH=0) if that does what the general way does: tests/guest/test_ipc.py compares.
 *
 * For one CPU only. No two actors ever have the same priority, there are no time-outs, and the
 * driver is the least urgent: it goes on once all actors wait, and each actor until it waits or has
 * woken a more urgent one. So the order depends on nothing but the calls, and not on ticks, which
 * come at other moments on the other kernel.
 *
 * Read ipcmix/actor.c next.
 */
#include "user/bin/ipcmix/ipcmix.h"

#define USAGE "ipcmix [SEED [EPISODES]]"
#define COMMANDS 160u /* of an episode */
#define LOWEST 2u     /* the driver's priority; actors have higher ones */
#define PROCESSES 4u

static uint32_t seed = 1;
static uint32_t chance(uint32_t limit) { return many_random(&seed, limit); }

/* Actors are threads of processes. */
static const uint32_t process_of[ACTORS] = {0, 0, 1, 2, 3, 3};

static int endpoint[ENDPOINTS], session[ENDPOINTS][SESSIONS];
/* A session without the right to call, an endpoint without the right to receive. */
static int mute[ENDPOINTS], deaf[ENDPOINTS];
static long process[PROCESSES];

/* ---- Processes ------------------------------------------------------------------------------- */

static void process_run(uint32_t number) {
    uint32_t first = ACTORS;
    for (uint32_t i = ACTORS; i-- > 0;) {
        first = process_of[i] == number ? i : first;
    }
    for (uint32_t i = first + 1; i < ACTORS && process_of[i] == number; i++) {
        quartet_thread_start(actor_run, (void *)(uintptr_t)i);
    }
    actor_run((void *)(uintptr_t)first);
}

static void process_start(uint32_t number) {
    for (uint32_t i = 0; i < ACTORS; i++) {
        if (process_of[i] == number) {
            BOARD->actor[i] = (struct actor_board){.priority = LOWEST + 1 + i};
        }
    }
    process[number] =
        process_clone(PLAN(PLAN_SHARE, PLAN_COPY, PLAN_COPY, PLAN_COPY) | CLONE_QUIET, 0, 0, 0);
    if (process[number] == 0) {
        process_run(number);
    }
    demo_must("process_clone", process[number]);
    thread_sleep(100); /* until its actors wait for commands */
}

static void process_stop(uint32_t number) {
    demo_must("process_kill", process_kill((int)process[number], 9));
    result_add(100 + number, (long)demo_wait(process[number]));
}

/* ---- Commands -------------------------------------------------------------------------------- */

static int handle_choose(uint32_t action) {
    uint32_t number = chance(ENDPOINTS);
    uint32_t odd = chance(24);
    if (odd == 0) {
        return HANDLE_SYSTEM;
    }
    if (odd == 1) {
        return (int)chance(300) - 20;
    }
    if (odd == 4) {
        return chance(2) ? mute[number] : deaf[number];
    }
    bool calls = action == CALL_SHORT || action == CALL_LONG || action == CALL_OFTEN;
    calls = odd == 2 ? !calls : calls;
    return calls && odd != 3 ? session[number][chance(SESSIONS)] : endpoint[number];
}

static uint32_t label_choose(void) {
    static const uint32_t odd[] = {SHORT_LABEL_LIMIT, SHORT_CLOSED, 0x80000000u, 0xFFFFFFFFu};
    return chance(12) == 0 ? odd[chance(4)] : chance(1000);
}

static uint32_t action_choose(void) {
    static const uint8_t often[] = {SERVE,         SERVE,      CALL_OFTEN, CALL_OFTEN,
                                    RECEIVE_SHORT, CALL_SHORT, CALL_SHORT, REPLY_RECEIVE_SHORT};
    uint32_t chosen = chance(2) ? often[chance(sizeof(often))] : chance(ACTIONS);
    return chosen == CLOSE && chance(4) ? SERVE : chosen;
}

/* ACTOR does something; on return all wait. */
static void command_give(uint32_t actor) {
    struct actor_board *place = &BOARD->actor[actor];
    uint32_t action = action_choose();
    place->command = (struct command){.action = action,
                                      .count = 1 + chance(8),
                                      .label = label_choose(),
                                      .odd = chance(8),
                                      .handle = handle_choose(action)};
    for (uint32_t i = 0; i < 4; i++) {
        place->command.word[i] = chance(0x7FFFFFFF);
    }
    if (action == PRIORITY) { /* one of its own two, or a wrong one */
        place->command.count = chance(6) ? LOWEST + 1 + actor + ACTORS * chance(2) : 32 + chance(9);
    }
    word_put(&place->given, place->given + 1);
    futex_wake((uintptr_t)&place->given, 1);
}

static bool is_idle(uint32_t actor) {
    return BOARD->actor[actor].done == BOARD->actor[actor].given;
}

static void step(void) {
    uint32_t actor = chance(ACTORS), turns = 0;
    while (!is_idle(actor) && turns++ < ACTORS) {
        actor = (actor + 1) % ACTORS;
    }
    if (!is_idle(actor) || chance(25) == 0) { /* all wait for each other, or without a reason */
        uint32_t number = process_of[actor];
        process_stop(number);
        process_start(number);
    } else {
        command_give(actor);
    }
}

/* ---- Episodes -------------------------------------------------------------------------------- */

static void episode_run(void) {
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        endpoint[i] = (int)demo_must("endpoint_create", endpoint_create());
        for (uint32_t j = 0; j < SESSIONS; j++) {
            session[i][j] =
                (int)demo_must("endpoint_session", endpoint_session(endpoint[i], 10 * i + j));
        }
        mute[i] = (int)demo_must("handle_dup", handle_dup(session[i][0], 0, QUARTET_NONE));
        deaf[i] = (int)demo_must("handle_dup", handle_dup(endpoint[i], RIGHT_WRITE, QUARTET_NONE));
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        process_start(i);
    }
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        if (chance(2)) { /* only actors have it: it may die, and is not there after a restart */
            handle_close(endpoint[i]);
        }
    }
    for (uint32_t i = 0; i < COMMANDS; i++) {
        step();
    }
    for (uint32_t i = 0; i < PROCESSES; i++) {
        process_stop(i);
    }
    for (int i = HANDLE_FIRST; i < HANDLE_LIMIT; i++) {
        handle_close(i);
    }
}

/* The common case, measured: with the fast path it takes fewer instructions. */
static unsigned long roundtrip(void) {
    struct short_message words = {{1, 2, 3}, 0};
    uint64_t from = 0;
    endpoint[0] = (int)demo_must("endpoint_create", endpoint_create());
    process_start(1);
    BOARD->actor[2].command = (struct command){.action = SERVE, .count = 4, .handle = endpoint[0]};
    word_put(&BOARD->actor[2].given, 1);
    futex_wake((uintptr_t)&BOARD->actor[2].given, 1);
    for (int i = 0; i < 3; i++) {
        from = __builtin_ia32_rdtsc();
        ipc_call_short(endpoint[0], 1, &words);
    }
    uint64_t to = __builtin_ia32_rdtsc();
    process_stop(1);
    handle_close(endpoint[0]);
    return (unsigned long)(to - from);
}

int main(int argc, char **argv) {
    long first = 1, episodes = 40;
    if (argc == 2 && strcmp(argv[1], "-h") == 0) {
        return command_usage(USAGE, 'h');
    }
    if (argc > 3 || (argc > 1 && command_number(argv[1], 1, 0x7FFFFFFF, &first) != 0) ||
        (argc > 2 && command_number(argv[2], 1, 100000, &episodes) != 0)) {
        return command_usage(USAGE, 0);
    }
    if (many_machine().cpus != 1) {
        fprintf(stderr, "ipcmix: the order of events is a certain one on one CPU only\n");
        return EXIT_FAILURE;
    }
    demo_must("quartet_slot_own", quartet_slot_own(0));
    demo_must("quarter_map",
              quarter_map(QUARTET_SLOT(0), BOARD_OFFSET, 2 * PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    demo_must("thread_priority", thread_priority(LOWEST));
    seed = (uint32_t)first;
    for (long i = 0; i < episodes; i++) {
        episode_run();
    }
    printf("ipcmix: seed %ld: %lu results, %lu successes\n", first, (unsigned long)BOARD->results,
           (unsigned long)BOARD->successes);
    for (uint32_t i = 1; i < 32; i++) {
        if (BOARD->errors[i] != 0) {
            printf("  %-10s %lu\n", quartet_error_name((long)i), (unsigned long)BOARD->errors[i]);
        }
    }
    printf("digest %016llx\n", (unsigned long long)BOARD->digest);
    printf("roundtrip %lu\n", roundtrip());
    return command_end("ipcmix", EXIT_SUCCESS);
}
