/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of the demonstration share: a quarter with a pager for a child, and the loop
 * in which this process is that pager. (pager.c, pager/deaths.c)
 */
#ifndef DEMO_PAGER_H
#define DEMO_PAGER_H

#include "user/demos/demo.h"

#define PAGES 192u                  /* of the file */
#define AREA_PAGES (2 * PAGES)      /* of the region: behind the file every page is refused */
#define PAGE_WORDS (PAGE_SIZE / 4u) /* 32-bit words */

/* The child's slot 2, paged. */
#define AREA ((volatile uint32_t *)demo_pointer(SLOT_SHARED, 0))
#define AREA_PAGE(page) (AREA + (page)*PAGE_WORDS)

enum answer {
    ANSWER_MOVE,      /* expand the page, and give it away */
    ANSWER_CLUSTER,   /* copies of up to 16 pages of a cache that has all of them */
    ANSWER_SHARE,     /* the cache's own page */
    ANSWER_NONSENSE,  /* a label that no pager answers with */
    ANSWER_NO_SOURCE, /* PAGER_MOVE with no quarter */
    ANSWER_NOTHING,   /* PAGER_MOVE of no pages */
    ANSWER_OUTSIDE,   /* PAGER_COPY from where the source has no region */
    ANSWER_KILL,      /* kill the process first, then answer */
    ANSWER_LEAVE,     /* end, with the caller waiting */
    ANSWER_ONCE,      /* move one page, then end */
};

extern int endpoint; /* where this process, or a pager that it has made, receives; or none */

/* A child that runs FUNCTION with a new paged quarter in slot 2, whose pager is this process; if
 * KEEPS, it can receive the pager's messages itself. Its handle. */
long paged_child(int (*function)(void *), void *argument, int keeps);

/* Be the pager until the last quarter of the child is gone; how many faults there were, and 1000 more
 * for each reply that failed. VICTIM: for ANSWER_KILL, which closes it. */
unsigned serve(enum answer answer, long victim);

int deaths(void);

/* demand.c */
void demand_copy(
    void); /* run demand() in a new copy of this program, which nobody has loaded yet */
int demand(void);
int demand_all(const char *sum);

/* maps.c: with `maps`; with `touch`, map a file, touch its first page, wait, and then touch all PAGES:
 * for whoever wants to do something to the file server meanwhile. */
int maps_check(void);
int maps_touch(const char *file, uint32_t pages, uint32_t seconds);

#endif
