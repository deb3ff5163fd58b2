/* SPDX-License-Identifier: MIT */
/*
 * The order in which the machine is brought up. First what makes a mistake visible (descriptor
 * tables, traps), then memory; what needs the frame allocator comes late. Read next: traps.h,
 * paging.c, console.c.
 */
#include "arch/arch.h"
#include "arch/x86/acpi.h"
#include "arch/x86/console.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/traps.h"
#include "kernel/base/print.h"

static struct acpi_machine acpi_machine;

const struct acpi_machine *x86_machine(void) { return &acpi_machine; }

/* The tables are copied out while the early one-to-one map still reaches them. */
static void acpi_initialise(const struct boot_info *boot) {
    const struct boot_memory memory = {.base = 0, .size = X86_IDENTITY_SIZE};
    const char *error = acpi_read(&acpi_machine, &memory, boot->acpi_rsdp);
    if (error != NULL) {
        boot_log("quartet: no use of ACPI: %s; one CPU, and the 8259s\n", error);
    }
}

void arch_initialise(struct boot_info *boot) {
    x86_cpu_initialise(0);
    x86_features_initialise();
    x86_fpu_initialise();
    x86_machine_check_initialise();
    acpi_initialise(boot);
    x86_smp_initialise(boot);
    x86_paging_initialise(boot);
    x86_clock_initialise();
}

void arch_initialise_late(void) {
    x86_cpu_initialise_late();
    arch_console_write("", 0); /* whatever the boot log said: the devices are set up */
    x86_tick_start();
}
