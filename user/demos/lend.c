/* SPDX-License-Identifier: MIT */
/*
 * lend [MEBIBYTES]: a client lends a quarter full of data to a server, which transforms it in place.
 * The quarter stands in the server's slot 2 for the length of the call: nothing is copied, and no
 * page table is touched, whatever it holds (`make bench`: ipc_lend_0m, ipc_lend_512m). Afterwards
 * the server has what it had before, and no way to the client's data. By default the client fills
 * half of the machine's free memory, at most the whole quarter.
 */
#include "demo.h"

#define SLOT SLOT_SHARED
#define OWN_WORD 0x5E2E2Du
#define PAGES_IN_MIB (MIB / PAGE_SIZE)

/* What the server says: it was lent a quarter, and cannot keep it by handle or by clone. */
enum { LENT = 1, NO_HANDLE = 2, NO_CLONE = 4, ALL = 7 };

static volatile uint32_t *word_at(uint32_t offset) { return demo_pointer(SLOT, offset); }

/* What the client writes to the page at OFFSET. */
static uint32_t value_of(uint32_t offset) { return offset * 2654435761u + 1; }

/* ---- The server ------------------------------------------------------------------------------ */

static uint32_t transform(uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += PAGE_SIZE) {
        *word_at((uint32_t)at) = ~*word_at((uint32_t)at);
    }
    uint32_t answer = LENT;
    answer |= space_get(SLOT) == -E_BUSY ? NO_HANDLE : 0;
    answer |= process_clone(PLAN_FORK, 0, 0, 0) == -E_BUSY ? NO_CLONE : 0;
    return answer;
}

static void serve(int endpoint, int session) {
    struct message_lend lend = {.quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE, QUARTET_NONE},
                                .accept = 1u << SLOT};
    struct message message = {.lend = (uintptr_t)&lend};
    demo_fresh_area(SLOT, PAGE_SIZE);
    *word_at(0) = OWN_WORD;
    handle_close(session); /* so that the client's close is the last one */
    long result = ipc_receive(endpoint, &message);
    while (result == 0 && message.kind == MESSAGE_CALL) {
        message.label = lend.received != 0 ? transform(message.word[0]) : 0;
        result = ipc_reply(endpoint, &message);
        if (result == 0 && *word_at(0) != OWN_WORD) {
            process_exit(1); /* what it had before is not back */
        }
        result = result == 0 ? ipc_receive(endpoint, &message) : result;
    }
    process_exit(0);
}

/* ---- The client ------------------------------------------------------------------------------ */

static struct info_machine machine(void) {
    struct info_machine info;
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_MACHINE, &info, sizeof(info)));
    return info;
}

static uint64_t work_of(const struct info_machine *info) {
    return info->page_copies + info->table_copies + info->zero_fills + info->large_splits;
}

static long call(int session, uint64_t bytes, uint32_t rights) {
    struct message_lend lend = {
        .quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_SLOT(SLOT), QUARTET_NONE},
        .rights = {[SLOT] = rights}};
    struct message message = {.word = {bytes}, .lend = (uintptr_t)&lend};
    long result = ipc_call(session, &message);
    return result < 0 ? result : (long)message.label;
}

static uint32_t size_choose(int argc, char **argv) {
    uint32_t free = machine().frames_free / PAGES_IN_MIB / 2, most = QUARTER_SIZE / MIB;
    return argc > 1 ? (uint32_t)atoi(argv[1]) : free < most ? free : most;
}

static void fill(uint32_t bytes) {
    for (uint64_t at = 0; at < bytes; at += PAGE_SIZE) {
        *word_at((uint32_t)at) = value_of((uint32_t)at);
    }
}

static int transformed(uint32_t bytes) {
    for (uint64_t at = 0; at < bytes; at += PAGE_SIZE) {
        if (*word_at((uint32_t)at) != ~value_of((uint32_t)at)) {
            return 0;
        }
    }
    return 1;
}

int main(int argc, char **argv) {
    uint32_t size = size_choose(argc, argv), bytes = size * MIB;
    int failed = 0;
    int endpoint = (int)demo_must("endpoint_create", endpoint_create());
    int session = (int)demo_must("endpoint_session", endpoint_session(endpoint, 1));
    long server = demo_must("process_clone", process_clone(PLAN_FORK, 0, 0, 0));
    if (server == 0) {
        serve(endpoint, session);
    }
    handle_close(endpoint);
    demo_fresh_area(SLOT, bytes);
    fill(bytes);
    call(session, 0, RIGHT_READ); /* the server has touched what it needs itself */
    struct info_machine before = machine();
    long empty = call(session, 0, RIGHT_READ | RIGHT_WRITE);
    struct info_machine after = machine();
    printf("  %u MiB are lent to another process\n", (unsigned)size);
    failed += demo_claim(empty == ALL, "the server cannot keep them, by handle or clone");
    failed += demo_claim(work_of(&before) == work_of(&after), "no page and no table was copied");
    failed +=
        demo_claim(call(session, bytes, RIGHT_READ | RIGHT_WRITE) == ALL && transformed(bytes),
                   "it has transformed all of them in place");
    handle_close(session);
    failed += demo_claim(demo_wait(server) == 0, "and had its own slot back after each call");
    return failed ? 1 : 0;
}
