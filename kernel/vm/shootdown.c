/* SPDX-License-Identifier: MIT */
/*
 * Shootdown by quarter: no CPU uses an old translation of the quarter once quarter_shootdown
 * returns. Guarded by the quarter's lock. The order (entries changed by the caller, generation,
 * barrier, mask, wait) is that of design section 6. One CPU runs so far: the mask names at most
 * this one. CPUs that do not run the quarter need no telling, since a load of another space's root
 * forgets everything that is not global.
 */
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/vm/quarter.h"

/* Above this many pages it is cheaper to forget everything than page by page. */
#define RANGE_LIMIT 32u

void quarter_shootdown(struct quarter *quarter, u32 offset, u32 pages) {
    uword self = (uword)1 << arch_cpu()->number;
    quarter->generation++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uword running = atomic_read_mask(&quarter->running);
    ASSERT(!(running & ~self), "quarter %llu runs on CPUs %llx, and only one is started",
           (unsigned long long)quarter->sub_id, (unsigned long long)running);
    VM_COUNT(shootdowns);
    if (running & self) {
        arch_invalidate(SLOT_BASE(quarter->slot) + offset, pages > RANGE_LIMIT ? 0 : pages);
    }
}
