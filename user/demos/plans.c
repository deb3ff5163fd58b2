/* SPDX-License-Identifier: MIT */
/*
 * plans [-v]: all 256 plans. For each, a child is cloned and the words that parent and child write
 * into each slot are compared with what the plan promises:
 *
 *              child reads at first   sees the parent's later write   parent sees the child's write
 *     SHARE    the parent's word      yes                             yes
 *     COPY     the parent's word      no                              no
 *     FRESH    nothing is mapped      no                              no
 *     NONE     nothing is attached    -                               -
 *
 * The child runs on a stack in slot 0, uses no static data, and reports by a call to the parent, so
 * that no other slot need be there. Where the plan gives it no code (slot 0 FRESH or NONE) two
 * things are shown: that it ends with the fault that the plan implies, and, with a copy of the
 * parent's slot 0 put in before it starts, that the other three slots are as promised.
 */
#include "demo.h"

/* Of the test page, in every slot; slot 0 also has the child's stack after it. */
#define TEST_OFFSET 0x20000000u
#define TEST_LENGTH 0x8000u
#define WORD_FIRST(slot) (0xA0000000u + (slot))
#define WORD_CHILD(slot) (0xB0000000u + (slot))
#define WORD_LATER(slot) (0xC0000000u + (slot))

/* In the child's results: one bit a slot for each statement that did not hold. */
enum { WRONG_FIRST = 0, WRONG_KEPT = 4 };

static volatile uint32_t *test_word(uint32_t slot) { return demo_pointer(slot, TEST_OFFSET); }

/* ---- The child ------------------------------------------------------------------------------- */

/* What the child finds in SLOT before it writes. */
static int child_finds(uint32_t slot, uint32_t action) {
    return demo_plan_kept(slot, action, TEST_OFFSET, test_word(slot), WORD_FIRST(slot));
}

/* ARG: the plan, and which slots it speaks of: slot 0 is skipped where the parent has replaced
 * it. */
static DEMO_ENTRY __attribute__((noreturn)) void child(uint32_t arg) {
    uint32_t plan = arg & 0xFF, first = arg >> 8 & 1, session = arg >> 16;
    struct message message = {0};
    uint32_t wrong = 0;
    for (uint32_t slot = first; slot < SLOT_COUNT; slot++) {
        uint32_t action = PLAN_FOR_SLOT(plan, slot);
        wrong |= child_finds(slot, action) ? 0 : 1u << (WRONG_FIRST + slot);
        if (action != PLAN_NONE) {
            *test_word(slot) = WORD_CHILD(slot);
        }
    }
    ipc_call((int)session, &message); /* the parent looks, and writes its later words */
    for (uint32_t slot = first; slot < SLOT_COUNT; slot++) {
        uint32_t action = PLAN_FOR_SLOT(plan, slot);
        uint32_t expected = action == PLAN_SHARE ? WORD_LATER(slot) : WORD_CHILD(slot);
        if (action != PLAN_NONE && *test_word(slot) != expected) {
            wrong |= 1u << (WRONG_KEPT + slot);
        }
    }
    process_exit(wrong);
    __builtin_unreachable();
}

/* ---- The parent ------------------------------------------------------------------------------ */

static long endpoint, session;

/* The child alone will hold the session, so its death, however early, reaches the parent as a
 * message. */
static uint32_t session_renew(uint32_t plan) {
    session = demo_must("endpoint_session", endpoint_session((int)endpoint, plan));
    return (uint32_t)session << 16;
}

static void write_words(uint32_t base) {
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        *test_word(slot) = base + slot;
    }
}

static uintptr_t child_stack(void) { return demo_stack(SLOT_BASE(0) + TEST_OFFSET + TEST_LENGTH); }

/* Receive the child's call, look at all words, write the later ones, let it go on; its result. */
static int parent_observes(uint32_t plan, uint32_t first, long child_handle) {
    struct message message = {0};
    int right = ipc_receive((int)endpoint, &message) == 0;
    if (message.kind == MESSAGE_CLOSED) {
        demo_wait(child_handle);
        return 0;
    }
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        int shared = slot >= first && PLAN_FOR_SLOT(plan, slot) == PLAN_SHARE;
        right &= *test_word(slot) == (shared ? WORD_CHILD(slot) : WORD_FIRST(slot));
    }
    write_words(WORD_LATER(0));
    message.handle_count = 0;
    message.send_length = 0;
    right &= ipc_reply((int)endpoint, &message) == 0;
    right &= demo_wait(child_handle) == 0;
    right &= ipc_receive((int)endpoint, &message) == 0 && message.kind == MESSAGE_CLOSED;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        right &= *test_word(slot) == WORD_LATER(slot);
    }
    return right;
}

static int plan_with_code(uint32_t plan) {
    write_words(WORD_FIRST(0));
    long handle = process_clone(plan, (uintptr_t)child, child_stack(), plan | session_renew(plan));
    handle_close((int)session);
    return handle > 0 && parent_observes(plan, 0, handle);
}

/* Left alone, it cannot run its first instruction: it ends with a fault at its entry. */
static int faults_at_entry(uint32_t plan) {
    struct process_status status = {0};
    long handle = process_clone(plan | CLONE_QUIET, (uintptr_t)child, child_stack(), plan);
    if (handle <= 0 || process_wait((int)handle, 0, &status) != 0) {
        return 0;
    }
    handle_close((int)handle);
    uint32_t reason = PLAN_FOR_SLOT(plan, 0) == PLAN_NONE ? FAULT_NO_QUARTER : FAULT_NO_REGION;
    return (status.status & STATUS_FAULT) != 0 && STATUS_CODE(status.status) == reason &&
           status.fault_address == (uint32_t)(uintptr_t)child;
}

static int plan_without_code(uint32_t plan) {
    if (!faults_at_entry(plan)) {
        return 0;
    }
    write_words(WORD_FIRST(0));
    uint32_t session_argument = session_renew(plan);
    long handle = process_clone(plan | CLONE_STOPPED, 0, 0, 0);
    handle_close((int)session);
    if (handle <= 0) {
        return 0;
    }
    struct space_change change = {
        .process = (int32_t)handle,
        .flags = SPACE_START | SPACE_CONSUME,
        .quarter = {(int32_t)quarter_copy(QUARTET_SLOT(0)), QUARTET_KEEP, QUARTET_KEEP,
                    QUARTET_KEEP},
        .rights = {RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, 0, 0, 0},
        .entry = (uint32_t)(uintptr_t)child,
        .sp = (uint32_t)child_stack(),
        .arg = plan | 0x100 | session_argument,
    };
    return space_set(&change) == 0 && parent_observes(plan, 1, handle);
}

static void plan_print(uint32_t plan, int right) {
    static const char *const names[] = {"share", "copy", "fresh", "none"};
    printf("%-4s 0x%02x", right ? "ok" : "FAIL", (unsigned)plan);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        printf("%c%s", slot ? ',' : ' ', names[PLAN_FOR_SLOT(plan, slot)]);
    }
    putchar('\n');
}

int main(int argc, char **argv) {
    int verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    int passed = 0;
    long area = quarter_create(2);
    demo_must("quarter_create", area);
    demo_must("space_set", demo_attach(2, (int)area, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, 1));
    demo_must("quartet_slot_own", quartet_slot_own(0)); /* else it is shared, and read-only */
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        demo_must("quarter_map",
                  quarter_map(QUARTET_SLOT(slot), TEST_OFFSET, slot == 0 ? TEST_LENGTH : PAGE_SIZE,
                              RIGHT_READ | RIGHT_WRITE));
    }
    endpoint = demo_must("endpoint_create", endpoint_create());
    for (uint32_t plan = 0; plan < 256; plan++) {
        uint32_t code = PLAN_FOR_SLOT(plan, 0);
        int right = code == PLAN_SHARE || code == PLAN_COPY ? plan_with_code(plan)
                                                            : plan_without_code(plan);
        passed += right;
        if (verbose || !right) {
            plan_print(plan, right);
        }
    }
    printf("%d passed, %d failed\n", passed, 256 - passed);
    return passed == 256 ? 0 : 1;
}
