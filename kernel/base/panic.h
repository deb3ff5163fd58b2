/* SPDX-License-Identifier: MIT */
/*
 * The end of the kernel, for kernel bugs only: a sentence with the values in it, CPU, process,
 * held locks and a symbolised backtrace, then the machine goes off with status PANIC_STATUS.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include "kernel/base/types.h"

#define PANIC_STATUS 99

_Noreturn void panic(const char *format, ...) PRINTF_LIKE(1, 2);

/* True once a panic has begun: output takes no locks then. */
bool panic_started(void);

/* The locks that CPU's own list says it holds. */
struct cpu;
void panic_print_locks(const struct cpu *cpu);

/* What only a kernel bug can make false. SENTENCE says what is wrong then, with values. */
#define ASSERT(condition, ...)        \
    do {                              \
        if (UNLIKELY(!(condition))) { \
            panic(__VA_ARGS__);       \
        }                             \
    } while (0)

/* The same where a few instructions count: only in debug builds and in the host tests. */
#ifdef DEBUG
#define DEBUG_ASSERT(condition, ...) ASSERT(condition, __VA_ARGS__)
#else
#define DEBUG_ASSERT(condition, ...) ((void)sizeof(condition))
#endif

#endif
