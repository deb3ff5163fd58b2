/* SPDX-License-Identifier: MIT */
/*
 * The same facts on a terminal: a field for each slot, on a ground coloured as qps colours sub-IDs; the
 * colours of shared quarters are bright, and the others' letters only. Plain if nobody looks.
 */
#include "view.h"

#include "../command.h"

#define LINES 24u
#define HEAD_LINES 3u

static void show_cpus(const struct facts *facts) {
    for (uint32_t i = 0; i < facts->cpus && i < 4; i++) {
        const struct info_cpu *cpu = &facts->cpu[i];
        printf("%sCPU %lu %s", i > 0 ? "   " : "", (unsigned long)i, facts->cpu_name[i]);
        if (cpu->tags != 0) {
            printf(" %04lo", (unsigned long)cpu->tag);
        }
    }
    putchar('\n');
}

static void show_slot(const struct info_slot *slot) {
    if (slot->sub_id == 0) {
        printf(" %14s", "-");
        return;
    }
    int colour = 1 + (int)(slot->sub_id % 6);
    const char *view = slot->commons ? "g" : slot->view & RIGHT_WRITE ? " " : "r";
    printf(" %s%s%6lu%s %6lu%s", slot->processes > 1 ? command_colour(30) : "",
           command_colour(slot->processes > 1 ? 40 + colour : 30 + colour),
           (unsigned long)slot->sub_id, view, (unsigned long)slot->resident, command_colour(0));
}

static void show_process(const struct info_process *info) {
    printf("%4lu %-8.8s %s", (unsigned long)info->pid, info->name, info->running != 0 ? "*" : " ");
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        show_slot(&info->slot[slot]);
    }
    putchar('\n');
}

void text_show(const struct facts *facts) {
    uint32_t room = command_on_screen() ? LINES - HEAD_LINES - 1 : PROCESS_LIMIT;
    fputs(command_on_screen() ? "\033[H\033[J" : "", stdout);
    show_cpus(facts);
    printf(" PID NAME      ");
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        printf("  SLOT%lu   PAGES", (unsigned long)slot);
    }
    putchar('\n');
    uint32_t shown = facts->processes < room ? facts->processes : room;
    for (uint32_t i = 0; i < shown; i++) {
        show_process(&facts->process[i].info);
    }
    if (facts->processes + facts->more > shown) {
        printf("  and %lu more", (unsigned long)(facts->processes + facts->more - shown));
    }
    fflush(stdout);
}
