/* SPDX-License-Identifier: MIT */
/*
 * qmap [-a | PID...]: what stands in the four slots of a process (of qmap itself, of those named,
 * or of all): for each quarter its sub-ID, the view through which the process has it and who else
 * has it; the CPUs that run it now, the page faults in it, the shootdowns of it and the interrupts
 * that these sent, and saved against telling all CPUs; whether it is the commons. For each region
 * its range, rights and pages: resident, of those shared copy-on-write with another quarter, and 2
 * MiB pages.
 */
#include "command.h"

#include <quartet.h>

#include <stdbool.h>

#define USAGE "qmap [-a | PID...]"

static const char *rights_text(uint32_t rights, char text[4]) {
    text[0] = rights & RIGHT_READ ? 'r' : '-';
    text[1] = rights & RIGHT_WRITE ? 'w' : '-';
    text[2] = rights & RIGHT_EXECUTE ? 'x' : '-';
    text[3] = '\0';
    return text;
}

static void print_others(const struct info_process *process, int slot) {
    struct info_process other = {.pid = 0};
    const char *before = "  also in";
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &other, sizeof other) >= 0; other.pid++) {
        if (other.pid != process->pid && other.slot[slot].sub_id == process->slot[slot].sub_id) {
            printf("%s %lu %s", before, (unsigned long)other.pid, other.name);
            before = ",";
        }
    }
}

static void print_region(const struct info_region *region, int slot) {
    char rights[4];
    uint64_t base = SLOT_BASE(slot), end = base + region->end;
    printf("    %08lx-%08lx  %s  %6lu resident", (unsigned long)(base + region->start),
           (unsigned long)(end - 1), rights_text(region->rights, rights),
           (unsigned long)region->resident);
    if (region->shared > 0 && region->kind == 2) {
        printf("  %lu shared", (unsigned long)region->shared);
    } else if (region->shared > 0 && region->kind == 0) {
        printf("  %lu cow", (unsigned long)region->shared);
    }
    if (region->large > 0) {
        printf("  %lu large", (unsigned long)region->large);
    }
    static const char *const kinds[] = {"", "  boot image", "  paged", "  device"};
    puts(region->kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[region->kind] : "");
}

/* What the CPUs have to do with a quarter. */
static void print_use(const struct info_slot *info) {
    const char *before = "on CPU ";
    uint64_t mask = info->running;
    printf("    ");
    for (uint32_t cpu = 0; mask != 0; cpu++, mask >>= 1) {
        if (mask & 1) {
            printf("%s%lu", before, (unsigned long)cpu);
            before = ",";
        }
    }
    printf("%s%lu faults  %lu shootdowns  interrupts %lu sent, %lu saved%s\n",
           info->running != 0 ? "  " : "", (unsigned long)info->faults,
           (unsigned long)info->shootdowns, (unsigned long)info->interrupts_sent,
           (unsigned long)info->interrupts_saved, info->commons ? "  commons" : "");
}

static void print_slot(const struct info_process *process, int slot) {
    char view[4];
    const struct info_slot *info = &process->slot[slot];
    if (info->sub_id == 0) {
        printf("  slot %d  nothing\n", slot);
        return;
    }
    printf("  slot %d  quarter %s%lu%s  view %s  %lu pages  %lu tables  %lu refs", slot,
           command_colour(31 + (int)(info->sub_id % 6)), (unsigned long)info->sub_id,
           command_colour(0), rights_text(info->view, view), (unsigned long)info->resident,
           (unsigned long)info->tables, (unsigned long)info->references);
    print_others(process, slot);
    putchar('\n');
    print_use(info);
    struct info_region region = {.pid = process->pid, .slot = (uint32_t)slot, .index = 0};
    for (; system_info(HANDLE_SYSTEM, INFO_REGION, &region, sizeof region) >= 0; region.index++) {
        print_region(&region, slot);
    }
}

static void print_process(const struct info_process *process) {
    printf("%s%lu %s%s  space %lu\n", command_colour(1), (unsigned long)process->pid, process->name,
           command_colour(0), (unsigned long)process->space);
    for (int slot = 0; slot < (int)SLOT_COUNT; slot++) {
        print_slot(process, slot);
    }
}

static int print_named(const char *text) {
    long pid;
    if (command_number(text, 1, 0x7FFFFFFF, &pid) != 0) {
        return command_usage(USAGE, 0);
    }
    struct info_process process = {.pid = (uint32_t)pid};
    long result = system_info(HANDLE_SYSTEM, INFO_PROCESS, &process, sizeof process);
    if (result < 0 || process.pid != (uint32_t)pid) {
        fprintf(stderr, "qmap: there is no process %ld\n", pid);
        return EXIT_FAILURE;
    }
    print_process(&process);
    return EXIT_SUCCESS;
}

static void print_all(void) {
    struct info_process process = {.pid = 0};
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &process, sizeof process) >= 0; process.pid++) {
        print_process(&process);
    }
}

int main(int argc, char **argv) {
    char own[16];
    bool all = false;
    int option, status = EXIT_SUCCESS;
    while ((option = getopt(argc, argv, "ah")) != -1) {
        if (option != 'a') {
            return command_usage(USAGE, option);
        }
        all = true;
    }
    if (all) {
        print_all();
    } else if (optind == argc) {
        snprintf(own, sizeof own, "%d", (int)getpid());
        status = print_named(own);
    }
    for (int i = optind; i < argc && !all; i++) {
        int result = print_named(argv[i]);
        status = result > status ? result : status;
    }
    return command_end("qmap", status);
}
