/* SPDX-License-Identifier: MIT */
/*
 * System calls on notifications: WRITE to signal, READ to wait and for timers. The work is in
 * ipc/notification.c.
 */
#include "kernel/ipc/notification.h"

#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"

#define NANOSECONDS_PER_MICROSECOND 1000u

long call_notification_create(uword a UNUSED, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct notification *notification;
    struct budget *budget = process_budget(process_current());
    int error = notification_create(budget, &notification);
    budget_release(budget);
    return error != E_OK ? -error : object_install(notification, OBJECT_NOTIFICATION, RIGHTS_ALL);
}

long call_notification_signal(uword handle, uword bits, uword c UNUSED, uword d UNUSED) {
    struct notification *notification;
    int error = notification_lookup((int)handle, (u32)bits, RIGHT_WRITE, &notification);
    if (error != E_OK) {
        return -error;
    }
    notification_signal(notification, (u32)bits);
    notification_release(notification);
    return 0;
}

/* 0 to look only, FUTEX_FOREVER: no limit. */
static u64 wait_deadline(u32 microseconds) {
    if (microseconds == 0 || microseconds == FUTEX_FOREVER) {
        return microseconds == 0 ? 0 : WAIT_FOREVER;
    }
    return arch_clock() + (u64)microseconds * NANOSECONDS_PER_MICROSECOND;
}

long call_notification_wait(uword handle, uword mask, uword microseconds, uword d UNUSED) {
    struct notification *notification;
    int result = notification_lookup((int)handle, (u32)mask, RIGHT_READ, &notification);
    if (result != E_OK) {
        return -result;
    }
    result = notification_wait(notification, (u32)mask, wait_deadline((u32)microseconds));
    notification_release(notification);
    return result;
}

long call_notification_timer(uword handle, uword bits, uword microseconds, uword period) {
    struct notification *notification;
    int error = notification_lookup((int)handle, (u32)bits, RIGHT_READ, &notification);
    if (error != E_OK) {
        return -error;
    }
    error = notification_timer_set(notification, (u32)bits,
                                   (u64)(u32)microseconds * NANOSECONDS_PER_MICROSECOND,
                                   (u64)(u32)period * NANOSECONDS_PER_MICROSECOND);
    notification_release(notification);
    return -error;
}
