/* SPDX-License-Identifier: MIT */
/*
 * serve [CLIENTS [REQUESTS]]: a server with CLIENTS (32) processes that SHARE its text and slot 2, and
 * have data and stack of their own. Slot 2 has a table and a mailbox page for each client. A request is a
 * short message; the server looks a key up and writes the record into the client's mailbox. A client
 * reads some of the table itself, keeps a sum in its own heap, and lets the next one run.
 */
#include "mark.h"
#include "user/demos/demo.h"

#define CLIENTS_MOST 64u
#define RECORDS 8192u /* of 64 bytes: 128 pages */
#define OWN_PAGES 8u

struct record {
    uint32_t key, value[15];
};
struct shared {
    struct record record[RECORDS];
    struct record mailbox[CLIENTS_MOST][PAGE_SIZE / sizeof(struct record)];
};

static struct shared *shared;
static int endpoint, session;
static uint32_t clients = 32, requests = 50;

static uint32_t place_of(uint32_t key) { return key * 2654435761u >> 19; }

static uint32_t value_of(uint32_t key) { return key * 40503u + 1; }

static struct record *lookup(uint32_t key) { return &shared->record[place_of(key) % RECORDS]; }

static int client(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument, key = number * 7919u, wrong = 0;
    uint32_t *own = malloc(OWN_PAGES * PAGE_SIZE);
    struct short_message words = {.word = {0}};
    memset(own, 0, OWN_PAGES * PAGE_SIZE);
    for (uint32_t i = 0; i < requests; i++) {
        key = key * 1664525u + 1013904223u;
        words.word[0] = number;
        words.word[1] = key;
        demo_must("ipc_call_short", ipc_call_short(session, 1, &words));
        wrong += shared->mailbox[number][0].value[0] != value_of(key);
        for (uint32_t j = 0; j < 4; j++) {
            own[(i * 4 + j) % OWN_PAGES * (PAGE_SIZE / 4)] += lookup(key + j)->value[0];
        }
        thread_yield();
    }
    return wrong ? 1 : 0;
}

static void answer(uint32_t number, uint32_t key) {
    struct record *record = lookup(key);
    record->key = key;
    record->value[0] = value_of(key);
    shared->mailbox[number][0] = *record;
}

static void serve(uint32_t count) {
    struct short_message words;
    long label = ipc_receive_short(endpoint, &words);
    for (uint32_t i = 0; i < count && label >= 0; i++) {
        answer((uint32_t)words.word[0], (uint32_t)words.word[1]);
        label = i + 1 < count ? ipc_reply_receive_short(endpoint, 0, &words)
                              : ipc_reply_short(endpoint, 0, &words);
    }
    demo_must("ipc", label);
}

int main(int argc, char **argv) {
    long child[CLIENTS_MOST];
    int failed = 0;
    clients = argc > 1 ? (uint32_t)atoi(argv[1]) : clients;
    requests = argc > 2 ? (uint32_t)atoi(argv[2]) : requests;
    if (clients < 1 || clients > CLIENTS_MOST) {
        return 2;
    }
    demo_fresh_area(SLOT_SHARED, sizeof(struct shared));
    shared = demo_pointer(SLOT_SHARED, 0);
    for (uint32_t i = 0; i < RECORDS; i++) {
        shared->record[i] = (struct record){.key = i};
    }
    endpoint = (int)demo_must("endpoint_create", endpoint_create());
    session = (int)demo_must("endpoint_session", endpoint_session(endpoint, 1));
    MARK(MARK_BEGIN);
    uint32_t plan = PLAN(PLAN_SHARE, PLAN_COPY, PLAN_SHARE, PLAN_COPY);
    for (uint32_t i = 0; i < clients; i++) {
        child[i] = demo_must("quartet_clone", quartet_clone(plan, client, (void *)(uintptr_t)i));
    }
    serve(clients * requests);
    for (uint32_t i = 0; i < clients; i++) {
        failed += demo_wait(child[i]) != 0;
    }
    MARK(MARK_END);
    return failed ? 1 : 0;
}
