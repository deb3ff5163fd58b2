/* SPDX-License-Identifier: MIT */
/*
 * arch_machine.h for ARCH=pae: 32-bit, legacy PAE paging. See arch/arch.h for what each name means.
 *
 *   0x00000000 slot 0   0x40000000 slot 1   0x80000000 slot 2   0xC0000000 slot 3, up to
 *   0xF0000000 low memory: physical 0..224 MiB, 2 MiB pages; the image at 1 MiB, 4 KiB pages
 *   0xFE000000 the graphics screen, up to 28 MiB
 *   0xFFC00000 nothing
 *   0xFFE00000 the last 2 MiB: two windows for each CPU, device pages, and
 *   0xFFFFE000 the system-call page, which users may read and execute
 *   0xFFFFF000 nothing
 */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include "kernel/base/types.h"

#define ARCH_NAME "pae"
#define ARCH_USER_TOP 0xF0000000ull
#define ARCH_VIEW_DIRECTORIES 1
#define ARCH_PORTS 0x1000u
#define ARCH_CPU_LIMIT 32u
#define ARCH_TAGS 4096u
#define KERNEL_STACK_SIZE 8192u

#define X86_IMAGE_BASE 0xF0000000u /* the image is linked at this + its physical address */
#define X86_DIRECT_MAP 0xF0000000u
#define X86_DIRECT_MAP_SIZE 0x0E000000u
#define X86_WINDOWS 0xFFE00000u /* the last 2 MiB */
#define X86_SYSTEM_CALL_PAGE 0xFFFFE000u
#define X86_FRAMEBUFFER 0xFE000000u
#define X86_IDENTITY_SIZE 0xF0000000ull /* what boot/entry.asm maps one to one */

/* The hardware's own four quarters, loaded into PDPTE registers by MOV CR3. Physical address below
 * 4 GiB and 32-byte aligned: a space comes from low memory. */
struct arch_root {
    u64 pdpt[SLOT_COUNT] __attribute__((aligned(32)));
};

/* A writable pointer to the frame that users see at X86_SYSTEM_CALL_PAGE. */
void *x86_system_call_page(void);

#include "arch/x86/machine_paging.h"
#include "arch/x86/machine_thread.h"
#include "arch/x86/registers.h"

/* EDI, ESI, EBP and EBX in the frame at the top of the kernel stack; thread.c asserts it. */
struct arch_message {
    uword word[SHORT_WORDS];
    uword badge;
};
#define X86_FRAME_SIZE 56u
#define X86_FRAME_MESSAGE 0u

static inline struct arch_message *arch_message(void *kernel_stack) {
    return (struct arch_message *)((uword)kernel_stack + KERNEL_STACK_SIZE - X86_FRAME_SIZE +
                                   X86_FRAME_MESSAGE);
}

/* The short way out of a call leaves those registers to C code: so take the one that restores all
 * of the frame. */
void arch_message_return(void *kernel_stack, long result);

static inline bool arch_has_tags(void) { return x86_features.tagged; }
static inline u32 arch_tag_count(void) { return arch_has_tags() ? ARCH_TAGS : 0; }

/* MOV CR3 forgets all that is not global: there are no tags to keep anything by. */
static inline void arch_root_load_untagged(const struct arch_root *root) {
    cr3_write((uword)root->pdpt - X86_DIRECT_MAP);
}

void x86_set_thread_pointer(struct cpu *cpu, u32 base); /* segments.c */

/* All of a switch but the stacks. */
static inline void x86_switch_registers(struct arch_thread *previous, struct arch_thread *next,
                                        const void *stack) {
    fpu_save(previous->fpu);
    fpu_load(next->fpu);
    x86_set_thread_pointer(arch_cpu(), next->pointer);
    ((struct arch_cpu *)arch_cpu())->tss.esp0 = (uword)stack + KERNEL_STACK_SIZE;
}

static inline void arch_thread_switch_user(struct arch_thread *previous, struct arch_thread *next,
                                           void *stack) {
    x86_switch_registers(previous, next, stack);
    x86_switch_stacks(&previous->stack_pointer, next->stack_pointer);
}

#define X86_PARK_SIZE (5 * sizeof(uword)) /* what x86_switch_stacks pops */
#include "arch/x86/machine_parking.h"

#endif
