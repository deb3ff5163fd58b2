/* SPDX-License-Identifier: MIT */
/*
 * system_info: facts about the machine, its CPUs, processes and regions. A structure is filled from
 * several places, each under its own lock or none, so it is a glimpse: numbers in it need not add
 * up. What other CPUs count is read as it stands. No pointer is followed that is not referenced or
 * under its lock.
 */
#include <string.h>

#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/boot/boot.h"
#include "kernel/device/memory.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/space.h"
#include "kernel/vm/tags.h"

static void text_set(char *to, size_t size, const char *from) {
    size_t length = strnlen(from, size - 1);
    memcpy(to, from, length);
    memset(to + length, 0, size - length);
}

static void machine_fill_counters(struct info_machine *info) {
    struct vm_counters sum;
    vm_counters_sum(&sum);
    info->page_faults = sum.page_faults;
    info->zero_fills = sum.zero_fills;
    info->page_copies = sum.page_copies;
    info->page_reclaims = sum.page_reclaims;
    info->table_copies = sum.table_copies;
    info->table_reclaims = sum.table_reclaims;
    info->large_fills = sum.large_fills;
    info->large_splits = sum.large_splits;
    info->spurious_faults = sum.spurious_faults;
    info->pager_faults = sum.pager_faults;
    info->pages_supplied = sum.pages_supplied;
    info->translation = sum.translation;
    for (u32 i = 0; i < cpu_count; i++) {
        info->switches += cpus[i].switches;
        info->steals += cpus[i].steals;
        info->system_calls += cpus[i].system_calls;
        info->lock_waits += cpus[i].lock_waits;
    }
}

static int machine_fill(struct info_machine *info) {
    memset(info, 0, sizeof(*info));
    text_set(info->arch, sizeof(info->arch), ARCH_NAME);
    text_set(info->features, sizeof(info->features), arch_features());
    info->uptime = arch_clock();
    info->cpus = cpu_count;
    info->frames = frame_total();
    info->frames_free = frame_free_count();
    info->frames_high = frame_high_total();
    info->frames_high_free = frame_high_free_count();
    info->processes = process_count();
    info->threads = thread_count();
    info->quarters = quarter_count();
    info->spaces = space_count();
    machine_fill_counters(info);
    return E_OK;
}

static int cpu_fill(struct info_cpu *info) {
    u32 number = info->number;
    if (number >= cpu_count) {
        return E_NOTFOUND;
    }
    struct cpu *cpu = &cpus[number];
    memset(info, 0, sizeof(*info));
    info->number = number;
    info->pid = atomic_read(&cpu->pid);
    info->space = process_space_id(info->pid, __atomic_load_n(&cpu->loaded, __ATOMIC_RELAXED));
    info->tags = arch_tag_count();
    info->switches = cpu->switches;
    info->steals = cpu->steals;
    info->system_calls = cpu->system_calls;
    info->lock_waits = cpu->lock_waits;
    info->interrupts_received = cpu->interrupts_received;
    info->page_faults = vm_counters[number].page_faults;
    info->ready = sched_length(number);
    info->translation = vm_counters[number].translation;
    if (info->tags != 0) {
        info->tag = cpu->tag;
        tags_info_fill(number, info);
    }
    return E_OK;
}

static void quarter_info_fill(struct quarter *quarter, struct info_slot *info) {
    info->sub_id = quarter->sub_id;
    info->references = atomic_read(&quarter->references);
    info->running = quarter_running(quarter);
    quarter_lock(quarter);
    info->resident = quarter->resident;
    info->tables = quarter->tables;
    info->regions = quarter->regions ? quarter->regions->count : 0;
    info->commons = quarter->commons;
    info->faults = quarter->faults;
    info->shootdowns = quarter->shootdowns;
    info->interrupts_sent = quarter->interrupts_sent;
    info->interrupts_saved = quarter->interrupts_saved;
    quarter_unlock(quarter);
}

static void slot_fill(struct info_slot *info, const struct space_slot *place, u32 slot) {
    memset(info, 0, sizeof(*info));
    if (place->quarter == NULL) {
        return;
    }
    quarter_info_fill(place->quarter, info);
    info->view = place->view;
    info->processes = process_count_in(place->quarter, slot);
    sched_preemption_point();
}

static int process_fill(struct info_process *info) {
    struct process *process = process_find(info->pid);
    if (process == NULL) {
        return E_NOTFOUND;
    }
    memset(info, 0, sizeof(*info));
    process_describe(process, info);
    struct space *space = process_space(process);
    if (space != NULL) {
        info->space = space->id;
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            slot_fill(&info->slot[slot], &space->slot[slot], slot);
        }
        space_release(space);
    }
    process_release(process);
    return E_OK;
}

/* The quarter in SLOT of the process with ID PID, with a plain reference. */
static int process_quarter(u32 pid, u32 slot, struct quarter **quarter) {
    if (slot >= SLOT_COUNT) {
        return E_SLOT;
    }
    struct process *process = process_find(pid);
    struct space *space = process != NULL && process->pid == pid ? process_space(process) : NULL;
    *quarter = space != NULL ? space->slot[slot].quarter : NULL;
    if (*quarter != NULL) {
        quarter_reference(*quarter);
    }
    if (space != NULL) {
        space_release(space);
    }
    if (process != NULL) {
        process_release(process);
    }
    return *quarter != NULL ? E_OK : E_NOTFOUND;
}

static int region_fill(struct info_region *info) {
    struct quarter *quarter;
    int error = process_quarter(info->pid, info->slot, &quarter);
    if (error != E_OK) {
        return error;
    }
    struct info_region in = *info;
    memset(info, 0, sizeof(*info));
    error = quarter_region_info(quarter, in.index, info);
    quarter_release(quarter);
    info->pid = in.pid;
    info->slot = in.slot;
    info->index = in.index;
    return error;
}

static long command_line_copy(uword buffer, u32 length) {
    const char *text = boot_command_line();
    u32 size = (u32)strlen(text) + 1;
    return size > length ? -E_TOOBIG : -copy_out(buffer, text, size);
}

union info {
    struct info_machine machine;
    struct info_cpu cpu;
    struct info_process process;
    struct info_region region;
    struct info_framebuffer framebuffer;
};

static int info_fill(u32 kind, union info *info) {
    switch (kind) {
    case INFO_MACHINE:
        return machine_fill(&info->machine);
    case INFO_CPU:
        return cpu_fill(&info->cpu);
    case INFO_PROCESS:
        return process_fill(&info->process);
    case INFO_FRAMEBUFFER:
        return device_framebuffer(&info->framebuffer);
    default:
        return region_fill(&info->region);
    }
}

/* LENGTH must have room for the structure (or the text with its end): else E_TOOBIG. */
long do_system_info(u32 kind, uword buffer, u32 length) {
    static const u16 sizes[] = {
        [INFO_MACHINE] = sizeof(struct info_machine),
        [INFO_PROCESS] = sizeof(struct info_process),
        [INFO_REGION] = sizeof(struct info_region),
        [INFO_CPU] = sizeof(struct info_cpu),
        [INFO_FRAMEBUFFER] = sizeof(struct info_framebuffer),
    };
    union info info;
    if (kind == INFO_COMMAND_LINE) {
        return command_line_copy(buffer, length);
    }
    if (kind >= ARRAY_LENGTH(sizes) || sizes[kind] == 0) {
        return -E_INVALID;
    }
    u32 size = sizes[kind];
    if (length < size) {
        return -E_TOOBIG;
    }
    int error = copy_in(&info, buffer, size);
    if (error == E_OK) {
        error = info_fill(kind, &info);
    }
    return error != E_OK ? -error : -copy_out(buffer, &info, size);
}
