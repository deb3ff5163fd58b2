/* SPDX-License-Identifier: MIT */
/*
 * Pages that come from a program: see pager.c.
 */
#ifndef KERNEL_PAGER_H
#define KERNEL_PAGER_H

#include "kernel/object/object.h"
#include "kernel/vm/quarter.h"

struct endpoint;
struct ipc_state;

/* Endpoint and badge of what a call with RIGHTS goes to: E_OK, E_TYPE or E_RIGHTS (no write). */
int call_target(const void *object, enum object_type type, u32 rights, struct endpoint **endpoint,
                u64 *badge);

/* quarter_supply_pages (vm/supply.h) between a few pages and the next of which the calling thread
 * may be killed: E_KILLED, with *DONE as far as it came. */
int pages_supply(struct quarter *to, struct quarter *from, const struct page_supply *supply,
                 u32 *done);

/* STATE's content is the reply to the caller that TOKEN names. If that has a page fault, supply what the
 * reply says, and let the reply say what became of it. Takes long; no lock held. */
void pager_replies(struct endpoint *endpoint, struct ipc_state *state, u64 token);

/* Ask the pager of QUARTER for the page at OFFSET, which ACCESS wants, and do what it answers. 0: the
 * access may be tried again. Else enum fault_reason: REASON if there is no pager. Sleeps; no lock
 * held. */
u32 pager_ask(struct quarter *quarter, u32 offset, enum vm_access access, u32 reason);

#endif
