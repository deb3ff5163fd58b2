/* SPDX-License-Identifier: MIT */
/*
 * Memory that a program may not be refused later. A page of data or stack gets its frame when it is
 * first written to; when the machine has none left then, the program ends. Whoever must go on in
 * that case writes to all its pages at the start.
 */
#ifndef USER_TOUCH_H
#define USER_TOUCH_H

#include <quartet.h>

#ifndef TOUCH_STACK_SIZE /* a server that needs less says so before it includes this */
#define TOUCH_STACK_SIZE (32u * 1024)
#endif

static inline void touch_pages(volatile char *start, const volatile char *end) {
    for (volatile char *page = start; page < end; page += PAGE_SIZE) {
        *page = *page;
    }
}

/* All of .data and .bss, and the stack that calls from here on will use. */
static __attribute__((noinline, unused)) void touch_own_memory(void) {
    extern char _end[];
    volatile char stack[TOUCH_STACK_SIZE];
    touch_pages(stack, stack + sizeof stack);
    touch_pages((volatile char *)(uintptr_t)SLOT_BASE(SLOT_DATA), _end);
}

#endif
