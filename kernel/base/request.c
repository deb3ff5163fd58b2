/* SPDX-License-Identifier: MIT */
/*
 * Requests between CPUs: see request.h for the picture. No lock: `requesters` and `unanswered` are
 * masks that are changed by atomic operations only, and a sender's function and argument are its
 * own again when `unanswered` is 0.
 */
#include "kernel/base/request.h"

#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"

void requests_serve(void) {
    struct cpu *cpu = arch_cpu();
    if (atomic_read_mask(&cpu->requesters) == 0) {
        return;
    }
    uword senders = atomic_exchange_mask(&cpu->requesters, 0);
    for (; senders != 0; senders &= senders - 1) {
        struct request *request = &cpus[__builtin_ctzl(senders)].request;
        request->function(request->argument);
        atomic_clear_bits(&request->unanswered, cpu_bit(cpu));
    }
}

void kernel_cpu_interrupt(void) {
    arch_cpu()->interrupts_received++;
    requests_serve();
}

/* A CPU that has requests already has an interrupt coming for the first of them. */
static u32 receivers_interrupt(uword mask, uword sender) {
    u32 sent = 0;
    for (; mask != 0; mask &= mask - 1) {
        u32 number = (u32)__builtin_ctzl(mask);
        if (atomic_set_bits(&cpus[number].requesters, sender) == 0) {
            arch_interrupt_cpu(number);
            sent++;
        }
    }
    return sent;
}

u32 request_run(uword mask, void (*function)(void *argument), void *argument) {
    struct cpu *cpu = arch_cpu();
    uword others = mask & ~cpu_bit(cpu);
    u32 sent = 0;
    if (others != 0) {
        cpu->request.function = function;
        cpu->request.argument = argument;
        atomic_set_bits(&cpu->request.unanswered, others);
        sent = receivers_interrupt(others, cpu_bit(cpu));
    }
    if (mask & cpu_bit(cpu)) {
        function(argument);
    }
    while (others != 0 && atomic_read_mask(&cpu->request.unanswered) != 0) {
        requests_serve();
        arch_relax();
    }
    return sent;
}
