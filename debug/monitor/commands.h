/* SPDX-License-Identifier: MIT */
/*
 * The monitor's commands, one function each, and what they share. They run while all other CPUs stand
 * still wherever they were, so any structure may be half changed: what they follow may lead nowhere
 * (the exception ends the command), and lists may have no end (FOLLOW_LIMIT).
 *   commands.c       the table; help, continue, reboot, off
 *   show_process.c   ps, space
 *   show_quarter.c   quarters, quarter
 *   show_walk.c      walk
 *   show_cpu.c       cpus, locks, backtrace
 *   show_memory.c    memory, peek
 */
#ifndef DEBUG_MONITOR_COMMANDS_H
#define DEBUG_MONITOR_COMMANDS_H

#include "debug/monitor/line.h"
#include "kernel/base/types.h"

struct cpu;
struct process;
struct quarter;
struct region;
struct space;

enum monitor_result { MONITOR_DONE, MONITOR_USAGE, MONITOR_CONTINUE };

/* Run the command that TEXT says; it is cut up. */
enum monitor_result monitor_run(char *text);

enum monitor_result monitor_ps(const struct monitor_words *words);
enum monitor_result monitor_space(const struct monitor_words *words);
enum monitor_result monitor_quarters(const struct monitor_words *words);
enum monitor_result monitor_quarter(const struct monitor_words *words);
enum monitor_result monitor_walk(const struct monitor_words *words);
enum monitor_result monitor_cpus(const struct monitor_words *words);
enum monitor_result monitor_locks(const struct monitor_words *words);
enum monitor_result monitor_backtrace(const struct monitor_words *words);
enum monitor_result monitor_peek(const struct monitor_words *words);
enum monitor_result monitor_memory(const struct monitor_words *words);

/* ---- Shared ---------------------------------------------------------------------------------- */

/* Elements of a list that are followed before it counts as endless. */
#define FOLLOW_LIMIT 100000u

/* The word number INDEX as a number of 32 bits. False: it is none, which is said. */
bool monitor_argument(const struct monitor_words *words, u32 index, u32 *value);

/* The process after PROCESS (null: the first) in the order of their IDs; null: no more, or more than
 * FOLLOW_LIMIT, which is said. One walk at a time. */
struct process *monitor_process_next(const struct process *process);
#define FOR_EACH_PROCESS(process)                                               \
    for (struct process *process = monitor_process_next(NULL); process != NULL; \
         process = monitor_process_next(process))

/* The process whose ID is the word number INDEX. Null: there is none, which is said. */
struct process *monitor_process_named(const struct monitor_words *words, u32 index);

void monitor_tag_print(const struct cpu *cpu); /* " under PCID 0o1234", where there are tags */

/* "rwx" with hyphens for what RIGHTS has not. */
struct rights_text {
    char text[4];
};
struct rights_text monitor_rights(u32 rights);

void monitor_region_print(const struct region *region, u32 slot);
/* The quarter with the lowest sub-ID above AFTER; null: none. */
struct quarter *monitor_quarter_next(u64 after);

#endif
