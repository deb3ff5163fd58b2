/* SPDX-License-Identifier: MIT */
/* A system call by its number alone, past the generated stubs: for numbers that have none. */
#ifndef BADCALLS_RAW_H
#define BADCALLS_RAW_H

static inline long raw_call(long number) {
    long result;
#ifdef ARCH_PAE
    __asm__ volatile("call *%1"
                     : "=a"(result)
                     : "r"(0xFFFFE000u), "0"(number)
                     : "ecx", "edx", "memory");
#else
    __asm__ volatile("syscall" : "=a"(result) : "0"(number) : "rcx", "r11", "memory");
#endif
    return result;
}

#endif
