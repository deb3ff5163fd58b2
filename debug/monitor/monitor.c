/* SPDX-License-Identifier: MIT */
/*
 * In and out of the monitor, and its loop: a line is read, the command runs, on a stack of the
 * monitor's own. An exception in a command ends the command. Read next: commands.c.
 */
#include "debug/monitor/monitor.h"

#include "arch/arch.h"
#include "debug/monitor/commands.h"
#include "debug/monitor/line.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/device/console.h"

#define STACK_SIZE 16384u

static u8 stack[STACK_SIZE] __attribute__((aligned(16)));
static bool want_panics;

void monitor_want_panics(void) { want_panics = true; }

/* ---- The loop -------------------------------------------------------------------------------- */

static void line_read(struct monitor_line *line) {
    char echo[MONITOR_ECHO];
    monitor_line_start(line);
    print("monitor> ");
    bool complete = false;
    while (!complete) {
        complete = monitor_line_key(line, arch_serial_read(), echo);
        print("%s", echo);
    }
}

/* One command, run by arch_try. */
struct step {
    struct monitor_line line;
    enum monitor_result result;
};

static void step_run(void *argument) {
    struct step *step = argument;
    step->result = monitor_run(step->line.text);
}

/* HOW it has been entered. A command that goes wrong gives no result: the monitor goes on. */
static void loop(void *how) {
    static struct step step;
    print("\nmonitor: entered by %s, on CPU %u\nthe machine stands still; `help` lists the "
          "commands\n",
          (const char *)how, arch_cpu()->number);
    do {
        line_read(&step.line);
        step.result = MONITOR_DONE;
        if (!arch_try(step_run, &step)) {
            print("the command has met something broken, and ends\n");
        }
    } while (step.result != MONITOR_CONTINUE);
}

/* As little as can be on the stack of an NMI, which may be short (pae/segments.h: debug_stack). */
static void run(char *how) { arch_call_on_stack(stack, STACK_SIZE, loop, how); }

/* ---- Ways in --------------------------------------------------------------------------------- */

static bool hold(void) {
    if (!arch_machine_hold()) {
        return false;
    }
    console_seize(true);
    return true;
}

static void release(void) {
    console_seize(false);
    arch_machine_release();
}

int monitor_enter(void) {
    if (!arch_serial_present()) {
        return E_NOTFOUND;
    }
    if (!hold()) {
        return E_BUSY;
    }
    arch_place_here(__builtin_frame_address(0));
    run("a call");
    release();
    return E_OK;
}

/* On another CPU it is being entered: this one stops by its NMI as soon as this one is over. */
bool kernel_nmi(void) {
    if (!arch_serial_present()) {
        return false;
    }
    if (hold()) {
        run("an NMI");
        release();
    }
    return true;
}

void monitor_after_panic(void) {
    if (!want_panics || !arch_serial_present()) {
        return;
    }
    arch_place_here(__builtin_frame_address(0));
    run("a panic");
}
