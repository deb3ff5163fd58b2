/* SPDX-License-Identifier: MIT */
/*
 * System calls on processes. The work is in process/; here are handles, rights and user memory.
 * Rights on a process handle: READ to wait, WRITE to kill and trace, MAP to change its space.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"

long call_process_clone(uword plan, uword entry, uword sp, uword argument) {
    bool valid = ((u32)plan & ~(0xFFu | CLONE_FLAGS)) == 0 && user_address_valid(entry) &&
                 user_address_valid(sp) && user_address_valid(argument) && entry < ARCH_USER_TOP &&
                 sp <= ARCH_USER_TOP;
    return valid ? process_clone((u32)plan, (u32)entry, (u32)sp, (u32)argument) : -E_INVALID;
}

long call_process_exit(uword status, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    process_exit(STATUS_CODE((u32)status));
}

/* CHILD: null for any; the reference goes to the caller. */
static long wait_for(struct process *child, int handle, u32 flags, uword result) {
    struct process_status status = {.handle = QUARTET_NONE};
    int error = user_writable_check(result, sizeof(status));
    if (error == E_OK) {
        error = process_wait(child, flags, &status);
    }
    if (error != E_OK) {
        return -error;
    }
    if (child != NULL) {
        status.handle = handle;
    }
    return -copy_out(result, &status, sizeof(status));
}

/* The place for the result is checked before waiting: else a child's end could be lost. */
long call_process_wait(uword handle, uword flags, uword result, uword d UNUSED) {
    struct process *child;
    if ((u32)flags & ~WAIT_NOHANG) {
        return -E_INVALID;
    }
    if ((int)handle == QUARTET_ANY) {
        return wait_for(NULL, QUARTET_NONE, (u32)flags, result);
    }
    int error = process_lookup((int)handle, RIGHT_READ, &child);
    if (error != E_OK) {
        return -error;
    }
    long answer = wait_for(child, (int)handle, (u32)flags, result);
    process_put(child);
    return answer;
}

long call_process_kill(uword handle, uword status, uword c UNUSED, uword d UNUSED) {
    struct process *process;
    int error = process_lookup((int)handle, RIGHT_WRITE, &process);
    if (error == E_OK) {
        process_end(process, STATUS_KILLED | STATUS_CODE((u32)status), 0);
        process_put(process);
    }
    return -error;
}

long call_process_open(uword system, uword pid, uword c UNUSED, uword d UNUSED) {
    int error = system_check((int)system, RIGHT_EXECUTE);
    if (error != E_OK) {
        return -error;
    }
    struct process *process = process_find((u32)pid);
    if (process == NULL) {
        return -E_NOTFOUND;
    }
    if (process->pid != (u32)pid) {
        process_put(process);
        return -E_NOTFOUND;
    }
    return object_install(process, OBJECT_PROCESS, RIGHTS_ALL);
}

long call_process_limit(uword address, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct process_limits limits;
    int error = copy_in(&limits, address, sizeof(limits));
    return error != E_OK ? -error : -process_set_limits(&limits);
}

long call_process_trace(uword handle, uword on, uword c UNUSED, uword d UNUSED) {
    struct process *process;
    if ((u32)on > 1) {
        return -E_INVALID;
    }
    int error = process_lookup((int)handle, RIGHT_WRITE, &process);
    if (error == E_OK) {
        process->traced = (u32)on != 0;
        process_put(process);
    }
    return -error;
}
