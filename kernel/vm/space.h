/* SPDX-License-Identifier: MIT */
/*
 * A space: the tuple of four (quarter, view) that a process runs in. Immutable, and unique: one
 * tuple, one object, one set of root tables. To change a slot is to move to another space.
 *
 * References are processes (and CPUs that have it loaded). The table of spaces is guarded by
 * LOCK_SPACES; everything in a space but its count is immutable after creation.
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include "arch/arch.h"
#include "kernel/base/list.h"
#include "kernel/vm/quarter.h"

struct space_slot {
    struct quarter *quarter; /* null: nothing there */
    u32 view;                /* RIGHT_READ|WRITE|EXECUTE; 0 where there is no quarter */
};

struct space {
    u64 id;         /* never reused */
    u32 references; /* atomic; 0 only under LOCK_SPACES */
    struct space_slot slot[SLOT_COUNT];
    struct arch_root root;
    struct list link; /* LOCK_SPACES: hash chain */
};

/* The space of this tuple: found, or made. Takes its own references to the quarters; the caller
 * keeps its. 0 or E_NOMEM. */
int space_obtain(const struct space_slot slots[SLOT_COUNT], struct space **result);
void space_reference(struct space *space);
void space_release(struct space *space); /* may free quarters: no lock held, interrupts let in */

/* Clone by PLAN: COPY and FRESH quarters are made, SHAREd ones kept. On error nothing has
 * changed. */
int space_clone(struct space *source, u32 plan, struct budget *budget, struct space **result);

/* Make SPACE (null: the kernel's) the one this CPU runs in; nothing happens if it is already. The
 * caller makes sure that SPACE has a reference for as long as it is loaded, but for the end of the
 * last one: space_release itself makes the CPUs leave. Interrupts off; takes no lock. */
void space_load(struct space *space);

/* On each CPU, before it loads its first space. 0, or E_NOMEM: there is no room for its tables. */
int space_cpu_initialise(void);

u32 space_count(void);

#endif
