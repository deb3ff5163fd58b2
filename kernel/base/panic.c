/* SPDX-License-Identifier: MIT */
/*
 * panic: the sentence, who ran, the locks this CPU holds, the backtrace, and off. Nothing here
 * takes a lock or allocates, and a panic within a panic says one more line and halts, so that a
 * broken structure which is only being printed cannot make the kernel go round for ever.
 */
#include "kernel/base/panic.h"

#include "kernel/base/cpu.h"
#include "kernel/base/print.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/symbol.h"
#include "kernel/process/process.h"

static u32 depth; /* atomic: how many panics have begun */

bool panic_started(void) { return __atomic_load_n(&depth, __ATOMIC_RELAXED) != 0; }

static void print_who(const struct cpu *cpu) {
    const struct thread *thread = cpu->current;
    if (thread == NULL || thread->process == NULL) {
        print("CPU %u, %s\n", cpu->number, thread == NULL ? "no thread" : "a kernel thread");
        return;
    }
    const struct process *process = thread->process;
    print("CPU %u, process %s (pid %u), thread %u\n", cpu->number, process->name, process->pid,
          thread->tid);
}

static void print_locks(const struct cpu *cpu) {
    if (cpu->lock_count == 0) {
        print("no lock is held\n");
    }
    for (u32 i = 0; i < cpu->lock_count && i < LOCKS_HELD_LIMIT; i++) {
        const struct spinlock *lock = cpu->locks[i];
        print("holds lock %s (class %u, order %llu), acquired at\n", lock->name, lock->class,
              (unsigned long long)lock->order);
        symbol_print_return(cpu->lock_places[i]);
    }
}

/* What comes after the sentence. Each part is more likely to fail than the one before. */
static void print_state(void) {
    const struct cpu *cpu = arch_cpu();
    print_who(cpu);
    print_locks(cpu);
    print("backtrace:\n");
    arch_backtrace(symbol_print_return);
}

void panic(const char *format, ...) {
    arch_interrupts_save();
    u32 level = __atomic_add_fetch(&depth, 1, __ATOMIC_RELAXED);
    if (level > 2) {
        arch_halt();
    }
    va_list arguments;
    va_start(arguments, format);
    print(level == 1 ? "\npanic: " : "\npanic while panicking: ");
    print_arguments(format, arguments);
    print("\n");
    va_end(arguments);
    if (level == 1) {
        print_state();
    }
    arch_power_off(PANIC_STATUS);
}
