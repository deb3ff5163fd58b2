/* SPDX-License-Identifier: MIT */
/*
 * The load of a space (space.h: space_load) in line, for the direct switch of a message
 * (sched/direct.h). With tags, or a commons, there is more to see to, out of line: root_load.
 */
#ifndef KERNEL_LOAD_H
#define KERNEL_LOAD_H

#include "kernel/base/interleave.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/space.h"
#include "debug/tlbsan.h"
#include "debug/tlbtrace.h"

/* Load the root of SPACE, keeping of the CPU's translations what is still good. (space.c) */
void root_load(struct cpu *cpu, struct space *space);

/* First who is to come, for all to see; then (in tags_enter, commons_settle) the generations, then
 * the root: so a shootdown that does not see this CPU can rely on the load that follows (hazard 9:
 * shootdown.c has both sides). */
static inline void entering_publish(struct cpu *cpu, struct space *space) {
    INTERLEAVE_LOCKED();
    __atomic_store_n(&cpu->entering, space, __ATOMIC_SEQ_CST);
}

/* Last: from here on nobody waits for us before what only the old one had is freed. */
static inline void loaded_publish(struct cpu *cpu, struct space *space) {
    INTERLEAVE_LOCKED();
    __atomic_store_n(&cpu->loaded, space, __ATOMIC_RELEASE);
    tlbtrace_load(space);
}

/* As in space_load, to a SPACE that is not loaded. */
static inline __attribute__((always_inline)) void space_change_inline(struct cpu *cpu,
                                                                      struct space *space) {
    entering_publish(cpu, space);
    if (LIKELY(!arch_has_tags() && !commons_concerns(cpu))) {
        tlbsan_root_load_untagged(space);
        cpu->translation->loads_flushed++;
    } else {
        root_load(cpu, space);
    }
    loaded_publish(cpu, space);
}

#endif
