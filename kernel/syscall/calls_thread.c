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

#define NANOSECONDS_PER_MICROSECOND 1000u

static u64 deadline_after(u32 microseconds) {
    return arch_clock() + (u64)microseconds * NANOSECONDS_PER_MICROSECOND;
}

long call_thread_id(uword a UNUSED, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    return (long)thread_current()->tid;
}

long call_thread_create(uword entry, uword sp, uword argument, uword tls) {
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

long call_thread_exit(uword word, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    if (word != 0) {
        int error = word % sizeof(u32) != 0 ? E_ALIGN : user_writable_check(word, sizeof(u32));
        if (error != E_OK) {
            return -error;
        }
    }
    thread_current()->exit_word = (u32)word;
    thread_exit();
}

long call_thread_yield(uword a UNUSED, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    sched_yield();
    return 0;
}

long call_thread_sleep(uword microseconds, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    int result = sched_wait(NULL, NULL, deadline_after((u32)microseconds), true);
    return result == E_TIMEOUT ? 0 : -result;
}

long call_thread_priority(uword priority, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    if ((u32)priority >= PRIORITY_LEVELS) {
        return -E_INVALID;
    }
    if ((u32)priority > process_current()->priority_limit) {
        return -E_LIMIT;
    }
    return (long)sched_set_priority((u32)priority);
}

long call_thread_tls(uword base, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    if (!user_address_valid(base)) {
        return -E_INVALID;
    }
    arch_thread_set_pointer(thread_current(), (u32)base);
    return 0;
}

long call_futex_wait(uword address, uword expected, uword microseconds, uword d UNUSED) {
    u64 deadline =
        (u32)microseconds == FUTEX_FOREVER ? WAIT_FOREVER : deadline_after((u32)microseconds);
    int error = user_range_check(address, sizeof(u32));
    return error != E_OK ? -error : -futex_wait((u32)address, (u32)expected, deadline);
}

long call_futex_wake(uword address, uword count, uword c UNUSED, uword d UNUSED) {
    int error = user_range_check(address, sizeof(u32));
    return error != E_OK ? -error : futex_wake((u32)address, (u32)count);
}

long call_clock_now(uword nanoseconds, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    u64 now = arch_clock();
    return -copy_out(nanoseconds, &now, sizeof(now));
}

long call_thread_pin(uword number, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    if ((u32)number != THREAD_ANY_CPU && (u32)number >= cpu_count) {
        return -E_INVALID;
    }
    return -sched_pin((u32)number == THREAD_ANY_CPU ? SCHED_ANY_CPU : (u32)number);
}
