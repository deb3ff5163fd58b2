/* SPDX-License-Identifier: MIT */
/*
 * Rows for many CPUs. Interrupts for shootdowns are counted, by the kernel for the quarter in slot
 * 2: so these rows are exact with any number of CPUs (with one, nobody runs beside this process,
 * and all are 0). The throughput of faults is measured in time, which means something only where
 * the CPUs run at the same time: not under -icount, and only on request (tools/bench/smp).
 */
#include "bench.h"

#define SHARERS 8u
#define UNMAPS 64u

/* ---- Interrupts ------------------------------------------------------------------------------ */

/* At the start of the shared quarter. */
struct beat {
    uint32_t count; /* of the sharer that runs */
    uint32_t over;
};
#define BEAT ((volatile struct beat *)(uintptr_t)AREA)

static struct info_slot area_info(void) {
    struct handle_stat self;
    checked("handle_stat", handle_stat(QUARTET_SELF, &self));
    struct info_process info = {.pid = (uint32_t)self.id};
    checked("system_info", system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info)));
    return info.slot[2];
}

static uint32_t cpu_count(void) {
    struct info_machine machine;
    checked("system_info", system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof(machine)));
    return machine.cpus;
}

static void sharer(int runs) {
    while (!BEAT->over) {
        if (runs) {
            BEAT->count++;
            __builtin_ia32_pause();
        } else {
            futex_wait((uintptr_t)&BEAT->over, 0, FUTEX_FOREVER);
        }
    }
    process_exit(0);
}

/* Until the sharer that runs does so on another CPU: it makes its beats while this one spins. */
static void sharer_beside(void) {
    for (uint32_t seen = BEAT->count, spins = 0; BEAT->count - seen < 3; spins++) {
        if (spins % 1000 == 999) {
            thread_yield();
            seen = BEAT->count;
        }
        __builtin_ia32_pause();
    }
}

/* Unmap a page UNMAPS times in a quarter that SHARERS processes have, of which RUNNING (0 or 1) run
 * beside this one. What is reported is for one shootdown. */
static void shootdowns_count(const char *sent_name, const char *saved_name, uint32_t running) {
    long child[SHARERS - 1];
    area_renew();
    area_map(0, PAGE_SIZE);
    BEAT->over = 0;
    running = cpu_count() > 1 ? running : 0;
    for (uint32_t i = 0; i < SHARERS - 1; i++) {
        child[i] =
            checked("process_clone",
                    process_clone(PLAN(PLAN_COPY, PLAN_COPY, PLAN_SHARE, PLAN_COPY), 0, 0, 0));
        if (child[i] == 0) {
            sharer(i < running);
        }
    }
    thread_sleep(50000); /* the others are asleep by then */
    struct info_slot before = area_info();
    for (uint32_t i = 0; i < UNMAPS; i++) {
        if (running) {
            sharer_beside();
        }
        area_map(16 * PAGE_SIZE, PAGE_SIZE);
        touch(16 * PAGE_SIZE, PAGE_SIZE);
        checked("quarter_unmap", quarter_unmap(QUARTET_SLOT(2), 16 * PAGE_SIZE, PAGE_SIZE));
    }
    struct info_slot after = area_info();
    uint64_t count = after.shootdowns - before.shootdowns;
    BEAT->over = 1;
    futex_wake((uintptr_t)&BEAT->over, UINT32_MAX);
    for (uint32_t i = 0; i < SHARERS - 1; i++) {
        child_wait(child[i]);
    }
    report_number(sent_name, (after.interrupts_sent - before.interrupts_sent + count / 2) / count);
    report_number(saved_name,
                  (after.interrupts_saved - before.interrupts_saved + count / 2) / count);
    area_renew();
}

void bench_shootdown_1_of_8(void) {
    shootdowns_count("shootdown_interrupts_1_of_8", "shootdown_saved_1_of_8", 1);
}

void bench_shootdown_idle_sharers(void) {
    shootdowns_count("shootdown_interrupts_idle_sharers", "shootdown_saved_idle_sharers", 0);
}

/* ---- Throughput of faults -------------------------------------------------------------------- */

#define PARTS 8u
#define PART_STRIDE (2 * MIB)
#define PART_LENGTH (PART_STRIDE - PAGE_SIZE) /* no room for a 2 MiB page */
#define FAULTS (PARTS * (PART_LENGTH / PAGE_SIZE))
#define THREADS 2u
#define TRIES 12

static struct party {
    uint32_t slot;
    uint64_t start, end; /* nanoseconds */
} parties[THREADS] = {{.slot = 2}, {.slot = 3}};
static uint32_t parties_ready, parties_start;

static void party_parts(uint32_t slot, int map) {
    for (uint32_t i = 0; i < PARTS; i++) {
        uint32_t offset = QUARTER_SIZE / 2 + i * PART_STRIDE;
        long result =
            map ? quarter_map(QUARTET_SLOT(slot), offset, PART_LENGTH, RIGHT_READ | RIGHT_WRITE)
                : quarter_unmap(QUARTET_SLOT(slot), offset, PART_LENGTH);
        checked("a region for faults", result);
    }
}

static int party_run(void *argument) {
    struct party *party = argument;
    __atomic_add_fetch(&parties_ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&parties_start, __ATOMIC_SEQ_CST)) {
        __builtin_ia32_pause();
    }
    clock_now(&party->start);
    for (uint32_t i = 0; i < PARTS; i++) {
        volatile char *part =
            (char *)(uintptr_t)(SLOT_BASE(party->slot) + QUARTER_SIZE / 2 + i * PART_STRIDE);
        for (uint32_t at = 0; at < PART_LENGTH; at += PAGE_SIZE) {
            part[at] = 1;
        }
    }
    clock_now(&party->end);
    return 0;
}

/* Faults in a millisecond by COUNT threads, each in a slot of its own. */
static uint64_t throughput_once(uint32_t count) {
    struct quartet_thread *thread[THREADS];
    uint64_t start = UINT64_MAX, end = 0;
    parties_ready = parties_start = 0;
    for (uint32_t i = 0; i < count; i++) {
        party_parts(parties[i].slot, 1);
        thread[i] = quartet_thread_start(party_run, &parties[i]);
        checked("quartet_thread_start", thread[i] == NULL ? -E_NOMEM : 0);
    }
    while (__atomic_load_n(&parties_ready, __ATOMIC_SEQ_CST) < count) {
        thread_yield();
    }
    __atomic_store_n(&parties_start, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < count; i++) {
        quartet_thread_join(thread[i], NULL);
        start = parties[i].start < start ? parties[i].start : start;
        end = parties[i].end > end ? parties[i].end : end;
        party_parts(parties[i].slot, 0);
    }
    return (uint64_t)count * FAULTS * 1000000 / (end - start);
}

/* The best of several: hosts are noisy. By turns, so that a noisy time hits both. */
void bench_fault_throughput(void) {
    uint64_t best[THREADS] = {0};
    area_renew();
    for (int i = 0; i < TRIES; i++) {
        for (uint32_t count = 1; count <= THREADS; count++) {
            uint64_t now = throughput_once(count);
            best[count - 1] = now > best[count - 1] ? now : best[count - 1];
        }
    }
    report_number("fault_throughput_1", best[0]);
    report_number("fault_throughput_2_slots", best[1]);
    area_renew();
}
