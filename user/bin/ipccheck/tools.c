/* SPDX-License-Identifier: MIT */
/* The tools of ipccheck.h. */
#include "ipccheck.h"

int endpoint, session;
bool exact;

/* ---- Checks ---------------------------------------------------------------------------------- */

bool check(bool good, const char *what, long value, const char *file, int line) {
    __atomic_add_fetch(&BOARD->checks, 1, __ATOMIC_RELAXED);
    if (!good) {
        const char *slash = strrchr(file, '/');
        __atomic_add_fetch(&BOARD->failures, 1, __ATOMIC_RELAXED);
        printf("  FAIL %s:%d: %s (%ld)\n", slash != NULL ? slash + 1 : file, line, what, value);
        fflush(stdout);
    }
    return good;
}

struct state {
    uint32_t handles;
    uint64_t space;
    uint32_t references[SLOT_COUNT], regions[SLOT_COUNT];
};

static struct state kept;

static struct state state_now(void) {
    struct info_process process = process_facts(QUARTET_SELF);
    struct state state;
    memset(&state, 0, sizeof(state));
    state.handles = process.handles;
    state.space = process.space;
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        state.references[slot] = slot == 0 ? 0 : process.slot[slot].references;
        state.regions[slot] = process.slot[slot].regions;
    }
    return state;
}

void state_keep(void) { kept = state_now(); }

/* The state once it is as it was, or after a second. Who has ended on another CPU may have to let go
 * of a space yet, and that of our quarters. */
static struct state state_settled(void) {
    struct state now = state_now();
    for (int i = 0; i < 100 && memcmp(&now, &kept, sizeof(now)) != 0; i++) {
        thread_sleep(TICK);
        now = state_now();
    }
    return now;
}

void refused(int error, long result, const char *what, const char *file, int line) {
    struct state now = state_settled();
    if (check(result == -error, what, result, file, line)) {
        check(memcmp(&now, &kept, sizeof(now)) == 0, "and nothing changes", result, file, line);
    }
    kept = now;
}

/* ---- Processes ------------------------------------------------------------------------------- */

long start(uint32_t plan, void (*function)(void)) {
    fflush(stdout);
    long child = process_clone(plan, 0, 0, 0);
    if (child == 0) {
        function();
        process_exit(0);
    }
    return demo_must("process_clone", child);
}

uint32_t end(long child) { return demo_wait(child); }

void ends(long child, uint32_t status) {
    uint32_t ended = end(child);
    check(ended == status, "a process ends as it must", (long)ended, "ends", (int)status);
}

void kills(long child) {
    EQUAL(0, process_kill((int)child, 9));
    ends(child, KILLED);
}

struct info_process process_facts(long child) {
    struct info_process process;
    struct handle_stat stat;
    memset(&process, 0, sizeof(process));
    process.pid = handle_stat((int)child, &stat) == 0 ? (uint32_t)stat.id : 0;
    system_info(HANDLE_SYSTEM, INFO_PROCESS, &process, sizeof(process));
    return process;
}

void waits(long child) {
    uint32_t state = process_facts(child).state;
    for (int i = 0; state != 1 && i < 1000; i++) {
        thread_sleep(MILLISECOND);
        state = process_facts(child).state;
    }
    EQUAL(1, state);
}

void stage_set(uint32_t stage) { __atomic_store_n(&BOARD->stage, stage, __ATOMIC_SEQ_CST); }

void stage_wait(uint32_t stage) {
    uint64_t latest = many_milliseconds() + 10000;
    while (__atomic_load_n(&BOARD->stage, __ATOMIC_SEQ_CST) < stage) {
        if (many_milliseconds() > latest) {
            CHECK(!"the other side gets on");
            process_exit(1);
        }
        thread_sleep(MILLISECOND);
    }
}

void sleep_for_ever(void) {
    for (;;) {
        thread_sleep(60000 * MILLISECOND);
    }
}

/* ---- Messages -------------------------------------------------------------------------------- */

long form_call(enum form form, uint32_t label, uint64_t word, uint64_t *answer) {
    struct short_message words = {.word = {(uintptr_t)word}};
    struct message message = {.label = label, .word = {word}};
    long result =
        form == SHORT ? ipc_call_short(session, label, &words) : ipc_call(session, &message);
    *answer = form == SHORT ? words.word[0] : message.word[0];
    return result < 0 || form == SHORT ? result : (long)message.label;
}

long form_receive(enum form form, struct exchange *got) {
    struct short_message words = {0};
    struct message message = {.timeout = NOT_FOR_EVER};
    if (form == SHORT) {
        long label = ipc_receive_short(endpoint, &words);
        *got = (struct exchange){words.word[0], words.badge, 0, label == SHORT_CLOSED};
        return label;
    }
    long result = ipc_receive(endpoint, &message);
    *got = (struct exchange){message.word[0], message.badge, message.token,
                             message.kind == MESSAGE_CLOSED};
    return result < 0 ? result : (long)message.label;
}

long form_reply(enum form form, uint32_t label, const struct exchange *got, uint64_t word) {
    struct short_message words = {.word = {(uintptr_t)word}};
    struct message message = {.label = label, .word = {word}, .token = got->token};
    return form == SHORT ? ipc_reply_short(endpoint, label, &words) : ipc_reply(endpoint, &message);
}

/* ---- Quarters in messages -------------------------------------------------------------------- */

void lending_make(struct lending *lending, int handle, uint32_t rights, uint32_t accept) {
    memset(lending, 0, sizeof(*lending));
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        lending->lend.quarter[slot] = QUARTET_NONE;
    }
    lending->lend.quarter[2] = handle;
    lending->lend.rights[2] = rights;
    lending->lend.accept = accept;
    lending->message.lend = (uintptr_t)&lending->lend;
}

void slot_fill(uint32_t value) {
    demo_fresh_area(2, 2 * PAGE_SIZE);
    WORD(0) = WORD(1) = value;
}

bool slot_empty(void) {
    struct quarter_stat stat;
    return quarter_stat(QUARTET_SLOT(2), &stat) == -E_NOTFOUND;
}

uint64_t slot_id(void) {
    struct quarter_stat stat = {0};
    quarter_stat(QUARTET_SLOT(2), &stat);
    return stat.sub_id;
}
