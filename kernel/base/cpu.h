/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps for each CPU. Only the CPU itself touches it, with interrupts off, but for
 * the fields marked otherwise.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include "arch/arch.h"
#include "kernel/base/list.h"

struct thread;
struct space;
struct spinlock;

#define LOCKS_HELD_LIMIT 8

struct cpu {
    struct arch_cpu arch; /* first: the architecture finds its part at the same address */
    u32 number;
    /* Not 0: kernel_return_to_user has work (reschedule or a killed thread). Set under the
     * run-queue lock, by other CPUs too; cleared by this one, before it looks for the work. */
    u32 attention;
    struct thread *current;
    struct thread *idle;
    struct thread *dead;  /* ended here, its stack may be freed once we are off it */
    struct space *loaded; /* the space whose root is loaded; null: the kernel's */
    u32 lock_count;
    struct spinlock *locks[LOCKS_HELD_LIMIT]; /* held, in order of acquisition */
    uword lock_places[LOCKS_HELD_LIMIT];      /* and the code that acquired each */
    u64 switches, space_loads, system_calls;
};

extern struct cpu cpus[ARCH_CPU_LIMIT];
extern u32 cpu_count;

#endif
