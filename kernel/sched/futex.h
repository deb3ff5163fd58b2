/* SPDX-License-Identifier: MIT */
/*
 * Futexes: sleep while a word of user memory holds a value. A futex is keyed by (sub-ID,
 * offset), so whoever shares the quarter meets there, and a copy of it is another futex.
 * (sched/futex.c)
 */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include "kernel/base/types.h"

void futex_initialise(void);

/* Sleep if the word at user address ADDRESS holds EXPECTED, until a wake, the DEADLINE
 * (nanoseconds of arch_clock, or WAIT_FOREVER) or the end of the process. 0, E_AGAIN (another
 * value), E_TIMEOUT, E_KILLED, E_ALIGN or E_FAULT. No lock held. */
int futex_wait(u32 address, u32 expected, u64 deadline);

/* Wake at most COUNT sleepers on ADDRESS: how many, or -E_ALIGN or -E_FAULT. */
int futex_wake(u32 address, u32 count);

#endif
