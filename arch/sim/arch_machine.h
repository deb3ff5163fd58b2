/* SPDX-License-Identifier: MIT */
/*
 * The host's part of the architecture contract (arch/arch.h): types, constants and entries of a
 * machine that exists only in memory. Entries look like x86 ones; publish and exchange check their
 * contracts and tell the simulated CPUs (tlb.c) before and after each change.
 *
 * Compiled twice: SIM_VIEW_DIRECTORIES=1 behaves as pae does (root without rights, registers loaded
 * at arch_root_load, kernel entries on top of slot 3), 0 as long does (rights in the root). Read
 * next: sim.h.
 */
#ifndef SIM_ARCH_MACHINE_H
#define SIM_ARCH_MACHINE_H

#include "kernel/base/types.h"

#ifndef SIM_VIEW_DIRECTORIES
#define SIM_VIEW_DIRECTORIES 0
#endif

#define ARCH_NAME "sim"
#define ARCH_VIEW_DIRECTORIES SIM_VIEW_DIRECTORIES
#define ARCH_USER_TOP (SIM_VIEW_DIRECTORIES ? 0xF0000000ull : 0x100000000ull)
#define ARCH_PORTS 0x1000u
#define ARCH_CPU_LIMIT 64u
#define ARCH_TAGS 4096u
#define KERNEL_STACK_SIZE 8192u

struct cpu;
struct sim_cpu;

struct arch_root {
    frame_t frame; /* four root entries at its start */
};

struct arch_thread { /* thread.c */
    u32 pointer, entry, sp, argument;
    bool parked;
    struct spinlock *release; /* parked, and resumed by another that parks: to be released, */
    long result;              /* and what its call returns */
};

struct arch_cpu {
    struct sim_cpu *sim; /* translations cached, root loaded */
    bool interrupts;
};

struct cpu *arch_cpu(void);

/* Entry bits, in x86's places. */
#define SIM_ENTRY_PRESENT (1ull << 0)
#define SIM_ENTRY_WRITE (1ull << 1)
#define SIM_ENTRY_USER (1ull << 2)
#define SIM_ENTRY_DEVICE (1ull << 3)
#define SIM_ENTRY_ACCESSED (1ull << 5)
#define SIM_ENTRY_DIRTY (1ull << 6)
#define SIM_ENTRY_LARGE (1ull << 7)
#define SIM_ENTRY_GLOBAL (1ull << 8)
#define SIM_ENTRY_COW (1ull << 9)
#define SIM_ENTRY_SHARED (1ull << 10)
#define SIM_ENTRY_NO_EXECUTE (1ull << 63)
#define SIM_ENTRY_FRAME 0x000FFFFFFFFFF000ull

void *arch_low_pointer(frame_t frame);
frame_t arch_low_frame(const void *pointer);
bool arch_frame_is_low(frame_t frame);

entry_t arch_entry_make(frame_t frame, u32 flags);
u32 arch_entry_flags(entry_t entry);

static inline entry_t arch_entry_make_device(frame_t frame, u32 flags) {
    return arch_entry_make(frame, flags);
}

static inline bool arch_entry_has(entry_t entry, u32 flags) {
    return (arch_entry_flags(entry) & flags) != 0;
}

static inline frame_t arch_entry_frame(entry_t entry) {
    return (frame_t){(u32)((entry.raw & SIM_ENTRY_FRAME) >> PAGE_SHIFT)};
}

static inline u32 arch_entry_block(entry_t entry) { return (u32)(entry.raw >> TABLE_SHIFT); }

static inline entry_t arch_entry_read(const entry_t *entry) {
    return (entry_t){__atomic_load_n(&entry->raw, __ATOMIC_ACQUIRE)};
}

void arch_entry_publish(entry_t *entry, entry_t value);
entry_t arch_entry_exchange(entry_t *entry, entry_t value);
entry_t arch_entry_protect(entry_t *entry, entry_t seen);

/* At the top of a thread's stack, as on a real machine. */
struct arch_message {
    uword word[SHORT_WORDS];
    uword badge;
};

static inline struct arch_message *arch_message(void *kernel_stack) {
    return (struct arch_message *)((u8 *)kernel_stack + KERNEL_STACK_SIZE) - 1;
}

static inline void arch_message_return(void *kernel_stack, long result) {
    (void)kernel_stack;
    (void)result;
}

u32 arch_ticks(void);
u32 arch_tag_count(void);
static inline bool arch_has_tags(void) { return arch_tag_count() != 0; }
void arch_root_load_untagged(const struct arch_root *root);

void arch_thread_switch_user(struct arch_thread *previous, struct arch_thread *next, void *stack);

static inline bool arch_thread_parked(const struct arch_thread *thread, const void *stack) {
    (void)stack;
    return thread->parked;
}

struct spinlock;
long arch_thread_park(struct arch_thread *previous, void *previous_stack, struct arch_thread *next,
                      void *next_stack);
long arch_thread_park_resume(struct arch_thread *previous, void *previous_stack,
                             struct arch_thread *next, void *next_stack, struct spinlock *lock,
                             long result);

#define ARCH_CODE_ADDRESS() ((uword)__builtin_return_address(0))

uword arch_interrupts_save(void);
void arch_interrupts_restore(uword state);
bool arch_interrupts_enabled(void);
void arch_relax(void);

#endif
