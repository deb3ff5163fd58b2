/* SPDX-License-Identifier: MIT */
/* The table of the monitor's commands, and the ways out: see commands.h. */
#include "debug/monitor/commands.h"

#include "arch/arch.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/process/process.h"

static enum monitor_result go_on(const struct monitor_words *words) {
    (void)words;
    if (panic_started()) {
        print("after a panic the kernel cannot go on\n");
        return MONITOR_DONE;
    }
    return MONITOR_CONTINUE;
}

static enum monitor_result reboot(const struct monitor_words *words) {
    (void)words;
    arch_reboot();
}

static enum monitor_result off(const struct monitor_words *words) {
    (void)words;
    arch_power_off(panic_started() ? PANIC_STATUS : 0);
}

static enum monitor_result help(const struct monitor_words *words);

static const struct command {
    const char *name, *arguments, *text;
    u32 least, most; /* arguments */
    enum monitor_result (*run)(const struct monitor_words *words);
} commands[] = {
    {"help", "", "this list", 0, 0, help},
    {"ps", "[PID]", "processes and their threads", 0, 1, monitor_ps},
    {"space", "PID", "the four quarters of a process, and which CPUs have them", 1, 1,
     monitor_space},
    {"quarters", "", "all quarters that a process can reach", 0, 0, monitor_quarters},
    {"quarter", "SUBID", "one quarter: regions, tables, counts", 1, 1, monitor_quarter},
    {"walk", "ADDRESS [PID]", "each level of the page walk, and what a fault would do", 1, 2,
     monitor_walk},
    {"peek", "ADDRESS", "eight words of memory, as the kernel sees it", 1, 1, monitor_peek},
    {"memory", "", "frames, objects, budgets", 0, 0, monitor_memory},
    {"cpus", "", "what each CPU runs", 0, 0, monitor_cpus},
    {"locks", "", "who holds which lock, and who waits", 0, 0, monitor_locks},
    {"backtrace", "[TID | cpu N]", "of a thread, or of what a CPU was doing", 0, 2,
     monitor_backtrace},
    {"continue", "", "let the machine go on", 0, 0, go_on},
    {"reboot", "", "reset the machine", 0, 0, reboot},
    {"off", "", "switch it off", 0, 0, off},
};

static const char *command_name(u32 index) { return commands[index].name; }

static enum monitor_result help(const struct monitor_words *words) {
    (void)words;
    for (u32 i = 0; i < ARRAY_LENGTH(commands); i++) {
        print("  %-9s %-13s  %s\n", commands[i].name, commands[i].arguments, commands[i].text);
    }
    print("numbers are decimal, or hexadecimal with 0x; a command may be shortened\n");
    return MONITOR_DONE;
}

enum monitor_result monitor_run(char *text) {
    struct monitor_words words;
    if (!monitor_split(text, &words)) {
        print("too many words\n");
        return MONITOR_DONE;
    }
    if (words.count == 0) {
        return MONITOR_DONE;
    }
    u32 index = monitor_choose(words.word[0], command_name, ARRAY_LENGTH(commands));
    if (index == ARRAY_LENGTH(commands)) {
        print("there is no command %s; `help` lists them\n", words.word[0]);
        return MONITOR_DONE;
    }
    const struct command *command = &commands[index];
    bool fits = words.count - 1 >= command->least && words.count - 1 <= command->most;
    enum monitor_result result = fits ? command->run(&words) : MONITOR_USAGE;
    if (result == MONITOR_USAGE) {
        print("usage: %s %s\n", command->name, command->arguments);
    }
    return result;
}

/* ---- Shared ---------------------------------------------------------------------------------- */

bool monitor_argument(const struct monitor_words *words, u32 index, u32 *value) {
    u64 number;
    if (!monitor_number(words->word[index], &number) || number > UINT32_MAX) {
        print("%s is no number of 32 bits\n", words->word[index]);
        return false;
    }
    *value = (u32)number;
    return true;
}

struct process *monitor_process_next(const struct process *process) {
    static u32 count;
    count = process != NULL ? count + 1 : 0;
    if (count > FOLLOW_LIMIT) {
        print("the list of processes has no end\n");
        return NULL;
    }
    return process_after(process);
}

struct process *monitor_process_named(const struct monitor_words *words, u32 index) {
    u32 pid;
    if (!monitor_argument(words, index, &pid)) {
        return NULL;
    }
    FOR_EACH_PROCESS(process) {
        if (process->pid == pid) {
            return process;
        }
    }
    print("there is no process %u\n", pid);
    return NULL;
}

void monitor_tag_print(const struct cpu *cpu) {
    if (arch_tag_count() != 0) {
        print(" under PCID 0o%u%u%u%u", cpu->tag >> 9 & 7, cpu->tag >> 6 & 7, cpu->tag >> 3 & 7,
              cpu->tag & 7);
    }
}

struct rights_text monitor_rights(u32 rights) {
    return (struct rights_text){{
        rights & RIGHT_READ ? 'r' : '-',
        rights & RIGHT_WRITE ? 'w' : '-',
        rights & RIGHT_EXECUTE ? 'x' : '-',
    }};
}
