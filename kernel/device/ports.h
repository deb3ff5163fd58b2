/* SPDX-License-Identifier: MIT */
/*
 * I/O ports as objects, and which ports a process may use.
 *
 *     struct ports        what a handle names: a range. Creating one takes a right on the machine.
 *     struct port_grant   all ranges that one process may use by IN and OUT: immutable; another
 *                         range makes another one
 *
 * Each CPU has a bitmap that the processor looks at when user mode uses a port (arch_ports_fill).
 * It is filled only when a process with a grant comes to that CPU and the bitmap has another one's;
 * a switch between processes without grants costs a comparison. A grant belongs to the process: a
 * clone does not inherit it, and it ends with the process, not with the handle.
 *
 * No lock: process->ports is changed by threads of the process under LOCK_PROCESS_TABLE, and read
 * by CPUs that switch to one of them, as process->space is (process_set_space says why that is
 * right).
 */
#ifndef KERNEL_PORTS_H
#define KERNEL_PORTS_H

#include "kernel/base/cpu.h"
#include "kernel/process/process.h"

struct ports;

#define PORT_RANGES 8u /* of one process */

/* COUNT ports from FIRST on: E_INVALID (none), E_RANGE (beyond ARCH_PORTS), E_BUSY (the kernel
 * uses one of them), E_NOMEM. One reference. */
int ports_create(u32 first, u32 count, struct ports **result);
void ports_reference(struct ports *ports);
void ports_release(struct ports *ports);
u32 ports_first(const struct ports *ports);

/* The calling process may use PORTS from now on, on all CPUs: 0, E_NOMEM, or E_LIMIT (PORT_RANGES).
 * Once more is the same. */
int ports_grant(const struct ports *ports);

/* The calling process, which is being torn down, may use none any more. */
void ports_end(struct process *process);

/* This CPU runs a thread of PROCESS from now on. Interrupts off. */
void ports_switch(const struct process *process);
static inline void ports_load(const struct cpu *cpu, const struct process *process) {
    if (UNLIKELY(process->ports != NULL || cpu->ports_id != 0)) {
        ports_switch(process);
    }
}

#endif
