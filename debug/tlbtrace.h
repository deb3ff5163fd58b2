/* SPDX-License-Identifier: MIT */
/*
 * What the VM does to translations, for tools/tlbsim: in a kernel built with TLBTRACE=1 (`make tlbsim`)
 * each event fills one record and then writes `tlbtrace_door`, where a plugin of the emulator looks; it
 * sees the program's accesses itself. In any other kernel these are nothing. For one CPU. (tlbtrace.c)
 */
#ifndef DEBUG_TLBTRACE_H
#define DEBUG_TLBTRACE_H

#include "kernel/vm/quarter.h"

struct space;

#ifdef TLBTRACE

void tlbtrace_load(const struct space *space); /* this CPU runs it now; null: the kernel's root */
void tlbtrace_space(const struct space *space, bool made); /* it is new, or is about to go */
void tlbtrace_quarter(const struct quarter *quarter, bool made);
void tlbtrace_copy(const struct quarter *source, const struct quarter *copy);
void tlbtrace_clone(u32 plan); /* it is done */
/* As quarter_shootdown's arguments. */
void tlbtrace_shootdown(const struct quarter *quarter, u32 offset, u32 pages, u32 cause);
void tlbtrace_fault(const struct quarter *quarter, u32 offset); /* it is answered */

#else

static inline void tlbtrace_load(const struct space *space) { (void)space; }
static inline void tlbtrace_space(const struct space *space, bool made) { (void)space, (void)made; }
static inline void tlbtrace_quarter(const struct quarter *quarter, bool made) {
    (void)quarter, (void)made;
}
static inline void tlbtrace_copy(const struct quarter *source, const struct quarter *copy) {
    (void)source, (void)copy;
}
static inline void tlbtrace_clone(u32 plan) { (void)plan; }
static inline void tlbtrace_shootdown(const struct quarter *quarter, u32 offset, u32 pages,
                                      u32 cause) {
    (void)quarter, (void)offset, (void)pages, (void)cause;
}
static inline void tlbtrace_fault(const struct quarter *quarter, u32 offset) {
    (void)quarter, (void)offset;
}

#endif

#endif
