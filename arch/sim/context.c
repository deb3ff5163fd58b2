/* SPDX-License-Identifier: MIT */
/*
 * Contexts: see context.h. ASan is told of each switch, or it takes the other stack for an overflow.
 */
#include "arch/sim/context.h"

#include <sys/mman.h>

#include "arch/sim/sim.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static void sanitizer_leave(struct context *from, struct context *to, bool for_good) {
    __sanitizer_start_switch_fiber(for_good ? NULL : &from->sanitizer, to->stack, to->stack_size);
}

static void sanitizer_arrived(struct context *own) {
    __sanitizer_finish_switch_fiber(own->sanitizer, NULL, NULL);
}

/* The first one learns where the host's stack is. */
static void sanitizer_begun(struct context *own, struct context *host) {
    const void *stack;
    size_t size;
    __sanitizer_finish_switch_fiber(own->sanitizer, &stack, &size);
    if (host->stack == NULL) {
        host->stack = (void *)(uword)stack;
        host->stack_size = size;
    }
}

/* What whoever left the stack for good has put on it is nobody's. */
static void sanitizer_forget(struct context *context) {
    __asan_unpoison_memory_region(context->stack, context->stack_size);
    context->sanitizer = NULL;
}
#else
static void sanitizer_leave(struct context *from, struct context *to, bool for_good) {
    (void)from, (void)to, (void)for_good;
}
static void sanitizer_arrived(struct context *own) { (void)own; }
static void sanitizer_begun(struct context *own, struct context *host) { (void)own, (void)host; }
static void sanitizer_forget(struct context *context) { (void)context; }
#endif

#define STACK_SIZE (512u << 10)

void context_create(struct context *context, void (*function)(void)) {
    if (context->stack == NULL) {
        context->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (context->stack == MAP_FAILED) {
            sim_fail("sim: the host has no memory for a stack");
        }
        mprotect(context->stack, PAGE_SIZE, PROT_NONE);
        context->stack_size = STACK_SIZE;
    }
    sanitizer_forget(context);
    context->started = false;
    getcontext(&context->begin);
    context->begin.uc_stack.ss_sp = context->stack;
    context->begin.uc_stack.ss_size = STACK_SIZE;
    makecontext(&context->begin, function, 0);
}

void context_begun(struct context *own, struct context *host) { sanitizer_begun(own, host); }

void context_free(struct context *context) {
    munmap(context->stack, STACK_SIZE);
    *context = (struct context){.stack = NULL};
}

void context_switch(struct context *from, struct context *to, bool for_good) {
    sanitizer_leave(from, to, for_good);
    if (_setjmp(from->registers) == 0) {
        if (to->started) {
            _longjmp(to->registers, 1);
        }
        to->started = true;
        setcontext(&to->begin);
    }
    sanitizer_arrived(from);
}
