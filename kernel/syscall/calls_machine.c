/* SPDX-License-Identifier: MIT */
/*
 * System calls on the machine: debug console and power; its facts are in calls_info.c. Each needs a
 * handle to the system object.
 */
#include "debug/monitor/monitor.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot.h"
#include "kernel/device/console.h"
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/notification.h"
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
        console_wait_for_room();
        print_bytes(bytes, piece);
        bytes += piece;
        length -= piece;
        sched_preemption_point();
        if (thread_killed()) {
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

long call_console_take(uword system, uword handle, uword bits, uword d UNUSED) {
    struct notification *notification;
    int error = system_check((int)system, RIGHT_WRITE);
    if (error == E_OK) {
        error = notification_lookup((int)handle, (u32)bits, RIGHT_WRITE, &notification);
    }
    if (error != E_OK) {
        return -error;
    }
    error = console_take(notification, (u32)bits);
    notification_release(notification);
    return error != E_OK ? -error : object_install(&console_object, OBJECT_CONSOLE, RIGHT_READ);
}

long call_console_read(uword console, uword buffer, uword length, uword d UNUSED) {
    u32 size = (u32)length < PAGE_SIZE ? (u32)length : PAGE_SIZE;
    int error = console_check((int)console, RIGHT_READ);
    if (error == E_OK) {
        error = user_writable_check(buffer, size);
    }
    char *page = error == E_OK ? ipc_page() : NULL;
    if (page == NULL) {
        return -(error != E_OK ? error : E_NOMEM);
    }
    u32 count = console_read(page, size);
    error = copy_out(buffer, page, count);
    return error != E_OK ? -error : (long)count;
}

long call_monitor_enter(uword console, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    int error = console_check((int)console, RIGHT_READ);
    return -(error != E_OK ? error : monitor_enter());
}

long call_system_off(uword system, uword status, uword c UNUSED, uword d UNUSED) {
    int error = system_check((int)system, RIGHT_EXECUTE);
    if (error != E_OK) {
        return -error;
    }
    console_settle();
    arch_power_off((int)status);
}
