/* SPDX-License-Identifier: MIT */
/*
 * Poison: on the host's simulated machine the address sanitizer learns which objects of a cache are
 * free, so that a use after the free stops at once, with both places. On a real machine it is
 * nothing. (arch/sim/memory.c)
 */
#ifndef KERNEL_POISON_H
#define KERNEL_POISON_H

#include "kernel/base/types.h"

#ifdef SIM

void sim_poison(void *start, size_t length);
void sim_unpoison(void *start, size_t length);

#define POISON(start, length) sim_poison(start, length)     /* nobody may touch it */
#define UNPOISON(start, length) sim_unpoison(start, length) /* somebody owns it */

#else

#define POISON(start, length) ((void)0)
#define UNPOISON(start, length) ((void)0)

#endif

#endif
