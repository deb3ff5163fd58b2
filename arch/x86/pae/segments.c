/* SPDX-License-Identifier: MIT */
/*
 * The tables that the 32-bit CPU wants before it can take a trap: GDT, IDT, TSS, and the way in by
 * SYSENTER or INT. Each CPU has its own GDT and TSSs in its struct cpu; the IDT is one, written by
 * the boot CPU. Double fault and machine check are task gates: the CPU changes stack, segments and
 * CR3 whatever state they were in. Their task ends in a panic. Read next: entry.asm.
 */
#include <string.h>

#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/process/process.h"

#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176

/* What entry.asm knows by number. */
_Static_assert(offsetof(struct cpu, attention) == 1988, "CPU_ATTENTION in entry.asm");
_Static_assert(offsetof(struct trap_frame, vector) == 28, "FRAME_VECTOR in entry.asm");
_Static_assert(offsetof(struct trap_frame, esp) == 48, "FRAME_ESP in entry.asm");
_Static_assert(X86_SYSTEM_CALL_PAGE + 4 == 0xFFFFE004, "CALL_LANDING in entry.asm");
_Static_assert(sizeof(struct x86_tss) == 104, "the CPU's 32-bit TSS");

/* The TSS and, behind other things, the bitmap of ports. */
#define TSS_LIMIT \
    (offsetof(struct arch_cpu, ports_denied) + X86_PORT_BITMAP - offsetof(struct arch_cpu, tss) - 1)
#define ACCESS_CODE 0x9Au /* present, code or data, readable code */
#define ACCESS_DATA 0x92u /* writable data */
#define ACCESS_TSS 0x89u
#define ACCESS_USER 0x60u /* DPL 3 */
#define GATE_INTERRUPT 0x8E00u
#define GATE_TASK 0x8500u

static u64 idt[VECTOR_SYSTEM_CALL + 1];
static u8 boot_trap_stack[TRAP_STACKS][TRAP_STACK_SIZE] __attribute__((aligned(16)));

struct __attribute__((packed)) table_pointer {
    u16 limit;
    u32 base;
};

/* A descriptor of LIMIT + 1 bytes, or, above 1 MiB, of whole 4 KiB pages. */
static u64 descriptor(u32 base, u32 limit, u32 access) {
    u64 flags = 4; /* 32-bit */
    if (limit > 0xFFFFF) {
        limit >>= PAGE_SHIFT;
        flags = 0xC;
    }
    return (limit & 0xFFFF) | (u64)(base & 0xFFFFFF) << 16 | (u64)access << 40 |
           (u64)(limit >> 16) << 48 | flags << 52 | (u64)(base >> 24) << 56;
}

static u64 gate(u32 selector, uword offset, u32 kind) {
    return (offset & 0xFFFF) | (u64)selector << 16 | (u64)kind << 32 |
           (u64)(offset & 0xFFFF0000u) << 32;
}

/* Where the trap tasks start: the registers of what they interrupted are in the CPU's TSS. */
_Noreturn static void trap_task(void) {
    static const u8 vector[TRAP_STACKS] = {VECTOR_DOUBLE_FAULT, VECTOR_MACHINE_CHECK};
    u16 selector;
    __asm__("str %0" : "=r"(selector));
    const struct x86_tss *tss = &arch_cpu()->arch.tss;
    struct trap_frame frame = {
        .edi = tss->edi,
        .esi = tss->esi,
        .ebp = tss->ebp,
        .ebx = tss->ebx,
        .edx = tss->edx,
        .ecx = tss->ecx,
        .eax = tss->eax,
        .eip = tss->eip,
        .cs = tss->cs,
        .eflags = tss->eflags,
        .esp = tss->esp,
        .ss = tss->ss,
        .vector = vector[(selector - SELECTOR_TRAP_TSS) / 8],
    };
    /* Nobody returns from here, so this frame can lead a backtrace to the interrupted code
     * instead. */
    uword *own = __builtin_frame_address(0);
    own[0] = tss->ebp;
    own[1] = tss->eip;
    x86_trap_apart(&frame);
    arch_halt();
}

static void trap_tasks_prepare(struct arch_cpu *cpu) {
    for (u32 i = 0; i < TRAP_STACKS; i++) {
        cpu->trap_tss[i] = (struct x86_tss){
            .cr3 = (u32)cr3_read(),
            .eip = (uword)trap_task,
            .eflags = 2,
            .esp = (uword)cpu->trap_stack[i] + TRAP_STACK_SIZE - 16,
            .cs = SELECTOR_KERNEL_CODE,
            .ss = SELECTOR_KERNEL_STACK,
            .ds = SELECTOR_USER_DATA,
            .es = SELECTOR_USER_DATA,
            .fs = SELECTOR_CPU,
            .io_map = sizeof(struct x86_tss),
        };
        cpu->gdt[SELECTOR_TRAP_TSS / 8 + i] =
            descriptor((uword)&cpu->trap_tss[i], sizeof(struct x86_tss) - 1, ACCESS_TSS) &
            ~(1ull << 54);
    }
}

static void gdt_prepare(struct arch_cpu *cpu) {
    u64 *gdt = cpu->gdt;
    gdt[SELECTOR_KERNEL_CODE / 8] = descriptor(0, UINT32_MAX, ACCESS_CODE);
    gdt[SELECTOR_KERNEL_STACK / 8] = descriptor(0, UINT32_MAX, ACCESS_DATA);
    gdt[SELECTOR_USER_CODE / 8] = descriptor(0, UINT32_MAX, ACCESS_CODE | ACCESS_USER);
    gdt[SELECTOR_USER_DATA / 8] = descriptor(0, UINT32_MAX, ACCESS_DATA | ACCESS_USER);
    gdt[SELECTOR_CPU / 8] = descriptor((uword)cpu, sizeof(struct cpu) - 1, ACCESS_DATA);
    gdt[SELECTOR_THREAD_POINTER / 8] = descriptor(0, UINT32_MAX, ACCESS_DATA | ACCESS_USER);
    cpu->tss = (struct x86_tss){.ss0 = SELECTOR_KERNEL_STACK, .io_map = X86_PORTS_NONE};
    gdt[SELECTOR_TSS / 8] = descriptor((uword)&cpu->tss, TSS_LIMIT, ACCESS_TSS) & ~(1ull << 54);
}

static void idt_prepare(void) {
    for (u32 vector = 0; vector < VECTOR_STUBS; vector++) {
        bool user = vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW;
        idt[vector] = gate(SELECTOR_KERNEL_CODE, x86_vector_stubs[vector],
                           GATE_INTERRUPT | (user ? ACCESS_USER << 8 : 0));
    }
    idt[VECTOR_DOUBLE_FAULT] = gate(SELECTOR_TRAP_TSS + 8 * TRAP_STACK_DOUBLE_FAULT, 0, GATE_TASK);
    idt[VECTOR_MACHINE_CHECK] =
        gate(SELECTOR_TRAP_TSS + 8 * TRAP_STACK_MACHINE_CHECK, 0, GATE_TASK);
    idt[VECTOR_SYSTEM_CALL] =
        gate(SELECTOR_KERNEL_CODE, (uword)x86_entry_system_call, GATE_INTERRUPT | ACCESS_USER << 8);
}

static void segments_load(const struct arch_cpu *cpu) {
    const struct table_pointer gdt_pointer = {sizeof(cpu->gdt) - 1, (uword)cpu->gdt};
    const struct table_pointer idt_pointer = {sizeof(idt) - 1, (uword)idt};
    __asm__ volatile(
        "lgdt %[gdt]\n"
        "lidt %[idt]\n"
        "ljmp %[code], $1f\n"
        "1: mov %[stack], %%ss\n"
        "mov %[flat], %%ds\n"
        "mov %[flat], %%es\n"
        "mov %[cpu], %%fs\n"
        "mov %[pointer], %%gs\n"
        "lldt %[none]\n"
        "ltr %[tss]\n"
        :
        : [gdt] "m"(gdt_pointer), [idt] "m"(idt_pointer), [code] "i"(SELECTOR_KERNEL_CODE),
          [stack] "r"(SELECTOR_KERNEL_STACK), [flat] "r"(SELECTOR_USER_DATA),
          [cpu] "r"(SELECTOR_CPU), [pointer] "r"(SELECTOR_THREAD_POINTER), [none] "r"((u16)0),
          [tss] "r"((u16)SELECTOR_TSS)
        : "memory");
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
    trap_tasks_prepare(&cpu->arch);
    segments_load(&cpu->arch);
}

/* What user code calls. It leaves ECX = ESP for SYSENTER, which saves nothing; its way back is the
 * RET. */
static void system_call_page_fill(u8 *page) {
    /* mov ecx, esp; sysenter; ret */
    static const u8 with_sysenter[] = {0x89, 0xE1, 0x0F, 0x34, 0xC3};
    /* int 0x80; ret */
    static const u8 with_interrupt[] = {0xCD, VECTOR_SYSTEM_CALL, 0xC3};
    memset(page, 0xCC, PAGE_SIZE);
    if (x86_features.sysenter) {
        memcpy(page, with_sysenter, sizeof(with_sysenter));
    } else {
        memcpy(page, with_interrupt, sizeof(with_interrupt));
    }
}

void x86_cpu_initialise_late(void) {
    struct arch_cpu *cpu = &arch_cpu()->arch;
    if (arch_cpu()->number == 0) {
        system_call_page_fill(x86_system_call_page());
    }
    for (u32 i = 0; i < TRAP_STACKS; i++) {
        cpu->trap_tss[i].cr3 = (u32)cr3_read();
    }
    if (x86_features.sysenter) {
        msr_write(MSR_SYSENTER_CS, SELECTOR_KERNEL_CODE);
        msr_write(MSR_SYSENTER_ESP, (uword)&cpu->tss.esp0);
        msr_write(MSR_SYSENTER_EIP, (uword)x86_entry_fast_call);
    }
}

void x86_set_kernel_stack(struct cpu *cpu, uword top) { cpu->arch.tss.esp0 = top; }

void x86_set_thread_pointer(struct cpu *cpu, u32 base) {
    cpu->arch.gdt[SELECTOR_THREAD_POINTER / 8] =
        descriptor(base, UINT32_MAX, ACCESS_DATA | ACCESS_USER);
    __asm__ volatile("mov %0, %%gs" ::"r"(SELECTOR_THREAD_POINTER) : "memory");
}

uword x86_stack_prepare(uword *stack, void (*enter)(void)) {
    *--stack = (uword)enter;
    for (u32 i = 0; i < 4; i++) {
        *--stack = 0; /* ebp, with which a backtrace ends; ebx, esi, edi */
    }
    return (uword)stack;
}
