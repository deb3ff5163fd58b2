/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: the tick of this CPU, and the door through which the 8259's interrupts still come
 * (virtual wire: LINT0 passes them on, and the 8259 names the vector). Registers are MSRs in x2APIC
 * mode, else words of a device page.
 */
#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"

#define MSR_APIC_BASE 0x1Bu
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2 (1u << 10)
#define MSR_X2APIC 0x800u /* register at byte offset R of the page: MSR 0x800 + R / 16 */

enum apic_register {
    APIC_TASK_PRIORITY = 0x80,
    APIC_END_OF_INTERRUPT = 0xB0,
    APIC_SPURIOUS = 0xF0,
    APIC_TIMER = 0x320,
    APIC_LINT0 = 0x350,
    APIC_LINT1 = 0x360,
    APIC_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3E0,
};

#define SPURIOUS_ENABLE 0x100u
#define ENTRY_MASKED 0x10000u
#define ENTRY_PERIODIC 0x20000u
#define ENTRY_NMI 0x400u
#define ENTRY_EXTERNAL 0x700u
#define DIVIDE_BY_16 3u

static volatile u8 *registers; /* null: x2APIC */

static void apic_write(enum apic_register reg, u32 value) {
    if (registers != NULL) {
        *(volatile u32 *)(registers + reg) = value;
    } else {
        msr_write(MSR_X2APIC + reg / 16, value);
    }
}

static u32 apic_read(enum apic_register reg) {
    if (registers != NULL) {
        return *(volatile u32 *)(registers + reg);
    }
    return (u32)msr_read(MSR_X2APIC + reg / 16);
}

/* x2APIC mode once entered cannot be left for xAPIC but through off; so it is used wherever it
 * exists. */
static void apic_enable(void) {
    u64 base = msr_read(MSR_APIC_BASE);
    msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
    if (x86_features.x2apic) {
        msr_write(MSR_APIC_BASE, base | APIC_BASE_ENABLE | APIC_BASE_X2);
    } else if (registers == NULL) {
        registers = x86_device_map(base & X86_FRAME_MASK);
    }
}

void x86_apic_initialise(void) {
    apic_enable();
    apic_write(APIC_TASK_PRIORITY, 0);
    apic_write(APIC_TIMER, ENTRY_MASKED);
    apic_write(APIC_ERROR, ENTRY_MASKED);
    apic_write(APIC_LINT0, ENTRY_EXTERNAL);
    apic_write(APIC_LINT1, ENTRY_NMI);
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_APIC_SPURIOUS);
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
}

void x86_apic_acknowledge(void) { apic_write(APIC_END_OF_INTERRUPT, 0); }

void x86_apic_timer_measure_start(void) { apic_write(APIC_TIMER_INITIAL, UINT32_MAX); }

u32 x86_apic_timer_measured(void) { return UINT32_MAX - apic_read(APIC_TIMER_CURRENT); }

void x86_apic_timer_start(u32 counts) {
    apic_write(APIC_TIMER, ENTRY_PERIODIC | VECTOR_APIC_TIMER);
    apic_write(APIC_TIMER_INITIAL, counts);
}
