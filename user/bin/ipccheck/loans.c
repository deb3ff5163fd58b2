/* SPDX-License-Identifier: MIT */
/*
 * The ends of loans other than by the reply. The lender is a clone that shares slot 2 with the
 * driver: so the driver sees what becomes of the lender's quarter, also after its death.
 *
 *     stage 1   the borrower has written WRITTEN to page 0
 *     stage 2   the lender is gone: the borrower goes on, and writes LATE
 *     stage 3   it has replied, to nobody, and looked at its slot
 */
#include "ipccheck.h"

#define LENT 1000u
#define OWN 2000u
#define WRITTEN 3000u
#define LATE 4000u

static enum form reply_form;
static uint32_t timeout; /* of the lender's call */
static long expected;    /* what the lender gets */
static bool closes;      /* the borrower closes the endpoint, and lives on */

static void lend_once(void) {
    struct lending call;
    handle_close(endpoint);
    lending_make(&call, QUARTET_SLOT(2), RW, 0);
    call.message.timeout = timeout;
    EQUAL(expected, ipc_call(session, &call.message));
    stage_set(2);
    sleep_for_ever();
}

static void borrow(struct lending *got) {
    lending_make(got, QUARTET_NONE, 0, 1u << 2);
    got->message.timeout = NOT_FOR_EVER;
    EQUAL(0, ipc_receive(endpoint, &got->message));
    EQUAL(1u << 2, got->lend.received);
}

static void borrow_on(void) {
    struct lending got;
    struct exchange reply = {0};
    slot_fill(OWN);
    uint64_t own = slot_id();
    borrow(&got);
    EQUAL(LENT, WORD(0));
    WORD(0) = WRITTEN;
    if (closes) {
        handle_close(endpoint);
    }
    stage_set(1);
    stage_wait(2);
    EQUAL(WRITTEN, WORD(0)); /* a copy, and no fault */
    EQUAL(LENT, WORD(1));
    WORD(0) = WORD(1) = LATE;
    EQUAL(LATE, WORD(0));
    CHECK((uint32_t)slot_id() != BOARD->word[0]);
    state_keep();
    REFUSED(E_BUSY, space_get(2));
    reply.token = got.message.token;
    EQUAL(closes ? -E_HANDLE : -E_NOTFOUND, form_reply(reply_form, 0, &reply, 0));
    if (!closes) {
        EQUAL(own, slot_id());
        EQUAL(OWN, WORD(0));
    }
    stage_set(3);
}

/* The lender goes: killed by the driver, or as EXPECTED says. */
static void lender_goes(bool killed) {
    stage_set(0);
    slot_fill(LENT);
    BOARD->word[0] = (uint32_t)slot_id();
    long borrower = start(FORK, borrow_on);
    long lender = start(SHARING, lend_once);
    int kept = endpoint;
    if (closes) {
        endpoint = QUARTET_NONE;
        handle_close(kept);
    }
    stage_wait(1);
    if (killed) {
        kills(lender);
        stage_set(2);
    }
    stage_wait(3);
    ends(borrower, 0);
    EQUAL(WRITTEN, WORD(0)); /* the last that was written while it was lent, */
    EQUAL(LENT, WORD(1));    /* and nothing of what came later */
    WORD(0) = LENT;
    EQUAL(LENT, WORD(0));
    if (!killed) {
        kills(lender);
    }
    if (closes) {
        handle_close(session);
        endpoint = (int)endpoint_create();
        session = (int)endpoint_session(endpoint, BADGE);
    }
}

void check_lender_deaths(void) {
    for (reply_form = SHORT; reply_form < FORMS; reply_form++) {
        timeout = 0;
        lender_goes(true);
        timeout = 5 * TICK;
        expected = -E_TIMEOUT;
        lender_goes(false);
    }
    reply_form = LONG;
    timeout = 0;
    expected = -E_DEAD;
    closes = true;
    lender_goes(false);
}

/* ---- Borrowers ------------------------------------------------------------------------------- */

static bool faults;

static void borrow_and_die(void) {
    struct lending got;
    slot_fill(OWN);
    borrow(&got);
    WORD(0) = WRITTEN;
    stage_set(1);
    if (faults) {
        *(volatile uint32_t *)demo_pointer(2, 100 * MIB) = 1;
    }
    sleep_for_ever();
}

static void lend_and_look(void) {
    struct lending call;
    slot_fill(LENT);
    uint64_t own = slot_id();
    lending_make(&call, QUARTET_SLOT(2), RW, 0);
    state_keep();
    REFUSED(E_DEAD, ipc_call(session, &call.message));
    EQUAL(own, slot_id());
    EQUAL(WRITTEN, WORD(0));
    EQUAL(LENT, WORD(1));
    WORD(1) = LATE;
    EQUAL(LATE, WORD(1));
}

static void borrower_dies(void) {
    stage_set(0);
    long borrower = start(FORK, borrow_and_die);
    long lender = start(FORK, lend_and_look);
    stage_wait(1);
    if (faults) {
        ends(borrower, STATUS_FAULT | FAULT_NO_REGION);
    } else {
        kills(borrower);
    }
    ends(lender, 0);
}

/* Somebody else who can receive from the endpoint answers in the borrower's place: the lender goes
 * on, so what it lent must be its own again. */
static void borrow_for_another(void) {
    struct lending got;
    slot_fill(OWN);
    borrow(&got);
    WORD(0) = WRITTEN;
    BOARD->word[1] = (uint32_t)got.message.token;
    stage_set(1);
    stage_wait(2);
    WORD(0) = LATE;
    stage_set(3);
    EQUAL(-E_NOTFOUND, ipc_reply(endpoint, &got.message));
    EQUAL(OWN, WORD(0));
}

static void lend_and_compare(void) {
    struct lending call;
    slot_fill(LENT);
    lending_make(&call, QUARTET_SLOT(2), RW, 0);
    EQUAL(0, ipc_call(session, &call.message));
    EQUAL(WRITTEN, WORD(0));
    stage_set(2);
    stage_wait(3);
    EQUAL(WRITTEN, WORD(0));
}

static void another_replies(void) {
    stage_set(0);
    long borrower = start(FORK, borrow_for_another);
    long lender = start(FORK, lend_and_compare);
    stage_wait(1);
    struct message reply = {.token = BOARD->word[1]};
    EQUAL(0, ipc_reply(endpoint, &reply));
    ends(lender, 0);
    ends(borrower, 0);
}

/* What is lent has a pager, which dies when the borrower faults: the borrower ends by that, and the
 * lender hears that it is gone. */
static int pager_endpoint;

static void page_nothing(void) {
    struct message message = {0};
    handle_close(endpoint);
    EQUAL(0, ipc_receive(pager_endpoint, &message));
    EQUAL(MESSAGE_FAULT, message.kind);
}

static void borrow_paged(void) {
    struct lending got;
    slot_fill(OWN);
    handle_close(pager_endpoint);
    borrow(&got);
    WORD(3) = 1;
    CHECK(!"a page of a pager that is gone");
}

static void pager_dies(void) {
    struct lending call;
    pager_endpoint = (int)endpoint_create();
    int quarter = (int)quarter_create(2);
    EQUAL(0, quarter_map(quarter, 0, 8 * PAGE_SIZE, RW | MAP_PAGED));
    int pager_session = (int)endpoint_session(pager_endpoint, 1);
    EQUAL(0, quarter_pager(quarter, pager_session));
    handle_close(pager_session);
    long pager = start(FORK, page_nothing);
    long borrower = start(FORK, borrow_paged);
    handle_close(pager_endpoint);
    lending_make(&call, quarter, RW, 0);
    state_keep();
    REFUSED(E_DEAD, ipc_call(session, &call.message));
    ends(borrower, STATUS_FAULT | FAULT_PAGER_GONE);
    ends(pager, 0);
    handle_close(quarter);
}

void check_borrower_deaths(void) {
    faults = false;
    borrower_dies();
    faults = true;
    borrower_dies();
    another_replies();
    pager_dies();
}

/* ---- Races ----------------------------------------------------------------------------------- */

/* A borrower with a second thread that tries without end to keep what stands in slot 2. */
#define LOANS 300u /* at most, and for RACE_TIME milliseconds */
#define RACE_TIME 1500u
#define LAST 1u /* label */

static int keep_by_handle(void *unused) {
    (void)unused;
    struct quarter_stat stat;
    while (BOARD->stage == 0) {
        int handle = (int)space_get(2);
        if (handle >= 0 && quarter_stat(handle, &stat) == 0 &&
            (uint32_t)stat.sub_id == BOARD->word[0]) {
            BOARD->word[1]++;
        }
        handle_close(handle);
        thread_yield();
    }
    return 0;
}

static int keep_by_clone(void *unused) {
    (void)unused;
    while (BOARD->stage == 0) {
        long child = process_clone(SHARING, 0, 0, 0);
        if (child == 0) {
            process_exit((uint32_t)slot_id() == BOARD->word[0]);
        }
        if (child >= 0 && end(child) != 0) {
            BOARD->word[2]++;
        }
        thread_yield();
    }
    return 0;
}

static void borrow_often(void) {
    struct lending got;
    slot_fill(OWN);
    struct quartet_thread *thread[] = {quartet_thread_start(keep_by_handle, NULL),
                                       quartet_thread_start(keep_by_clone, NULL)};
    do {
        borrow(&got);
        EQUAL(0, ipc_reply(endpoint, &got.message));
    } while (got.message.label != LAST);
    stage_set(1);
    quartet_thread_join(thread[0], NULL);
    quartet_thread_join(thread[1], NULL);
}

void check_loan_races(void) {
    struct lending call;
    slot_fill(LENT);
    BOARD->word[0] = (uint32_t)slot_id();
    long borrower = start(FORK, borrow_often);
    uint64_t latest = many_milliseconds() + RACE_TIME;
    for (uint32_t i = 0, last = 0; !last; i++) {
        last = i >= LOANS || many_milliseconds() > latest ? LAST : 0;
        lending_make(&call, QUARTET_SLOT(2), RW, 0);
        call.message.label = last;
        EQUAL(0, ipc_call(session, &call.message));
    }
    ends(borrower, 0);
    EQUAL(0, BOARD->word[1]); /* handles, */
    EQUAL(0, BOARD->word[2]); /* and clones that had it */
}
