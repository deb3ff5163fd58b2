/* SPDX-License-Identifier: MIT */
/* The monitor's commands on memory: memory, peek. See commands.h. */
#include "debug/monitor/commands.h"
#include "kernel/base/cpu.h"
#include "kernel/base/print.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/vm/frame_zone.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"

static u32 list_length(const struct list *head) {
    u32 count = 0;
    LIST_FOR_EACH(link, head) {
        if (++count > FOLLOW_LIMIT) {
            print("a list of blocks has no end\n");
            break;
        }
    }
    return count;
}

static void zone_print(const struct zone *zone, const char *name) {
    u32 cached = 0;
    for (u32 i = 0; i < cpu_count; i++) {
        cached += zone->cache[i].count;
    }
    if (zone->total == 0) {
        return;
    }
    print("  %-5s %8u frames, %8u used, %8u free: %u whole 2 MiB blocks, %u in part, %u frames in "
          "CPUs' caches\n",
          name, zone->total, zone->total - zone->free - cached, zone->free + cached,
          list_length(&zone->whole), list_length(&zone->partial), cached);
}

static void limit_print(const char *name, u32 used, u32 limit) {
    if (limit == UINT32_MAX) {
        print(" %u %s,", used, name);
    } else {
        print(" %u of %u %s,", used, limit, name);
    }
}

static void budget_print(const struct budget *budget) {
    static const char *const names[] = {
        [BUDGET_FRAMES] = "frames",
        [BUDGET_PROCESSES] = "processes",
        [BUDGET_THREADS] = "threads",
        [BUDGET_QUARTERS] = "quarters",
    };
    print("  budget %u", budget->index);
    if (budget->parent != NULL) {
        print(" in %u", budget->parent->index);
    }
    print(":");
    for (u32 i = 0; i < BUDGET_RESOURCES; i++) {
        limit_print(names[i], budget->resource[i].used, budget->resource[i].limit);
    }
    print(" %u references\n", budget->references);
}

enum monitor_result monitor_memory(const struct monitor_words *words) {
    (void)words;
    zone_print(&zone_low, "low");
    zone_print(&zone_high, "high");
    print("  %u frames of the low ones are roots that are kept for new spaces\n",
          arch_root_spare_frames());
    print("  %u processes, %u threads, %u spaces, %u quarters\n", process_count(), thread_count(),
          space_count(), quarter_count());
    for (u32 index = 1; index < BUDGET_COUNT + 2; index++) {
        const struct budget *budget = budget_by_index((u16)index);
        if (budget->references != 0) {
            budget_print(budget);
        }
    }
    return MONITOR_DONE;
}

#define PEEK_WORDS 8u
#define PEEK_LINE 4u /* words in a line */

/* Where nothing is, an exception ends the command. */
enum monitor_result monitor_peek(const struct monitor_words *words) {
    u64 address;
    if (!monitor_number(words->word[1], &address) || (uword)address != address) {
        return MONITOR_USAGE;
    }
    const volatile uword *place = (const uword *)((uword)address & ~(sizeof(uword) - 1));
    for (u32 i = 0; i < PEEK_WORDS; i++) {
        if (i % PEEK_LINE == 0) {
            print("  0x%lx:", (unsigned long)(place + i));
        }
        print(sizeof(uword) == 8 ? " %016lx" : " %08lx", (unsigned long)place[i]);
        if (i % PEEK_LINE == PEEK_LINE - 1) {
            print("\n");
        }
    }
    return MONITOR_DONE;
}
