/* SPDX-License-Identifier: MIT */
/*
 * Running code that may step on a broken structure: an exception in it goes back to where it was
 * begun, with its stack and nothing else restored. For the monitor, which reads only, and holds no
 * lock; one CPU at a time.
 */
#include "arch/arch.h"
#include "arch/x86/traps.h"
#include "kernel/base/cpu.h"
#include "kernel/base/print.h"

static void *place[5]; /* of __builtin_setjmp */
static u32 catcher;    /* 1 + the number of the CPU that has it; 0: nobody */

/* Apart, so that setjmp's function is none that longjmp's is in. */
static __attribute__((noinline)) bool begin(void (*function)(void *), void *argument) {
    if (__builtin_setjmp(place) != 0) {
        return false;
    }
    catcher = 1 + arch_cpu()->number;
    function(argument);
    return true;
}

bool arch_try(void (*function)(void *argument), void *argument) {
    bool complete = begin(function, argument);
    catcher = 0;
    return complete;
}

void x86_catch(const char *name, uword instruction, uword address) {
    if (catcher != 1 + arch_cpu()->number) {
        return;
    }
    catcher = 0;
    print("\n%s at 0x%lx, by the code at 0x%lx\n", name, (unsigned long)address,
          (unsigned long)instruction);
    __builtin_longjmp(place, 1);
}
