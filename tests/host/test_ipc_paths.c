/* SPDX-License-Identifier: MIT */
/*
 * Proves that the fast path is nothing but fast (hazard 44): the same random calls, replies, closes
 * and ends, one after the other, have the same results with it, without it, and on three CPUs. One
 * step is one system call of one thread; what it wakes goes on until all wait, so that the results
 * do not depend on the order in which threads run. A result is all that a program can see: what is
 * returned, in which words, by whom.
 *
 * SEED= and OPERATIONS= as for test_random.
 */
#include <unistd.h>

#include "tests/host/ipc_world.h"

#define CLIENTS 4u
#define SERVERS 3u
#define ACTORS_ALL (CLIENTS + SERVERS)

static struct {
    struct process *process[ACTORS_ALL];
    struct actor *actor[ACTORS_ALL]; /* servers first */
    bool was_busy[ACTORS_ALL];
    int sessions[ACTORS_ALL];
    u64 token[ACTORS_ALL]; /* of the last long message */
    u64 digest, steps, choices;
} p;

/* Choices are a sequence of their own: the machine's points take random numbers, too. */
static u32 choose(u32 limit) {
    p.choices = p.choices * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(p.choices >> 33) % limit;
}

static bool one_in(u32 n) { return choose(n) == 0; }
static bool is_server(u32 i) { return i < SERVERS; }

static void note(u64 value) {
    p.digest = (p.digest ^ value) * 0x100000001B3ull;
    p.digest ^= p.digest >> 29;
}

/* What ACTOR, which has returned, has got. */
static void note_result(u32 i) {
    struct actor *actor = p.actor[i];
    note(i);
    note((u64)actor->result);
    for (u32 k = 0; k < SHORT_WORDS && !actor->with_message; k++) {
        note(actor->result >= 0 ? actor->word[k] : 0);
    }
    if (actor->with_message && actor->result == 0) {
        note(actor->message.label);
        note(actor->message.kind);
        note(actor->message.badge);
        note(actor->message.word[0]);
        note(actor->message.receive_length);
        p.token[i] = actor->message.token;
    }
    trace("%u: %ld", i, actor->result);
}

static void notes_take(void) {
    for (u32 i = 0; i < ACTORS_ALL; i++) {
        bool gone = ended(p.actor[i]);
        if (p.was_busy[i] && (gone || !p.actor[i]->busy)) {
            p.was_busy[i] = false;
            gone ? note(i + 1000) : note_result(i);
        }
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void start_words(u32 i, system_call_entry *handler, int handle) {
    p.was_busy[i] = true;
    begin_words(p.actor[i], handler, handle, (u32)(p.steps & 0xFFFFFF));
}

static void start_message(u32 i, system_call_entry *handler, int handle) {
    struct message *message = &p.actor[i]->message;
    message_set(p.actor[i], (u32)(p.steps & 0xFFFFFF), one_in(2) ? choose(40) : 0);
    if (message->send_length == 0 && one_in(2)) {
        memset(message->word, 0, sizeof(message->word)); /* that goes into registers */
        message->word[0] = p.steps;
    }
    message->receive_size = one_in(4) ? 20 : MESSAGE_BYTES;
    message->token = p.token[i];
    p.was_busy[i] = true;
    begin_message(p.actor[i], handler, handle);
}

static void step_client(u32 i) {
    int to = HANDLE_FIRST + (one_in(8) ? (int)choose((u32)p.sessions[i]) : 2 * (int)choose(2));
    if (one_in(40)) {
        p.was_busy[i] = true;
        begin(p.actor[i], call_handle_close, (uword)to, 0, 0, 0);
    } else if (one_in(6)) {
        start_message(i, call_ipc_call, to);
    } else {
        start_words(i, call_ipc_call_short, to);
    }
}

static void step_server(u32 i) {
    int from = one_in(20) ? HANDLE_FIRST + 1 : HANDLE_FIRST;
    switch (choose(20)) {
    case 0:
        start_message(i, call_ipc_receive, from);
        return;
    case 1:
        start_message(i, one_in(2) ? call_ipc_reply : call_ipc_reply_receive, from);
        return;
    case 2:
        start_words(i, call_ipc_reply_short, from);
        return;
    case 3:
    case 4:
        start_words(i, call_ipc_receive_short, from);
        return;
    default:
        start_words(i, call_ipc_reply_receive_short, from);
    }
}

/* One system call of one who is free. False: nobody is. */
static bool step(void) {
    u32 first = choose(ACTORS_ALL), i = 0;
    for (u32 k = 0; k < ACTORS_ALL; k++) {
        i = (first + k) % ACTORS_ALL;
        if (!p.actor[i]->busy && !ended(p.actor[i])) {
            break;
        }
    }
    p.steps++;
    if (p.actor[i]->busy || ended(p.actor[i])) {
        return false;
    }
    is_server(i) ? step_server(i) : step_client(i);
    settle();
    notes_take();
    return true;
}

/* ---- A round --------------------------------------------------------------------------------- */

/* Two endpoints, which all servers have, and sessions of them for each client. */
static void round_begin(void) {
    for (u32 i = 0; i < ACTORS_ALL; i++) {
        p.process[i] = program_new(i == 0 || !is_server(i) ? NULL : p.process[0]);
        p.actor[i] = actor_of_priority(p.process[i], 10 + choose(8));
        p.token[i] = 0;
        for (u32 k = 0; i == 0 && k < 2; k++) {
            CHECK_EQUAL(act(p.actor[0], call_endpoint_create, 0, 0, 0, 0), HANDLE_FIRST + k);
        }
        for (u32 k = 0; !is_server(i) && k < 4; k++) {
            uword endpoint = HANDLE_FIRST + k % 2;
            int session = (int)act(p.actor[0], call_endpoint_session, endpoint, 10 * i + k, 0, 0);
            handle_pass(p.process[0], session, p.process[i], RIGHTS_ALL);
            CHECK_EQUAL(act(p.actor[0], call_handle_close, (uword)session, 0, 0, 0), 0);
            p.sessions[i] = (int)k + 1;
        }
    }
}

static void round_end(void) {
    for (u32 k = 0; k < ACTORS_ALL; k++) {
        u32 i = (k + 2) % ACTORS_ALL; /* one server first, while the others can still receive */
        program_end(p.process[i]);
        settle();
        notes_take();
    }
    actors_forget();
    threads_check_nothing_left();
}

static u64 wanted(void) {
    const char *text = getenv("OPERATIONS");
    return (text ? strtoull(text, NULL, 0) : 100000) / 4;
}

#define ROUND_STEPS 200u

static void paths_driver(void) {
    u64 count = wanted();
    p.choices = test_seed(44);
    while (p.steps < count) {
        round_begin();
        for (u32 i = 0; i < ROUND_STEPS && step(); i++) {
        }
        round_end();
    }
    FILE *file = fopen(getenv("PATHS_RESULT"), "w");
    CHECK(file != NULL, "no place for the result");
    fprintf(file, "%llx %llu\n", (unsigned long long)p.digest, (unsigned long long)fast_path_taken);
    fclose(file);
}

/* ---- The same with and without --------------------------------------------------------------- */

static u32 cpu_wanted;

static void run_once(void) { threads_run(cpu_wanted, paths_driver); }

static u64 digest_of(const char *name, u32 cpu_total, bool off, u64 *taken) {
    static char path[] = "/tmp/quartet-paths-XXXXXX";
    unsigned long long digest = 0, fast = 0;
    int descriptor = mkstemp(path);
    CHECK(descriptor >= 0, "no place for the result");
    setenv("PATHS_RESULT", path, 1);
    cpu_wanted = cpu_total;
    fast_path_off = off;
    test_isolated(name, run_once, NULL);
    FILE *file = fdopen(descriptor, "r");
    CHECK(fscanf(file, "%llx %llu", &digest, &fast) == 2, "no result");
    fclose(file);
    unlink(path);
    strcpy(path, "/tmp/quartet-paths-XXXXXX");
    *taken = fast;
    return digest;
}

static void hazard_44_the_fast_path_has_the_same_results(void **state) {
    u64 taken[3];
    (void)state;
    u64 with = digest_of("with", 1, false, &taken[0]);
    u64 without = digest_of("without", 1, true, &taken[1]);
    u64 on_three = digest_of("on three CPUs", 3, false, &taken[2]);
    printf("    results %016llx, %016llx, %016llx; %llu, %llu and %llu by the fast path\n",
           (unsigned long long)with, (unsigned long long)without, (unsigned long long)on_three,
           (unsigned long long)taken[0], (unsigned long long)taken[1],
           (unsigned long long)taken[2]);
    if (with != without || with != on_three || taken[0] < wanted() / 50 || taken[1] != 0) {
        fail_msg("the same calls have other results, or the fast path was not taken");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hazard_44_the_fast_path_has_the_same_results),
    };
    return cmocka_run_group_tests_name("ipc_paths", tests, NULL, NULL);
}
