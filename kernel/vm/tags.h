/* SPDX-License-Identifier: MIT */
/*
 * Sub-IDs to tags. A tag names a whole space's translations, not a quarter's, so no tag can be a
 * sub-ID. But it has twelve bits: four octal digits, one for each slot.
 *
 *     tag 0o3120      slot 3   slot 2   slot 1   slot 0
 *                        3        1        2        0 = nothing there
 *                        |        |        |
 *                        v        v        v
 *     hot table of   digit 1  sub-ID, view, generation seen       On each CPU a slot has seven hot
 *     each slot      ...                                          quarters. A space's tag is the
 *                    digit 7                                      digits of its four.
 *
 * So spaces that agree in all four slots have one tag (they are one space object), and "every tag
 * that has contents of quarter S" is a pattern: all tags with its digit in its slot's place.
 *
 * For each tag the CPU remembers whether what it has cached under it is still *good*, and of which
 * space (by its ID, never reused: hazard 43). A tag stops being good when a quarter with a digit in
 * it is behind its generation, when that digit goes to another quarter, or when its space is another
 * object now. A good one is loaded with keep, others are flushed by the load.
 *
 * Everything here is the owner CPU's, interrupts off; no locks. Read next: tags.c, space.c
 * (space_load), shootdown.c.
 */
#ifndef KERNEL_TAGS_H
#define KERNEL_TAGS_H

#include "kernel/vm/space.h"

/* Before this CPU loads its first space. 0, or E_NOMEM: there is no room for its table of tags. */
int tags_initialise(void);

/* Use fewer digits than TAG_DIGITS (hot=N on the command line), so that they are given to other
 * quarters all the time: a test of that. Once, before any tags_initialise. */
void tags_limit_digits(u32 digits);

/* The tag that SPACE is to be loaded under, and whether what is cached under it may be kept. The
 * caller is entering it, as others see, and loads it now. Needs arch_tag_count(). */
u32 tags_enter(const struct space *space, bool *keep);

/* This CPU has SPACE loaded, and its quarter QUARTER has been shot down: its GENERATION is now that
 * of the request. Forget [ADDRESS, ADDRESS + PAGES * 4 KiB) (PAGES 0: the whole quarter) under the
 * loaded tag, and see to the other tags that have the quarter. */
void tags_shoot(const struct quarter *quarter, u64 generation, u32 address, u32 pages);

struct info_cpu;
void tags_info_fill(u32 cpu, struct info_cpu *info); /* of any CPU: a glimpse, without a lock */

#endif
