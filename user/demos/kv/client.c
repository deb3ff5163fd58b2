/* SPDX-License-Identifier: MIT */
/* kv's clients: what a client does with the table, and those that crash. */
#include "user/demos/kv/kv.h"

static int table_handle = QUARTET_NONE;

static void count(uint32_t *counter) { __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED); }

void client_attach(void) {
    struct message message = {.label = KV_OPEN};
    demo_must("ipc_call", ipc_call(session, &message));
    table_handle = message.handle[0];
    demo_must("space_set", demo_attach(2, table_handle, RIGHT_READ, 0));
}

long client_put(uint32_t key, uint32_t value) {
    struct short_message words = {.word = {key, value}};
    count(&BOARD->sent);
    long answer = ipc_call_short(session, KV_PUT, &words);
    if (answer == 0) {
        count(&BOARD->answered);
    }
    return answer;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* In the middle of a read; a client that is about to crash does so here. */
static bool crashes;

static void read_middle(void) {
    if (crashes) {
        *(volatile uint32_t *)demo_pointer(2, 512 * MIB);
    }
}

/* One try: false if the server has written to it meanwhile. */
static bool entry_copy(const struct entry *entry, uint32_t word[VALUE_WORDS]) {
    uint32_t sequence = __atomic_load_n(&entry->sequence, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < VALUE_WORDS; i++) {
        word[i] = __atomic_load_n(&entry->word[i], __ATOMIC_RELAXED);
        if (i == VALUE_WORDS / 2) {
            read_middle();
        }
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return sequence % 2 == 0 && sequence == __atomic_load_n(&entry->sequence, __ATOMIC_RELAXED);
}

bool table_read(uint32_t key, uint32_t *value) {
    uint32_t word[VALUE_WORDS];
    while (!entry_copy(&TABLE->entry[key], word)) {
        __builtin_ia32_pause();
    }
    bool whole = true;
    for (uint32_t i = 1; i < VALUE_WORDS; i++) {
        whole &= word[i] == value_word(key, word[0], i);
    }
    *value = word[0];
    return whole;
}

uint32_t table_value(uint32_t key) {
    uint32_t value = 0;
    table_read(key, &value);
    return value;
}

/* ---- Clients --------------------------------------------------------------------------------- */

/* It crashes in the first read after so many steps as SEED says; the driver may be faster. */
int client_run(uint32_t seed) {
    uint32_t steps = 1 + seed % 3000;
    for (uint32_t i = 0;; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t key = seed >> 8 & (KEYS - 1);
        if (seed >> 30 == 0) {
            client_put(key, seed);
        } else {
            uint32_t value;
            crashes = i >= steps;
            if (!table_read(key, &value)) {
                count(&BOARD->torn);
            }
            count(&BOARD->reads);
        }
    }
    return 0;
}

int client_writes(uint32_t unused) {
    (void)unused;
    TABLE->entry[7].word[0] = 1;
    return 0;
}

/* The handle has no write right, and the view gives none. */
int client_widens(uint32_t unused) {
    (void)unused;
    return demo_attach(2, table_handle, RIGHT_READ | RIGHT_WRITE, 0) != -E_RIGHTS ||
           quarter_protect(table_handle, 0, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE) != -E_RIGHTS ||
           quarter_map(QUARTET_SLOT(2), MIB, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE) != -E_RIGHTS;
}

long client_start(int (*function)(uint32_t), uint32_t argument) {
    long child = demo_must(
        "process_clone",
        process_clone(PLAN(PLAN_SHARE, PLAN_COPY, PLAN_FRESH, PLAN_COPY) | CLONE_QUIET, 0, 0, 0));
    if (child == 0) {
        client_attach();
        process_exit((uint32_t)function(argument));
    }
    return child;
}
