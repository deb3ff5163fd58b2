/* SPDX-License-Identifier: MIT */
/*
 * The part of arch_machine.h that is about CPUs and threads: the register state of a thread, and
 * interrupts on and off. struct arch_cpu and arch_cpu() differ between the kernels: <segments.h>.
 * Read next: thread.c (who saves what), <trap_frame.h> (the registers on entry from user mode).
 */
#ifndef ARCH_X86_MACHINE_THREAD_H
#define ARCH_X86_MACHINE_THREAD_H

#include <segments.h>

#include "arch/x86/cpu_features.h"
#include "arch/x86/fpu.h"
#include "kernel/base/types.h"

/* What a thread leaves behind when it is off the CPU. Its user registers are not here: they stand
 * in the frame at the top of its kernel stack. */
struct arch_thread {
    uword stack_pointer; /* into its kernel stack: what switch_stacks pushed */
    u32 pointer;         /* the user thread pointer: GS base on pae, FS base on long */
    u8 fpu[X86_FPU_SIZE] __attribute__((aligned(16)));
};

#define X86_FLAGS_INTERRUPT 0x200u
#define X86_FLAGS_SINGLE_STEP 0x100u
#define X86_FLAGS_USER 0x202u /* a thread's first: interrupts on, and the bit that is always set */

static inline bool arch_interrupts_enabled(void) {
    uword flags;
    __asm__ volatile("pushf; pop %0" : "=r"(flags)::"memory");
    return (flags & X86_FLAGS_INTERRUPT) != 0;
}

static inline uword arch_interrupts_save(void) {
    uword flags;
    __asm__ volatile("pushf; pop %0; cli" : "=r"(flags)::"memory");
    return flags;
}

static inline void arch_interrupts_restore(uword flags) {
    if (flags & X86_FLAGS_INTERRUPT) {
        __asm__ volatile("sti" ::: "memory");
    }
}

#define ARCH_CODE_ADDRESS()                               \
    ({                                                    \
        uword here;                                       \
        __asm__ volatile("mov $1f, %0\n1:" : "=r"(here)); \
        here;                                             \
    })

/* Every 64-bit CPU has a TSC. */
#ifdef __x86_64__
#define X86_HAS_TSC true
#else
#define X86_HAS_TSC x86_features.tsc
#endif

/* The TSC's low half; where there is none, the ticks since boot. */
u32 x86_slow_ticks(void);
static inline u32 arch_ticks(void) {
    u32 low, high;
    if (UNLIKELY(!X86_HAS_TSC)) {
        return x86_slow_ticks();
    }
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low;
}

static inline void arch_relax(void) { __asm__ volatile("pause" ::: "memory"); }

struct spinlock;

/* entry.asm */
void x86_switch_stacks(uword *save, uword load);
/* The running thread is parked at PLACE. The first: the thread whose user registers stand at FRAME
 * returns RESULT from its system call, and LOCK is free. The second: switch to LOAD. */
_Noreturn void x86_park_resume(uword place, uword frame, struct spinlock *lock, long result);
_Noreturn void x86_park_switch(uword place, uword load);

#endif
