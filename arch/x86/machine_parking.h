/* SPDX-License-Identifier: MIT */
/*
 * Parking, the same on both kernels: see arch_thread_park in arch/arch.h. The way out is in entry.asm.
 * Included by arch_machine.h, which has X86_PARK_SIZE, X86_FRAME_SIZE and x86_switch_registers.
 */
#ifndef X86_MACHINE_PARKING_H
#define X86_MACHINE_PARKING_H

/* A parked thread's stack pointer: below the user's registers stands what x86_switch_stacks pops
 * (X86_PARK_SIZE bytes). A thread that is parked has not got any other way there: that one's C
 * frames would be in between. */
static inline uword x86_park_place(const void *stack) {
    return (uword)stack + KERNEL_STACK_SIZE - X86_FRAME_SIZE - X86_PARK_SIZE;
}

static inline bool arch_thread_parked(const struct arch_thread *thread, const void *stack) {
    return thread->stack_pointer == x86_park_place(stack);
}

static inline long arch_thread_park(struct arch_thread *previous, void *previous_stack,
                                    struct arch_thread *next, void *next_stack) {
    x86_switch_registers(previous, next, next_stack);
    previous->stack_pointer = x86_park_place(previous_stack);
    x86_park_switch(previous->stack_pointer, next->stack_pointer);
}

static inline long arch_thread_park_resume(struct arch_thread *previous, void *previous_stack,
                                           struct arch_thread *next, void *next_stack,
                                           struct spinlock *lock, long result) {
    x86_switch_registers(previous, next, next_stack);
    previous->stack_pointer = x86_park_place(previous_stack);
    x86_park_resume(previous->stack_pointer, x86_park_place(next_stack) + X86_PARK_SIZE, lock,
                    result);
}

#endif
