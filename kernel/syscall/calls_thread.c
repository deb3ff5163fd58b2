/* SPDX-License-Identifier: MIT */
/*
 * System calls on threads, time and futexes. The work is in process/thread.c and sched/; here
 * arguments are checked and microseconds become deadlines.
 */
#include "kernel/process/process.h"
#include "kernel/sched/futex.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"

long do_thread_id(void) { return (long)thread_current()->tid; }

long do_thread_create(uword entry, uword sp, uword argument, uword tls) {
    struct thread *thread;
    bool valid = user_address_valid(entry) && user_address_valid(sp) &&
                 user_address_valid(argument) && user_address_valid(tls) && entry != 0 &&
                 entry < ARCH_USER_TOP && sp <= ARCH_USER_TOP;
    if (!valid) {
        return -E_INVALID;
    }
    int error = thread_create(process_current(), &thread);
    if (error != E_OK) {
        return -error;
    }
    long tid = (long)thread->tid; /* read now: it may have ended when we look again */
    arch_thread_start_user(thread, (u32)entry, (u32)sp, (u32)argument);
    arch_thread_set_pointer(thread, (u32)tls);
    thread_start(thread);
    return tid;
}

long do_thread_exit(uword word) {
    if (word != 0) {
        int error = word % sizeof(u32) != 0 ? E_ALIGN : user_writable_check(word, sizeof(u32));
        if (error != E_OK) {
            return -error;
        }
    }
    thread_current()->exit_word = (u32)word;
    thread_exit();
}

long do_thread_yield(void) {
    sched_yield();
    return 0;
}

long do_thread_sleep(u32 microseconds) {
    int result = sched_wait(NULL, NULL, deadline_after(microseconds), true);
    return result == E_TIMEOUT ? 0 : -result;
}

long do_thread_priority(u32 priority) {
    if (priority >= PRIORITY_LEVELS) {
        return -E_INVALID;
    }
    if (priority > process_current()->priority_limit) {
        return -E_LIMIT;
    }
    return (long)sched_set_priority(priority);
}

long do_thread_tls(uword base) {
    if (!user_address_valid(base)) {
        return -E_INVALID;
    }
    arch_thread_set_pointer(thread_current(), (u32)base);
    return 0;
}

long do_futex_wait(uword address, u32 expected, u32 microseconds) {
    u64 deadline = microseconds == FUTEX_FOREVER ? WAIT_FOREVER : deadline_after(microseconds);
    int error = user_range_check(address, sizeof(u32));
    return error != E_OK ? -error : -futex_wait((u32)address, expected, deadline);
}

long do_futex_wake(uword address, u32 count) {
    int error = user_range_check(address, sizeof(u32));
    return error != E_OK ? -error : futex_wake((u32)address, count);
}

long do_clock_now(uword nanoseconds) {
    u64 now = arch_clock();
    return -copy_out(nanoseconds, &now, sizeof(now));
}

long do_thread_pin(u32 number) {
    if (number != THREAD_ANY_CPU && number >= cpu_count) {
        return -E_INVALID;
    }
    return -sched_pin(number == THREAD_ANY_CPU ? SCHED_ANY_CPU : number);
}
