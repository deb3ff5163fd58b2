/* SPDX-License-Identifier: MIT */
/*
 * The ISA bus's interrupt lines, whichever controller has them: the IO-APIC where ACPI names one
 * and there is a local APIC to send to, else the 8259s. All lines go to the boot CPU, each with the
 * same vector in both cases. Lines are masked until somebody unmasks them. At boot there is one CPU;
 * later LOCK_INTERRUPTS guards the controllers (kernel/device/interrupt.c), but for the
 * acknowledgement, which is the boot CPU's. Read next: acpi.c, pic.c, apic.c.
 */
#include "arch/arch.h"
#include "arch/x86/acpi.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/traps.h"
#include "kernel/base/print.h"

/* Two words of the page: the number of a register, and that register. */
#define SELECT 0x00
#define WINDOW 0x10

enum io_apic_register { IO_APIC_VERSION = 0x01, IO_APIC_ENTRIES = 0x10 /* two for each input */ };

#define VERSION_LAST_INPUT(version) ((version) >> 16 & 0xFF)
#define VERSION_ABSENT UINT32_MAX /* what a bus without a device answers */

#define ENTRY_ACTIVE_LOW (1u << 13)
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_MASKED (1u << 16)
#define ENTRY_DESTINATION_SHIFT 24 /* of the upper half */
#define DESTINATION_ALL 0xFFu      /* so this and higher IDs cannot be named */

static volatile u8 *registers; /* null: the 8259s have the lines */
static u32 input_count;
static u32 boot_apic_id; /* where all lines go */

static u32 io_apic_read(u32 number) {
    *(volatile u32 *)(registers + SELECT) = number;
    return *(volatile u32 *)(registers + WINDOW);
}

static void io_apic_write(u32 number, u32 value) {
    *(volatile u32 *)(registers + SELECT) = number;
    *(volatile u32 *)(registers + WINDOW) = value;
}

/* The input of LINE, counted from this IO-APIC's first. */
static u32 line_input(u32 line) {
    const struct acpi_machine *machine = x86_machine();
    return machine->line[line].input - machine->io_apic_first;
}

static void all_inputs_mask(void) {
    for (u32 input = 0; input < input_count; input++) {
        io_apic_write(IO_APIC_ENTRIES + 2 * input, ENTRY_MASKED);
    }
}

/* Null, or why the 8259s have to do. */
static const char *io_apic_take(void) {
    boot_apic_id = x86_apic_id();
    if (boot_apic_id >= DESTINATION_ALL) {
        return "cannot reach the boot CPU";
    }
    registers = x86_device_map(x86_machine()->io_apic_address);
    u32 version = io_apic_read(IO_APIC_VERSION);
    if (version == VERSION_ABSENT) {
        return "does not answer";
    }
    input_count = VERSION_LAST_INPUT(version) + 1;
    if (line_input(PIC_KEYBOARD) >= input_count || line_input(PIC_SERIAL) >= input_count) {
        return "does not have the lines of the ISA bus";
    }
    all_inputs_mask();
    return NULL;
}

/* Firmware sets the modes of the lines that it uses itself; ACPI's own line may be left out. */
static void pic_modes_set(void) {
    for (u32 line = 0; line < ACPI_ISA_LINES; line++) {
        if (x86_machine()->line[line].level) {
            x86_pic_set_level(line);
        }
    }
}

void x86_lines_initialise(void) {
    x86_pic_initialise();
    pic_modes_set();
    if (!x86_features.apic || !x86_machine()->io_apic) {
        return;
    }
    const char *error = io_apic_take();
    if (error != NULL) {
        registers = NULL;
        boot_log("quartet: the IO-APIC %s; using the 8259s\n", error);
    }
}

bool x86_io_apic_used(void) { return registers != NULL; }

static void io_apic_line_set(u32 line, u32 masked) {
    const struct acpi_line *mode = &x86_machine()->line[line];
    u32 entry = IO_APIC_ENTRIES + 2 * line_input(line);
    io_apic_write(entry + 1, boot_apic_id << ENTRY_DESTINATION_SHIFT);
    io_apic_write(entry, (VECTOR_PIC + line) | (mode->active_low ? ENTRY_ACTIVE_LOW : 0) |
                             (mode->level ? ENTRY_LEVEL : 0) | masked);
}

void arch_line_unmask(u32 line) {
    if (registers == NULL) {
        x86_pic_enable(line);
    } else {
        io_apic_line_set(line, 0);
    }
}

void arch_line_mask(u32 line) {
    if (registers == NULL) {
        x86_pic_disable(line);
    } else {
        io_apic_line_set(line, ENTRY_MASKED);
    }
}

enum arch_line arch_line_kind(u32 line) {
    bool absent = line >= PIC_LINES || line == PIC_CASCADE ||
                  (registers != NULL && line_input(line) >= input_count);
    if (absent) {
        return ARCH_LINE_ABSENT;
    }
    if (line == PIC_TIMER) {
        return ARCH_LINE_KERNEL;
    }
    bool level = registers != NULL ? x86_machine()->line[line].level : x86_pic_level(line);
    return level ? ARCH_LINE_LEVEL : ARCH_LINE_EDGE;
}

bool x86_line_spurious(u32 line) { return registers == NULL && x86_pic_spurious(line); }

void x86_line_acknowledge(u32 line) {
    if (registers == NULL) {
        x86_pic_acknowledge(line);
    } else {
        x86_apic_acknowledge();
    }
}
