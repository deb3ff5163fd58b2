/* SPDX-License-Identifier: MIT */
/*
 * From the loader's facts to the first process, on the boot stack, interrupts off, one CPU. The
 * order is that of what needs what: traps and console before anything that may fail, memory before
 * anything that allocates. Read next: init.c, which starts the first process; then sched/sched.c,
 * which never comes back here.
 */
#include <string.h>

#include "arch/arch.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/base/spinlock.h"
#include "kernel/boot/boot.h"
#include "kernel/boot/boot_info.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/sched/futex.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/frame.h"

static char command_line[BOOT_COMMAND_LINE];

const char *boot_command_line(void) { return command_line; }

/* True if WORD stands in the command line by itself. */
static bool command_line_has(const char *word) {
    size_t length = strlen(word);
    const char *text = command_line;
    while (*text != 0) {
        size_t end = 0;
        while (text[end] != 0 && text[end] != ' ') {
            end++;
        }
        if (end == length && memcmp(text, word, length) == 0) {
            return true;
        }
        text += end + (text[end] == ' ');
    }
    return false;
}

static void command_line_take(const struct boot_info *boot) {
    memcpy(command_line, boot->command_line, sizeof(command_line) - 1);
    boot_log_quiet(command_line_has("quiet"));
}

/* With panic-test on the command line: what a kernel bug looks like. */
static _Noreturn void panic_test(void) {
    static struct spinlock lock = SPINLOCK(LOCK_CONSOLE_INPUT, "panic test");
    spinlock_acquire(&lock);
    panic("the command line asks for a panic");
}

#define FRAMES_PER_MIB (1024u * 1024u / PAGE_SIZE)

static void log_machine(const struct boot_info *boot) {
    boot_log("quartet: %s kernel, started by %s\n", ARCH_NAME, boot->loader);
    boot_log("quartet: uses %s\n", arch_features());
    boot_log(
        "quartet: memory %u MiB, of it %u MiB high, %u MiB free, in %u ranges; initrd %u KiB\n",
        frame_total() / FRAMES_PER_MIB, frame_high_total() / FRAMES_PER_MIB,
        frame_free_count() / FRAMES_PER_MIB, boot->range_count,
        (u32)((boot->initrd_end - boot->initrd_start) >> 10));
}

_Noreturn void kernel_main(struct boot_info *boot) {
    command_line_take(boot);
    arch_initialise(boot);
    frame_initialise(boot);
    budget_initialise();
    process_initialise();
    futex_initialise();
    console_input_initialise();
    sched_initialise();
    arch_initialise_late();
    log_machine(boot);
    if (command_line_has("panic-test")) {
        panic_test();
    }
    init_start(boot);
    sched_start();
}
