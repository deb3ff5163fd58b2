/* SPDX-License-Identifier: MIT */
/*
 * The registers of interrupted code, in the order in which entry.asm pushes them (lowest address
 * first) and the CPU did before that. The frame of an entry from user mode ends at the top of the
 * kernel stack. In the frame of a system call rcx and r11 are unset: the instruction has
 * overwritten the user's.
 */
#ifndef ARCH_X86_TRAP_FRAME_H
#define ARCH_X86_TRAP_FRAME_H

#include "arch/x86/machine_thread.h"
#include "arch/x86/vectors.h"

#include "kernel/base/print.h"
#include "kernel/base/types.h"

struct trap_frame {
    u64 r15, r14, r13, r12, rbp, rbx;
    u64 r9, r8, r10, rdx, rsi, rdi, rax;
    u64 r11, rcx;
    u64 vector; /* VECTOR_SYSTEM_CALL: rax is still to become the call's result */
    u64 error;
    u64 rip, cs, rflags, rsp, ss;
};

static inline bool frame_from_user(const struct trap_frame *frame) { return (frame->cs & 3) != 0; }
static inline uword frame_instruction(const struct trap_frame *frame) { return frame->rip; }
static inline uword frame_base(const struct trap_frame *frame) { return frame->rbp; }

static inline void frame_set_instruction(struct trap_frame *frame, uword instruction) {
    frame->rip = instruction;
}

/* Start at ENTRY in user mode with ARG in RDI, all else zero. */
static inline void frame_set_start(struct trap_frame *frame, u32 entry, u32 sp, u32 arg) {
    *frame = (struct trap_frame){
        .rdi = arg,
        .rip = entry,
        .cs = SELECTOR_USER_CODE,
        .rflags = X86_FLAGS_USER,
        .rsp = sp,
        .ss = SELECTOR_USER_DATA,
    };
}

/* Turn the frame of a system call into one that only needs restoring, with this result. */
static inline void frame_set_result(struct trap_frame *frame, uword result) {
    frame->vector = 0;
    frame->rax = result;
    frame->rcx = frame->rip;
    frame->r11 = frame->rflags;
}

static inline void frame_print(const struct trap_frame *frame) {
    print("rip %016llx cs %04llx rflags %08llx rsp %016llx ss %04llx\n",
          (unsigned long long)frame->rip, (unsigned long long)frame->cs,
          (unsigned long long)frame->rflags, (unsigned long long)frame->rsp,
          (unsigned long long)frame->ss);
    const struct {
        const char *name;
        u64 value;
    } registers[] = {
        {"rax", frame->rax}, {"rbx", frame->rbx}, {"rcx", frame->rcx}, {"rdx", frame->rdx},
        {"rsi", frame->rsi}, {"rdi", frame->rdi}, {"rbp", frame->rbp}, {"r8 ", frame->r8},
        {"r9 ", frame->r9},  {"r10", frame->r10}, {"r11", frame->r11}, {"r12", frame->r12},
        {"r13", frame->r13}, {"r14", frame->r14}, {"r15", frame->r15}, {"error", frame->error},
    };
    for (u32 i = 0; i < ARRAY_LENGTH(registers); i++) {
        print("%s %016llx%s", registers[i].name, (unsigned long long)registers[i].value,
              i % 4 == 3 ? "\n" : " ");
    }
}

#endif
