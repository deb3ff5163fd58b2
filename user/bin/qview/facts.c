/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of CPUs, processes and their quarters, by the same calls as qps and qtop. The
 * counters of a quarter are compared with those that its sub-ID had in the last picture.
 */
#include "view.h"

#include <stdio.h>
#include <string.h>

#define KNOWN_LIMIT (PROCESS_LIMIT * SLOT_COUNT)

static struct known {
    uint64_t sub_id, faults, shootdowns;
} known[KNOWN_LIMIT], seen[KNOWN_LIMIT]; /* in the last picture, and in this one */
static uint32_t known_count, seen_count;

static uint32_t news_of(const struct info_slot *slot) {
    uint32_t news = 0;
    for (uint32_t i = 0; i < known_count; i++) {
        if (known[i].sub_id == slot->sub_id) {
            news = (slot->faults != known[i].faults ? NEWS_FAULTS : 0) |
                   (slot->shootdowns != known[i].shootdowns ? NEWS_SHOOTDOWNS : 0);
            break;
        }
    }
    if (seen_count < KNOWN_LIMIT) {
        seen[seen_count++] = (struct known){slot->sub_id, slot->faults, slot->shootdowns};
    }
    return news;
}

static void processes_read(struct facts *facts) {
    struct info_process info = {.pid = 0};
    facts->processes = facts->more = seen_count = 0;
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof info) >= 0; info.pid++) {
        if (facts->processes == PROCESS_LIMIT) {
            facts->more++;
            continue;
        }
        struct fact_process *process = &facts->process[facts->processes++];
        process->info = info;
        for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
            process->news[slot] = info.slot[slot].sub_id != 0 ? news_of(&info.slot[slot]) : 0;
        }
    }
    memcpy(known, seen, seen_count * sizeof seen[0]);
    known_count = seen_count;
}

static void cpu_name_set(struct facts *facts, uint32_t number) {
    char *name = facts->cpu_name[number];
    snprintf(name, sizeof facts->cpu_name[0], "idle");
    for (uint32_t i = 0; i < facts->processes; i++) {
        if (facts->process[i].info.pid == facts->cpu[number].pid) {
            snprintf(name, sizeof facts->cpu_name[0], "%s", facts->process[i].info.name);
        }
    }
}

void facts_read(struct facts *facts) {
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &facts->machine, sizeof facts->machine);
    processes_read(facts);
    for (facts->cpus = 0; facts->cpus < CPU_LIMIT; facts->cpus++) {
        struct info_cpu *cpu = &facts->cpu[facts->cpus];
        cpu->number = facts->cpus;
        if (system_info(HANDLE_SYSTEM, INFO_CPU, cpu, sizeof *cpu) < 0) {
            break;
        }
        cpu_name_set(facts, facts->cpus);
    }
}

uint64_t facts_digit_quarter(const struct info_cpu *cpu, uint32_t slot) {
    uint32_t digit = cpu->tag >> (3 * slot) & 7;
    return digit != 0 ? cpu->hot[slot][digit - 1] : 0;
}
