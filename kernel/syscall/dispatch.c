/* SPDX-License-Identifier: MIT */
/*
 * From a number to a handler. The table is generated from abi/syscalls.def, as are the
 * prototypes of the handlers, which stand in calls_*.c by group. Read next: syscall.h, trace.c.
 */
#include "kernel/base/cpu.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "debug/tlbsan.h"

static const struct syscall_entry table[SYSCALL_COUNT] = SYSCALL_TABLE;

static __attribute__((noinline)) long call_traced(const struct syscall_entry *entry, uword a,
                                                  uword b, uword c, uword d) {
    const uword arguments[SYSCALL_ARGUMENTS] = {a, b, c, d};
    if (entry->handler == call_process_exit || entry->handler == call_thread_exit) {
        syscall_trace(entry, arguments, NULL);
        return entry->handler(a, b, c, d);
    }
    long result;
    if (entry->handler == call_ipc_call_short) { /* these may return without coming back here */
        result = call_ipc_call_short_generally(a, b);
    } else if (entry->handler == call_ipc_reply_receive_short) {
        result = call_ipc_reply_receive_short_generally(a, b);
    } else {
        result = entry->handler(a, b, c, d);
    }
    syscall_trace(entry, arguments, &result);
    return result;
}

long kernel_system_call(uword a, uword b, uword c, uword d, uword number) {
    struct cpu *cpu = arch_cpu();
    cpu->system_calls++;
    tlbsan_check_user();
    if (UNLIKELY(number >= SYSCALL_COUNT)) {
        return -E_NOSYS;
    }
    const struct syscall_entry *entry = &table[number];
    if (UNLIKELY(cpu->current->process->traced)) {
        return call_traced(entry, a, b, c, d);
    }
    return entry->handler(a, b, c, d);
}
