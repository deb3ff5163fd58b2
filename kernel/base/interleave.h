/* SPDX-License-Identifier: MIT */
/*
 * Points: places where, on the host's simulated machine, another CPU may go on. One stands before
 * each operation by which CPUs see each other, so that a random test can try all orders of them.
 * On a real machine they are nothing. (arch/sim/schedule.c)
 */
#ifndef KERNEL_INTERLEAVE_H
#define KERNEL_INTERLEAVE_H

#include "kernel/base/types.h"

struct spinlock;

#ifdef SIM

void sim_point(void);
void sim_point_read(const volatile void *place);
void sim_point_locked(void);
void sim_lock_acquired(struct spinlock *lock);
void sim_lock_released(struct spinlock *lock);

#define INTERLEAVE() sim_point()                     /* before anything else that others may see */
#define INTERLEAVE_READ(place) sim_point_read(place) /* before a load of PLACE */
#define INTERLEAVE_LOCKED() sim_point_locked() /* before a locked operation or a full barrier */
#define INTERLEAVE_ACQUIRED(lock) sim_lock_acquired(lock)
#define INTERLEAVE_RELEASED(lock) sim_lock_released(lock)

#else

#define INTERLEAVE() ((void)0)
#define INTERLEAVE_READ(place) ((void)0)
#define INTERLEAVE_LOCKED() ((void)0)
#define INTERLEAVE_ACQUIRED(lock) ((void)0)
#define INTERLEAVE_RELEASED(lock) ((void)0)

#endif

#endif
