/* SPDX-License-Identifier: MIT */
/*
 * Every exception and interrupt, after entry.asm has saved the registers: who it concerns, and
 * which hook of the kernel hears of it. Interrupts are off throughout. What came from user mode
 * goes back through kernel_return_to_user when this CPU wants attention; what came from kernel mode
 * never switches threads. No lock is taken here. Read next: pae/entry.asm or long/entry.asm, then
 * kernel/vm/fault.c.
 */
#include "arch/x86/traps.h"

#include "arch/x86/registers.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/symbol.h"

static const char *const exception_name[VECTOR_EXCEPTIONS] = {
    "divide error",
    "debug exception",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "no FPU",
    "double fault",
    "FPU segment overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "exception 15",
    "x87 FPU error",
    "alignment check",
    "machine check",
    "SIMD FPU error",
    "virtualization exception",
    "control protection",
    "exception 22",
    "exception 23",
    "exception 24",
    "exception 25",
    "exception 26",
    "exception 27",
    "hypervisor injection",
    "VMM communication",
    "security exception",
    "exception 31",
};

enum page_fault_error {
    PAGE_FAULT_WRITE = 2,
    PAGE_FAULT_USER = 4,
    PAGE_FAULT_RESERVED = 8,
    PAGE_FAULT_EXECUTE = 16,
};

_Noreturn static void trap_panic(const struct trap_frame *frame, uword address) {
    uword instruction = frame_instruction(frame);
    x86_catch(exception_name[frame->vector], instruction, address);
    print("\n");
    frame_print(frame);
    if (!frame_from_user(frame)) {
        symbol_print(instruction);
    }
    if (frame->vector == VECTOR_PAGE_FAULT) {
        panic("page fault at 0x%lx by the code at 0x%lx (error %x)", (unsigned long)address,
              (unsigned long)instruction, (u32)frame->error);
    }
    panic("%s at 0x%lx in %s mode (error %x)", exception_name[frame->vector],
          (unsigned long)instruction, frame_from_user(frame) ? "user" : "kernel",
          (u32)frame->error);
}

/* A fault in kernel mode: only code that is in the fixup table may have one. */
static void kernel_mode_page_fault(struct trap_frame *frame, const struct fault *fault,
                                   uword address) {
    uword landing = x86_fixup_find(fault->instruction);
    if (landing == 0 || fault->execute) {
        trap_panic(frame, address);
    }
    if (fault->beyond || !kernel_page_fault(fault)) {
        frame_set_instruction(frame, landing);
    }
}

/* The error code says what was tried; whether that is allowed, the VM's walk says (hazards 24, 25,
 * 42). */
static void page_fault(struct trap_frame *frame) {
    uword address = cr2_read();
    if (frame->error & PAGE_FAULT_RESERVED) {
        print("\na page table has reserved bits set");
        trap_panic(frame, address);
    }
    struct fault fault = {
        .address = (u32)address,
        .beyond = address >= ARCH_USER_TOP,
        .write = frame->error & PAGE_FAULT_WRITE,
        .execute = frame->error & PAGE_FAULT_EXECUTE,
        .user = frame_from_user(frame),
        .instruction = frame_instruction(frame),
    };
    if (fault.user) {
        kernel_page_fault(&fault);
    } else {
        kernel_mode_page_fault(frame, &fault, address);
    }
}

/* A user who sets TF and then enters by SYSENTER, which leaves TF set, steps into the kernel's
 * first instruction. The step is forgotten: nothing promises flags across a call. */
static bool stepped_into_kernel(struct trap_frame *frame) {
#ifdef __i386__
    if (frame->vector == VECTOR_DEBUG && frame->eip == (uword)x86_entry_fast_call) {
        frame->eflags &= ~X86_FLAGS_SINGLE_STEP;
        return true;
    }
#endif
    (void)frame;
    return false;
}

static void exception(struct trap_frame *frame) {
    if (frame->vector == VECTOR_PAGE_FAULT) {
        page_fault(frame);
        return;
    }
    if (frame_from_user(frame)) {
        kernel_user_exception(exception_name[frame->vector], frame_instruction(frame));
    } else if (!stepped_into_kernel(frame)) {
        trap_panic(frame, 0);
    }
}

static void tick(void) {
    x86_clock_tick();
    kernel_tick();
}

/* A level must be masked before it is acknowledged, else it comes again at once. */
static void line_interrupt(u32 line) {
    if (x86_line_spurious(line)) {
        return;
    }
    if (line == PIC_TIMER) {
        tick();
    } else {
        kernel_line_interrupt(line);
    }
    x86_line_acknowledge(line);
}

static void interrupt(u32 vector) {
    if (vector == VECTOR_APIC_TIMER) {
        x86_apic_acknowledge();
        tick();
    } else if (vector == VECTOR_REQUEST) {
        x86_apic_acknowledge();
        kernel_cpu_interrupt();
    } else if (vector - VECTOR_PIC < PIC_LINES) {
        line_interrupt(vector - VECTOR_PIC);
    }
    /* The APIC's spurious vector wants no acknowledgement. */
}

void x86_trap(struct trap_frame *frame) {
    u32 vector = (u32)frame->vector;
    if (vector < VECTOR_EXCEPTIONS) {
        exception(frame);
    } else {
        interrupt(vector);
    }
    if (frame_from_user(frame) && arch_cpu()->attention != 0) {
        kernel_return_to_user();
    }
}

/* What an NMI has interrupted goes on: no other thread, on this stack of all. */
void x86_trap_apart(struct trap_frame *frame) {
    if (frame->vector == VECTOR_NMI && x86_nmi(frame)) {
        return;
    }
    if (frame->vector == VECTOR_MACHINE_CHECK) {
        x86_machine_check_print();
    }
    trap_panic(frame, 0);
}
