/* SPDX-License-Identifier: MIT */
/*
 * The plain reference model: what each process must read, by the simplest means there is. A quarter
 * is an array of pages with rights and a few words each; COPY copies the array. No sharing, no
 * tables, no TLB: nothing that the VM could get wrong is in it.
 *
 * Only some pages of a quarter take part (the universe): the first ones, those around a 2 MiB
 * border, four whole 2 MiB spans that large pages fit, and the last ones of the slot.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "tests/host/world.h"

#define MODEL_WORDS 3u /* words of each page that take part */

struct shadow_page {
    u8 rights; /* 0: in no region */
    u8 rights_before;
    u64 changed, changed_before; /* when rights became what they are, and what they were before */
    u32 word[MODEL_WORDS];
};

struct change;

struct shadow {
    u32 references; /* slots of model processes and model handles */
    u32 slot;
    u32 place;               /* among all */
    struct quarter *quarter; /* the real one */
    u64 sub_id;              /* its */
    struct change *change;   /* crowd.h: under way, the quarter's lock is held; null: none */
    struct shadow_page page[];
};

/* Fewer pages, so that several CPUs meet in them: six, four around a 2 MiB border, one 2 MiB span, the
 * last two. Before anything else. */
void universe_use_small(void);

/* The universe of SLOT: its size, and the page number in the quarter of its element INDEX. */
u32 universe_size(u32 slot);
u32 universe_page(u32 slot, u32 index);
/* A random run of universe elements whose pages are neighbours, at most LIMIT of them: [*FIRST,
 * *FIRST + result). */
u32 universe_run(u32 slot, u32 limit, u32 *first);
/* Random: whole 2 MiB spans of the large windows. */
u32 universe_large_run(u32 slot, u32 *first);

u32 word_offset(u32 word); /* in its page */

struct shadow *shadow_create(struct quarter *quarter);
struct shadow *shadow_copy(const struct shadow *from, struct quarter *quarter);
struct shadow *shadow_find(const struct quarter *quarter); /* null: none */
void shadow_become(struct shadow *shadow,
                   struct quarter *quarter); /* that of another; null: of none */
void shadow_reference(struct shadow *shadow);
void shadow_release(struct shadow *shadow); /* null is allowed */

/* What the calls must answer. */
int shadow_map(struct shadow *shadow, u32 first, u32 count, u32 rights, bool apply);
int shadow_unmap(struct shadow *shadow, u32 first, u32 count, bool apply);
int shadow_protect(struct shadow *shadow, u32 first, u32 count, u32 rights, bool apply);
/* 0 or enum fault_reason, for a process that sees SHADOW (may be null) with rights VIEW. */
int shadow_access(const struct shadow *shadow, u32 view, u32 element, u32 access);

/* The bytes of page number PAGE, found by a walk that changes nothing; null: not there yet. */
const u8 *page_bytes(const struct quarter *quarter, u32 page);

/* Compare the contents and regions of the real quarter with SHADOW, without touching them. */
void shadow_verify(const struct shadow *shadow, const char *after);

#endif
