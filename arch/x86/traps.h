/* SPDX-License-Identifier: MIT */
/*
 * Between the files of arch/x86 that deal with traps, threads and time. Who starts what, and when,
 * is in the comments; arch_initialise and arch_initialise_late call these in the order given here.
 */
#ifndef ARCH_X86_TRAPS_H
#define ARCH_X86_TRAPS_H

#include <trap_frame.h>

#include "arch/x86/vectors.h"
#include "kernel/base/types.h"

struct cpu;

/* ---- arch_initialise: before anything that prints or locks ----------------------------------- */

/* Give this CPU its element of cpus[], segments, TSS, IDT and system-call entry. segments.c of each
 * kernel. */
void x86_cpu_initialise(u32 number);

/* FPU and SSE of this CPU, after x86_features_enable; the boot CPU's keeps the clean state.
 * thread.c */
void x86_fpu_initialise(void);

/* Machine checks on, once x86_features_enable has set CR4. machine_check.c */
void x86_machine_check_initialise(void);
void x86_machine_check_print(void); /* what the banks have recorded */

/* PIC remapped with all lines off; TSC and APIC timer measured. clock.c, pic.c, apic.c */
void x86_clock_initialise(void);

/* ---- arch_initialise_late: the kernel's own root is loaded ----------------------------------- */

/* What of the trap and system-call set-up needs the final page tables. segments.c of each
 * kernel. */
void x86_cpu_initialise_late(void);

/* Start the periodic tick, and let the console's lines through. */
void x86_tick_start(void);

/* ---- Called by entry.asm --------------------------------------------------------------------- */

void x86_trap(struct trap_frame *frame);

/* ---- entry.asm ------------------------------------------------------------------------------- */

extern const uword x86_vector_stubs[VECTOR_STUBS];
void x86_entry_fast_call(void);   /* SYSENTER or SYSCALL */
void x86_entry_system_call(void); /* INT 0x80, pae only */
void x86_thread_enter_user(void); /* where a new thread's first switch returns to */
void x86_thread_enter_kernel(void);
void x86_switch_stacks(uword *save, uword load);

/* ---- segments.c of each kernel --------------------------------------------------------------- */

void x86_set_kernel_stack(struct cpu *cpu, uword top);  /* for the next entry from user mode */
void x86_set_thread_pointer(struct cpu *cpu, u32 base); /* GS base on pae, FS base on long */
/* Below STACK, put what makes x86_switch_stacks return to ENTER; the stack pointer to switch to. */
uword x86_stack_prepare(uword *stack, void (*enter)(void), uword function, uword argument);

/* ---- user_copy.c ----------------------------------------------------------------------------- */

/* Where the code at INSTRUCTION wants to go on after a fault, or 0. */
uword x86_fixup_find(uword instruction);

/* Read a word of kernel memory that may not be mapped. */
bool x86_probe_word(uword address, uword *value);

/* ---- pic.c, apic.c, clock.c ------------------------------------------------------------------ */

enum pic_line { PIC_TIMER = 0, PIC_KEYBOARD = 1, PIC_CASCADE = 2, PIC_SERIAL = 4, PIC_LINES = 16 };

void x86_pic_initialise(void);
void x86_pic_enable(u32 line);
bool x86_pic_acknowledge(u32 line); /* false: it was spurious */

void x86_apic_initialise(void);
void x86_apic_acknowledge(void);
void x86_apic_timer_measure_start(void);
u32 x86_apic_timer_measured(void); /* counts since */
void x86_apic_timer_start(u32 counts);

void x86_clock_tick(void); /* count ticks, for CPUs without a TSC */

#endif
