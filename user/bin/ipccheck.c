/* SPDX-License-Identifier: MIT */
/*
 * ipccheck [-x] [NAME...]: what messages promise, tried on the running system, a group of checks
 * for each line of the table; without NAME all of them. A group runs in a process of its own, and
 * afterwards the machine must have as many processes, threads, quarters, spaces and frames as
 * before, and the process as many handles as its beginning had. Ends with "N passed, N failed",
 * counting groups. -x: this is one CPU under -icount, where times are exact: check them, too.
 * tests/guest/test_ipc.py runs it. Read ipccheck/ipccheck.h next.
 */
#include "user/bin/ipccheck/ipccheck.h"

#define USAGE "ipccheck [-x] [NAME...]"

static const struct group {
    const char *name;
    void (*function)(void);
    const char *claim;
} groups[] = {
    {"errors", check_errors, "each call refuses what it must, and nothing changes"},
    {"lend-errors", check_lend_errors, "and so for quarters in messages"},
    {"forms", check_forms, "short and long messages mix in all ways"},
    {"misfits", check_misfits, "what does not fit fails, and the other side waits on"},
    {"client-deaths", check_client_deaths, "a client may die at any point of its call"},
    {"server-deaths", check_server_deaths, "so may a server: its caller gets E_DEAD"},
    {"endpoint-deaths", check_endpoint_deaths, "the same when the endpoint is closed"},
    {"unseen", check_unseen, "who is killed runs no further: no call returns E_KILLED"},
    {"lend", check_lend, "a quarter is lent for the length of a call, as a view"},
    {"on-loan", check_on_loan, "and cannot be kept, lent on or changed meanwhile"},
    {"give", check_give, "a quarter that is given is the receiver's"},
    {"lender-deaths", check_lender_deaths, "a lender that goes leaves a copy behind"},
    {"borrower-deaths", check_borrower_deaths, "a borrower that goes leaves nothing behind"},
    {"loan-races", check_loan_races, "no moment in which a thread could keep what is lent"},
    {"rights", check_rights, "a handle arrives with the rights that it was sent with"},
    {"time-outs", check_timeouts, "calls and receives end in time, and late replies find nobody"},
    {"queue-order", check_queue_order, "who is more urgent is received first"},
    {"boost", check_boost, "a server is as urgent as the most urgent of its callers"},
    {"flood", check_flood, "a client that floods does not keep others from being served"},
    {"mute-server", check_mute_server, "a server that never replies holds nobody who set a limit"},
    {"sessions", check_sessions, "clients that die over and over cost the server nothing"},
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

struct counts {
    uint32_t processes, threads, quarters, spaces, frames;
};

static struct counts counts_now(void) {
    struct info_machine machine = many_machine();
    return (struct counts){machine.processes, machine.threads, machine.quarters, machine.spaces,
                           machine.frames_free};
}

static const struct group *running;

static void group_process(void) {
    slot_fill(0);
    uint32_t handles = process_facts(QUARTET_SELF).handles;
    endpoint = (int)demo_must("endpoint_create", endpoint_create());
    session = (int)demo_must("endpoint_session", endpoint_session(endpoint, BADGE));
    stage_set(0);
    memset((void *)BOARD->word, 0, sizeof(BOARD->word));
    running->function();
    handle_close(session);
    handle_close(endpoint);
    EQUAL(handles, process_facts(QUARTET_SELF).handles);
    fflush(stdout);
}

/* Does the machine have what it had? What ends by itself is given some time. */
static bool came_back(const struct counts *before, struct counts *after) {
    for (int i = 0; i < 100; i++) {
        *after = counts_now();
        if (memcmp(before, after, sizeof(*after)) == 0) {
            return true;
        }
        thread_sleep(TICK);
    }
    return false;
}

/* What is missing once may be somebody's cache that has grown; what is missing each time is lost. */
static bool group_run(const struct group *group) {
    struct counts before = {0}, after = {0};
    bool back = false;
    running = group;
    for (int i = 0; i < 3 && !back; i++) {
        BOARD->checks = BOARD->failures = 0;
        before = counts_now();
        ends(start(FORK, group_process), 0);
        back = came_back(&before, &after) || BOARD->failures != 0;
    }
    if (!back) {
        printf("  FAIL %s: processes %+ld, threads %+ld, quarters %+ld, spaces %+ld, frames %+ld\n",
               group->name, (long)after.processes - (long)before.processes,
               (long)after.threads - (long)before.threads,
               (long)after.quarters - (long)before.quarters,
               (long)after.spaces - (long)before.spaces, (long)after.frames - (long)before.frames);
    }
    bool good = back && BOARD->failures == 0;
    printf("%s  %-16s %s (%u checks)\n", good ? "ok  " : "FAIL", group->name, group->claim,
           (unsigned)BOARD->checks);
    fflush(stdout);
    return good;
}

static bool is_chosen(const struct group *group, char **names) {
    bool chosen = *names == NULL;
    for (; *names != NULL; names++) {
        chosen |= strcmp(group->name, *names) == 0;
    }
    return chosen;
}

int main(int argc, char **argv) {
    unsigned passed = 0, failed = 0;
    int option;
    while ((option = getopt(argc, argv, "xh")) != -1) {
        if (option != 'x') {
            return command_usage(USAGE, option);
        }
        exact = true;
    }
    demo_must("quartet_slot_own", quartet_slot_own(0));
    demo_must("quarter_map", quarter_map(QUARTET_SLOT(0), BOARD_OFFSET, PAGE_SIZE, RW));
    BOARD->stage = 0;
    for (uint32_t i = 0; i < GROUPS; i++) {
        if (is_chosen(&groups[i], argv + optind)) {
            group_run(&groups[i]) ? passed++ : failed++;
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0 || passed == 0 ? EXIT_FAILURE : command_end("ipccheck", EXIT_SUCCESS);
}
