/* SPDX-License-Identifier: MIT */
/*
 * sharers: two processes that SHARE slots 0, 1 and 2, and have a stack of their own, take turns by
 * a futex. Where the processor tags what it caches (long, with PCIDs), each has a tag of its own,
 * which differs in one octal digit; no switch between them may forget anything: all loads are kept.
 * Where there are no tags, each load of the other space flushes, and the demonstration says so.
 */
#include "demo.h"

#define WARM_UP 20u
#define TURNS 1000u

static struct {
    uint32_t turn;
    uint32_t sum; /* of what both have added, in turn */
} game;           /* in slot 1: both have it */

static void turn_wait(uint32_t turn) {
    for (uint32_t seen; (seen = __atomic_load_n(&game.turn, __ATOMIC_ACQUIRE)) != turn;) {
        futex_wait((uintptr_t)&game.turn, seen, FUTEX_FOREVER);
    }
}

/* Every second turn, FIRST or FIRST + 1 to begin with, until LAST. */
static void turns_take(uint32_t first, uint32_t last) {
    for (uint32_t turn = first; turn < last; turn += 2) {
        turn_wait(turn);
        game.sum += turn;
        __atomic_store_n(&game.turn, turn + 1, __ATOMIC_RELEASE);
        futex_wake((uintptr_t)&game.turn, 1);
    }
}

static int partner(void *unused) {
    (void)unused;
    turns_take(1, WARM_UP + TURNS);
    return 0;
}

/* What all CPUs have loaded. The last one's number of tags: they are all equal. */
struct loads {
    uint64_t kept, flushed, evicted;
    uint32_t cpus, tags;
};

static struct loads loads_now(void) {
    struct loads sum = {0};
    struct info_cpu cpu = {.number = 0};
    while (system_info(HANDLE_SYSTEM, INFO_CPU, &cpu, sizeof(cpu)) >= 0) {
        sum.kept += cpu.translation.loads_kept;
        sum.flushed += cpu.translation.loads_flushed;
        sum.evicted += cpu.translation.digits_evicted;
        sum.tags = cpu.tags;
        cpu.number = ++sum.cpus;
    }
    return sum;
}

static int loads_claim(const struct loads *before, const struct loads *after) {
    uint64_t kept = after->kept - before->kept, flushed = after->flushed - before->flushed;
    printf("  %u turns: loads kept %u, flushed %u, digits evicted %u\n", (unsigned)TURNS,
           (unsigned)kept, (unsigned)flushed, (unsigned)(after->evicted - before->evicted));
    if (after->tags == 0) {
        printf("  this processor tags nothing (or pcid=off): each load flushes\n");
        return demo_claim(kept == 0, "nothing is said to be kept without tags");
    }
    if (after->cpus > 1) { /* they may come to a CPU where they have not been before */
        return demo_claim(flushed < TURNS / 10, "hardly a load flushes");
    }
    return demo_claim(flushed == 0 && kept >= TURNS, "all loads are kept, none flushes");
}

int main(void) {
    long child = demo_must("quartet_clone", quartet_clone(PLAN_RFORK, partner, NULL));
    turns_take(0, WARM_UP);
    turn_wait(WARM_UP);
    struct loads before = loads_now();
    turns_take(WARM_UP, WARM_UP + TURNS);
    turn_wait(WARM_UP + TURNS);
    struct loads after = loads_now();
    int failed = demo_claim(demo_wait(child) == 0, "two processes share three quarters");
    failed += demo_claim(game.sum == (WARM_UP + TURNS) * (WARM_UP + TURNS - 1) / 2,
                         "they took turns, and each saw what the other wrote");
    failed += loads_claim(&before, &after);
    return failed ? 1 : 0;
}
