/* SPDX-License-Identifier: MIT */
/*
 * A thread's registers: where they are when it does not run, and what a new thread starts with.
 *
 *   kernel_stack + KERNEL_STACK_SIZE  +------------------------+
 *                                     | struct trap_frame      |  user registers, written at entry
 *                                     +------------------------+
 *                                     | C frames               |
 *                                     | what switch pushed     |  <- arch.stack_pointer
 *
 * The FPU is saved and loaded at every switch between user threads (eagerly: no state of one thread
 * is ever in the registers while another runs). Kernel code does not touch it, but for windows.c,
 * which puts back what it borrows. No locks: a thread's state belongs to the CPU that runs it, or
 * to whoever makes it before it is started.
 */
#include <string.h>

#include "arch/x86/cpu_features.h"
#include "arch/x86/fpu.h"
#include "arch/x86/traps.h"
#include "kernel/base/cpu.h"
#include "kernel/process/process.h"

/* ---- FPU ------------------------------------------------------------------------------------- */

#define MXCSR_DEFAULT 0x1F80u /* all exceptions masked, round to nearest */

static u8 clean_state[X86_FPU_SIZE] __attribute__((aligned(16)));

void x86_fpu_initialise(void) {
    static const u32 mxcsr = MXCSR_DEFAULT;
    __asm__ volatile("fninit");
    if (x86_features.sse) {
        __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
    }
    if (arch_cpu()->number == 0) {
        fpu_save(clean_state);
    }
}

/* The XMM registers of the clean state are not what firmware left in them: the area stays zero but
 * for the control words, which are the first 32 bytes. */
static void fpu_start_clean(struct thread *thread) {
    memset(thread->arch.fpu, 0, X86_FPU_SIZE);
    memcpy(thread->arch.fpu, clean_state, x86_features.fxsr ? 32 : 28);
}

/* ---- New threads ----------------------------------------------------------------------------- */

static struct trap_frame *thread_frame(const struct thread *thread) {
    return (struct trap_frame *)((uword)thread->kernel_stack + KERNEL_STACK_SIZE) - 1;
}

_Static_assert(sizeof(struct trap_frame) == X86_FRAME_SIZE, "arch_message finds the frame");
#ifdef __x86_64__
_Static_assert(offsetof(struct trap_frame, r9) == X86_FRAME_MESSAGE &&
                   offsetof(struct trap_frame, rdx) == X86_FRAME_MESSAGE + 3 * sizeof(uword),
               "badge and words of a short message");
#else
_Static_assert(offsetof(struct trap_frame, edi) == X86_FRAME_MESSAGE &&
                   offsetof(struct trap_frame, ebx) == X86_FRAME_MESSAGE + 3 * sizeof(uword),
               "words and badge of a short message");

void arch_message_return(void *kernel_stack, long result) {
    struct trap_frame *frame = (struct trap_frame *)((uword)kernel_stack + KERNEL_STACK_SIZE) - 1;
    frame_set_result(frame, (uword)result);
}
#endif

static void start_in_user_mode(struct thread *thread) {
    uword *stack = (uword *)thread_frame(thread);
    thread->arch.stack_pointer = x86_stack_prepare(stack, x86_thread_enter_user);
}

void arch_thread_start_user(struct thread *thread, u32 entry, u32 sp, u32 arg) {
    frame_set_start(thread_frame(thread), entry, sp, arg);
    thread->arch.pointer = 0;
    fpu_start_clean(thread);
    start_in_user_mode(thread);
}

void arch_thread_start_clone(struct thread *thread, struct thread *parent) {
    *thread_frame(thread) = *thread_frame(parent);
    frame_set_result(thread_frame(thread), 0);
    thread->arch.pointer = parent->arch.pointer;
    fpu_save(thread->arch.fpu);
    if (!x86_features.fxsr) {
        fpu_load(thread->arch.fpu);
    }
    start_in_user_mode(thread);
}

void arch_thread_redirect(u32 entry, u32 sp, u32 arg) {
    struct thread *thread = arch_cpu()->current;
    frame_set_start(thread_frame(thread), entry, sp, arg);
    arch_thread_set_pointer(thread, 0);
    fpu_start_clean(thread);
    fpu_load(thread->arch.fpu);
}

uword arch_thread_instruction(const struct thread *thread) {
    return frame_instruction(thread_frame(thread));
}

/* ---- Switching ------------------------------------------------------------------------------- */

void arch_thread_set_pointer(struct thread *thread, u32 base) {
    struct cpu *cpu = arch_cpu();
    thread->arch.pointer = base;
    if (cpu->current == thread) {
        x86_set_thread_pointer(cpu, base);
    }
}

u32 arch_thread_pointer(const struct thread *thread) { return thread->arch.pointer; }

void arch_thread_switch(struct thread *previous, struct thread *next) {
    struct cpu *cpu = arch_cpu();
    if (previous->process != NULL) {
        fpu_save(previous->arch.fpu);
    }
    if (next->process != NULL) {
        fpu_load(next->arch.fpu);
        x86_set_thread_pointer(cpu, next->arch.pointer);
        x86_set_kernel_stack(cpu, (uword)next->kernel_stack + KERNEL_STACK_SIZE);
    }
    x86_switch_stacks(&previous->arch.stack_pointer, next->arch.stack_pointer);
}
