/* SPDX-License-Identifier: MIT */
/*
 * What remains of the machine: which CPU runs, interrupt state, clock, console, and the seeded
 * random numbers that make every run repeatable. Tests call the VM directly.
 */
#include <stdio.h>
#include <stdlib.h>

#include "arch/sim/sim.h"
#include "kernel/base/cpu.h"
#include "kernel/base/interleave.h"

struct sim_knobs sim_knobs = {
    .speculate = true, .no_execute = true, .immutable_tables = true, .span_fills = TABLE_ENTRIES};
static u32 running;
static u64 random_state = 1;

void sim_cpu_select(u32 number) { running = number; }
struct cpu *arch_cpu(void) {
    return &cpus[running];
}

/* splitmix64 */
u64 sim_random(void) {
    u64 z = random_state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

void sim_seed(u64 seed) { random_state = seed; }
u32 sim_random_below(u32 limit) { return limit ? (u32)(sim_random() % limit) : 0; }

uword arch_interrupts_save(void) {
    bool before = arch_cpu()->arch.interrupts;
    arch_cpu()->arch.interrupts = false;
    return before;
}

void arch_interrupts_restore(uword state) {
    arch_cpu()->arch.interrupts = state != 0;
    sim_point();
}

bool arch_interrupts_enabled(void) { return arch_cpu()->arch.interrupts; }

static u64 now;

u64 arch_clock(void) { return now += 1000; }
u32 arch_ticks(void) { return (u32)now; }
u64 arch_ticks_nanoseconds(u32 ticks) { return ticks; }
void sim_clock_advance(u64 nanoseconds) { now += nanoseconds; }

void arch_console_write(const char *text, size_t length) { fwrite(text, 1, length, stdout); }

_Noreturn void arch_power_off(int status) {
    sim_fail("sim: the kernel switched the machine off, status %d", status);
}
_Noreturn void arch_halt(void) { sim_fail("sim: the kernel halted"); }
void arch_console_resume(void) {}
void arch_serial_write(const char *text, size_t length) { arch_console_write(text, length); }
