/* SPDX-License-Identifier: MIT */
/*
 * System calls on processes. The work is in process/; here are arguments, handles and user memory.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"

long do_process_clone(u32 plan, uword entry, uword sp, uword argument) {
    bool valid = (plan & ~(0xFFu | CLONE_FLAGS)) == 0 && user_address_valid(entry) &&
                 user_address_valid(sp) && user_address_valid(argument) && entry < ARCH_USER_TOP &&
                 sp <= ARCH_USER_TOP;
    return valid ? process_clone(plan, (u32)entry, (u32)sp, (u32)argument) : -E_INVALID;
}

long do_process_exit(u32 status) { process_exit(STATUS_CODE(status)); }

/* CHILD: null for any; HANDLE: what the caller calls it. The place for the result is checked before
 * waiting: else a child's end could be lost. */
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

long do_process_wait(int handle, u32 flags, uword result) {
    struct handle child;
    if (flags & ~WAIT_NOHANG) {
        return -E_INVALID;
    }
    if (handle == QUARTET_ANY) {
        return wait_for(NULL, handle, flags, result);
    }
    int error = object_lookup(handle, OBJECT_PROCESS, RIGHT_READ, &child);
    if (error != E_OK) {
        return -error;
    }
    long answer = wait_for(child.object, handle, flags, result);
    process_release(child.object);
    return answer;
}

long do_process_kill(struct process *process, u32 status) {
    process_end(process, STATUS_KILLED | STATUS_CODE(status), 0);
    return 0;
}

long do_process_open(u32 pid) {
    struct process *process = process_find(pid);
    if (process == NULL) {
        return -E_NOTFOUND;
    }
    if (process->pid != pid) {
        process_release(process);
        return -E_NOTFOUND;
    }
    return object_install(process, OBJECT_PROCESS, RIGHTS_ALL);
}

long do_process_limit(uword address) {
    struct process_limits limits;
    int error = copy_in(&limits, address, sizeof(limits));
    return error != E_OK ? -error : -process_set_limits(&limits);
}

long do_process_trace(struct process *process, bool on) {
    process->traced = on;
    return 0;
}
