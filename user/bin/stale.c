/* SPDX-License-Identifier: MIT */
/*
 * stale SECONDS [MODE]: attack what a CPU remembers of page tables. One side hammers a word of slot
 * 2 in a tight loop; this process takes the word away under it, and when its call has returned,
 * publishes the number of the round. No access that began after that may use the old translation:
 *
 *     this process                    the hammers, on other CPUs
 *     about = N                       first = published
 *     unmap, protect, swap, write     read or write the word
 *     published = N                   last = about: the access belongs to a round in first..last
 *
 * unmap    the word's page goes, its frame is used again; a hammer must end by a fault
 * protect  the page becomes read-only; a writing hammer must end by a fault
 * swap     space_set puts another quarter in slot 2 (stale/swap.c)
 * copy     a COPY shares the page, then a write gives the quarter another frame (stale/swap.c)
 *
 * Ends with status 1 and a sentence at the first stale access. Read stale/stale.h next.
 */
#include "user/bin/stale/stale.h"

#define USAGE "stale SECONDS [unmap|protect|swap|copy]"

struct stage stage;

/* ---- The hammers ----------------------------------------------------------------------------- */

static char stacks[HAMMERS][1024] __attribute__((aligned(16)));

/* A hammer that is to die of a fault: it says only how far it has come. */
static DEMO_ENTRY __attribute__((noreturn)) void hammer_until_fault(uint32_t argument) {
    uint32_t number = argument & ~HAMMER_WRITES;
    struct seat *seat = &stage.seat[number];
    for (;;) {
        uint32_t first = word_get(&stage.published);
        if (argument & HAMMER_WRITES) {
            *stage_word(number) = seat->beats;
        } else {
            (void)*stage_word(number);
        }
        word_put(&seat->seen, first);
        hammer_beat(seat);
    }
}

/* Half of them are in this process's space, the others in spaces of their own. On a stack of its
 * own it goes without the C library. */
static long hammer_start(uint32_t number, uint32_t flags) {
    uint32_t plan = number % 4 < 2 ? PLAN_THREAD : PLAN_RFORK;
    uintptr_t stack = demo_stack((uintptr_t)stacks[number] + sizeof(stacks[number]));
    return demo_must(
        "process_clone",
        process_clone(plan | CLONE_QUIET, (uintptr_t)hammer_until_fault, stack, number | flags));
}

uint32_t hammers_beats(void) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < stage.hammers; i++) {
        sum += word_get(&stage.seat[i].beats);
    }
    return sum;
}

/* Wait until one of them makes an access while this thread keeps its CPU: on another one, then. */
static void hammers_spread(void) {
    for (uint32_t tries = 0; tries < 50 && stage.cpus > 1 && !stage_over(); tries++) {
        uint32_t from = hammers_beats();
        for (uint32_t spins = 0; spins < 10 * SPINS; spins++) {
            if (hammers_beats() - from > 2) {
                return;
            }
            __builtin_ia32_pause();
        }
        thread_yield();
    }
}

void hammers_warm(uint32_t count) {
    uint32_t turns = 0;
    for (uint32_t i = 0; i < stage.hammers; i++) {
        uint32_t from = word_get(&stage.seat[i].beats);
        while (word_get(&stage.seat[i].beats) - from < count && !stage_over()) {
            many_wait(&turns);
        }
    }
    hammers_spread();
}

bool stage_over(void) { return verdict_failed(&stage.verdict) || many_milliseconds() >= stage.end; }

/* ---- Unmap and protect: the hammers end by a fault ------------------------------------------- */

#define VICTIM_OFFSET (64 * MIB)
#define VICTIM_PAGES 16u

/* The word's region: a page, some tables of small pages, or a 2 MiB page. */
static uint32_t region_length(uint32_t round) {
    static const uint32_t lengths[] = {PAGE_SIZE, 2 * MIB - PAGE_SIZE, 2 * MIB, PAGE_SIZE};
    return lengths[round % 4];
}

static bool served_late(uint32_t number) {
    return word_get(&stage.seat[number].seen) >= stage.published;
}

static void reap(long hammer, uint32_t number, uint32_t reason) {
    struct process_status status = {0};
    uint32_t turns = 0;
    while (process_wait((int)hammer, WAIT_NOHANG, &status) == -E_AGAIN) {
        if (served_late(number)) {
            process_kill((int)hammer, 9);
        }
        many_wait(&turns);
    }
    handle_close((int)hammer);
    if (served_late(number)) {
        verdict_fail(&stage.verdict, "round %lu: an access after the call had returned was served",
                     (unsigned long)stage.published);
    } else if (status.status != (STATUS_FAULT | reason)) {
        verdict_fail(&stage.verdict, "hammer %lu ended with status %#lx, not by the fault",
                     (unsigned long)number, (unsigned long)status.status);
    }
}

/* Frames that were the hammered page's a moment ago: nobody may write to them. */
static void victim_take(void) {
    demo_must("quarter_map", quarter_map(QUARTET_SLOT(2), VICTIM_OFFSET, VICTIM_PAGES * PAGE_SIZE,
                                         RIGHT_READ | RIGHT_WRITE));
    for (uint32_t at = 0; at < VICTIM_PAGES * PAGE_SIZE; at += PAGE_SIZE) {
        *(volatile uint32_t *)demo_pointer(2, VICTIM_OFFSET + at) = at;
    }
}

static void victim_check(void) {
    for (uint32_t at = 0; at < VICTIM_PAGES * PAGE_SIZE; at += sizeof(uint32_t)) {
        uint32_t seen = *(volatile uint32_t *)demo_pointer(2, VICTIM_OFFSET + at);
        if (seen != (at % PAGE_SIZE == 0 ? at : 0)) {
            verdict_fail(&stage.verdict,
                         "round %lu: a page that was given out anew has %#lx at %#lx",
                         (unsigned long)stage.published, (unsigned long)seen, (unsigned long)at);
        }
    }
    demo_must("quarter_unmap",
              quarter_unmap(QUARTET_SLOT(2), VICTIM_OFFSET, VICTIM_PAGES * PAGE_SIZE));
}

static void round_begin(uint32_t length, uint32_t flags, long hammer[HAMMERS]) {
    demo_must("quarter_map", quarter_map(QUARTET_SLOT(2), 0, length, RIGHT_READ | RIGHT_WRITE));
    for (uint32_t i = 0; i < stage.hammers; i++) {
        hammer[i] = hammer_start(i, (i + stage.rounds) % 2 != 0 ? HAMMER_WRITES : flags);
    }
    hammers_warm(20);
}

static void round_unmap(uint32_t round) {
    long hammer[HAMMERS];
    round_begin(region_length(round), 0, hammer);
    uint32_t beats = hammers_beats();
    demo_must("quarter_unmap", quarter_unmap(QUARTET_SLOT(2), 0, region_length(round)));
    word_put(&stage.published, round);
    stage.overlapped += hammers_beats() != beats;
    victim_take();
    for (uint32_t i = 0; i < stage.hammers; i++) {
        reap(hammer[i], i, FAULT_NO_REGION);
    }
    victim_check();
}

static void round_protect(uint32_t round) {
    long hammer[HAMMERS];
    uint32_t value[HAMMERS], length = region_length(round);
    round_begin(length, HAMMER_WRITES, hammer);
    uint32_t beats = hammers_beats();
    demo_must("quarter_protect", quarter_protect(QUARTET_SLOT(2), 0, length, RIGHT_READ));
    word_put(&stage.published, round);
    stage.overlapped += hammers_beats() != beats;
    for (uint32_t i = 0; i < stage.hammers; i++) {
        value[i] = *stage_word(i);
    }
    for (uint32_t i = 0; i < stage.hammers; i++) {
        reap(hammer[i], i, FAULT_RIGHTS);
        if (*stage_word(i) != value[i]) {
            verdict_fail(&stage.verdict, "round %lu: a write landed after protect had returned",
                         (unsigned long)round);
        }
    }
    demo_must("quarter_unmap", quarter_unmap(QUARTET_SLOT(2), 0, length));
}

static void rounds_of_faults(void (*round)(uint32_t)) {
    while (!stage_over()) {
        for (uint32_t i = 0; i < stage.hammers; i++) {
            stage.seat[i].seen = stage.published;
        }
        round(++stage.rounds);
    }
}

static void mode_unmap(void) { rounds_of_faults(round_unmap); }
static void mode_protect(void) { rounds_of_faults(round_protect); }

/* ---- The modes ------------------------------------------------------------------------------- */

static const struct mode {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"unmap", mode_unmap}, {"protect", mode_protect}, {"swap", mode_swap}, {"copy", mode_copy}};
#define MODES (sizeof(modes) / sizeof(modes[0]))

static void mode_run(const struct mode *mode, uint64_t milliseconds, uint32_t cpus) {
    stage = (struct stage){.end = many_milliseconds() + milliseconds, .cpus = cpus};
    stage.hammers = cpus < 2 ? 1 : cpus > HAMMERS ? HAMMERS : cpus - 1;
    long quarter = demo_must("quarter_create", quarter_create(2));
    demo_must("space_set", demo_attach(2, (int)quarter, RIGHT_READ | RIGHT_WRITE, 1));
    mode->run();
    demo_must("space_set", demo_attach(2, QUARTET_NONE, 0, 0));
    printf("stale: %-7s %lu rounds, in %lu of them a hammer ran during the call\n", mode->name,
           (unsigned long)stage.rounds, (unsigned long)stage.overlapped);
}

static int modes_run(long seconds, const char *only, uint32_t cpus) {
    uint32_t chosen = only != NULL ? 1 : MODES;
    int found = 0, status = EXIT_SUCCESS;
    for (uint32_t i = 0; i < MODES && status == EXIT_SUCCESS; i++) {
        if (only == NULL || strcmp(only, modes[i].name) == 0) {
            found = 1;
            mode_run(&modes[i], (uint64_t)seconds * 1000 / chosen, cpus);
            status = verdict_end(&stage.verdict, "stale");
        }
    }
    return found ? status : command_usage(USAGE, 0);
}

int main(int argc, char **argv) {
    long seconds;
    if (argc == 2 && strcmp(argv[1], "-h") == 0) {
        return command_usage(USAGE, 'h');
    }
    if (argc < 2 || argc > 3 || command_number(argv[1], 1, 86400, &seconds) != 0) {
        return command_usage(USAGE, 0);
    }
    uint32_t cpus = many_machine().cpus;
    if (cpus == 1) {
        printf("stale: one CPU: nothing runs at the same time, only switches are attacked\n");
    }
    return modes_run(seconds, argc == 3 ? argv[2] : NULL, cpus);
}
