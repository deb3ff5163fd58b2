/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading the FPU: of the CPU that runs this, which belongs to its present user thread.
 * (thread.c says when)
 */
#ifndef ARCH_X86_FPU_H
#define ARCH_X86_FPU_H

#include "arch/x86/cpu_features.h"

#define X86_FPU_SIZE 512 /* FXSAVE's; FNSAVE takes 108 of them */

/* Every 64-bit CPU has it. */
#ifdef __x86_64__
#define X86_HAS_FXSAVE true
#else
#define X86_HAS_FXSAVE x86_features.fxsr
#endif

/* FNSAVE also resets the FPU. */
static inline void fpu_save(u8 *area) {
    if (X86_HAS_FXSAVE) {
#ifdef __x86_64__
        __asm__ volatile("fxsave64 %0" : "=m"(*(u8(*)[X86_FPU_SIZE])area));
#else
        __asm__ volatile("fxsave %0" : "=m"(*(u8(*)[X86_FPU_SIZE])area));
#endif
    } else {
        __asm__ volatile("fnsave %0; fwait" : "=m"(*(u8(*)[X86_FPU_SIZE])area));
    }
}

/* Some CPUs' FXRSTOR leaves the last instruction and operand pointers alone when no exception is
 * pending: they would be the previous thread's. Loading any number overwrites them first. */
static inline void fpu_load(const u8 *area) {
    static const u32 zero;
    if (X86_HAS_FXSAVE) {
        __asm__ volatile("fnclex; emms; fildl %0" ::"m"(zero));
#ifdef __x86_64__
        __asm__ volatile("fxrstor64 %0" ::"m"(*(const u8(*)[X86_FPU_SIZE])area));
#else
        __asm__ volatile("fxrstor %0" ::"m"(*(const u8(*)[X86_FPU_SIZE])area));
#endif
    } else {
        __asm__ volatile("frstor %0" ::"m"(*(const u8(*)[X86_FPU_SIZE])area));
    }
}

#endif
