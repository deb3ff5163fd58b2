/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: the tick of this CPU, messages between CPUs, and on the boot CPU the door through
 * which the 8259's interrupts come where there is no IO-APIC (virtual wire: LINT0 passes them on,
 * and the 8259 names the vector). Registers are MSRs in x2APIC mode, else words of a device page
 * (the same address on each CPU, each sees its own).
 */
#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"
#include "kernel/base/cpu.h"

#define MSR_APIC_BASE 0x1Bu
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_X2 (1u << 10)
#define MSR_X2APIC 0x800u /* register at byte offset R of the page: MSR 0x800 + R / 16 */

enum apic_register {
    APIC_ID = 0x20,
    APIC_TASK_PRIORITY = 0x80,
    APIC_END_OF_INTERRUPT = 0xB0,
    APIC_SPURIOUS = 0xF0,
    APIC_COMMAND = 0x300, /* of 64 bits in x2APIC mode */
    APIC_COMMAND_HIGH = 0x310,
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
#define COMMAND_PENDING 0x1000u
#define COMMAND_ASSERT 0x4000u
#define COMMAND_ID_SHIFT 24 /* in COMMAND_HIGH */

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
    bool boot = arch_cpu()->number == 0;
    apic_write(APIC_LINT0, boot ? ENTRY_EXTERNAL : ENTRY_MASKED);
    apic_write(APIC_LINT1, boot ? ENTRY_NMI : ENTRY_MASKED);
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_APIC_SPURIOUS);
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
}

u32 x86_apic_id(void) {
    u32 id = apic_read(APIC_ID);
    return registers != NULL ? id >> 24 : id;
}

void x86_apic_acknowledge(void) { apic_write(APIC_END_OF_INTERRUPT, 0); }

/* ---- Messages to other CPUs ------------------------------------------------------------------ */

/* What was written before must be seen by whom the message wakes. In x2APIC mode nothing else sees
 * to that (SDM 3A 11.12.3); a write to the device page waits for earlier ones by itself. */
void x86_apic_send(u32 apic_id, u32 command) {
    command |= COMMAND_ASSERT;
    if (registers == NULL) {
        __asm__ volatile("mfence; lfence" ::: "memory");
        msr_write(MSR_X2APIC + APIC_COMMAND / 16, (u64)apic_id << 32 | command);
        return;
    }
    while (apic_read(APIC_COMMAND) & COMMAND_PENDING) {
        arch_relax();
    }
    apic_write(APIC_COMMAND_HIGH, apic_id << COMMAND_ID_SHIFT);
    apic_write(APIC_COMMAND, command);
}

u32 x86_apic_command_keep(void) { return registers == NULL ? 0 : apic_read(APIC_COMMAND_HIGH); }

void x86_apic_command_restore(u32 kept) {
    if (registers != NULL) {
        apic_write(APIC_COMMAND_HIGH, kept);
    }
}

u32 x86_apic_id_limit(void) { return registers == NULL ? UINT32_MAX : 0xFF; }

/* ---- The timer ------------------------------------------------------------------------------- */

void x86_apic_timer_measure_start(void) { apic_write(APIC_TIMER_INITIAL, UINT32_MAX); }

u32 x86_apic_timer_measured(void) { return UINT32_MAX - apic_read(APIC_TIMER_CURRENT); }

void x86_apic_timer_start(u32 counts) {
    apic_write(APIC_TIMER, ENTRY_PERIODIC | VECTOR_APIC_TIMER);
    apic_write(APIC_TIMER_INITIAL, counts);
}
