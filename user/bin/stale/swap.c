/* SPDX-License-Identifier: MIT */
/*
 * The modes in which the word stays and what is behind it changes. Its values only grow: the value
 * of round N is N. A hammer that reads sees a value from its first..last, or it was stale.
 *
 * swap: the hammers are threads of this process, so space_set moves them too. Some of them write: a
 *       write that began after the call had returned must not land in the quarter that has left.
 * copy: the hammers read; the write that follows a COPY gives the page (and its table) another
 *       frame, in a quarter that they all SHARE (hazard 17).
 */
#include "stale.h"

/* ---- Hammers --------------------------------------------------------------------------------- */

static void read_checked(struct seat *seat) {
    uint32_t first = word_get(&stage.published);
    uint32_t value = *stage_word(0);
    uint32_t last = word_get(&stage.about);
    if (value - first > last - first) {
        verdict_fail(&stage.verdict, "round %lu: a read that began then saw round %lu's value",
                     (unsigned long)first, (unsigned long)value);
    }
    hammer_beat(seat);
}

static void write_unless_paused(struct seat *seat, uint32_t number) {
    if (word_get(&stage.pause)) {
        word_put(&seat->paused, 1);
        thread_yield();
        return;
    }
    word_put(&seat->paused, 0);
    *stage_word(number) = word_get(&stage.published);
    hammer_beat(seat);
}

static int hammer_thread(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument;
    while (!word_get(&stage.stop)) {
        if (number % 2 == 0) {
            read_checked(&stage.seat[number]);
        } else {
            write_unless_paused(&stage.seat[number], number);
        }
    }
    return 0;
}

/* ---- Swap ------------------------------------------------------------------------------------ */

static int bank[2];

static void bank_create(uint32_t number) {
    bank[number] = (int)demo_must("quarter_create", quarter_create(2));
    demo_must("quarter_map", quarter_map(bank[number], 0, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
}

/* The next round: the other bank, which has this round's value in it by then. */
static void bank_swap(void) {
    uint32_t round = stage.about + 1;
    demo_must("quarter_supply", quarter_supply(bank[round % 2], 0, &round, sizeof(round)));
    word_put(&stage.about, round);
    demo_must("space_set", demo_attach(2, bank[round % 2], RIGHT_READ | RIGHT_WRITE, 0));
    word_put(&stage.published, round);
}

static void writers_pause(void) {
    uint32_t turns = 0;
    word_put(&stage.pause, 1);
    for (uint32_t i = 1; i < stage.hammers; i += 2) {
        while (!word_get(&stage.seat[i].paused) && !verdict_failed(&stage.verdict)) {
            many_wait(&turns);
        }
    }
}

static void writers_go_on(void) {
    for (uint32_t i = 1; i < stage.hammers; i += 2) {
        word_put(&stage.seat[i].paused, 0);
    }
    word_put(&stage.pause, 0);
}

/* What the writers left in the bank that was swapped out in round OUT. */
static void bank_check(uint32_t out) {
    for (uint32_t i = 1; i < stage.hammers; i += 2) {
        if (*stage_word(i) >= out) {
            verdict_fail(&stage.verdict, "round %lu: a write landed in the quarter that had left",
                         (unsigned long)out);
        }
    }
}

static void round_swap(void) {
    uint32_t beats = hammers_beats();
    bank_swap();
    stage.overlapped += hammers_beats() != beats;
    uint32_t out = stage.published;
    hammers_warm(5);
    writers_pause();
    bank_swap();
    bank_check(out);
    writers_go_on();
    hammers_warm(5);
    stage.rounds++;
}

void mode_swap(void) {
    struct quartet_thread *thread[HAMMERS];
    stage.hammers = stage.hammers < 2 ? 2 : stage.hammers; /* a reader and a writer */
    bank_create(0);
    bank_create(1);
    bank_swap();
    for (uint32_t i = 0; i < stage.hammers; i++) {
        thread[i] = quartet_thread_start(hammer_thread, (void *)(uintptr_t)i);
        demo_must("quartet_thread_start", thread[i] == NULL ? -E_NOMEM : 0);
    }
    hammers_warm(5);
    while (!stage_over()) {
        round_swap();
    }
    word_put(&stage.stop, 1);
    for (uint32_t i = 0; i < stage.hammers; i++) {
        quartet_thread_join(thread[i], NULL);
    }
    handle_close(bank[0]);
    handle_close(bank[1]);
}

/* ---- Copy ------------------------------------------------------------------------------------ */

static int hammer_read(void *argument) {
    struct seat *seat = &stage.seat[(uintptr_t)argument];
    while (!word_get(&stage.stop)) {
        read_checked(seat);
    }
    return 0;
}

/* With the copy closed before the write, the quarter is the last holder again, and the same frame
 * is opened. */
static void round_copy(uint32_t round) {
    uint32_t beats = hammers_beats();
    long copy = demo_must("quarter_copy", quarter_copy(QUARTET_SLOT(2)));
    if (round % 4 == 0) {
        handle_close((int)copy);
    }
    word_put(&stage.about, round);
    *stage_word(0) = round;
    word_put(&stage.published, round);
    stage.overlapped += hammers_beats() != beats;
    hammers_warm(2);
    if (round % 4 != 0) {
        handle_close((int)copy);
    }
}

/* Half of them are in this process's space, the others in spaces of their own. */
void mode_copy(void) {
    long hammer[HAMMERS];
    demo_must("quarter_map", quarter_map(QUARTET_SLOT(2), 0, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    *stage_word(0) = 0;
    for (uint32_t i = 0; i < stage.hammers; i++) {
        hammer[i] = demo_must("quartet_clone", quartet_clone(i % 2 == 0 ? PLAN_RFORK : PLAN_THREAD,
                                                             hammer_read, (void *)(uintptr_t)i));
    }
    hammers_warm(2);
    while (!stage_over()) {
        round_copy(++stage.rounds);
    }
    word_put(&stage.stop, 1);
    for (uint32_t i = 0; i < stage.hammers; i++) {
        demo_wait(hammer[i]);
    }
}
