/* SPDX-License-Identifier: MIT */
/*
 * Segments of the 64-bit kernel: selectors, the TSS, and what each CPU keeps for itself. In kernel
 * mode GS base is the struct cpu (SWAPGS at every crossing); FS base is the user's thread pointer.
 * The numbers stand again at the head of entry.asm, and segments.c asserts that they agree.
 */
#ifndef ARCH_X86_SEGMENTS_H
#define ARCH_X86_SEGMENTS_H

#include "kernel/base/types.h"

struct cpu;

/* SYSCALL and SYSRET fix the order. SYSRET takes a base B and loads SS = B + 8, CS = B + 16. */
enum selector {
    SELECTOR_KERNEL_CODE = 0x08,
    SELECTOR_KERNEL_STACK = 0x10,
    SELECTOR_SYSRET_BASE = 0x18 | 3, /* itself unused */
    SELECTOR_USER_DATA = 0x20 | 3,
    SELECTOR_USER_CODE = 0x28 | 3,
    SELECTOR_TSS = 0x30, /* two entries wide */
    SELECTOR_END = 0x40,
};

/* Exceptions that may find the kernel stack unusable have their own: IST 1, 2, 3. */
enum trap_stack { TRAP_STACK_DOUBLE_FAULT, TRAP_STACK_NMI, TRAP_STACK_MACHINE_CHECK, TRAP_STACKS };
#define TRAP_STACK_SIZE 4096

/* A bit for each of ARCH_PORTS, and a byte of ones that the CPU wants behind them (SDM 1, 19.5.2). */
#define X86_PORT_BITMAP (0x1000 / 8 + 1)
/* An io_map beyond the TSS's limit: no port may be used. */
#define X86_PORTS_NONE 0xFFFFu

struct x86_tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3, io_map;
} __attribute__((packed));

struct arch_cpu {
    /* Read through GS by arch_cpu(). Aligned so that no two CPUs share a cache line. */
    struct cpu *self __attribute__((aligned(64)));
    u64 user_stack; /* where SYSCALL puts the user's RSP for its first instructions */
    u64 gdt[SELECTOR_END / 8];
    u32 padding; /* so that tss.rsp[0] is aligned */
    struct x86_tss tss;
    u8 *trap_stack[TRAP_STACKS]; /* of TRAP_STACK_SIZE; set before the CPU is started */
    u32 apic_id;
    u64 tsc_offset;                   /* added to what this CPU's TSC says: clock.c */
    u8 ports_denied[X86_PORT_BITMAP]; /* within the TSS's limit, found by tss.io_map: ports.c */
};

static inline struct cpu *arch_cpu(void) {
    struct cpu *cpu;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(cpu));
    return cpu;
}

#endif
