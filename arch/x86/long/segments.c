/* SPDX-License-Identifier: MIT */
/*
 * The tables that the 64-bit CPU wants before it can take a trap: GDT, IDT, TSS, and the way in by
 * SYSCALL. Each CPU has its own GDT and TSS in its struct cpu; the IDT is one, written by the boot
 * CPU. Double fault, NMI and machine check have stacks of their own (IST). Read next: entry.asm.
 */
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"
#include "kernel/base/cpu.h"
#include "kernel/process/process.h"

#define MSR_SYSENTER_CS 0x174u
#define MSR_STAR 0xC0000081u
#define MSR_LSTAR 0xC0000082u
#define MSR_CSTAR 0xC0000083u
#define MSR_SFMASK 0xC0000084u

#define MSR_GS_BASE 0xC0000101u
#define MSR_KERNEL_GS_BASE 0xC0000102u

/* What SYSCALL clears: CF..IOPL, NT, AC; interrupts off, no step, DF clear, SMAP in force. */
#define SYSCALL_FLAGS_CLEARED 0x47FD5u

/* What entry.asm knows by number. */
_Static_assert(offsetof(struct cpu, arch.user_stack) == 8, "CPU_USER_STACK in entry.asm");
_Static_assert(offsetof(struct cpu, arch.tss.rsp) == 88, "CPU_KERNEL_STACK in entry.asm");
_Static_assert(offsetof(struct cpu, attention) == 772, "CPU_ATTENTION in entry.asm");
_Static_assert(offsetof(struct trap_frame, vector) == 120, "FRAME_VECTOR in entry.asm");
_Static_assert(sizeof(struct trap_frame) % 16 == 0, "the stack stays aligned below a frame");
_Static_assert(sizeof(struct x86_tss) == 104, "the CPU's 64-bit TSS");

#define SEGMENT_KERNEL_CODE 0x00209A0000000000ull /* present, 64-bit, readable code */
#define SEGMENT_KERNEL_DATA 0x0000920000000000ull
#define SEGMENT_USER_CODE 0x0020FA0000000000ull
#define SEGMENT_USER_DATA 0x0000F20000000000ull
#define ACCESS_TSS 0x89ull
/* The TSS and, behind other things, the bitmap of ports: less than 64 KiB. */
#define TSS_LIMIT \
    (offsetof(struct arch_cpu, ports_denied) + X86_PORT_BITMAP - offsetof(struct arch_cpu, tss) - 1)
#define GATE_INTERRUPT 0x8E00u
#define GATE_USER 0x6000u

struct gate {
    u64 low, high;
};

static struct gate idt[VECTOR_STUBS];
static u8 boot_trap_stack[TRAP_STACKS][TRAP_STACK_SIZE] __attribute__((aligned(16)));

struct __attribute__((packed)) table_pointer {
    u16 limit;
    u64 base;
};

static struct gate gate_make(uword offset, u32 kind) {
    return (struct gate){
        .low = (offset & 0xFFFF) | (u64)SELECTOR_KERNEL_CODE << 16 | (u64)kind << 32 |
               (offset & 0xFFFF0000u) << 32,
        .high = offset >> 32,
    };
}

static void idt_prepare(void) {
    for (u32 vector = 0; vector < VECTOR_STUBS; vector++) {
        bool user = vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW;
        idt[vector] = gate_make(x86_vector_stubs[vector], GATE_INTERRUPT | (user ? GATE_USER : 0));
    }
    /* Bits 2..0 of a gate's second half are the IST number, which counts from one. */
    idt[VECTOR_DOUBLE_FAULT].low |= (u64)(TRAP_STACK_DOUBLE_FAULT + 1) << 32;
    idt[VECTOR_NMI].low |= (u64)(TRAP_STACK_NMI + 1) << 32;
    idt[VECTOR_MACHINE_CHECK].low |= (u64)(TRAP_STACK_MACHINE_CHECK + 1) << 32;
}

static void gdt_prepare(struct arch_cpu *cpu) {
    u64 *gdt = cpu->gdt;
    u64 base = (uword)&cpu->tss;
    gdt[SELECTOR_KERNEL_CODE / 8] = SEGMENT_KERNEL_CODE;
    gdt[SELECTOR_KERNEL_STACK / 8] = SEGMENT_KERNEL_DATA;
    gdt[SELECTOR_USER_DATA / 8] = SEGMENT_USER_DATA;
    gdt[SELECTOR_USER_CODE / 8] = SEGMENT_USER_CODE;
    gdt[SELECTOR_TSS / 8] = (TSS_LIMIT & 0xFFFF) | (base & 0xFFFFFF) << 16 | ACCESS_TSS << 40 |
                            (base >> 24 & 0xFF) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
    cpu->tss = (struct x86_tss){.io_map = X86_PORTS_NONE};
    for (u32 i = 0; i < TRAP_STACKS; i++) {
        cpu->tss.ist[i] = (uword)cpu->trap_stack[i] + TRAP_STACK_SIZE;
    }
}

static void segments_load(const struct arch_cpu *cpu) {
    const struct table_pointer gdt_pointer = {sizeof(cpu->gdt) - 1, (uword)cpu->gdt};
    const struct table_pointer idt_pointer = {sizeof(idt) - 1, (uword)idt};
    u64 scratch;
    __asm__ volatile(
        "lgdt %[gdt]\n"
        "lidt %[idt]\n"
        "pushq %[code]\n"
        "lea 1f(%%rip), %[scratch]\n"
        "push %[scratch]\n"
        "lretq\n"
        "1: mov %[stack], %%ss\n"
        "mov %[none], %%ds\n"
        "mov %[none], %%es\n"
        "mov %[none], %%fs\n"
        "mov %[none], %%gs\n"
        "lldt %w[none]\n"
        "ltr %[tss]\n"
        : [scratch] "=&r"(scratch)
        : [gdt] "m"(gdt_pointer), [idt] "m"(idt_pointer), [code] "i"(SELECTOR_KERNEL_CODE),
          [stack] "r"(SELECTOR_KERNEL_STACK), [none] "r"(0), [tss] "r"((u16)SELECTOR_TSS)
        : "memory");
}

static void system_call_prepare(void) {
    msr_write(MSR_STAR, (u64)SELECTOR_SYSRET_BASE << 48 | (u64)SELECTOR_KERNEL_CODE << 32);
    msr_write(MSR_LSTAR, (uword)x86_entry_fast_call);
    msr_write(MSR_CSTAR, 0); /* 32-bit code segments do not exist */
    msr_write(MSR_SFMASK, SYSCALL_FLAGS_CLEARED);
    msr_write(MSR_SYSENTER_CS, 0); /* SYSENTER faults */
}

void x86_cpu_initialise(u32 number) {
    struct cpu *cpu = &cpus[number];
    cpu->number = number;
    cpu->arch.self = cpu;
    if (number == 0) {
        idt_prepare();
        for (u32 i = 0; i < TRAP_STACKS; i++) {
            cpu->arch.trap_stack[i] = boot_trap_stack[i];
        }
    }
    gdt_prepare(&cpu->arch);
    segments_load(&cpu->arch);
    msr_write(MSR_GS_BASE, (uword)cpu); /* after the selectors: loading GS clears its base */
    msr_write(MSR_KERNEL_GS_BASE, 0);
    system_call_prepare();
}

void x86_cpu_initialise_late(void) {}

void x86_set_kernel_stack(struct cpu *cpu, uword top) { cpu->arch.tss.rsp[0] = top; }

void x86_set_thread_pointer(struct cpu *cpu, u32 base) {
    (void)cpu;
    msr_write(MSR_FS_BASE, base);
}

uword x86_stack_prepare(uword *stack, void (*enter)(void)) {
    *--stack = (uword)enter;
    for (u32 i = 0; i < 6; i++) {
        *--stack = 0; /* rbp, with which a backtrace ends; rbx, r12, r13, r14, r15 */
    }
    return (uword)stack;
}
