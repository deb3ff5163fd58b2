/* SPDX-License-Identifier: MIT */
/*
 * Threads of execution: FPU state, futexes between processes, priorities, time.
 */
#include "torture.h"

static void fpu_child(uint32_t value) {
    uint32_t x87 = 0, xmm = value;
    __asm__ volatile("fninit; fildl %0" : : "m"(value));
#ifdef __x86_64__
    __asm__ volatile("movd %0, %%xmm9" : : "r"(value));
#endif
    for (int i = 0; i < 60; i++) {
        thread_yield();
        *(volatile char *)demo_pointer(2, PAGE_SIZE * (1 + (uint32_t)i % 8)) =
            1; /* a page is zeroed meanwhile */
    }
    long child = process_clone(PLAN_FORK, 0, 0, 0);
    __asm__ volatile("fistpl %0" : "=m"(x87));
#ifdef __x86_64__
    __asm__ volatile("movd %%xmm9, %0" : "=r"(xmm));
#endif
    claim(x87 == value && xmm == value, "FPU registers are this thread's own", (long)x87);
    if (child == 0) {
        process_exit(broken != 0);
    }
    claim(end(child) == 0, "a clone has its parent's FPU registers", child);
}

static void fault(uint32_t address) { *(volatile char *)(uintptr_t)address = 1; }

static void fpu_pending(uint32_t unused) {
    (void)unused;
    static const uint16_t unmasked = 0x0340;
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp" : : "m"(unmasked));
    for (int i = 0; i < 10; i++) {
        *(volatile char *)demo_pointer(2, PAGE_SIZE * (9 + (uint32_t)i)) = 1;
        thread_yield();
        run(PLAN_FORK, fault, 0);
    }
    __asm__ volatile("fwait");
}

void attack_fpu(void) {
    long child[8], pending = start(PLAN_FORK, fpu_pending, 0);
    for (uint32_t i = 0; i < 8; i++) {
        child[i] = start(PLAN_FORK, fpu_child, 1000 + i);
    }
    for (uint32_t i = 0; i < 8; i++) {
        claim(end(child[i]) == 0, "FPU state", (long)i);
    }
    claim(end(pending) == (STATUS_FAULT | FAULT_EXCEPTION),
          "a pending FPU error is its own process's", 0);
}

static void futex_worker(uint32_t number) {
    struct quartet_mutex *mutex = (struct quartet_mutex *)&word[MUTEX];
    for (int i = 0; i < 300; i++) {
        quartet_mutex_lock(mutex);
        uint32_t seen = word[COUNT_A];
        if ((i + (int)number) % 7 == 0) {
            thread_yield(); /* so that others come to wait */
        }
        word[COUNT_A] = seen + 1;
        quartet_mutex_unlock(mutex);
        if (i % 30 == 0) {
            quartet_barrier_wait((struct quartet_barrier *)&word[BARRIER]);
        }
    }
}

void attack_futex(void) {
    long child[6];
    word[BARRIER] = 6;
    for (uint32_t i = 0; i < 6; i++) {
        child[i] = start(FORK_SHARING, futex_worker, i);
    }
    for (uint32_t i = 0; i < 6; i++) {
        claim(end_within(child[i], 10000) == 0, "a worker is not forgotten", (long)i);
    }
    claim(word[COUNT_A] == 1800, "no increment is lost", (long)word[COUNT_A]);
}

static void spinner(uint32_t argument) {
    thread_priority(argument >> 8);
    while (!word[STOP]) {
        word[argument & 0xFF]++;
    }
}

#define SPIN_WORD 64u /* the first one's */
#define SPINNERS_LIMIT 64u

static uint32_t cpu_count(void) {
    struct info_machine machine;
    memset(&machine, 0, sizeof(machine));
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof(machine));
    return machine.cpus;
}

/* Two for each CPU: while LOW, of a lower priority, waits, they share. */
static void spinners_share(long low) {
    uint32_t count = 2 * cpu_count(), least = UINT32_MAX, most = 0;
    long child[SPINNERS_LIMIT];
    for (uint32_t i = 0; i < count; i++) {
        child[i] = start(FORK_SHARING, spinner, 4 << 8 | (SPIN_WORD + i));
    }
    nap(20);
    uint32_t low_before = word[READY];
    nap(300);
    claim(word[READY] == low_before, "the low spinner waits for the others",
          (long)(word[READY] - low_before));
    word[STOP] = 1;
    claim(end_within(low, 3000) == 0, "the low spinner ends", 0);
    for (uint32_t i = 0; i < count; i++) {
        claim(end_within(child[i], 3000) == 0, "a spinner ends", (long)i);
        least = word[SPIN_WORD + i] < least ? word[SPIN_WORD + i] : least;
        most = word[SPIN_WORD + i] > most ? word[SPIN_WORD + i] : most;
    }
    /* How several CPUs even out is the concern of `spread fair`. */
    claim(count > 2 ? least > 0 : most / 3 < least, "equal priorities share", (long)least);
}

void attack_priority(void) {
    long mine = thread_priority(4); /* asked by setting: it returns the old one */
    thread_priority((uint32_t)mine);
    claim(thread_priority(PRIORITY_LEVELS - 1) == -E_LIMIT,
          "a job cannot go above servers and shell", 0);
    thread_priority((uint32_t)mine);
    long low = start(FORK_SHARING, spinner, 3 << 8 | READY);
    for (int i = 0; i < 10; i++) {
        uint64_t before = milliseconds();
        nap(5);
        claim(milliseconds() - before < 100, "a low spinner does not hold up a higher sleeper", i);
    }
    spinners_share(low);
}

void attack_timer(void) {
    static const uint32_t times[] = {0, 1, 999, 1000, 1001, 5000, 20000, 50000};
    for (uint32_t i = 0; i < 24; i++) {
        uint64_t before, after;
        clock_now(&before);
        thread_sleep(times[i % 8]);
        clock_now(&after);
        claim((after - before) / 1000 >= times[i % 8], "a sleep is not short",
              (long)((after - before) / 1000));
        claim((after - before) / 1000 < times[i % 8] + 100000, "a sleep is not long",
              (long)((after - before) / 1000));
        uint32_t value = 0;
        EXPECT(E_TIMEOUT, futex_wait((uintptr_t)&value, 0, times[i % 8]));
    }
}
