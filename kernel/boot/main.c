/* SPDX-License-Identifier: MIT */
/*
 * From the loader's facts to the first process, on the boot stack, interrupts off. The order is
 * that of what needs what: traps and console before anything that may fail, memory before anything
 * that allocates, all CPUs before the first process. The other CPUs come in at kernel_cpu_main. Read
 * next: init.c, which starts the first process; then sched/sched.c, which never comes back here.
 */
#include <string.h>

#include "arch/arch.h"
#include "debug/monitor/monitor.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/base/spinlock.h"
#include "kernel/boot/boot.h"
#include "kernel/boot/boot_info.h"
#include "kernel/device/memory.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/sched/futex.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/space.h"
#include "kernel/vm/tags.h"

static char command_line[BOOT_COMMAND_LINE];
static bool big_lock;               /* lock=big */
static u32 hot_digits = TAG_DIGITS; /* hot=N */

const char *boot_command_line(void) { return command_line; }

/* How long the word is that begins at TEXT. */
static size_t word_length(const char *text) {
    size_t length = 0;
    while (text[length] != 0 && text[length] != ' ') {
        length++;
    }
    return length;
}

/* What follows NAME in the first word of the command line that is NAME, or begins with NAME= if it
 * has a VALUE. Null: there is none. */
static const char *command_line_find(const char *name, bool value) {
    size_t length = strlen(name);
    const char *text = command_line;
    while (*text != 0) {
        size_t end = word_length(text);
        bool fits = value ? end > length && text[length] == '=' : end == length;
        if (fits && memcmp(text, name, length) == 0) {
            return text + length;
        }
        text += end + (text[end] == ' ');
    }
    return NULL;
}

static bool command_line_has(const char *word) { return command_line_find(word, false) != NULL; }

const char *boot_option(const char *name) {
    const char *rest = command_line_find(name, true);
    return rest != NULL ? rest + 1 : NULL; /* behind the = */
}

/* True if the word that begins at TEXT is VALUE. */
static bool value_is(const char *text, const char *value) {
    size_t length = word_length(text);
    return length == strlen(value) && memcmp(text, value, length) == 0;
}

static void command_line_take(const struct boot_info *boot) {
    memcpy(command_line, boot->command_line, sizeof(command_line) - 1);
    boot_log_quiet(command_line_has("quiet"));
}

/* With panic-test on the command line: what a kernel bug looks like. */
static _Noreturn void panic_test(void) {
    static struct spinlock lock = SPINLOCK(LOCK_FUTEX, "panic test");
    spinlock_acquire(&lock);
    panic("the command line asks for a panic");
}

/* NAME=USUAL, which is how it is anyway, or NAME=OTHER: true. */
static bool option_chosen(const char *name, const char *usual, const char *other) {
    const char *text = boot_option(name);
    if (text == NULL || value_is(text, usual)) {
        return false;
    }
    if (value_is(text, other)) {
        return true;
    }
    boot_log("quartet: %s= takes %s or %s; ignored\n", name, usual, other);
    return false;
}

/* hot=N: fewer hot quarters in each slot than tags have room for. */
static void hot_option_take(void) {
    const char *text = boot_option("hot");
    if (text == NULL) {
        return;
    }
    if (arch_tag_count() == 0) {
        boot_log("quartet: hot= needs a processor with tags; ignored\n");
    } else if (word_length(text) == 1 && *text >= '1' && *text <= '0' + (char)TAG_DIGITS) {
        hot_digits = (u32)(*text - '0');
        tags_limit_digits(hot_digits);
    } else {
        boot_log("quartet: hot= takes 1 to %u; ignored\n", TAG_DIGITS);
    }
}

/* The words that change how the kernel works, before there is a quarter or another CPU. */
static void options_take(void) {
    big_lock = option_chosen("lock", "quarter", "big");
    if (big_lock) {
        quarter_use_big_lock();
    }
    if (option_chosen("cow", "lazy", "eager")) {
        quarter_copies_eagerly = true;
        boot_log("quartet: COPY copies every page at once (cow=eager)\n");
    }
    if (option_chosen("panic", "off", "monitor")) {
        monitor_want_panics();
    }
    hot_option_take();
}

/* What each CPU needs before it loads its first space. */
static void cpu_initialise(void) {
    if (space_cpu_initialise() != E_OK) {
        panic("there is no memory for the tables of CPU %u", arch_cpu()->number);
    }
    sched_initialise();
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
    boot_log("quartet: %u CPU%s; %s\n", cpu_count, cpu_count == 1 ? "" : "s",
             big_lock ? "one lock for all quarters (lock=big)" : "a lock for each quarter");
    if (arch_tag_count() != 0) {
        boot_log("quartet: translations tagged by sub-ID, %u hot quarter%s a slot\n", hot_digits,
                 hot_digits == 1 ? "" : "s");
    }
}

_Noreturn void kernel_main(struct boot_info *boot) {
    command_line_take(boot);
    device_memory_initialise(boot);
    arch_initialise(boot);
    frame_initialise(boot);
    budget_initialise();
    process_initialise();
    futex_initialise();
    options_take();
    cpu_initialise();
    arch_initialise_late();
    arch_start_cpus();
    log_machine(boot);
    if (command_line_has("panic-test")) {
        panic_test();
    }
    init_start(boot);
    sched_start();
}

_Noreturn void kernel_cpu_main(void) {
    cpu_initialise();
    sched_start();
}
