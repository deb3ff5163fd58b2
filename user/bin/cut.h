/* SPDX-License-Identifier: MIT */
/*
 * Lanes: pages of slot 2 that writers fill in an order that a copy must respect. Each writer has a
 * lane and goes through it round after round:
 *
 *     page      0      1      2   ...  15         round 8 has come to page 1:
 *     number    8      8      7         7         nothing else may ever be seen
 *     seen      what page 0 of the next lane had when the round began
 *
 * So a copy that is the content of the quarter at one moment has at most one step down in each
 * lane, and no lane's `seen` is ahead of the lane that it was read from. Even lanes have 2 MiB
 * pages where there is memory for them, odd ones 4 KiB pages in four tables.
 */
#ifndef CUT_H
#define CUT_H

#include "user/bin/many.h"

#define LANES 4u
#define LANE_PAGES 16u
#define LANE_SIZE (8 * MIB)
#define LANE_STRIDE (LANE_SIZE / LANE_PAGES)

/* Of a writer, in memory that is not copied with the lanes. */
struct lane {
    uint32_t begun, done; /* rounds */
    uint32_t reserved[14];
};

static inline volatile uint32_t *lane_number(uint32_t lane, uint32_t page) {
    return demo_pointer(SLOT_SHARED, lane * LANE_SIZE + page * LANE_STRIDE);
}

static inline volatile uint32_t *lane_seen(uint32_t lane) { return lane_number(lane, 0) + 1; }

static inline void lane_map(uint32_t lane) {
    uint32_t pages = lane % 2 == 0 ? 1 : LANE_PAGES;
    for (uint32_t i = 0; i < pages; i++) {
        demo_must("quarter_map",
                  quarter_map(QUARTET_SLOT(SLOT_SHARED), lane * LANE_SIZE + i * LANE_STRIDE,
                              pages == 1 ? LANE_SIZE : PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    }
}

/* One round of a lane among COUNT. */
static inline void lane_write(struct lane *own, uint32_t lane, uint32_t count) {
    uint32_t round = own->done + 1;
    word_put(&own->begun, round);
    *lane_seen(lane) = *lane_number((lane + 1) % count, 0);
    for (uint32_t page = 0; page < LANE_PAGES; page++) {
        *lane_number(lane, page) = round;
    }
    word_put(&own->done, round);
}

/* The numbers of a lane as slot 2 has them, which must be those of one moment, not before round
 * LEAST and not after round MOST. */
static inline void lane_check(uint32_t lane, uint32_t count, uint32_t least, uint32_t most,
                              struct verdict *verdict) {
    uint32_t first = *lane_number(lane, 0), before = first;
    for (uint32_t page = 1; page < LANE_PAGES; page++) {
        uint32_t number = *lane_number(lane, page);
        if (number != before && (number != first - 1 || before != first)) {
            verdict_fail(verdict, "lane %lu: %lu follows %lu at page %lu, in a copy",
                         (unsigned long)lane, (unsigned long)number, (unsigned long)before,
                         (unsigned long)page);
        }
        before = number;
    }
    if (before < least || first > most) {
        verdict_fail(verdict, "lane %lu: rounds %lu to %lu in a copy made between %lu and %lu",
                     (unsigned long)lane, (unsigned long)before, (unsigned long)first,
                     (unsigned long)least, (unsigned long)most);
    }
    if (*lane_seen(lane) > *lane_number((lane + 1) % count, 0)) {
        verdict_fail(verdict, "lane %lu has seen round %lu of the next one, which the copy lacks",
                     (unsigned long)lane, (unsigned long)*lane_seen(lane));
    }
}

/* A sum over all that the lanes hold: the same as long as nobody writes. */
static inline uint32_t lanes_sum(uint32_t count) {
    uint32_t sum = 0;
    for (uint32_t lane = 0; lane < count; lane++) {
        sum = sum * 31 + *lane_seen(lane);
        for (uint32_t page = 0; page < LANE_PAGES; page++) {
            sum = sum * 31 + *lane_number(lane, page);
        }
    }
    return sum;
}

#endif
