/* SPDX-License-Identifier: MIT */
/*
 * The CPUs' own data. Each CPU finds its element with arch_cpu(); the architecture fills in the
 * number and its own part before the CPU runs anything else of the kernel.
 */
#include "kernel/base/cpu.h"

struct cpu cpus[ARCH_CPU_LIMIT];
u32 cpu_count = 1;
