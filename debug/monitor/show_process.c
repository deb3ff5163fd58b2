/* SPDX-License-Identifier: MIT */
/* The monitor's commands on processes: ps, space. See commands.h. */
#include "debug/monitor/commands.h"
#include "kernel/base/cpu.h"
#include "kernel/base/print.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/vm/space.h"

/* ---- ps -------------------------------------------------------------------------------------- */

static const char *thread_state(const struct thread *thread) {
    static const char *const names[] = {"new", "ready", "runs", "waits", "dead"};
    return thread->state < ARRAY_LENGTH(names) ? names[thread->state] : "?";
}

static const char *process_state(const struct process *process) {
    return process->ended     ? "ended"
           : process->dying   ? "ends"
           : process->stopped ? "stopped"
                              : "lives";
}

/* What the message is for that STATE's thread waits with. */
static void message_print(const struct ipc_state *state, const char *what) {
    switch (state->phase) {
    case IPC_QUEUED:
        print(" %s: queued at endpoint %p", what, (void *)state->server);
        break;
    case IPC_AWAITING:
        print(" %s: a reply of process %u", what, state->receiver ? state->receiver->pid : 0);
        break;
    case IPC_RECEIVING:
        print(" %s: receives", what);
        break;
    }
}

static void wait_print(const struct thread *thread) {
    if (thread->fault_ipc != NULL && thread->fault_ipc->phase != IPC_IDLE) {
        message_print(thread->fault_ipc, "page from its pager");
    } else if (thread->ipc != NULL && thread->ipc->phase != IPC_IDLE) {
        message_print(thread->ipc, "message");
    } else if (!list_empty(&thread->queue)) {
        print(" in a queue");
    }
    if (!list_empty(&thread->sleeping)) {
        u64 now = arch_clock();
        print(
            " for %llu ms at most",
            (unsigned long long)(thread->deadline > now ? (thread->deadline - now) / 1000000 : 0));
    }
}

static void thread_print(const struct thread *thread) {
    print("      thread %-6u %-6s CPU %-2u priority %-2u", thread->tid, thread_state(thread),
          thread->cpu, thread->priority);
    if (thread->state == THREAD_WAITING) {
        wait_print(thread);
    }
    print("%s%s\n", thread->killed ? " killed" : "", thread->pinned ? " pinned" : "");
}

static void threads_print(const struct process *process) {
    u32 count = 0;
    LIST_FOR_EACH(link, &process->threads) {
        if (++count > FOLLOW_LIMIT) {
            print("the list of threads has no end\n");
            return;
        }
        thread_print(LIST_ENTRY(link, struct thread, sibling));
    }
}

static void process_print(const struct process *process) {
    u64 milliseconds = process->cpu_time / 1000000;
    print("%5u %-10s %-7s parent %-5u %3u threads %3u handles %6llu.%03llu s\n", process->pid,
          process->name, process_state(process), process->parent ? process->parent->pid : 0,
          process->thread_count, process->handles.count, (unsigned long long)(milliseconds / 1000),
          (unsigned long long)(milliseconds % 1000));
    threads_print(process);
}

enum monitor_result monitor_ps(const struct monitor_words *words) {
    if (words->count > 1) {
        const struct process *process = monitor_process_named(words, 1);
        if (process != NULL) {
            process_print(process);
        }
        return MONITOR_DONE;
    }
    FOR_EACH_PROCESS(process) { process_print(process); }
    return MONITOR_DONE;
}

/* ---- space ----------------------------------------------------------------------------------- */

static void slot_print(const struct process *process, const struct space *space, u32 slot) {
    const struct quarter *quarter = space->slot[slot].quarter;
    if (quarter == NULL) {
        print("  slot %u  nothing\n", slot);
        return;
    }
    print("  slot %u  quarter %llu  view %s  %u references  %u pages  %u tables%s\n", slot,
          (unsigned long long)quarter->sub_id, monitor_rights(space->slot[slot].view).text,
          quarter->references, quarter->resident, quarter->tables,
          process->loans >> slot & 1 ? "  on loan" : "");
}

static void loaded_print(const struct space *space) {
    for (u32 i = 0; i < cpu_count; i++) {
        if (cpus[i].loaded == space) {
            print("  loaded on CPU %u", i);
            monitor_tag_print(&cpus[i]);
            print("\n");
        }
    }
}

enum monitor_result monitor_space(const struct monitor_words *words) {
    const struct process *process = monitor_process_named(words, 1);
    if (process == NULL) {
        return MONITOR_DONE;
    }
    const struct space *space = process->space;
    if (space == NULL) {
        print("process %u has none any more\n", process->pid);
        return MONITOR_DONE;
    }
    print("process %u %s: space %llu, %u references\n", process->pid, process->name,
          (unsigned long long)space->id, space->references);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        slot_print(process, space, slot);
    }
    loaded_print(space);
    return MONITOR_DONE;
}
