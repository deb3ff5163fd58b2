/* SPDX-License-Identifier: MIT */
/*
 * Pages go from one quarter to another: what a pager answers with, and what fills a quarter before it
 * is used. (supply.c)
 */
#ifndef KERNEL_SUPPLY_H
#define KERNEL_SUPPLY_H

#include "kernel/vm/quarter.h"

/* Let PAGES pages of TO, from OFFSET on, be those of FROM, from FROM_OFFSET on, by MODE, wherever TO
 * has none yet: a page that is present there stays, and so does its source. RIGHTS: paged regions
 * with these are added where TO has none; 0: none is. Absent pages of FROM are filled first as a
 * fault would fill them.
 *
 * Page by page from the first on; *DONE tells how many are there now. 0, or why number *DONE could
 * not be supplied: E_NOTFOUND (no region, or FROM has the page from a pager itself), E_NOMEM,
 * E_LIMIT; with *DONE 0 also E_ALIGN, E_RANGE, E_INVALID (no pages, no such mode or rights, or one
 * quarter). Takes both locks, again and again; none may be held, and interrupts are let in. */
int quarter_supply_pages(struct quarter *to, u32 offset, struct quarter *from, u32 from_offset,
                         u32 pages, u32 mode, u32 rights, u32 *done);

#endif
