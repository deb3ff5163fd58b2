/* SPDX-License-Identifier: MIT */
/*
 * time COMMAND...: run a command and tell, on standard error, how long it took. The CPU time is
 * that of the process itself, not of its children; the other counts are those of the whole machine
 * meanwhile. Ticks are the processor's time-stamp counter: instructions, where the emulator counts
 * those.
 */
#include "run.h"

#define USAGE "time COMMAND [ARGUMENT]..."
#define NANOSECONDS 1000000000u

struct moment {
    struct info_machine machine;
    uint64_t clock, ticks;
};

static void moment_take(struct moment *moment) {
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &moment->machine, sizeof moment->machine);
    clock_now(&moment->clock);
    moment->ticks = __builtin_ia32_rdtsc();
}

/* The parent's wait takes the CPU time of PID away with it. A wait by somebody else leaves it: so a
 * helper waits first, then this process looks. */
static uint64_t cpu_time_at_end(pid_t pid) {
    struct info_process info = {.pid = (uint32_t)pid};
    struct process_status status;
    long handle = handle_dup(quartet_child_handle(pid), RIGHTS_ALL, QUARTET_NONE);
    pid_t helper = handle < 0 ? -1 : fork();
    if (helper == 0) {
        process_wait((int)handle, 0, &status);
        _exit(0);
    }
    if (helper > 0) {
        waitpid(helper, NULL, 0);
    }
    if (handle >= 0) {
        handle_close((int)handle);
    }
    long result = system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof info);
    return result >= 0 && info.pid == (uint32_t)pid ? info.cpu_time : 0;
}

static void print_seconds(const char *name, uint64_t nanoseconds) {
    fprintf(stderr, "%-14s %6lu.%06lu s\n", name, (unsigned long)(nanoseconds / NANOSECONDS),
            (unsigned long)(nanoseconds % NANOSECONDS / 1000));
}

/* The C library's small printf has no 64-bit numbers. */
static void print_count(const char *name, uint64_t count) {
    char digits[24], *first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = (char)('0' + count % 10);
        count /= 10;
    } while (count > 0);
    fprintf(stderr, "%-14s %13s\n", name, first);
}

int main(int argc, char **argv) {
    struct moment start, end;
    if (argc < 2 || argv[1][0] == '-') {
        return command_usage(USAGE, argc < 2 ? 0 : argv[1][1]);
    }
    struct quartet_spawn spawn = {.plan = PLAN_SPAWN};
    moment_take(&start);
    pid_t child = run_start("time", &spawn, argv + 1);
    if (child < 0) {
        return run_failed();
    }
    uint64_t cpu_time = cpu_time_at_end(child);
    moment_take(&end);
    int status = run_wait(child);
    fputc('\n', stderr);
    print_seconds("elapsed", end.clock - start.clock);
    print_seconds("CPU", cpu_time);
    print_count("ticks", end.ticks - start.ticks);
    print_count("system calls", end.machine.system_calls - start.machine.system_calls);
    print_count("page faults", end.machine.page_faults - start.machine.page_faults);
    print_count("page copies", end.machine.page_copies - start.machine.page_copies);
    return status;
}
