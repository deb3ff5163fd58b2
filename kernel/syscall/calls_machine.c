/* SPDX-License-Identifier: MIT */
/*
 * System calls on the machine: debug console and power; its facts are in calls_info.c.
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
long do_debug_write(uword buffer, u32 length) {
    u32 left = length;
    int error = left > INT32_MAX ? E_INVALID : user_range_check(buffer, left);
    char *page = error == E_OK ? ipc_page() : NULL;
    if (page == NULL) {
        return -(error != E_OK ? error : E_NOMEM);
    }
    while (left > 0) {
        u32 piece = left < PAGE_SIZE ? left : PAGE_SIZE;
        error = copy_in(page, buffer, piece);
        error = error != E_OK ? error : console_write(page, piece);
        if (error != E_OK) {
            return left == length ? -error : (long)(length - left);
        }
        buffer += piece;
        left -= piece;
    }
    return (long)length;
}

long do_console_take(struct notification *notification, u32 bits) {
    int error = notification_bits_check(bits);
    if (error == E_OK) {
        error = console_take(notification, bits);
    }
    return error != E_OK ? -error : object_install(&console_object, OBJECT_CONSOLE, RIGHT_READ);
}

long do_console_read(uword buffer, u32 length) {
    u32 size = length < PAGE_SIZE ? length : PAGE_SIZE;
    int error = user_writable_check(buffer, size);
    char *page = error == E_OK ? ipc_page() : NULL;
    if (page == NULL) {
        return -(error != E_OK ? error : E_NOMEM);
    }
    u32 count = console_read(page, size);
    error = copy_out(buffer, page, count);
    return error != E_OK ? -error : (long)count;
}

long do_monitor_enter(void) { return -monitor_enter(); }

long do_system_off(u32 status) {
    console_settle();
    arch_power_off((int)status);
}
