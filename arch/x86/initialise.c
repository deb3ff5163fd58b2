/* SPDX-License-Identifier: MIT */
/*
 * The order in which the machine is brought up. First what makes a mistake visible (descriptor
 * tables, traps), then memory; what needs the frame allocator comes late. Read next: traps.h,
 * paging.c, console.c.
 */
#include "arch/arch.h"
#include "arch/x86/console.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/traps.h"

void arch_initialise(struct boot_info *boot) {
    x86_cpu_initialise(0);
    x86_features_initialise();
    x86_fpu_initialise();
    x86_machine_check_initialise();
    x86_paging_initialise(boot);
    x86_clock_initialise();
}

void arch_initialise_late(void) {
    x86_cpu_initialise_late();
    x86_console_input_initialise();
    x86_tick_start();
}
