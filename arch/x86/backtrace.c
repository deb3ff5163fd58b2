/* SPDX-License-Identifier: MIT */
/*
 * The chain of stack frames: at a frame pointer stands the caller's frame pointer, above it the
 * return address. Entry stubs make such a frame for interrupted code, so the chain goes on through
 * a trap. It ends at a user's or a null frame pointer; a bad one ends it too, since every word is
 * read by a probe that survives a fault.
 */
#include "arch/arch.h"
#include "arch/x86/traps.h"
#include "kernel/process/process.h"

#define DEPTH_LIMIT 40

extern const char kernel_text_start[], kernel_text_end[]; /* linker.ld */

void x86_backtrace_from(uword frame, void (*print)(uword address)) {
    for (u32 depth = 0; depth < DEPTH_LIMIT; depth++) {
        uword next, caller;
        if (!x86_probe_word(frame, &next) || !x86_probe_word(frame + sizeof(uword), &caller) ||
            caller < (uword)kernel_text_start || caller >= (uword)kernel_text_end) {
            return;
        }
        print(caller);
        frame = next;
    }
}

void arch_backtrace(void (*print)(uword address)) {
    x86_backtrace_from((uword)__builtin_frame_address(0), print);
}

/* What x86_switch_stacks has pushed: the frame pointer stands below the return address. */
#ifdef __x86_64__
#define SAVED_BASE 5u
#else
#define SAVED_BASE 3u
#endif

void arch_backtrace_thread(const struct thread *thread, void (*print)(uword address)) {
    x86_backtrace_from(thread->arch.stack_pointer + SAVED_BASE * sizeof(uword), print);
}
