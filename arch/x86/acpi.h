/* SPDX-License-Identifier: MIT */
/*
 * What ACPI's tables say of processors and interrupt controllers: RSDP -> XSDT or RSDT -> MADT
 * (ACPI 6.5, 5.2.5 to 5.2.12). Pure: reads through boot_read, so the host can test and fuzz it.
 */
#ifndef ARCH_X86_ACPI_H
#define ARCH_X86_ACPI_H

#include "boot/boot.h"

#define ACPI_CPUS 64u      /* more are left out */
#define ACPI_ISA_LINES 16u /* of the 8259s: where the IO-APIC has them */

struct acpi_line {
    u32 input;       /* global system interrupt */
    bool active_low; /* else high */
    bool level;      /* else edge */
};

struct acpi_machine {
    u32 cpu_count; /* usable ones, the boot CPU among them; 0: the tables say nothing */
    u32 apic_id[ACPI_CPUS];
    bool io_apic; /* there is one with inputs 0..15 */
    physical_t io_apic_address;
    u32 io_apic_first; /* its first global system interrupt */
    struct acpi_line line[ACPI_ISA_LINES];
};

/* Fill MACHINE from the RSDP at RSDP (0: look for it where a PC's firmware leaves it: the EBDA's
 * first KiB, 0xE0000..0xFFFFF). Null, or a sentence that says what is wrong; MACHINE then has no
 * CPU and no IO-APIC. */
const char *acpi_read(struct acpi_machine *machine, const struct boot_memory *memory,
                      physical_t rsdp);

#endif
