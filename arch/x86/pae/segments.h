/* SPDX-License-Identifier: MIT */
/*
 * Segments of the 32-bit kernel: selectors, the TSS, and what each CPU keeps for itself. The kernel
 * finds its CPU through FS, a segment whose base is the struct cpu; GS is the user's thread
 * pointer, and the kernel leaves it alone. DS and ES are the flat user segment, in the kernel too.
 * The numbers stand again at the head of entry.asm, and segments.c asserts that they agree.
 */
#ifndef ARCH_X86_SEGMENTS_H
#define ARCH_X86_SEGMENTS_H

#include "kernel/base/types.h"

struct cpu;

/* SYSENTER and SYSEXIT fix the order of the first four. */
enum selector {
    SELECTOR_KERNEL_CODE = 0x08,
    SELECTOR_KERNEL_STACK = 0x10,
    SELECTOR_USER_CODE = 0x18 | 3,
    SELECTOR_USER_DATA = 0x20 | 3,
    SELECTOR_CPU = 0x28,
    SELECTOR_THREAD_POINTER = 0x30 | 3,
    SELECTOR_TSS = 0x38,
    SELECTOR_TRAP_TSS = 0x40, /* and the next one: double fault, machine check */
    SELECTOR_END = 0x50,
};

/* Exceptions that may find the kernel stack unusable: each has a stack, here a whole task. */
enum trap_stack { TRAP_STACK_DOUBLE_FAULT, TRAP_STACK_MACHINE_CHECK, TRAP_STACKS };
#define TRAP_STACK_SIZE 4096

/* A bit for each of ARCH_PORTS, and a byte of ones that the CPU wants behind them (SDM 1, 19.5.2). */
#define X86_PORT_BITMAP (0x1000 / 8 + 1)
/* An io_map beyond the TSS's limit: no port may be used. */
#define X86_PORTS_NONE 0xFFFFu

struct x86_tss {
    u32 link, esp0, ss0, esp1, ss1, esp2, ss2;
    u32 cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
    u32 es, cs, ss, ds, fs, gs, ldt;
    u16 trap, io_map;
};

struct arch_cpu {
    /* Read through FS by arch_cpu(). Aligned so that no two CPUs share a cache line. */
    struct cpu *self __attribute__((aligned(64)));
    u32 reserved;
    u64 gdt[SELECTOR_END / 8];
    /* SYSENTER starts with ESP at tss.esp0 (and loads ESP from there). If the user had TF set,
     * the debug exception comes before that load, and its handler runs on this: the words below
     * esp0. So does an NMI that comes just then. */
    u8 debug_stack[1024];
    struct x86_tss tss;
    struct x86_tss trap_tss[TRAP_STACKS];
    u8 *trap_stack[TRAP_STACKS]; /* of TRAP_STACK_SIZE; set before the CPU is started */
    u32 apic_id;
    u64 tsc_offset;                   /* added to what this CPU's TSC says: clock.c */
    u8 ports_denied[X86_PORT_BITMAP]; /* within the TSS's limit, found by tss.io_map: ports.c */
};

static inline struct cpu *arch_cpu(void) {
    struct cpu *cpu;
    __asm__ volatile("movl %%fs:0, %0" : "=r"(cpu));
    return cpu;
}

#endif
