/* SPDX-License-Identifier: MIT */
/* The monitor's commands on CPUs: cpus, locks, backtrace. See commands.h. */
#include <string.h>

#include "arch/arch.h"
#include "debug/monitor/commands.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/symbol.h"
#include "kernel/process/process.h"
#include "kernel/sched/run_queue.h"
#include "kernel/vm/space.h"

/* ---- cpus ------------------------------------------------------------------------------------ */

/* In user mode at an address, in a function of the kernel, or here. */
static void place_print(u32 number) {
    bool user;
    uword instruction, offset;
    if (!arch_place(number, &user, &instruction)) {
        print("has not stopped");
    } else if (instruction == 0) {
        print("in the monitor");
    } else if (user) {
        print("in user mode at 0x%lx", (unsigned long)instruction);
    } else {
        const char *name = symbol_find(instruction, &offset);
        print("in the kernel at %s+0x%lx", name ? name : "?",
              (unsigned long)(name ? offset : instruction));
    }
}

static void current_print(const struct cpu *cpu) {
    const struct thread *thread = cpu->current;
    if (thread == NULL || thread->process == NULL) {
        print("idle");
    } else {
        print("process %u %s, thread %u", thread->process->pid, thread->process->name, thread->tid);
    }
}

static void loaded_print(const struct cpu *cpu) {
    if (cpu->loaded == NULL) {
        print("no space");
        return;
    }
    print("space %llu", (unsigned long long)cpu->loaded->id);
    monitor_tag_print(cpu);
}

enum monitor_result monitor_cpus(const struct monitor_words *words) {
    (void)words;
    for (u32 i = 0; i < cpu_count; i++) {
        print("CPU %u: ", i);
        current_print(&cpus[i]);
        print("; ");
        loaded_print(&cpus[i]);
        print("; %u ready, %u locks held; ", run_queues[i].length, cpus[i].lock_count);
        place_print(i);
        print("\n");
    }
    return MONITOR_DONE;
}

/* ---- locks ----------------------------------------------------------------------------------- */

static void mask_print(uword mask) {
    for (; mask != 0; mask &= mask - 1) {
        print(" %u", (u32)__builtin_ctzl(mask));
    }
}

/* The CPU that holds LOCK; cpu_count: none says so. */
static u32 lock_holder(const struct spinlock *lock) {
    for (u32 i = 0; i < cpu_count; i++) {
        for (u32 held = 0; held < cpus[i].lock_count && held < LOCKS_HELD_LIMIT; held++) {
            if (cpus[i].locks[held] == lock) {
                return i;
            }
        }
    }
    return cpu_count;
}

static void lock_wait_print(const struct spinlock *lock) {
    u32 holder = lock_holder(lock);
    print("  waits for lock %s, ", lock->name);
    if (holder < cpu_count) {
        print("which CPU %u holds\n", holder);
    } else if (atomic_read(&lock->locked) == 0) {
        print("which is free\n");
    } else {
        print("which is held briefly: no CPU lists it\n");
    }
}

static void wait_print(const struct cpu *cpu) {
    const struct spinlock *lock = cpu->waits_for;
    if (lock != NULL) {
        lock_wait_print(lock);
    }
    if (cpu->request.unanswered != 0) {
        uword offset;
        const char *name = symbol_find((uword)cpu->request.function, &offset);
        print("  waits until %s has run on CPUs", name ? name : "a function");
        mask_print(cpu->request.unanswered);
        print("\n");
    }
    if (cpu->requesters != 0) {
        print("  has not yet served CPUs");
        mask_print(cpu->requesters);
        print("\n");
    }
}

enum monitor_result monitor_locks(const struct monitor_words *words) {
    (void)words;
    for (u32 i = 0; i < cpu_count; i++) {
        print("CPU %u: ", i);
        panic_print_locks(&cpus[i]);
        wait_print(&cpus[i]);
    }
    return MONITOR_DONE;
}

/* ---- backtrace ------------------------------------------------------------------------------- */

static struct thread *thread_find(u32 tid) {
    u32 count = 0;
    FOR_EACH_PROCESS(process) {
        LIST_FOR_EACH(link, &process->threads) {
            struct thread *thread = LIST_ENTRY(link, struct thread, sibling);
            if (thread->tid == tid) {
                return thread;
            }
            if (++count > FOLLOW_LIMIT) {
                return NULL;
            }
        }
    }
    return NULL;
}

static void thread_trace(u32 tid) {
    const struct thread *thread = thread_find(tid);
    if (thread == NULL) {
        print("there is no thread %u\n", tid);
        return;
    }
    print("thread %u of process %u %s:\n", tid, thread->process->pid, thread->process->name);
    if (thread->state == THREAD_RUNNING) {
        print("it runs on CPU %u:\n", thread->cpu);
        arch_backtrace_cpu(thread->cpu, symbol_print_return);
        return;
    }
    arch_backtrace_thread(thread, symbol_print_return);
    print("came from user mode at 0x%lx\n", (unsigned long)arch_thread_instruction(thread));
}

static void cpu_trace(u32 number) {
    print("CPU %u: ", number);
    current_print(&cpus[number]);
    print("\n");
    arch_backtrace_cpu(number, symbol_print_return);
}

enum monitor_result monitor_backtrace(const struct monitor_words *words) {
    u32 number;
    if (words->count == 1) {
        cpu_trace(arch_cpu()->number);
        return MONITOR_DONE;
    }
    bool of_cpu = strcmp(words->word[1], "cpu") == 0;
    if (of_cpu != (words->count == 3)) {
        return MONITOR_USAGE;
    }
    if (!monitor_argument(words, words->count - 1, &number)) {
        return MONITOR_DONE;
    }
    if (!of_cpu) {
        thread_trace(number);
    } else if (number < cpu_count) {
        cpu_trace(number);
    } else {
        print("there is no CPU %u\n", number);
    }
    return MONITOR_DONE;
}
