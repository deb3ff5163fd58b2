/* SPDX-License-Identifier: MIT */
/*
 * System calls on the machine: debug console, facts, power. Each needs a handle to the system
 * object.
 */
#include <string.h>

#include "kernel/base/cpu.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/space.h"

/* ---- Debug console --------------------------------------------------------------------------- */

/* What the console takes with interrupts off: a serial line needs 11 ms for it. */
#define CONSOLE_PIECE 128u

/* How many of LENGTH bytes to write in one go: whole lines if there are any, so that the kernel's
 * own lines come between them. */
static u32 console_piece(const char *bytes, u32 length) {
    u32 limit = length < CONSOLE_PIECE ? length : CONSOLE_PIECE;
    u32 piece = limit;
    while (piece > 0 && bytes[piece - 1] != '\n') {
        piece--;
    }
    return piece > 0 ? piece : limit;
}

static int console_write(const char *bytes, u32 length) {
    while (length > 0) {
        u32 piece = console_piece(bytes, length);
        print_bytes(bytes, piece);
        bytes += piece;
        length -= piece;
        sched_preemption_point();
        if (thread_current()->killed) {
            return E_KILLED;
        }
    }
    return E_OK;
}

/* An unreadable page in the middle ends it: what stands before has been written and is counted. */
long call_debug_write(uword system, uword buffer, uword length, uword d UNUSED) {
    u32 left = (u32)length;
    int error = system_check((int)system, RIGHT_WRITE);
    if (error == E_OK) {
        error = left > INT32_MAX ? E_INVALID : user_range_check(buffer, left);
    }
    char *page = error == E_OK ? ipc_page() : NULL;
    if (page == NULL) {
        return -(error != E_OK ? error : E_NOMEM);
    }
    while (left > 0) {
        u32 piece = left < PAGE_SIZE ? left : PAGE_SIZE;
        error = copy_in(page, buffer, piece);
        error = error != E_OK ? error : console_write(page, piece);
        if (error != E_OK) {
            return left == (u32)length ? -error : (long)((u32)length - left);
        }
        buffer += piece;
        left -= piece;
    }
    return (long)(u32)length;
}

long call_debug_read(uword system, uword buffer, uword length, uword d UNUSED) {
    int error = system_check((int)system, RIGHT_WRITE);
    u32 size = (u32)length < PAGE_SIZE ? (u32)length : PAGE_SIZE;
    if (error == E_OK) {
        error = user_writable_check(buffer, size); /* before anything is taken from the input */
    }
    if (error != E_OK || size == 0) {
        return -error;
    }
    char *page = ipc_page();
    if (page == NULL) {
        return -E_NOMEM;
    }
    int count = console_read(page, size);
    if (count > 0) {
        error = copy_out(buffer, page, (u32)count);
    }
    return error != E_OK ? -error : count;
}

/* ---- Facts ----------------------------------------------------------------------------------- */

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
    info->shootdowns = sum.shootdowns;
    for (u32 i = 0; i < cpu_count; i++) {
        info->switches += cpus[i].switches;
        info->space_loads += cpus[i].space_loads;
        info->system_calls += cpus[i].system_calls;
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

static void slot_fill(struct info_slot *info, const struct space_slot *place, u32 slot) {
    struct quarter_stat stat;
    memset(info, 0, sizeof(*info));
    if (place->quarter == NULL) {
        return;
    }
    quarter_stat_fill(place->quarter, &stat);
    info->sub_id = stat.sub_id;
    info->references = stat.references;
    info->view = place->view;
    info->resident = stat.resident;
    info->tables = stat.tables;
    info->regions = stat.regions;
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
    process_put(process);
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
        process_put(process);
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
    quarter_put(quarter);
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
    struct info_process process;
    struct info_region region;
};

static int info_fill(u32 kind, union info *info) {
    switch (kind) {
    case INFO_MACHINE:
        return machine_fill(&info->machine);
    case INFO_PROCESS:
        return process_fill(&info->process);
    default:
        return region_fill(&info->region);
    }
}

/* LENGTH must have room for the structure (or the text with its end): else E_TOOBIG. */
long call_system_info(uword system, uword kind, uword buffer, uword length) {
    static const u16 sizes[] = {
        [INFO_MACHINE] = sizeof(struct info_machine),
        [INFO_PROCESS] = sizeof(struct info_process),
        [INFO_REGION] = sizeof(struct info_region),
    };
    union info info;
    int error = system_check((int)system, RIGHT_READ);
    if (error != E_OK) {
        return -error;
    }
    if ((u32)kind == INFO_COMMAND_LINE) {
        return command_line_copy(buffer, (u32)length);
    }
    if ((u32)kind >= ARRAY_LENGTH(sizes) || sizes[(u32)kind] == 0) {
        return -E_INVALID;
    }
    u32 size = sizes[(u32)kind];
    if ((u32)length < size) {
        return -E_TOOBIG;
    }
    error = copy_in(&info, buffer, size);
    if (error == E_OK) {
        error = info_fill((u32)kind, &info);
    }
    return error != E_OK ? -error : -copy_out(buffer, &info, size);
}

long call_system_off(uword system, uword status, uword c UNUSED, uword d UNUSED) {
    int error = system_check((int)system, RIGHT_EXECUTE);
    if (error != E_OK) {
        return -error;
    }
    arch_power_off((int)status);
}
