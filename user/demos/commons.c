/* SPDX-License-Identifier: MIT */
/*
 * commons: a quarter whose translations are global. All processes that have it in its slot use the
 * same cached translations, whatever their tags; a process that lacks it works too, but the switch
 * to it costs a flush of everything.
 *
 * A quarter in slot 2 becomes the commons. A child that has it, and one that has other pages at the
 * same addresses, take turns with this process: every word must be the right one. Then a page of it
 * is protected under the child's hands, and it is an ordinary quarter again, first because a COPY
 * ends it, then by request.
 */
#include "demo.h"

#define PAGES 16u
#define TURNS 200u
#define WORD_COMMON(page) (0xC0000000u + (page))
#define WORD_OTHER(page) (0x0D000000u + (page))

static struct {
    uint32_t turn;
    uint32_t wrong; /* words that were not the right ones */
} game;             /* in slot 1, which both sides SHARE */

static volatile uint32_t *word(uint32_t page) {
    return demo_pointer(SLOT_SHARED, page * PAGE_SIZE);
}

static void words_write(uint32_t first) {
    for (uint32_t page = 0; page < PAGES; page++) {
        *word(page) = first + page;
    }
}

static void words_check(uint32_t first) {
    for (uint32_t page = 0; page < PAGES; page++) {
        if (*word(page) != first + page) {
            __atomic_add_fetch(&game.wrong, 1, __ATOMIC_RELAXED);
        }
    }
}

/* Every second turn, from FIRST on; all words are looked at in each. */
static void turns_take(uint32_t first, uint32_t words) {
    for (uint32_t turn = first; turn < TURNS; turn += 2) {
        while (__atomic_load_n(&game.turn, __ATOMIC_ACQUIRE) != turn) {
            thread_yield();
        }
        words_check(words);
        __atomic_store_n(&game.turn, turn + 1, __ATOMIC_RELEASE);
    }
}

/* ---- The children ---------------------------------------------------------------------------- */

static int child_with(void *unused) {
    (void)unused;
    turns_take(1, WORD_COMMON(0));
    return 0;
}

static int child_without(void *unused) {
    (void)unused;
    if (quarter_map(QUARTET_SLOT(SLOT_SHARED), 0, PAGES * PAGE_SIZE, RIGHT_READ | RIGHT_WRITE) !=
        0) {
        return 1;
    }
    words_write(WORD_OTHER(0));
    turns_take(1, WORD_OTHER(0));
    return 0;
}

static __attribute__((noreturn)) int child_writes(void *unused) {
    (void)unused;
    for (;;) {
        *word(0) = WORD_COMMON(0);
        __atomic_add_fetch(&game.turn, 1, __ATOMIC_RELAXED);
        thread_yield();
    }
}

/* ---- The parent ------------------------------------------------------------------------------ */

static struct info_machine machine(void) {
    struct info_machine info;
    memset(&info, 0, sizeof(info));
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_MACHINE, &info, sizeof(info)));
    return info;
}

static bool is_commons(void) {
    struct handle_stat self;
    demo_must("handle_stat", handle_stat(QUARTET_SELF, &self));
    struct info_process info = {.pid = (uint32_t)self.id};
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info)));
    return info.slot[SLOT_SHARED].commons != 0;
}

/* Take turns with a child under PLAN; EXPECTED: global flushes, if nothing else runs on the one
 * CPU. */
static int turns_check(const char *claim, uint32_t plan, int (*child)(void *), uint32_t expected) {
    char text[128];
    game.turn = game.wrong = 0;
    uint64_t before = machine().translation.global_flushes;
    long process = demo_must("quartet_clone", quartet_clone(plan, child, NULL));
    turns_take(0, WORD_COMMON(0));
    bool right = demo_wait(process) == 0 && game.wrong == 0;
    uint32_t flushes = (uint32_t)(machine().translation.global_flushes - before);
    snprintf(text, sizeof(text), "%s: all words are right (%u global flushes in %u turns)", claim,
             (unsigned)flushes, (unsigned)TURNS);
    int failed = demo_claim(right, text);
    if (machine().cpus == 1) { /* else each side may keep a CPU to itself */
        bool held = expected == 0 ? flushes < TURNS / 10 : flushes >= expected;
        failed += demo_claim(held, expected == 0 ? "  hardly a flush" : "  a flush for each round");
    }
    return failed;
}

/* The child's translation is writable, global, and in use. */
static int protect_check(void) {
    game.turn = 0;
    uint32_t plan = PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_COPY) | CLONE_QUIET;
    long child = demo_must("quartet_clone", quartet_clone(plan, child_writes, NULL));
    while (__atomic_load_n(&game.turn, __ATOMIC_RELAXED) < 5) {
        thread_yield();
    }
    demo_must("quarter_protect",
              quarter_protect(QUARTET_SLOT(SLOT_SHARED), 0, PAGE_SIZE, RIGHT_READ));
    int failed = demo_claim(demo_wait(child) == (STATUS_FAULT | FAULT_RIGHTS),
                            "a page of it that is protected stops a child that writes to it");
    demo_must("quarter_protect",
              quarter_protect(QUARTET_SLOT(SLOT_SHARED), 0, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    return failed;
}

static long promote(uint32_t on) {
    return quarter_commons(HANDLE_SYSTEM, QUARTET_SLOT(SLOT_SHARED), on);
}

static int copy_check(void) {
    long copy = demo_must("quarter_copy", quarter_copy(QUARTET_SLOT(SLOT_SHARED)));
    int failed = demo_claim(!is_commons(), "a COPY ends it: its tables would be shared");
    game.wrong = 0;
    words_check(WORD_COMMON(0));
    failed += demo_claim(game.wrong == 0, "  and what is in it stays");
    handle_close((int)copy);
    demo_must("quarter_commons", promote(1));
    return failed;
}

int main(void) {
    const uint32_t with = PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_SHARE, PLAN_COPY);
    const uint32_t without = PLAN(PLAN_SHARE, PLAN_SHARE, PLAN_FRESH, PLAN_COPY);
    demo_fresh_area(SLOT_SHARED, PAGES * PAGE_SIZE);
    words_write(WORD_COMMON(0));
    long result = promote(1);
    if (result == -E_NOSYS) {
        printf("  this processor has no global pages that could be used: nothing to show\n");
        return 0;
    }
    demo_must("quarter_commons", result);
    int failed = demo_claim(is_commons(), "the quarter in slot 2 is the commons");
    failed += turns_check("a child that has it", with, child_with, 0);
    failed += turns_check("a child that lacks it", without, child_without, TURNS / 2 - 1);
    failed += protect_check();
    failed += copy_check();
    demo_must("quarter_commons", promote(0));
    failed += demo_claim(!is_commons(), "it is an ordinary quarter again");
    failed += turns_check("a child that lacks it", without, child_without, 0);
    return failed ? 1 : 0;
}
