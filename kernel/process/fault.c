/* SPDX-License-Identifier: MIT */
/*
 * What arch/ calls when a user access faults or a program does what the processor forbids. A
 * fault goes to the quarter of its slot (vm/fault.c); one that nothing answers ends the process,
 * with one line on the console. No lock may be held: answering takes the quarter's (hazard 33), and
 * may sleep until a pager has answered (pager.c).
 * The space is the one that is loaded, not the one that the process is moving to (hazard 10).
 */
#include "arch/arch.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/device/console.h"
#include "kernel/process/pager.h"
#include "kernel/process/process.h"
#include "kernel/vm/space.h"
#include "debug/tlbsan.h"

static const char *const reason_sentence[] = {
    [FAULT_NO_QUARTER] = "nothing is attached in that slot",
    [FAULT_NO_REGION] = "no region covers it",
    [FAULT_RIGHTS] = "the region or the view forbids it",
    [FAULT_NO_MEMORY] = "no memory or budget is left to serve it",
    [FAULT_KERNEL_ADDRESS] = "it is not a user address",
    [FAULT_NO_PAGER] = "the page must come from a pager, and there is none",
    [FAULT_PAGER_GONE] = "its pager is gone",
    [FAULT_PAGER_REFUSED] = "its pager refuses it",
    [FAULT_PAGER_NONSENSE] = "its pager's answer cannot be followed",
    [FAULT_PAGER_SELF] = "the process would have to wait for itself as its pager",
};

const char *fault_sentence(u32 reason) { return reason_sentence[reason]; }

#define INSTRUCTION_POINTER (sizeof(uword) == 4 ? "eip" : "rip")

static enum vm_access access_of(const struct fault *fault) {
    return fault->execute ? ACCESS_EXECUTE : fault->write ? ACCESS_WRITE : ACCESS_READ;
}

/* In QUARTER, seen through VIEW. A page that the pager brings is of no use where the view forbids the
 * access. */
static u32 quarter_serve(struct quarter *quarter, u32 offset, enum vm_access access, u32 view) {
    u32 reason = (u32)quarter_fault(quarter, offset, access, view);
    bool wanted = reason == FAULT_NO_PAGER || (reason == FAULT_NO_REGION && (view & access) != 0);
    return wanted ? pager_ask(quarter, offset, access, reason) : reason;
}

/* 0: served, the access may be tried again. Else enum fault_reason. */
static u32 fault_serve(const struct fault *fault) {
    u64 address = fault->address; /* 64 bits: where users have all four slots, no u32 is above */
    if (fault->beyond || address >= ARCH_USER_TOP) {
        return FAULT_KERNEL_ADDRESS;
    }
    const struct space *space = arch_cpu()->loaded;
    const struct space_slot *slot = space ? &space->slot[SLOT_OF(fault->address)] : NULL;
    if (!slot || !slot->quarter) {
        return FAULT_NO_QUARTER;
    }
    /* While this CPU waits for the quarter's lock, or the thread for a pager, the CPU may leave the
     * space, and the space may go: so the quarter gets a reference meanwhile. */
    struct quarter *quarter = slot->quarter;
    quarter_reference(quarter);
    u32 reason = quarter_serve(quarter, SLOT_OFFSET(fault->address), access_of(fault), slot->view);
    quarter_release(quarter);
    return reason;
}

/* The calling process ends with REASON at ADDRESS; one line says WHAT it has done at INSTRUCTION. */
static void fault_end(const char *what, uword instruction, u32 reason, u32 address) {
    struct process *process = process_current();
    if (!process->quiet) {
        console_wait_for_room();
        print("fault: %s (pid %u) %s (%s 0x%lx)\n", process->name, process->pid, what,
              INSTRUCTION_POINTER, (unsigned long)instruction);
    }
    process_end(process, STATUS_FAULT | reason, address);
}

static void page_fault_end(const struct fault *fault, u32 reason) {
    static const char *const words[] = {
        [ACCESS_READ] = "read", [ACCESS_WRITE] = "write", [ACCESS_EXECUTE] = "execute"};
    char place[40] = "beyond all slots", what[128];
    if (!fault->beyond) {
        format_text(place, sizeof(place), "at 0x%08x slot %u", fault->address,
                    SLOT_OF(fault->address));
    }
    format_text(what, sizeof(what), "%s %s: %s", words[access_of(fault)], place,
                reason_sentence[reason]);
    fault_end(what, fault->instruction, reason, fault->address);
}

bool kernel_page_fault(const struct fault *fault) {
    ASSERT(arch_cpu()->lock_count == 0, "a user access with %u locks held, the last of them %s",
           arch_cpu()->lock_count, arch_cpu()->locks[arch_cpu()->lock_count - 1]->name);
    tlbsan_check_user();
    u32 reason = fault_serve(fault);
    if (reason == 0) {
        return true;
    }
    if (fault->user && !thread_current()->killed) { /* it ends on its way back to user mode */
        page_fault_end(fault, reason);
    }
    return fault->user;
}

void kernel_user_exception(const char *name, uword instruction) {
    fault_end(name, instruction, FAULT_EXCEPTION, (u32)instruction);
}
