/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs: started one after the other, and interrupted. Stopping them is in stop.c.
 *
 *     boot CPU                               new CPU
 *     INIT to all, 10 ms                     waits for a start-up message
 *     its stacks, phase = AWAITED
 *     start-up message  ──────────────────>  trampoline.asm, boot/entry.asm
 *                                            phase = UNDER_WAY, or halts for good
 *     answers TSC questions  <────────────>  features, root, segments, FPU, APIC, clock, tick
 *                                            phase = DONE
 *     cpu_count + 1  ─────────────────────>  kernel_cpu_main
 *
 * Both sides change the phase by compare-exchange only, so a CPU that comes too late finds GIVEN_UP
 * and goes no further. `start` is the boot CPU's until AWAITED, then the new CPU's as well. No locks.
 * Read next: trampoline.asm, boot/entry.asm, apic.c.
 */
#include <string.h>

#include "arch/arch.h"
#include "arch/x86/acpi.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/traps.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot_info.h"
#include "kernel/vm/frame.h"

#define STACK_FRAMES (KERNEL_STACK_SIZE / PAGE_SIZE)
#define REAL_MODE_PAGES 16u /* below 64 KiB; nobody manages them (arch_memory_reserved_low) */

#define MILLISECOND 1000u
#define INIT_MILLISECONDS 10u
#define RETRY_MILLISECONDS 10u    /* then the start-up message is sent again */
#define ANSWER_MILLISECONDS 1000u /* an emulator on a busy host may need that */
#define UNDER_WAY_SPINS 100000000u

enum start_phase { START_AWAITED, START_UNDER_WAY, START_DIFFERS, START_DONE, START_GIVEN_UP };

static struct {
    u32 phase; /* atomic */
    u32 number;
    uword stack_top;
} start;

static u32 trampoline_page; /* its frame; 0: none */

static bool phase_change(enum start_phase from, enum start_phase to) {
    u32 expected = from;
    return __atomic_compare_exchange_n(&start.phase, &expected, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* ---- On the new CPU -------------------------------------------------------------------------- */

uword x86_other_prepare(void);
_Noreturn void x86_other_main(void);

/* On the early tables and the trampoline's stack; no traps, no arch_cpu(). The stack to go on with,
 * now that the kernel's own root is loaded; 0: this CPU is left out. */
uword x86_other_prepare(void) {
    if (!phase_change(START_AWAITED, START_UNDER_WAY)) {
        return 0;
    }
    if (!x86_features_match()) {
        phase_change(START_UNDER_WAY, START_DIFFERS);
        return 0;
    }
    x86_features_enable();
    arch_root_load(NULL, 0, false);
    return start.stack_top;
}

_Noreturn void x86_other_main(void) {
    u32 number = start.number;
    x86_cpu_initialise(number);
    x86_fpu_initialise();
    x86_machine_check_initialise();
    x86_apic_initialise();
    x86_cpu_initialise_late();
    arch_cpu()->arch.tsc_offset = x86_tsc_offset_measure();
    x86_tick_start_other();
    if (!phase_change(START_UNDER_WAY, START_DONE)) {
        arch_halt();
    }
    while (atomic_read(&cpu_count) <= number) {
        arch_relax();
    }
    kernel_cpu_main();
}

/* ---- On the boot CPU ------------------------------------------------------------------------- */

static bool page_is_free(const struct boot_info *boot, physical_t start, physical_t end) {
    for (u32 i = 0; i < boot->range_count; i++) {
        if (boot->range[i].start <= start && end <= boot->range[i].end) {
            return end <= boot->initrd_start || boot->initrd_end <= start;
        }
    }
    return false;
}

void x86_smp_initialise(const struct boot_info *boot) {
    for (u32 page = REAL_MODE_PAGES - 1; page > 0 && trampoline_page == 0; page--) {
        physical_t start = (physical_t)page << PAGE_SHIFT;
        if (page_is_free(boot, start, start + PAGE_SIZE)) {
            trampoline_page = page;
        }
    }
}

static void stacks_free(struct arch_cpu *cpu) {
    for (u32 i = 0; i < TRAP_STACKS; i++) {
        if (cpu->trap_stack[i] != NULL) {
            frame_release(arch_low_frame(cpu->trap_stack[i]));
            cpu->trap_stack[i] = NULL;
        }
    }
    if (start.stack_top != 0) {
        void *stack = (void *)(start.stack_top - KERNEL_STACK_SIZE);
        frame_free_low_run(arch_low_frame(stack), STACK_FRAMES);
        start.stack_top = 0;
    }
}

/* False: there is no memory for them. */
static bool stacks_allocate(struct arch_cpu *cpu) {
    _Static_assert(TRAP_STACK_SIZE == PAGE_SIZE, "a frame for each trap stack");
    start.stack_top = 0;
    for (u32 i = 0; i < TRAP_STACKS; i++) {
        frame_t frame = frame_allocate_low();
        cpu->trap_stack[i] = frame_is_none(frame) ? NULL : arch_low_pointer(frame);
    }
    frame_t first = frame_allocate_low_run(STACK_FRAMES);
    if (!frame_is_none(first)) {
        start.stack_top = (uword)arch_low_pointer(first) + KERNEL_STACK_SIZE;
    }
    bool complete = start.stack_top != 0;
    for (u32 i = 0; i < TRAP_STACKS; i++) {
        complete = complete && cpu->trap_stack[i] != NULL;
    }
    if (!complete) {
        stacks_free(cpu);
    }
    return complete;
}

/* Wait until the awaited CPU is under way, at most so long. */
static bool answer_wait(u32 milliseconds) {
    for (u32 i = 0; i < milliseconds && atomic_read(&start.phase) == START_AWAITED; i++) {
        x86_delay(MILLISECOND);
    }
    return atomic_read(&start.phase) != START_AWAITED;
}

/* How far CPU APIC_ID comes. */
static enum start_phase phase_reached(u32 apic_id) {
    x86_apic_send(apic_id, APIC_STARTUP | trampoline_page);
    if (!answer_wait(RETRY_MILLISECONDS)) {
        x86_apic_send(apic_id, APIC_STARTUP | trampoline_page);
        answer_wait(ANSWER_MILLISECONDS);
    }
    for (u32 i = 0; i < UNDER_WAY_SPINS && atomic_read(&start.phase) == START_UNDER_WAY; i++) {
        x86_tsc_answer();
        arch_relax();
    }
    if (phase_change(START_AWAITED, START_GIVEN_UP) ||
        phase_change(START_UNDER_WAY, START_GIVEN_UP)) {
        return START_GIVEN_UP;
    }
    return atomic_read(&start.phase);
}

/* Null, or why CPU APIC_ID is left out. */
static const char *cpu_start(u32 apic_id) {
    u32 number = cpu_count;
    struct arch_cpu *cpu = &cpus[number].arch;
    if (apic_id >= x86_apic_id_limit()) {
        return "no message reaches it";
    }
    if (!stacks_allocate(cpu)) {
        return "there is no memory for its stacks";
    }
    cpu->apic_id = apic_id;
    start.number = number;
    __atomic_store_n(&start.phase, START_AWAITED, __ATOMIC_SEQ_CST);
    enum start_phase phase = phase_reached(apic_id);
    if (phase == START_DONE) {
        __atomic_store_n(&cpu_count, number + 1, __ATOMIC_SEQ_CST);
        return NULL;
    }
    x86_apic_send(apic_id, APIC_INIT); /* where it runs now, it waits for good */
    x86_delay(MILLISECOND);
    stacks_free(cpu);
    return phase == START_DIFFERS ? "it lacks what the kernel uses on the boot CPU"
                                  : "it does not answer";
}

static void trampoline_copy(void) {
    memcpy(x86_physical_pointer((physical_t)trampoline_page << PAGE_SHIFT), x86_trampoline_start,
           (size_t)(x86_trampoline_end - x86_trampoline_start));
}

/* Whatever the firmware left the others doing, they wait for a start-up message afterwards. */
static void others_reset(const struct acpi_machine *machine, u32 own) {
    for (u32 i = 0; i < machine->cpu_count; i++) {
        if (machine->apic_id[i] != own && machine->apic_id[i] < x86_apic_id_limit()) {
            x86_apic_send(machine->apic_id[i], APIC_INIT);
        }
    }
    x86_delay(INIT_MILLISECONDS * MILLISECOND);
}

static void others_start(const struct acpi_machine *machine, u32 own) {
    u32 beyond = 0;
    for (u32 i = 0; i < machine->cpu_count; i++) {
        u32 apic_id = machine->apic_id[i];
        if (apic_id == own) {
            continue;
        }
        if (cpu_count == ARCH_CPU_LIMIT) {
            beyond++;
            continue;
        }
        const char *reason = cpu_start(apic_id);
        if (reason != NULL) {
            boot_log("quartet: the CPU with APIC ID %u is not used: %s\n", apic_id, reason);
        }
    }
    if (beyond != 0) {
        boot_log("quartet: %u more CPUs are not used: the kernel drives %u\n", beyond,
                 ARCH_CPU_LIMIT);
    }
}

void arch_start_cpus(void) {
    const struct acpi_machine *machine = x86_machine();
    if (!x86_features.apic || machine->cpu_count <= 1) {
        return;
    }
    if (trampoline_page == 0) {
        boot_log("quartet: one CPU only: there is no memory below 64 KiB to start others in\n");
        return;
    }
    trampoline_copy();
    u32 own = cpus[0].arch.apic_id = x86_apic_id();
    others_reset(machine, own);
    others_start(machine, own);
}

/* ---- Interrupting ---------------------------------------------------------------------------- */

void arch_interrupt_cpu(u32 number) {
    x86_apic_send(cpus[number].arch.apic_id, APIC_FIXED | VECTOR_REQUEST);
}
