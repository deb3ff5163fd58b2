/* SPDX-License-Identifier: MIT */
/*
 * Contexts: stacks with saved registers, between which the one host thread switches. Each simulated
 * CPU begins on one of its own, which is what its idle thread goes on with; each kernel thread has
 * another (thread.c). What a CPU runs is fibre->context (schedule.c).
 */
#ifndef SIM_CONTEXT_H
#define SIM_CONTEXT_H

#undef _FORTIFY_SOURCE /* whose longjmp refuses to change stacks */
#include <setjmp.h>
#include <ucontext.h>

#include "arch/arch.h"

struct context {
    ucontext_t begin;  /* to begin with */
    jmp_buf registers; /* afterwards: saves no signal mask, which costs two calls of the host */
    bool started;
    void *stack, *sanitizer;
    size_t stack_size;
};

/* CONTEXT, all zero or used before and left for good, shall begin in FUNCTION, which calls
 * context_begun first and never returns. */
void context_create(struct context *context, void (*function)(void));
/* HOST: the context of the host's own stack, of which the first one to begin tells more. */
void context_begun(struct context *own, struct context *host);
void context_free(struct context *context);

/* From FROM, which is running, to TO. Returns when FROM is switched to again; with FOR_GOOD it is
 * not. */
void context_switch(struct context *from, struct context *to, bool for_good);

/* schedule.c: what the CPU that runs is on, the CPU's own one, and the host's. */
struct context *sim_context(void);
struct context *sim_context_of_cpu(void);
struct context *sim_context_of_host(void);
void sim_context_set(struct context *context);

#endif
