/* SPDX-License-Identifier: MIT */
/*
 * COPY while others write: the copy is one moment of the quarter (see ../cut.h and ../snapshot.c).
 * And views: what is attached without the right to write stays as its owner has it.
 */
#include "stress.h"

#include "user/bin/cut.h"

#define WRITERS 2u
#define COPIES 4u

/* ---- Copies ---------------------------------------------------------------------------------- */

static struct {
    uint32_t over;
    struct lane lane[WRITERS] __attribute__((aligned(64)));
} writing; /* in slot 1, SHAREd with the writers */

static void writer(uint32_t lane) {
    while (!word_get(&writing.over) && !stress_failed()) {
        lane_write(&writing.lane[lane], lane, WRITERS);
        if (writing.lane[lane].done % 64 == 0) {
            thread_yield(); /* so that on few CPUs others come to copy */
        }
    }
}

static void copy_look(const uint32_t done[WRITERS]) {
    uint32_t sum = lanes_sum(WRITERS);
    for (uint32_t i = 0; i < WRITERS; i++) {
        lane_check(i, WRITERS, done[i], word_get(&writing.lane[i].begun), &BOARD->verdict);
    }
    thread_yield();
    if (lanes_sum(WRITERS) != sum) {
        stress_fail("copies: a copy has changed after the call had returned");
    }
}

static void copy_once(int original) {
    uint32_t done[WRITERS];
    for (uint32_t i = 0; i < WRITERS; i++) {
        done[i] = word_get(&writing.lane[i].done);
    }
    long copy = stress_must("quarter_copy", quarter_copy(original));
    if (copy >= 0) {
        stress_must("space_set", demo_attach(2, (int)copy, RW, 1));
        copy_look(done);
        stress_must("space_set",
                    demo_attach(2, original, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, 0));
    }
}

void stress_copies(void) {
    long child[WRITERS], original = stress_must("space_get", space_get(2));
    memset(&writing, 0, sizeof(writing));
    for (uint32_t i = 0; i < WRITERS; i++) {
        lane_map(i);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        child[i] = stress_start(PLAN_RFORK, writer, i);
    }
    for (uint32_t i = 0; i < COPIES && !stress_failed(); i++) {
        copy_once((int)original);
        thread_yield();
    }
    word_put(&writing.over, 1);
    for (uint32_t i = 0; i < WRITERS; i++) {
        stress_end(child[i], 0, "copies");
    }
    handle_close((int)original);
    area_close();
}

/* ---- Views ----------------------------------------------------------------------------------- */

#define VIEW_ROUNDS 20u

static volatile uint32_t *view_word(void) { return demo_pointer(2, 0); }

/* Through the view the child sees the counter grow, and never shrink; then it writes, and ends. */
static void view_reader(uint32_t unused) {
    (void)unused;
    long seen = stress_must("handle_dup",
                            handle_dup(QUARTET_SLOT(2), RIGHT_READ | RIGHT_MAP, QUARTET_NONE));
    stress_must("space_set", demo_attach(2, (int)seen, RIGHT_READ, 1));
    uint32_t last = 0, turns = 0;
    while (last < VIEW_ROUNDS && !stress_failed()) {
        uint32_t value = *view_word();
        if (value < last) {
            stress_fail("views: a view shows %lu after %lu", (unsigned long)value,
                        (unsigned long)last);
        }
        last = value;
        many_wait(&turns);
    }
    *view_word() = 0;
}

void stress_views(void) {
    long copy;
    area_open(PAGE_SIZE);
    *view_word() = 0;
    long child = stress_start(FORK_SHARING | CLONE_QUIET, view_reader, 0);
    for (uint32_t i = 1; i <= VIEW_ROUNDS; i++) {
        copy = i % 5 == 0 ? stress_must("quarter_copy", quarter_copy(QUARTET_SLOT(2))) : 0;
        *view_word() = i;
        if (i % 5 == 0) {
            handle_close((int)copy);
        }
        thread_yield();
    }
    stress_end(child, STATUS_FAULT | FAULT_RIGHTS, "views: a write through a view");
    if (*view_word() != VIEW_ROUNDS) {
        stress_fail("views: the owner finds %lu", (unsigned long)*view_word());
    }
    area_close();
}
