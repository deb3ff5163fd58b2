/* SPDX-License-Identifier: MIT */
/*
 * The commons: one quarter whose leaf entries are global, so that all spaces that have it share its
 * cached translations, whatever their tags. At most one quarter at a time.
 *
 * A CPU remembers of which quarter, and through which view, it may hold global translations
 * (cpu->global_of, global_view), and up to which generation they are good (global_seen). Before it
 * runs a space that lacks the commons, or has another view of it, it forgets everything (hazards 26,
 * 38); likewise when it is behind the generation. So a space that lacks the commons works, and pays.
 * (commons.c)
 */
#ifndef KERNEL_COMMONS_H
#define KERNEL_COMMONS_H

#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"
#include "kernel/vm/space.h"

/* Make QUARTER the commons. 0; E_BUSY: there is one already, or it is just ceasing to be; E_NOSYS:
 * the machine has no global pages that can be used. Entries that are there become global in bounded
 * steps; no lock held. */
int commons_promote(struct quarter *quarter);

/* If QUARTER is the commons, it is no longer: no entry of it is global, and no CPU holds a global
 * translation of it, when this returns. A COPY does that first, for copies share tables. No lock
 * held. */
void commons_demote(struct quarter *quarter);

/* The same for one that nobody refers to any more: its entries stay as they are. */
void commons_discard(struct quarter *quarter);

/* Is there a commons, or may CPU, this one, still have something of one? Else there is nothing to
 * settle. */
extern struct quarter *commons_quarter; /* atomic; null: none. Only commons.c writes it */
static inline bool commons_concerns(const struct cpu *cpu) {
    INTERLEAVE_READ(&commons_quarter);
    return __atomic_load_n(&commons_quarter, __ATOMIC_ACQUIRE) || cpu->global_view != 0;
}

/* A step of space_load, before the root of SPACE is loaded, with this CPU entering it: what it fills
 * from then on may be global. Said before, so that whoever ends the commons in that moment finds
 * this CPU to have something of it. */
void commons_expect(const struct space *space);

/* A step of space_load, with the root of SPACE loaded: no global
 * translation that is not right for SPACE is left. */
void commons_settle(const struct space *space);

/* A part of QUARTER's shootdown on a CPU that has it loaded; PAGES 0: the whole quarter. */
void commons_shoot(const struct quarter *quarter, u64 generation, u32 pages);

#endif
