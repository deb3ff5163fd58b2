/* SPDX-License-Identifier: MIT */
/*
 * System calls on notifications. The work is in ipc/notification.c.
 */
#include "kernel/ipc/notification.h"

#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"

long do_notification_create(void) {
    struct notification *notification;
    struct budget *budget = process_budget(process_current());
    int error = notification_create(budget, &notification);
    budget_release(budget);
    return error != E_OK ? -error : object_install(notification, OBJECT_NOTIFICATION, RIGHTS_ALL);
}

long do_notification_signal(struct notification *notification, u32 bits) {
    int error = notification_bits_check(bits);
    if (error == E_OK) {
        notification_signal(notification, bits);
    }
    return -error;
}

/* 0 to look only, FUTEX_FOREVER: no limit. */
static u64 wait_deadline(u32 microseconds) {
    if (microseconds == 0 || microseconds == FUTEX_FOREVER) {
        return microseconds == 0 ? 0 : WAIT_FOREVER;
    }
    return deadline_after(microseconds);
}

long do_notification_wait(struct notification *notification, u32 mask, u32 microseconds) {
    int error = notification_bits_check(mask);
    return error != E_OK ? -error
                         : notification_wait(notification, mask, wait_deadline(microseconds));
}

long do_notification_timer(struct notification *notification, u32 bits, u32 microseconds,
                           u32 period) {
    int error = notification_bits_check(bits);
    if (error == E_OK) {
        error = notification_timer_set(notification, bits,
                                       (u64)microseconds * NANOSECONDS_PER_MICROSECOND,
                                       (u64)period * NANOSECONDS_PER_MICROSECOND);
    }
    return -error;
}
