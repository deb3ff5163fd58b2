/* SPDX-License-Identifier: MIT */
/*
 * qtop [-t] [-n COUNT] [-d SECONDS]: what the CPUs do with the quarters, a new screen each second.
 * The key q leaves. With -n plain screens, COUNT of them, for a file or a test; -t also shows which
 * quarters have which digits of the tags.
 *
 * CPUs: the process, the tag that its space is loaded under (octal, slot 3 first; - where there are
 * none), and since the last screen (on the first one: since boot): switches a second, loads of
 * another space with what was cached kept, flushed, or skipped since the spaces are equal, page
 * faults, shootdowns begun, interrupts sent for them, and saved against telling all CPUs,
 * interrupts received, quarters caught up with at a load, digits taken from other quarters.
 *
 * Processes: the CPUs that run them, the sub-IDs of their four quarters (coloured as by qps, bold
 * if several processes have the quarter, r: a view without the right to write, g: the commons), and
 * the page faults in these and shootdowns of them since they were made.
 */
#include "command.h"
#include "leave.h"

#include <quartet.h>

#include <stdbool.h>

#include "user/lib/protocol.h"

#define USAGE "qtop [-t] [-n COUNT] [-d SECONDS]"
#define CPU_LIMIT 64u
#define PROCESS_HEAD 2u /* lines */

static struct info_cpu last[CPU_LIMIT], now[CPU_LIMIT];
static struct info_machine machine;
static uint64_t last_uptime;
static bool show_tags;

/* ---- CPUs ------------------------------------------------------------------------------------ */

static uint32_t cpus_read(void) {
    uint32_t count = 0;
    for (; count < CPU_LIMIT; count++) {
        last[count] = now[count];
        now[count].number = count;
        if (system_info(HANDLE_SYSTEM, INFO_CPU, &now[count], sizeof now[count]) < 0) {
            break;
        }
    }
    return count;
}

static const char *process_name(uint32_t pid, struct info_process *info) {
    info->pid = pid;
    if (pid == CPU_IDLE) {
        return "idle";
    }
    long result = system_info(HANDLE_SYSTEM, INFO_PROCESS, info, sizeof *info);
    return result >= 0 && info->pid == pid ? info->name : "ended";
}

static unsigned long shootdowns(const struct info_translation *translation) {
    uint64_t sum = 0;
    for (uint32_t cause = 0; cause < CAUSE_COUNT; cause++) {
        sum += translation->shootdowns[cause];
    }
    return (unsigned long)sum;
}

#define SINCE(field) ((unsigned long)(to->field - from->field))

static void print_cpu(const struct info_cpu *from, const struct info_cpu *to,
                      unsigned long milliseconds) {
    struct info_process process;
    char tag[12] = "-";
    if (to->tags != 0) {
        snprintf(tag, sizeof tag, "%04lo", (unsigned long)to->tag);
    }
    printf("%3lu %5lu %-8.8s %4s %6lu %6lu %6lu %6lu %6lu %5lu %5lu %5lu %5lu %5lu %5lu\n",
           (unsigned long)to->number, (unsigned long)to->pid, process_name(to->pid, &process), tag,
           SINCE(switches) * 1000 / (milliseconds > 0 ? milliseconds : 1),
           SINCE(translation.loads_kept), SINCE(translation.loads_flushed),
           SINCE(translation.loads_skipped), SINCE(page_faults),
           shootdowns(&to->translation) - shootdowns(&from->translation),
           SINCE(translation.interrupts_sent), SINCE(translation.interrupts_saved),
           SINCE(interrupts_received), SINCE(translation.catch_ups),
           SINCE(translation.digits_evicted));
}

/* Which quarter each digit stands for, slot 3 first, as in the tag. */
static void print_digits(const struct info_cpu *cpu) {
    for (int slot = (int)SLOT_COUNT - 1; slot >= 0; slot--) {
        printf("  CPU %lu slot %d:", (unsigned long)cpu->number, slot);
        for (uint32_t digit = 1; digit <= TAG_DIGITS; digit++) {
            uint64_t sub_id = cpu->hot[slot][digit - 1];
            if (sub_id != 0) {
                printf("  %lu=%s%lu%s", (unsigned long)digit,
                       command_colour(31 + (int)(sub_id % 6)), (unsigned long)sub_id,
                       command_colour(0));
            }
        }
        putchar('\n');
    }
}

/* Returns the lines printed. */
static uint32_t print_cpus(uint32_t count, unsigned long milliseconds) {
    uint32_t lines = 1 + count;
    printf("%s%3s %5s %-8s %4s %6s %6s %6s %6s %6s %5s %5s %5s %5s %5s %5s%s\n", command_colour(1),
           "CPU", "PID", "NAME", "TAG", "SW/S", "KEPT", "FLUSH", "SKIP", "FAULT", "SHOOT", "SENT",
           "SAVED", "RECV", "CATCH", "EVICT", command_colour(0));
    for (uint32_t i = 0; i < count; i++) {
        print_cpu(&last[i], &now[i], milliseconds);
    }
    for (uint32_t i = 0; i < count && show_tags && now[i].tags != 0; i++) {
        print_digits(&now[i]);
        lines += SLOT_COUNT;
    }
    return lines;
}

/* ---- Processes ------------------------------------------------------------------------------- */

static void print_mask(uint64_t mask) {
    char text[16];
    size_t used = 0;
    for (uint32_t cpu = 0; mask != 0 && used < sizeof text - 4; cpu++, mask >>= 1) {
        if (mask & 1) {
            used += (size_t)snprintf(text + used, sizeof text - used, used > 0 ? ",%lu" : "%lu",
                                     (unsigned long)cpu);
        }
    }
    printf(" %-8s", used > 0 ? text : "-");
}

static void print_slot(const struct info_slot *slot) {
    if (slot->sub_id == 0) {
        printf(" %6s ", "-");
        return;
    }
    printf(" %s%s%6lu%s%s", slot->processes > 1 ? command_colour(1) : "",
           command_colour(31 + (int)(slot->sub_id % 6)), (unsigned long)slot->sub_id,
           slot->commons              ? "g"
           : slot->view & RIGHT_WRITE ? " "
                                      : "r",
           command_colour(0));
}

static void print_process(const struct info_process *info) {
    uint64_t faults = 0, shot = 0;
    printf("%5lu %-8.8s", (unsigned long)info->pid, info->name);
    print_mask(info->running);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        print_slot(&info->slot[slot]);
        faults += info->slot[slot].faults;
        shot += info->slot[slot].shootdowns;
    }
    printf(" %8lu %8lu\n", (unsigned long)faults, (unsigned long)shot);
}

/* At most ROOM lines. */
static void print_processes(uint32_t room) {
    struct info_process info = {.pid = 0};
    uint32_t lines = 0;
    printf("\n%s%5s %-8s %-8s %6s  %6s  %6s  %6s  %8s %8s%s\n", command_colour(1), "PID", "NAME",
           "CPUS", "SLOT0", "SLOT1", "SLOT2", "SLOT3", "FAULTS", "SHOOT", command_colour(0));
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof info) >= 0; info.pid++) {
        if (++lines <= room) {
            print_process(&info);
        }
    }
    if (lines > room) {
        printf("  and %lu more", (unsigned long)(lines - room));
    }
}

/* ---- Screens --------------------------------------------------------------------------------- */

static void print_screen(uint32_t lines) {
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof machine);
    uint32_t count = cpus_read();
    unsigned long milliseconds = (unsigned long)((machine.uptime - last_uptime) / 1000000);
    last_uptime = machine.uptime;
    printf("%lu CPUs, %lu processes, %lu threads, %lu spaces, %lu quarters; the last %lu.%03lu s\n",
           (unsigned long)machine.cpus, (unsigned long)machine.processes,
           (unsigned long)machine.threads, (unsigned long)machine.spaces,
           (unsigned long)machine.quarters, milliseconds / 1000, milliseconds % 1000);
    uint32_t used = 1 + print_cpus(count, milliseconds) + PROCESS_HEAD + 1;
    print_processes(lines > used ? lines - used : 1);
}

static int plain_screens(long count, long seconds) {
    for (long i = 0; i < count; i++) {
        if (i > 0) {
            thread_sleep((uint32_t)seconds * 1000000);
            putchar('\n');
        }
        print_screen(UINT32_MAX);
        fflush(stdout);
    }
    return command_end("qtop", EXIT_SUCCESS);
}

static int live_screens(long seconds) {
    const char *text = getenv("LINES");
    long lines = 24;
    if (text != NULL && command_number(text, 10, 1000, &lines) != 0) {
        lines = 24;
    }
    if (leave_start() < 0) {
        return command_fail("qtop", "console");
    }
    do {
        printf("\033[H\033[J");
        print_screen((uint32_t)lines);
        fflush(stdout);
    } while (!leave_wait((uint32_t)seconds * 1000000));
    putchar('\n');
    leave_end();
    return command_end("qtop", EXIT_SUCCESS);
}

int main(int argc, char **argv) {
    long count = 0, seconds = 1;
    int option;
    while ((option = getopt(argc, argv, "tn:d:h")) != -1) {
        if (option == 't') {
            show_tags = true;
        } else if ((option != 'n' || command_number(optarg, 1, 1000000, &count) != 0) &&
                   (option != 'd' || command_number(optarg, 1, 3600, &seconds) != 0)) {
            return command_usage(USAGE, option);
        }
    }
    if (optind < argc) {
        return command_usage(USAGE, 0);
    }
    if (count == 0 && !command_on_screen()) {
        count = 1;
    }
    return count > 0 ? plain_screens(count, seconds) : live_screens(seconds);
}
