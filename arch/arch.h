/* SPDX-License-Identifier: MIT */
/*
 * The contract between the portable kernel and an architecture. kernel/ includes only this file;
 * it speaks of slots, directories, tables, spaces and entries, never of registers.
 *
 * Implementations: arch/x86 (shared) with arch/x86/pae and arch/x86/long, and arch/sim (the host,
 * with an adversarial TLB). Each supplies <arch_machine.h>, found through the include path, with
 * the types and inline functions named below under "arch_machine.h", and the functions declared
 * here.
 *
 * The hooks that arch/ may call in kernel/ stand at the end. arch/ calls nothing else of it but
 * kernel/base (print, panic, spinlock, cpu) and, for root tables and the stacks of other CPUs,
 * kernel/vm/frame.h.
 * Of struct thread it reads process and kernel_stack, and owns arch.
 *
 * Throughout, kernel code runs with interrupts off unless a comment says otherwise.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "kernel/base/types.h"

struct thread;
struct cpu;
struct boot_info;

/* ---- arch_machine.h --------------------------------------------------------------------------
 *
 * ARCH_NAME                 "pae", "long" or "sim"
 * ARCH_USER_TOP             u64: the first address that no user may use (0xF0000000 or 0x100000000)
 * ARCH_VIEW_DIRECTORIES     1: the root has no rights, so a view needs its own directory (pae);
 *                           0: rights are in the root (long)
 * ARCH_CPU_LIMIT            CPUs that the kernel can drive
 * ARCH_TAGS                 see arch_tag_count
 * ARCH_PORTS                I/O ports that can be granted
 * KERNEL_STACK_SIZE         8192, a power of two; stacks are aligned to it
 *
 * struct arch_root          the root tables of one space
 * struct arch_thread        saved kernel stack pointer, FPU state, thread pointer
 * struct arch_cpu           what the architecture keeps for each CPU; first member of struct cpu
 *
 * struct cpu *arch_cpu(void)                 the CPU that runs this
 *
 * void *arch_low_pointer(frame_t)            kernel address of a low frame (reachable all the time)
 * frame_t arch_low_frame(const void *)       the inverse
 * bool arch_frame_is_low(frame_t)            on long every frame is low
 *
 * Entries. A directory has 512 entries of 2 MiB, a table 512 of 4 KiB; the formats agree but for
 * ENTRY_LARGE. ENTRY_COW and ENTRY_SHARED are software bits.
 *
 * entry_t arch_entry_make(frame_t, u32 flags)
 * entry_t arch_entry_make_device(frame_t, u32 flags)
 *                 the same for device memory: FLAGS has ENTRY_DEVICE
 * u32     arch_entry_flags(entry_t)          ENTRY_* bits, 0 for the empty entry
 * bool    arch_entry_has(entry_t, u32 flags)  any of FLAGS is set
 * frame_t arch_entry_frame(entry_t)
 * u32     arch_entry_block(entry_t)          of a 2 MiB page: its frame number / LARGE_FRAMES
 * entry_t arch_entry_read(const entry_t *)   one untorn load
 * void    arch_entry_publish(entry_t *, entry_t)
 *                 over a non-present entry: one store as the CPU sees it
 * entry_t arch_entry_exchange(entry_t *, entry_t)
 *                 over a present one: atomic, returns the old with its A and D
 * entry_t arch_entry_protect(entry_t *, entry_t seen)
 *                 in a writable one that was read as SEEN: clear WRITE, set COW, keep A and D;
 *                 returns SEEN so changed
 *
 * ARCH_CODE_ADDRESS()       uword: where the code is that says so, or at least its function
 *
 * Short messages: their words are registers of the system call that a thread is in.
 *
 * struct arch_message       uword word[SHORT_WORDS], and the badge that only a return has
 * struct arch_message *arch_message(void *kernel_stack)
 *                 where they stand while the thread with that stack is in the kernel; what is
 *                 written there is in the registers when it returns from a call that says
 * void arch_message_return(void *kernel_stack, long result)
 *                 this, for the thread's own call, last
 *
 * Interrupt state:
 *
 * uword arch_interrupts_save(void)           disable; return what arch_interrupts_restore takes
 * void  arch_interrupts_restore(uword)
 * bool  arch_interrupts_enabled(void)
 * void  arch_relax(void)                     PAUSE
 */
enum entry_flag {
    ENTRY_PRESENT = 1u << 0,
    ENTRY_WRITE = 1u << 1,
    ENTRY_EXECUTE = 1u << 2, /* where the CPU has no NX, stored nowhere: every page may run */
    ENTRY_LARGE = 1u << 3,
    ENTRY_COW = 1u << 4,    /* write-protected for copying, not for good */
    ENTRY_SHARED = 1u << 5, /* the frame is shared on purpose: stays writable through COPY */
    ENTRY_ACCESSED = 1u << 6,
    ENTRY_DIRTY = 1u << 7,
    ENTRY_DEVICE = 1u << 9, /* 4 KiB leaves: uncached, and the frame is not counted */
    ENTRY_GLOBAL = 1u << 8, /* leaves of the commons: the translation is good under every tag */
};

#include <arch_machine.h>

/* ---- Spaces and translations ----------------------------------------------------------------- */

/* What stands in one slot of a root. DIRECTORY none: nothing there. RIGHTS: those of the view, of
 * RIGHT_READ|WRITE|EXECUTE; where ARCH_VIEW_DIRECTORIES, the directory has been made for them. */
struct arch_slot {
    frame_t directory;
    u32 rights;
};

/* Build the root tables of a space off line. 0 or E_NOMEM. Takes no locks but the allocators'. */
int arch_root_create(struct arch_root *root, const struct arch_slot slots[SLOT_COUNT]);

/* Free root tables that no CPU has loaded. */
void arch_root_destroy(struct arch_root *root);

/* Frames of destroyed roots that are kept for new ones: they count as free. */
u32 arch_root_spare_frames(void);

/* A CPU may tag what it caches with a number that is loaded together with the root; what has another
 * tag stays cached, unused, until its tag is loaded again (x86: PCID, SDM 3A 4.10.1). How many tags
 * there are: ARCH_TAGS (the same on all CPUs), or 0 where a load of another root forgets all that is
 * not global. Fixed before arch_initialise returns. */
/* u32 arch_tag_count(void), in arch_machine.h; and in line, bool arch_has_tags(void): it is not 0 */

/* Make ROOT (NULL: the kernel's own) the one that this CPU translates through, under TAG (below
 * arch_tag_count(); ignored where that is 0). KEEP: what is cached under TAG is used again; else it
 * is forgotten. Global translations stay. Interrupts off. */
void arch_root_load(const struct arch_root *root, u32 tag, bool keep);
/* void arch_root_load_untagged(const struct arch_root *root): the same without tags, in line in
 * arch_machine.h */

/* Put into a new, zeroed DIRECTORY of SLOT what the kernel keeps there (pae slot 3: its top
 * entries). */
void arch_directory_prepare(entry_t *directory, u32 slot);

/* How many entries of a directory of SLOT belong to the user. */
u32 arch_directory_entries(u32 slot);

/* On this CPU, forget every translation of [ADDRESS, ADDRESS + PAGES * 4 KiB) under the loaded tag,
 * global ones too, and the cached upper levels above them; PAGES 0: everything under the loaded tag
 * that is not global. User addresses only. */
void arch_invalidate(u32 address, u32 pages);

/* The same for TAG, which is not loaded, without the global ones, PAGES not 0 (x86: INVPCID, SDM 3A
 * 4.10.4.1). Only where arch_tag_invalidates(). */
bool arch_tag_invalidates(void);
void arch_tag_invalidate(u32 tag, u32 address, u32 pages);

/* On this CPU, forget every user translation, whatever its tag, global ones too. */
void arch_invalidate_all(void);

/* ENTRY_GLOBAL may be used: the CPUs have global pages, and arch_invalidate of a page reaches its
 * global translation (hazard 27). */
bool arch_global_usable(void);

/* ---- Frames' contents: any frame, high ones through a per-CPU window ------------------------- */

void arch_frame_zero(frame_t frame);
void arch_frame_copy(frame_t to, frame_t from);
void arch_frame_write(frame_t frame, u32 offset, const void *source, u32 length); /* from kernel */

/* ---- User memory ----------------------------------------------------------------------------- */

/* Copy between kernel and user; the range has been checked by user_range_check. A fault that the VM
 * cannot serve returns E_FAULT. No quarter lock may be held (asserted): the copy may fault. */
int arch_copy_in(void *to, u32 from, u32 length);
int arch_copy_out(u32 to, const void *from, u32 length);

/* 0 if the byte at ADDRESS, checked by user_range_check, can be written: it is written as it is, in
 * one step. Else E_FAULT. */
int arch_user_writable(u32 address);

/* ---- Threads --------------------------------------------------------------------------------- */

/* Each thread has KERNEL_STACK_SIZE bytes at thread->kernel_stack; the frame of registers that it
 * took on its last entry from user mode stands at the top. */

/* A new thread, the first time that arch_thread_switch comes to it, calls kernel_thread_arrived()
 * before anything else (see the hooks), whichever of these two started it. */

/* First run in user mode at ENTRY with stack SP, ARG in EAX/RDI, all else zero. */
void arch_thread_start_user(struct thread *thread, u32 entry, u32 sp, u32 arg);

/* First run in user mode where PARENT (which is in a system call now) was, with result 0. */
void arch_thread_start_clone(struct thread *thread, struct thread *parent);

/* The calling thread's return to user mode goes to ENTRY instead, with clean registers and FPU. */
void arch_thread_redirect(u32 entry, u32 sp, u32 arg);

/* Switch kernel stacks and register state (FPU eagerly, thread pointer) from PREVIOUS to NEXT.
 * Returns in PREVIOUS when it is switched to again. The space is loaded by the caller. */
void arch_thread_switch(struct thread *previous, struct thread *next);

/* The same between two threads of processes, in line, in arch_machine.h; STACK: NEXT's.
 * void arch_thread_switch_user(struct arch_thread *previous, struct arch_thread *next, void *stack)
 *
 * Parking, in line too: a thread waits in a system call, and of its kernel stack only the user's
 * registers are in use. Nothing of C is saved, or loaded when it goes on.
 *
 * bool arch_thread_parked(const struct arch_thread *, const void *stack)
 *                 of a thread that waits
 * long arch_thread_park(struct arch_thread *previous, void *previous_stack,
 *                       struct arch_thread *next, void *next_stack)
 *                 PREVIOUS, which runs, is parked, and NEXT goes on in C. When PREVIOUS is switched to
 *                 by arch_thread_switch, its call returns what kernel_thread_resumed does. Does not
 *                 return; on the simulated machine it returns what the call returns.
 * long arch_thread_park_resume(the same, struct spinlock *lock, long result)
 *                 for a NEXT that is parked as well: its call returns RESULT. The word of LOCK is
 *                 cleared once nothing of PREVIOUS is in use.
 */

/* Set the calling thread's user thread pointer (FS base on long, GS base on pae). */
void arch_thread_set_pointer(struct thread *thread, u32 base);
u32 arch_thread_pointer(const struct thread *thread); /* what was set; a clone inherits it */

/* ---- Devices, for processes that drive them --------------------------------------------------- */

/* Interrupt lines: those of the ISA bus. What the kernel uses itself no process gets. */
#define ARCH_LINES 16u
enum arch_line { ARCH_LINE_ABSENT, ARCH_LINE_KERNEL, ARCH_LINE_EDGE, ARCH_LINE_LEVEL };
enum arch_line arch_line_kind(u32 line); /* any number */

/* Lines that are none of the kernel's are masked until somebody unmasks them. Callers hold
 * LOCK_INTERRUPTS, on any CPU. What comes calls kernel_line_interrupt. */
void arch_line_mask(u32 line);
void arch_line_unmask(u32 line);

/* Physical addresses below this can be mapped; and whether the kernel uses a device in a range. */
physical_t arch_physical_limit(void);
bool arch_device_used(physical_t start, physical_t end);

/* I/O ports: those below ARCH_PORTS can be granted. Each CPU has a bit for each of them, and many
 * CPUs there may be: so not all 65,536. */
struct port_range {
    u32 first, count;
};
bool arch_ports_free(const struct port_range *range); /* the kernel uses none of them */

/* On this CPU, user mode may use these ports, and no others; only while they are allowed. */
void arch_ports_fill(const struct port_range *ranges, u32 count);
void arch_ports_allow(bool allow);

/* ---- The machine ----------------------------------------------------------------------------- */

/* CPU, traps, console, clock; before memory, whose ranges it may shrink. Reads the words of the
 * command line that are the architecture's (long: pcid=off, invpcid=off) with boot_option. */
void arch_initialise(struct boot_info *boot);
void arch_initialise_late(void); /* what needs the frame allocator; starts the tick */

/* Start the other CPUs, one after the other, each up to where kernel_cpu_main takes over; counts
 * each in cpu_count as soon as others may interrupt it. One that does not come up, or differs from
 * the boot CPU in what is used (hazard 28), is left out with a sentence. Boot CPU, after
 * sched_initialise and arch_initialise_late. */
void arch_start_cpus(void);

/* Make CPU NUMBER (another one) call kernel_cpu_interrupt soon; interrupts the halt of an idle one.
 * Any context, interrupts off; returns at once. */
void arch_interrupt_cpu(u32 number);

/* Halt all other CPUs for good, as far as they listen, whatever they do. For a panic. */
void arch_stop_other_cpus(void);
const char *arch_features(void); /* what is used: "NX SMEP SYSENTER APIC ..." */
u64 arch_clock(void);            /* nanoseconds since boot, monotonic */
/* u32 arch_ticks(void), in arch_machine.h: a counter of this CPU that wraps, cheaper to read; */
u64 arch_ticks_nanoseconds(u32 ticks); /* and what a difference of two readings is worth */
void arch_wait_for_interrupt(void);    /* interrupts on, halt, interrupts off again */
void arch_interrupt_window(void);      /* let pending interrupts in, then off again */
void arch_console_write(const char *text, size_t length); /* serial and screen; any context */
void arch_console_resume(void); /* the same, after somebody else has driven them */
void arch_backtrace(void (*print)(uword address));
_Noreturn void arch_power_off(int status);
_Noreturn void arch_halt(void);     /* for ever; after a panic with nothing to switch off with */
u32 arch_memory_reserved_low(void); /* first frame that may be managed (below: firmware) */

/* ---- For the monitor (debug/monitor) ---------------------------------------------------------
 *
 * These read; none takes a lock, or asks anything of a CPU that is stopped. */

/* The serial line: is there one; wait for a byte from it; write to it alone. */
bool arch_serial_present(void);
char arch_serial_read(void);
void arch_serial_write(const char *text, size_t length);

/* All other CPUs stop where they are, whatever they do, and the serial line, which there must be, is
 * the caller's, whoever drives it; until arch_machine_release, after which everything goes on, and
 * finds that it is later (the clock does not stop). False: another CPU has done that already. */
bool arch_machine_hold(void);
void arch_machine_release(void);

/* Where CPU NUMBER stopped; false: it has not. INSTRUCTION is 0 for the holder, unless an NMI has
 * interrupted it: it is here for a call of its own, whose stack frame arch_place_here was told. */
bool arch_place(u32 number, bool *user, uword *instruction);
void arch_place_here(const void *frame);
void arch_backtrace_cpu(u32 number, void (*print)(uword address));
void arch_backtrace_thread(const struct thread *thread, void (*print)(uword address)); /* it waits */
/* Where THREAD was in user mode when it entered the kernel last. */
uword arch_thread_instruction(const struct thread *thread);

/* Run FUNCTION(ARGUMENT), which may step on a broken structure. False: it had an exception, which
 * has been printed, and has ended. */
bool arch_try(void (*function)(void *argument), void *argument);
/* Run it on another stack, of SIZE bytes from STACK on. */
void arch_call_on_stack(void *stack, u32 size, void (*function)(void *argument), void *argument);

/* The entries on the way from ROOT (null: the one that this CPU has loaded) to ADDRESS, as far as
 * they are present; how many. */
#define ARCH_WALK_LEVELS 4u
struct arch_walk_step {
    const char *level; /* the manual's word */
    u32 index;
    entry_t entry;
    bool leaf; /* it maps a page */
};
u32 arch_walk(const struct arch_root *root, uword address,
              struct arch_walk_step steps[ARCH_WALK_LEVELS]);
/* ENTRY's bits in the manual's words; some mean something in a LEAF only. */
void arch_entry_text(entry_t entry, bool leaf, char *text, size_t size);

_Noreturn void arch_reboot(void);

/* ---- Hooks: what arch/ calls in kernel/ ------------------------------------------------------ */

struct fault {
    u32 address; /* faulting user address (only valid if !beyond) */
    bool beyond; /* the address is not a user address */
    bool write, execute;
    bool user; /* the CPU was in user mode; else in a copy to or from user memory */
    uword instruction;
};

_Noreturn void kernel_main(struct boot_info *boot);

/* Where a CPU that arch_start_cpus has started goes: on its own stack of KERNEL_STACK_SIZE, which
 * becomes its idle thread's, traps and tick running, the kernel's root loaded, interrupts off. */
_Noreturn void kernel_cpu_main(void);

/* arch_interrupt_cpu has been called for this CPU. Interrupts off; takes no locks. */
void kernel_cpu_interrupt(void);

/* The value of the word NAME=VALUE on the command line, ended by a space or the end; null: absent.
 * From arch_initialise on. */
const char *boot_option(const char *name);

/* A page fault on a user address, from user mode or from arch_copy_*. True: try again. False from
 * a copy: E_FAULT. From user mode it does not return false: the process is ended. */
bool kernel_page_fault(const struct fault *fault);

/* Any other exception in user mode: NAME is the processor's word for it. */
void kernel_user_exception(const char *name, uword instruction);

/* A system call of the current thread. The number is last, so that the arguments stand already where a
 * handler expects them. */
long kernel_system_call(uword a, uword b, uword c, uword d, uword number);

/* The periodic tick (TICK_HZ a second), interrupts off. */
#define TICK_HZ 100u
void kernel_tick(void);

/* An interrupt on LINE, which is not the kernel's. Interrupts off, no lock held. */
void kernel_line_interrupt(u32 line);

/* First thing on the stack of a parked thread that is switched to, interrupts off: the result of its
 * call. (ipc/fast.c) */
long kernel_thread_resumed(void);

/* A non-maskable interrupt that no CPU has sent, wherever the kernel was. False: nobody wants it,
 * which is the end of the kernel. */
bool kernel_nmi(void);

/* First thing on the stack of a new thread, interrupts off: releases what the switch to it holds,
 * and for a user thread does what kernel_return_to_user does. */
void kernel_thread_arrived(void);

/* Last thing before a return to user mode, interrupts off, if the CPU's `attention` is not 0 (who
 * wants it called sets that): reschedule, end killed threads, check that no lock is held. The null
 * system call stays short because all others do not come here. */
void kernel_return_to_user(void);

#endif
