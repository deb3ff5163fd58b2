/* SPDX-License-Identifier: MIT */
/*
 * Stopping the other CPUs by NMI, since they may have interrupts off for ever: for good, after a
 * panic; or for a while, so that one of them, the holder, has the machine to itself.
 *
 *     holder                                  each other CPU
 *     holder = itself, holding = 1
 *     sent, NMI to each  ──────────────────>  wherever it is: notes its registers, held + 1
 *     has the machine                         looks at `holding` until it is 0
 *     holding = 0  ────────────────────────>  held - 1, goes on
 *     waits until held is 0, holder = 0
 *
 * The holder waits for nobody but these, takes no lock and asks nothing of others, so it does not
 * matter what they were doing; a CPU that waits for another's answer finds it late. An NMI that is
 * sent and comes only when all is over is known by `sent`. Read next: traps.c, monitor/monitor.c.
 */
#include "arch/arch.h"
#include "arch/x86/console.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "arch/x86/traps.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/base/symbol.h"
#include "kernel/process/process.h"

#define STOP_SPINS 10000000u
#define SYSTEM_CONTROL 0x61 /* bits 7 and 6: an NMI because of memory, or of the bus */
#define CONTROL_ERRORS 0xC0u
#define NMI_STACK_MARGIN 512u

static u32 stopper; /* atomic: 1 + the number of the CPU that stops the others; 0: none does */
static u32 stopped; /* atomic: how many have stopped */
static u32 holder;  /* atomic: the same, for a while */
static u32 holding; /* atomic: not 0 until the holder lets the others go */
static u32 held;

/* Of each CPU: whether an NMI is on its way to it (atomic), and what it was doing when it stopped:
 * its own to write, the holder's to read. */
static struct {
    u32 sent;
    bool known, user;
    uword instruction; /* where it was; 0: only the frame is known */
    uword base;        /* frame pointer */
} places[ARCH_CPU_LIMIT];

static u32 self(void) { return 1 + arch_cpu()->number; }

static bool claim(u32 *owner) {
    u32 nobody = 0;
    return __atomic_compare_exchange_n(owner, &nobody, self(), false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static void nmi_send(u32 number) {
    __atomic_store_n(&places[number].sent, 1, __ATOMIC_SEQ_CST);
    x86_apic_send(cpus[number].arch.apic_id, APIC_NMI);
}

/* All others are told, and counted in COUNTER when they have heard. */
static void others_stop(const u32 *counter) {
    u32 count = atomic_read(&cpu_count);
    if (count == 1) {
        return;
    }
    u32 kept = x86_apic_command_keep();
    for (u32 number = 0; number < count; number++) {
        if (number + 1 != self()) {
            nmi_send(number);
        }
    }
    for (u32 i = 0; i < STOP_SPINS && atomic_read(counter) < count - 1; i++) {
        arch_relax();
    }
    x86_apic_command_restore(kept);
}

void arch_stop_other_cpus(void) {
    if (claim(&stopper)) {
        others_stop(&stopped);
    } else if (atomic_read(&stopper) != self()) {
        arch_halt();
    }
}

/* ---- For a while ----------------------------------------------------------------------------- */

bool arch_machine_hold(void) {
    while (!claim(&holder)) { /* who is being let go may be back before all are */
        if (atomic_read(&holding) != 0) {
            return false;
        }
        arch_relax();
    }
    __atomic_store_n(&holding, 1, __ATOMIC_SEQ_CST);
    others_stop(&held);
    x86_serial_seize();
    return true;
}

void arch_machine_release(void) {
    x86_serial_give_back();
    places[arch_cpu()->number].known = false;
    __atomic_store_n(&holding, 0, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < STOP_SPINS && atomic_read(&held) != 0; i++) {
        arch_relax();
    }
    __atomic_store_n(&holder, 0, __ATOMIC_SEQ_CST);
}

void arch_place_here(const void *frame) {
    u32 number = arch_cpu()->number;
    if (!places[number].known) { /* else this is an NMI, and it is known what that interrupted */
        places[number].known = true;
        places[number].user = false;
        places[number].instruction = 0;
        places[number].base = (uword)frame;
    }
}

static void place_set(const struct trap_frame *frame) {
    u32 number = arch_cpu()->number;
    places[number].user = frame_from_user(frame);
    places[number].instruction = frame_instruction(frame);
    places[number].base = frame_base(frame);
    places[number].known = true;
}

static _Noreturn void stop_for_good(const struct trap_frame *frame) {
    place_set(frame);
    atomic_increment(&stopped);
    arch_halt();
}

static void wait_for_release(const struct trap_frame *frame) {
    place_set(frame);
    atomic_increment(&held);
    while (atomic_read(&holding) != 0) {
        if (atomic_read(&stopper) != 0) {
            stop_for_good(frame);
        }
        arch_relax();
    }
    places[arch_cpu()->number].known = false;
    atomic_decrement(&held);
}

/* ---- The NMI --------------------------------------------------------------------------------- */

/* Another NMI that comes while this one is served must not begin where the frame of this one stands
 * (an exception's IRET lets it in). Returns what to put back. */
static uword nmi_stack_lower(void) {
#ifdef __x86_64__
    struct x86_tss *tss = &arch_cpu()->arch.tss;
    uword before = tss->ist[TRAP_STACK_NMI];
    tss->ist[TRAP_STACK_NMI] = ((uword)__builtin_frame_address(0) - NMI_STACK_MARGIN) & ~(uword)15;
    return before;
#else
    return 0;
#endif
}

static void nmi_stack_restore(uword before) {
#ifdef __x86_64__
    arch_cpu()->arch.tss.ist[TRAP_STACK_NMI] = before;
#else
    (void)before;
#endif
}

/* One that no CPU has sent: a person's, unless the hardware says that it has an error. */
static bool nmi_from_outside(const struct trap_frame *frame) {
    if (port_read8(SYSTEM_CONTROL) & CONTROL_ERRORS) {
        return false;
    }
    uword stack = nmi_stack_lower(), fault_address = cr2_read();
    place_set(frame);
    bool entered = kernel_nmi();
    cr2_write(fault_address); /* a page fault may have been on its way to read it */
    nmi_stack_restore(stack);
    places[arch_cpu()->number].known = false;
    return entered;
}

bool x86_nmi(struct trap_frame *frame) {
    u32 number = arch_cpu()->number;
    bool sent = __atomic_exchange_n(&places[number].sent, 0, __ATOMIC_SEQ_CST) != 0;
    u32 stopping = atomic_read(&stopper), owner = atomic_read(&holder);
    if (stopping != 0 && stopping != self()) {
        stop_for_good(frame);
    }
    if (owner != 0 || stopping != 0) {
        if (owner != 0 && owner != self()) {
            wait_for_release(frame);
        }
        return true;
    }
    return sent || nmi_from_outside(frame);
}

/* ---- What the others were doing -------------------------------------------------------------- */

void arch_backtrace_cpu(u32 number, void (*print_return)(uword address)) {
    if (!places[number].known) {
        print("CPU %u has not stopped\n", number);
        return;
    }
    uword instruction = places[number].instruction;
    if (places[number].user) {
        print("in user mode, at 0x%lx\n", (unsigned long)instruction);
        return;
    }
    if (instruction != 0) {
        symbol_print(instruction);
    }
    x86_backtrace_from(places[number].base, print_return);
}

bool arch_place(u32 number, bool *user, uword *instruction) {
    *user = places[number].user;
    *instruction = places[number].instruction;
    return places[number].known;
}

void arch_call_on_stack(void *stack, u32 size, void (*function)(void *), void *argument) {
    x86_call_on_stack((uword)stack + size, function, argument);
}
