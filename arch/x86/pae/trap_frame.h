/* SPDX-License-Identifier: MIT */
/*
 * The registers of interrupted code, in the order in which entry.asm pushes them (lowest address
 * first) and the CPU did before that. The frame of an entry from user mode ends at the top of the
 * kernel stack. From kernel mode the CPU pushes no esp and ss: they are not there.
 */
#ifndef ARCH_X86_TRAP_FRAME_H
#define ARCH_X86_TRAP_FRAME_H

#include "arch/x86/machine_thread.h"
#include "arch/x86/vectors.h"

#include "kernel/base/print.h"
#include "kernel/base/types.h"

struct trap_frame {
    u32 edi, esi, ebp, ebx, edx, ecx, eax;
    u32 vector; /* VECTOR_SYSTEM_CALL: eax is still to become the call's result */
    u32 error;
    u32 eip, cs, eflags;
    u32 esp, ss; /* from user mode only */
};

static inline bool frame_from_user(const struct trap_frame *frame) { return (frame->cs & 3) != 0; }
static inline uword frame_instruction(const struct trap_frame *frame) { return frame->eip; }
static inline uword frame_base(const struct trap_frame *frame) { return frame->ebp; }

static inline void frame_set_instruction(struct trap_frame *frame, uword instruction) {
    frame->eip = instruction;
}

/* Start at ENTRY in user mode with ARG in EAX, all else zero. */
static inline void frame_set_start(struct trap_frame *frame, u32 entry, u32 sp, u32 arg) {
    *frame = (struct trap_frame){
        .eax = arg,
        .eip = entry,
        .cs = SELECTOR_USER_CODE,
        .eflags = X86_FLAGS_USER,
        .esp = sp,
        .ss = SELECTOR_USER_DATA,
    };
}

/* Turn the frame of a system call into one that only needs restoring, with this result. */
static inline void frame_set_result(struct trap_frame *frame, uword result) {
    frame->vector = 0;
    frame->eax = result;
}

/* The interrupted ESP. From kernel mode the CPU pushes none (it is where the frame ends), but a
 * trap task's frame is made of a TSS, which has it. */
static inline uword frame_stack(const struct trap_frame *frame) {
    bool task = frame->vector == VECTOR_DOUBLE_FAULT || frame->vector == VECTOR_MACHINE_CHECK;
    return task || frame_from_user(frame) ? frame->esp : (uword)&frame->esp;
}

static inline void frame_print(const struct trap_frame *frame) {
    print("eip %08x cs %04x eflags %08x esp %08x\n", frame->eip, frame->cs, frame->eflags,
          (u32)frame_stack(frame));
    print("eax %08x ebx %08x ecx %08x edx %08x\n", frame->eax, frame->ebx, frame->ecx, frame->edx);
    print("esi %08x edi %08x ebp %08x error %x\n", frame->esi, frame->edi, frame->ebp,
          frame->error);
}

#endif
