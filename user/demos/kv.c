/* SPDX-License-Identifier: MIT */
/*
 * kv: a key-value server. Its table lies in a quarter that clients attach to their slot 2 as a
 * read-only view: a read is loads from memory, and no system call. A write is a call; the server
 * alone writes.
 *
 *     server                             client
 *     slot 2: the table, read-write      slot 2: the same quarter, a view r--
 *          ^── KV_PUT ─────────────────── a write
 *                                         a read: sequence even? copy; sequence the same? else again
 *
 * The sequence of an entry is odd while the server writes it, so that no reader takes half of an
 * old value with half of a new one. Clients crash at random, in the middle of reads and of calls;
 * the server and the data outlive them all. Next: kv/client.c.
 */
#include "user/demos/kv/kv.h"

#define ROUNDS 60u
#define CLIENTS 3u

int endpoint, session;

/* ---- The server ------------------------------------------------------------------------------ */

static int table_quarter;

static void entry_write(uint32_t key, uint32_t value) {
    struct entry *entry = &TABLE->entry[key];
    uint32_t sequence = entry->sequence;
    __atomic_store_n(&entry->sequence, sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (uint32_t i = 0; i < VALUE_WORDS; i++) {
        __atomic_store_n(&entry->word[i], value_word(key, value, i), __ATOMIC_RELAXED);
    }
    __atomic_store_n(&entry->sequence, sequence + 2, __ATOMIC_RELEASE);
}

/* The reply to MESSAGE. */
static void request_serve(struct message *message) {
    switch (message->label) {
    case KV_OPEN: /* the handle that the client gets can make views, and nothing else */
        message->handle[0] = table_quarter;
        message->handle_count = 1;
        message->label = 0;
        break;
    case KV_PUT:
        if (message->word[0] < KEYS) {
            entry_write((uint32_t)message->word[0], (uint32_t)message->word[1]);
            TABLE->puts++;
        }
        message->label = message->word[0] < KEYS ? 0 : KV_NO_KEY;
        break;
    default:
        message->label = KV_NO_CALL;
    }
}

static void serve(void) {
    int whole = (int)demo_must("quarter_create", quarter_create(2));
    demo_must("quarter_map", quarter_map(whole, 0, TABLE_LENGTH, RIGHT_READ | RIGHT_WRITE));
    demo_must("space_set", demo_attach(2, whole, RIGHT_READ | RIGHT_WRITE, 0));
    table_quarter = (int)demo_must(
        "handle_dup", handle_dup(whole, RIGHT_READ | RIGHT_MAP | RIGHT_TRANSFER, QUARTET_NONE));
    handle_close(session);
    for (uint32_t key = 0; key < KEYS; key++) {
        entry_write(key, 0);
    }
    struct message message = {0};
    long result = ipc_receive(endpoint, &message);
    while (message.kind == MESSAGE_CALL) {
        request_serve(&message);
        result = ipc_reply(endpoint, &message); /* fails if the client has died: so be it */
        message.handle_count = 0;
        result = ipc_receive(endpoint, &message);
    }
    process_exit(result == 0 ? 0 : 1); /* nobody is left who could call */
}

/* ---- Clients that crash ---------------------------------------------------------------------- */

static uint32_t seed = 1;
static uint32_t chance(uint32_t limit) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % limit;
}

static struct board board_counts(void) { return *BOARD; }

/* One client's life: it crashes by itself, or is killed. 1: it ended as none may. */
static int client_end(long client) {
    thread_sleep(chance(3) * 5000);
    process_kill((int)client, 9);
    uint32_t status = demo_wait(client);
    return status != (STATUS_KILLED | 9) && status != (STATUS_FAULT | FAULT_NO_REGION);
}

static int clients_crash(void) {
    long client[CLIENTS];
    int wrong = 0;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        client[i] = client_start(client_run, chance(0x7FFFFFFF) + 1);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t i = chance(CLIENTS);
        wrong += client_end(client[i]);
        client[i] = client_start(client_run, chance(0x7FFFFFFF) + 1);
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        wrong += client_end(client[i]);
    }
    return wrong;
}

/* ---- The claims ------------------------------------------------------------------------------ */

static int table_whole(void) {
    uint32_t value, whole = 0;
    for (uint32_t key = 0; key < KEYS; key++) {
        whole += table_read(key, &value);
    }
    return whole == KEYS;
}

static uint64_t system_calls(void) {
    struct info_machine info;
    demo_must("system_info", system_info(HANDLE_SYSTEM, INFO_MACHINE, &info, sizeof(info)));
    return info.system_calls;
}

/* The fewest system calls of the whole machine while READS entries are read; others may do some at
 * the same time, so it is tried a few times. The one that asks for the count is taken off. */
static uint64_t calls_of_reads(uint32_t reads) {
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < 20 && least != 0; i++) {
        uint32_t value;
        uint64_t before = system_calls();
        for (uint32_t j = 0; j < reads; j++) {
            table_read(j % KEYS, &value);
        }
        uint64_t calls = system_calls() - before - 1;
        least = calls < least ? calls : least;
    }
    return least;
}

static int check_all(long server) {
    int failed = 0;
    client_attach();
    uint64_t calls = calls_of_reads(10000);
    printf("        10000 reads, %llu system calls\n", (unsigned long long)calls);
    failed += demo_claim(calls == 0, "a read takes no system call");
    failed += demo_claim(client_put(7, 4711) == 0 && table_value(7) == 4711,
                         "what is written by a call is read from the view");
    failed += demo_claim(client_put(KEYS, 1) == KV_NO_KEY, "a key that is not there is refused");
    failed += demo_claim(demo_wait(client_start(client_writes, 0)) == (STATUS_FAULT | FAULT_RIGHTS),
                         "a client that writes to the view ends by that");
    failed += demo_claim(demo_wait(client_start(client_widens, 0)) == 0,
                         "and cannot make the view wider");
    failed += demo_claim(table_value(7) == 4711, "the table does not change by it");
    failed += demo_claim(clients_crash() == 0, "clients crash, in reads and in calls");
    struct board counts = board_counts();
    printf("        %lu reads, %lu writes sent, %lu acknowledged, %lu done\n",
           (unsigned long)counts.reads, (unsigned long)counts.sent, (unsigned long)counts.answered,
           (unsigned long)TABLE->puts);
    failed += demo_claim(counts.torn == 0 && counts.reads > 0, "no read was torn");
    failed += demo_claim(table_whole(), "the data is whole");
    failed += demo_claim(TABLE->puts >= counts.answered && TABLE->puts <= counts.sent,
                         "each acknowledged write was done, and none that nobody sent");
    handle_close(session);
    failed += demo_claim(demo_wait(server) == 0, "the server has outlived all of them");
    return failed;
}

int main(void) {
    demo_must("quartet_slot_own", quartet_slot_own(0));
    demo_must("quarter_map",
              quarter_map(QUARTET_SLOT(0), BOARD_OFFSET, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    endpoint = (int)demo_must("endpoint_create", endpoint_create());
    session = (int)demo_must("endpoint_session", endpoint_session(endpoint, 1));
    printf("kv: %u keys in a quarter that all clients read\n", KEYS);
    fflush(stdout);
    long server = demo_must("process_clone", process_clone(PLAN_FORK, 0, 0, 0));
    if (server == 0) {
        serve();
    }
    handle_close(endpoint);
    return check_all(server) ? 1 : 0;
}
