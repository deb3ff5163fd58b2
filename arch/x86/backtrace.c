/* SPDX-License-Identifier: MIT */
/*
 * The chain of stack frames: at a frame pointer stands the caller's frame pointer, above it the
 * return address. Entry stubs make such a frame for interrupted code, so the chain goes on through
 * a trap. It ends at a user's or a null frame pointer; a bad one ends it too, since every word is
 * read by a probe that survives a fault.
 */
#include "arch/arch.h"
#include "arch/x86/traps.h"

#define DEPTH_LIMIT 40

extern const char kernel_text_start[], kernel_text_end[]; /* linker.ld */

void arch_backtrace(void (*print)(uword address)) {
    uword frame = (uword)__builtin_frame_address(0);
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
