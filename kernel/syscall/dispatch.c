/* SPDX-License-Identifier: MIT */
/*
 * From a number to a handler:
 *
 *     kernel_system_call ── entries[number] ──> call_NAME ── objects, not handles ──> do_NAME
 *
 * abi/syscalls.def says what a call's handles must be. From it are generated the table; the entries
 * call_NAME, which look up the objects, and hold a reference while the handler runs; and the prototypes
 * of the handlers do_NAME, which stand in calls_*.c by group. Read next: syscall.h, syscall_trace.c.
 */
#include "kernel/base/cpu.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/quarter.h"
#include "debug/tlbsan.h"

#include "generated/syscall_entries.h"

static system_call_entry *const entries[SYSCALL_COUNT] = SYSCALL_ENTRIES;

static __attribute__((noinline)) long call_traced(uword a, uword b, uword c, uword d,
                                                  uword number) {
    const uword arguments[SYSCALL_ARGUMENTS] = {a, b, c, d};
    system_call_entry *entry = entries[number];
    if (entry == call_process_exit || entry == call_thread_exit) {
        syscall_trace((u32)number, arguments, NULL);
        return entry(a, b, c, d);
    }
    if (entry == call_ipc_call_short) { /* these may return without coming back here */
        entry = call_ipc_call_short_generally;
    } else if (entry == call_ipc_reply_receive_short) {
        entry = call_ipc_reply_receive_short_generally;
    }
    long result = entry(a, b, c, d);
    syscall_trace((u32)number, arguments, &result);
    return result;
}

long kernel_system_call(uword a, uword b, uword c, uword d, uword number) {
    struct cpu *cpu = arch_cpu();
    cpu->system_calls++;
    tlbsan_check_user();
    if (UNLIKELY(number >= SYSCALL_COUNT)) {
        return -E_NOSYS;
    }
    if (UNLIKELY(cpu->current->process->traced)) {
        return call_traced(a, b, c, d, number);
    }
    return entries[number](a, b, c, d);
}
