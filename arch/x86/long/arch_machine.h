/* SPDX-License-Identifier: MIT */
/*
 * arch_machine.h for ARCH=long: 64-bit, IA-32e mode, four-level paging. See arch/arch.h for what
 * each name means.
 *
 *   0x0000000000000000 the four slots, up to 0x100000000
 *   0xFFFF800000000000 all memory, by the largest pages that the CPU has
 *   0xFFFFFFFF80000000 the kernel's image, at this + its physical address, by 4 KiB pages
 *   0xFFFFFFFFC0000000 the graphics screen, up to 28 MiB
 *   0xFFFFFFFFFFE00000 the last 2 MiB: device pages
 */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include "kernel/base/types.h"

#define ARCH_NAME "long"
#define ARCH_USER_TOP 0x100000000ull
#define ARCH_VIEW_DIRECTORIES 0
#define ARCH_PORTS 0x1000u
#define ARCH_CPU_LIMIT 32u
#define ARCH_TAGS 4096u
#define KERNEL_STACK_SIZE 8192u

/* The image is linked at this + its physical address. */
#define X86_IMAGE_BASE 0xFFFFFFFF80000000ull
#define X86_DIRECT_MAP 0xFFFF800000000000ull
#define X86_DIRECT_MAP_SIZE 0x8000000000ull /* one PML4 entry; less is mapped: long/root.c */
#define X86_WINDOWS 0xFFFFFFFFFFE00000ull   /* the last 2 MiB */
#define X86_FRAMEBUFFER 0xFFFFFFFFC0000000ull
#define X86_IDENTITY_SIZE 0x100000000ull    /* what boot/entry.asm maps one to one */

/* PML4[0] -> PDPT, of which entries 0..3 are the quarters. */
struct arch_root {
    frame_t pml4;
    frame_t pdpt;
};

#include "arch/x86/machine_paging.h"
#include "arch/x86/machine_thread.h"
#include "arch/x86/registers.h"

/* R9, R8, R10 and RDX in the frame at the top of the kernel stack; thread.c asserts it. */
struct arch_message {
    uword badge;
    uword word[SHORT_WORDS];
};
#define X86_FRAME_SIZE 176u
#define X86_FRAME_MESSAGE 48u

static inline struct arch_message *arch_message(void *kernel_stack) {
    return (struct arch_message *)((uword)kernel_stack + KERNEL_STACK_SIZE - X86_FRAME_SIZE +
                                   X86_FRAME_MESSAGE);
}

/* Every way out of a call restores them. */
static inline void arch_message_return(void *kernel_stack, long result) {
    (void)kernel_stack;
    (void)result;
}

static inline bool arch_has_tags(void) { return x86_features.tagged; }
static inline u32 arch_tag_count(void) { return arch_has_tags() ? ARCH_TAGS : 0; }

static inline void arch_root_load_untagged(const struct arch_root *root) {
    cr3_write((uword)root->pml4.number << PAGE_SHIFT);
}

/* All of a switch but the stacks. Forks of one program most often have their thread pointer at the same
 * address: to write it takes longer than to see that. */
static inline void x86_switch_registers(struct arch_thread *previous, struct arch_thread *next,
                                        const void *stack) {
    fpu_save(previous->fpu);
    fpu_load(next->fpu);
    if (previous->pointer != next->pointer) {
        msr_write(MSR_FS_BASE, next->pointer);
    }
    __asm__ volatile("movq %0, %%gs:%c1" /* struct cpu begins with struct arch_cpu */
                     ::"r"((uword)stack + KERNEL_STACK_SIZE),
                     "i"(offsetof(struct arch_cpu, tss.rsp[0]))
                     : "memory");
}

static inline void arch_thread_switch_user(struct arch_thread *previous, struct arch_thread *next,
                                           void *stack) {
    x86_switch_registers(previous, next, stack);
    x86_switch_stacks(&previous->stack_pointer, next->stack_pointer);
}

#define X86_PARK_SIZE (7 * sizeof(uword)) /* what x86_switch_stacks pops */
#include "arch/x86/machine_parking.h"

#endif
