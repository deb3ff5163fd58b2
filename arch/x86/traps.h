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
struct acpi_machine;
struct boot_info;

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

/* All lines off; TSC and APIC timer measured. clock.c, apic.c, io_apic.c */
void x86_clock_initialise(void);

/* ---- arch_initialise_late: the kernel's own root is loaded ----------------------------------- */

/* What of the trap and system-call set-up needs the final page tables. segments.c of each
 * kernel. */
void x86_cpu_initialise_late(void);

/* Start the periodic tick. */
void x86_tick_start(void);

/* ---- Called by entry.asm --------------------------------------------------------------------- */

void x86_trap(struct trap_frame *frame);
/* NMI, double fault, machine check, which may come anywhere; only the first ever returns. */
void x86_trap_apart(struct trap_frame *frame);

/* ---- entry.asm ------------------------------------------------------------------------------- */

extern const uword x86_vector_stubs[VECTOR_STUBS];
void x86_entry_fast_call(void);   /* SYSENTER or SYSCALL */
void x86_entry_system_call(void); /* INT 0x80, pae only */
void x86_thread_enter_user(void); /* where a new thread's first switch returns to */
void x86_switch_stacks(uword *save, uword load);
/* Run FUNCTION(ARGUMENT) on the stack that ends at TOP; backtraces go on below it. */
void x86_call_on_stack(uword top, void (*function)(void *), void *argument);

/* ---- segments.c of each kernel --------------------------------------------------------------- */

void x86_set_kernel_stack(struct cpu *cpu, uword top);  /* for the next entry from user mode */
void x86_set_thread_pointer(struct cpu *cpu, u32 base); /* GS base on pae, FS base on long */
/* Below STACK, put what makes x86_switch_stacks return to ENTER; the stack pointer to switch to. */
uword x86_stack_prepare(uword *stack, void (*enter)(void));

/* ---- backtrace.c ----------------------------------------------------------------------------- */

/* The return addresses of the chain of stack frames that begins at FRAME. */
void x86_backtrace_from(uword frame, void (*print)(uword address));

/* ---- user_copy.c ----------------------------------------------------------------------------- */

/* Where the code at INSTRUCTION wants to go on after a fault, or 0. */
uword x86_fixup_find(uword instruction);

/* Read a word of kernel memory that may not be mapped. */
bool x86_probe_word(uword address, uword *value);

/* ---- initialise.c ---------------------------------------------------------------------------- */

/* What ACPI said at boot (acpi.h); without ACPI no CPU and no IO-APIC. */
const struct acpi_machine *x86_machine(void);

/* ---- io_apic.c: the lines of the ISA bus, to the boot CPU ------------------------------------ */

void x86_lines_initialise(void);  /* after x86_apic_initialise */
bool x86_io_apic_used(void);      /* else the 8259s */
bool x86_line_spurious(u32 line); /* there was no interrupt, and there is nothing more to do */
void x86_line_acknowledge(u32 line);

/* ---- pic.c, apic.c, clock.c ------------------------------------------------------------------ */

enum pic_line { PIC_TIMER = 0, PIC_KEYBOARD = 1, PIC_CASCADE = 2, PIC_SERIAL = 4, PIC_LINES = 16 };

void x86_pic_initialise(void);
void x86_pic_enable(u32 line);
void x86_pic_disable(u32 line);
bool x86_pic_level(u32 line);
void x86_pic_set_level(u32 line);
bool x86_pic_spurious(u32 line);
void x86_pic_acknowledge(u32 line);

void x86_apic_initialise(void);
u32 x86_apic_id(void);       /* of this CPU */
u32 x86_apic_id_limit(void); /* messages reach the IDs below */

enum apic_command { APIC_FIXED = 0x000, APIC_NMI = 0x400, APIC_INIT = 0x500, APIC_STARTUP = 0x600 };
void x86_apic_send(u32 apic_id, u32 command); /* a command with a vector or, at start-up, a page */
/* For the NMI, which may have come in the middle of x86_apic_send: what is half written. */
u32 x86_apic_command_keep(void);
void x86_apic_command_restore(u32 kept);

void x86_apic_acknowledge(void);
void x86_apic_timer_measure_start(void);
u32 x86_apic_timer_measured(void); /* counts since */
void x86_apic_timer_start(u32 counts);

void x86_clock_tick(void);        /* count ticks, for CPUs without a TSC */
void x86_delay(u32 microseconds); /* up to 50,000 */

/* ---- smp.c ----------------------------------------------------------------------------------- */

/* Find the page for trampoline.asm, among the memory of BOOT. */
void x86_smp_initialise(const struct boot_info *boot);

/* The two halves of measuring how far this CPU's TSC is from the boot CPU's: the new CPU's, which
 * returns what to add, and the boot CPU's, which answers while it waits. clock.c */
u64 x86_tsc_offset_measure(void);
void x86_tsc_answer(void);
void x86_tick_start_other(void); /* the tick of this CPU, not the boot CPU */

/* ---- stop.c ---------------------------------------------------------------------------------- */

/* An NMI has interrupted the code of FRAME: another CPU has sent it to stop this one, for good or for
 * a while, or somebody wants the monitor. False: it is none of these. */
bool x86_nmi(struct trap_frame *frame);

/* ---- catch.c: for arch_try ------------------------------------------------------------------- */

/* An exception that would end in a panic: if it comes from what arch_try runs, this ends that, and
 * does not return. ADDRESS: what could not be reached, 0 if that is not known. */
void x86_catch(const char *name, uword instruction, uword address);

/* ---- trampoline.asm -------------------------------------------------------------------------- */

extern const char x86_trampoline_start[], x86_trampoline_end[];

#endif
