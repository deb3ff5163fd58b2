/* SPDX-License-Identifier: MIT */
/*
 * Requests between CPUs: one asks others to run a function, and waits until all have. This is what
 * shootdowns are made of.
 *
 *     sender                                   receiver
 *     request = function, argument
 *     request.unanswered = those asked
 *     requesters of each |= own bit
 *     interrupt each ───────────────────────>  takes its requesters, leaves none
 *     waits; serves what others ask of it      runs each one's function
 *     until unanswered is 0  <───────────────  clears its bit in that request's unanswered
 *
 * A receiver serves when the interrupt comes, or sooner: while it waits for a lock or for its own
 * requests. So no CPU waits for one that cannot hear it (hazards 11, 12; tools/model/waiters.pml).
 */
#ifndef KERNEL_REQUEST_H
#define KERNEL_REQUEST_H

#include "kernel/base/types.h"

/* Run FUNCTION(ARGUMENT) on the CPUs of MASK (this one too, if its bit is set), each with
 * interrupts off; returns when all have. FUNCTION takes no lock and makes no request. Any locks may
 * be held: whoever waits for them serves. The number of interrupts sent. */
u32 request_run(uword mask, void (*function)(void *argument), void *argument);

/* Serve what other CPUs ask of this one now. Interrupts off; takes no lock. */
void requests_serve(void);

#endif
