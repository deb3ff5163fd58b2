/* SPDX-License-Identifier: MIT */
/*
 * panic: the other CPUs are stopped; then the sentence, who ran, the locks this CPU holds, the
 * backtrace, and off. Nothing here takes a lock or allocates, and a panic within a panic says one
 * more line and halts, so that a broken structure which is only being printed cannot make the
 * kernel go round for ever.
 */
#include "kernel/base/panic.h"

#include "debug/monitor/monitor.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/print.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/symbol.h"
#include "kernel/process/process.h"

static u32 panicking; /* atomic: 1 + the number of the CPU whose panic it is; 0: none is */
static u32 depth;     /* that CPU's: how many panics have begun */

bool panic_started(void) { return atomic_read(&panicking) != 0; }

/* The first CPU that panics stops the others; one that panics at the same time stops itself. */
static void panic_claim(void) {
    u32 self = 1 + arch_cpu()->number, owner = 0;
    if (__atomic_compare_exchange_n(&panicking, &owner, self, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        arch_stop_other_cpus();
    } else if (owner != self) {
        arch_halt();
    }
}

static void print_who(const struct cpu *cpu) {
    const struct thread *thread = cpu->current;
    if (thread == NULL || thread->process == NULL) {
        print("CPU %u, in no process\n", cpu->number);
        return;
    }
    const struct process *process = thread->process;
    print("CPU %u, process %s (pid %u), thread %u\n", cpu->number, process->name, process->pid,
          thread->tid);
}

void panic_print_locks(const struct cpu *cpu) {
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
    panic_print_locks(cpu);
    print("backtrace:\n");
    arch_backtrace(symbol_print_return);
}

void panic(const char *format, ...) {
    arch_interrupts_save();
    panic_claim();
    u32 level = ++depth;
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
        monitor_after_panic();
    }
    arch_power_off(PANIC_STATUS);
}
