/* SPDX-License-Identifier: MIT */
/*
 * The stage that attacker and hammers share: it stands in slot 1, which all of them SHARE. The
 * words that they fight for are at the start of slot 2, one for each hammer, in a cache line of its
 * own; word 0 is the one that the attacker writes.
 */
#ifndef STALE_H
#define STALE_H

#include "user/bin/many.h"

#define HAMMERS 4u
#define HAMMER_WRITES 0x100u /* with the number in a hammer's argument */

struct seat {
    uint32_t beats;  /* accesses so far */
    uint32_t seen;   /* what was published before the last one that was served */
    uint32_t paused; /* it has seen the pause, and does not write */
    uint32_t reserved[13];
};

struct stage {
    uint32_t about;     /* the round that has begun */
    uint32_t published; /* the round whose call has returned */
    uint32_t pause, stop;
    uint64_t end; /* milliseconds */
    uint32_t cpus, hammers;
    uint32_t rounds, overlapped; /* of them with an access during the attacker's call */
    struct verdict verdict;
    struct seat seat[HAMMERS] __attribute__((aligned(64)));
};
extern struct stage stage;

static inline volatile uint32_t *stage_word(uint32_t number) {
    return demo_pointer(SLOT_SHARED, number * 64);
}

/* After an access. With too few CPUs for all, others wait for this one. */
static inline void hammer_beat(struct seat *seat) {
    word_put(&seat->beats, seat->beats + 1);
    if (stage.cpus <= stage.hammers && seat->beats % 32 == 0) {
        thread_yield();
    }
}

/* Wait until each has made COUNT more accesses, so that it has the translation, and until one of
 * them runs beside this CPU. */
void hammers_warm(uint32_t count);
uint32_t hammers_beats(void);
bool stage_over(void);

void mode_swap(void);
void mode_copy(void);

#endif
