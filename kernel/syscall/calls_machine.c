/* SPDX-License-Identifier: MIT */
/*
 * System calls on the machine: debug console and power; its facts are in calls_info.c. Each needs a
 * handle to the system object.
 */
#include "kernel/base/print.h"
#include "kernel/boot/boot.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"

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

long call_system_off(uword system, uword status, uword c UNUSED, uword d UNUSED) {
    int error = system_check((int)system, RIGHT_EXECUTE);
    if (error != E_OK) {
        return -error;
    }
    arch_power_off((int)status);
}
