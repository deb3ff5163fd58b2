/* SPDX-License-Identifier: MIT */
/*
 * Lending and giving, when nobody dies: the driver is the lender, and the borrower a clone that has
 * a quarter of its own in slot 2.
 */
#include "ipccheck.h"

#define LENT 1000u
#define OWN 2000u

static uint32_t rights; /* of the view that is lent */

/* Receive into slot 2; in RECEIVED is what came. */
static void borrow(struct lending *received) {
    lending_make(received, QUARTET_NONE, 0, 1u << 2);
    received->message.timeout = NOT_FOR_EVER;
    EQUAL(0, ipc_receive(endpoint, &received->message));
    received->message.timeout = 0;
    received->lend.accept = 0;
}

static long call_lending(uint32_t view) {
    struct lending call;
    lending_make(&call, QUARTET_SLOT(2), view, 0);
    return ipc_call(session, &call.message);
}

/* ---- A view for the length of a call --------------------------------------------------------- */

static void borrow_and_write(void) {
    struct lending got;
    slot_fill(OWN);
    uint64_t own = slot_id();
    for (uint32_t i = 0; i < 3; i++) {
        borrow(&got);
        EQUAL(1u << 2, got.lend.received);
        EQUAL(BOARD->word[0], (uint32_t)slot_id());
        EQUAL(LENT + i, WORD(0));
        WORD(0) = LENT + i + 1;
        EQUAL(0, ipc_reply(endpoint, &got.message));
        EQUAL(own, slot_id());
        EQUAL(OWN, WORD(0));
    }
    demo_attach(2, QUARTET_NONE, 0, 0); /* a slot in which nothing was */
    borrow(&got);
    EQUAL(LENT + 3, WORD(0));
    EQUAL(0, ipc_reply(endpoint, &got.message));
    CHECK(slot_empty());
    borrow(&got); /* a short reply takes it out as well */
    struct short_message words = {0};
    EQUAL(0, ipc_reply_short(endpoint, 0, &words));
    CHECK(slot_empty());
}

static void borrow_and_break(void) {
    struct lending got;
    slot_fill(OWN);
    borrow(&got);
    CHECK(WORD(0) >= LENT);
    WORD(0) = 1;
    CHECK(!"a write through a read-only loan");
}

void check_lend(void) {
    slot_fill(LENT);
    BOARD->word[0] = (uint32_t)slot_id();
    uint64_t own = slot_id();
    long borrower = start(FORK, borrow_and_write);
    for (uint32_t i = 0; i < 3; i++) {
        EQUAL(0, call_lending(RW));
        EQUAL(own, slot_id());
        EQUAL(LENT + i + 1, WORD(0));
    }
    EQUAL(0, call_lending(RW));
    EQUAL(0, call_lending(RW));
    ends(borrower, 0);
    borrower = start(FORK, borrow_and_break);
    EQUAL(-E_DEAD, call_lending(RIGHT_READ));
    ends(borrower, STATUS_FAULT | FAULT_RIGHTS);
    EQUAL(LENT + 3, WORD(0));
    WORD(0) = LENT;
    EQUAL(LENT, WORD(0));
}

/* ---- What the borrower cannot do ------------------------------------------------------------- */

/* Slot 2 is on loan, with RIGHTS. */
static void loan_refuses(void) {
    struct quarter_stat stat;
    struct page_supply supply = {.to = QUARTET_SLOT(2), .from = QUARTET_SLOT(2), .pages = 1};
    char byte = 0;
    int fresh = (int)quarter_create(2);
    state_keep();
    REFUSED(E_BUSY, space_get(2));
    REFUSED(E_BUSY, demo_attach(2, fresh, RW, 0));
    REFUSED(E_BUSY, demo_attach(2, QUARTET_NONE, 0, 0));
    REFUSED(E_BUSY, process_clone(FORK, 0, 0, 0));
    REFUSED(E_BUSY, process_clone(SHARING, 0, 0, 0));
    REFUSED(E_BUSY, process_clone(SHARING | CLONE_STOPPED, 0, 0, 0));
    REFUSED(E_RIGHTS, quarter_copy(QUARTET_SLOT(2)));
    REFUSED(E_RIGHTS, quarter_map(QUARTET_SLOT(2), MIB, PAGE_SIZE, RIGHT_READ));
    REFUSED(E_RIGHTS, quarter_unmap(QUARTET_SLOT(2), 0, PAGE_SIZE));
    REFUSED(E_RIGHTS, quarter_protect(QUARTET_SLOT(2), 0, PAGE_SIZE, RIGHT_READ));
    REFUSED(E_RIGHTS, quarter_supply(QUARTET_SLOT(2), 0, &byte, 1));
    REFUSED(E_RIGHTS, quarter_pager(QUARTET_SLOT(2), session));
    REFUSED(E_RIGHTS, quarter_supply_pages(&supply));
    REFUSED(E_RIGHTS, handle_dup(QUARTET_SLOT(2), RIGHTS_ALL, QUARTET_NONE));
    EQUAL(0, quarter_stat(QUARTET_SLOT(2), &stat));
    EQUAL(RIGHT_READ, stat.view); /* what a handle to the slot can do; the attachment: */
    EQUAL(rights, process_facts(QUARTET_SELF).slot[2].view);
    handle_close(fresh);
}

static void exit_at_once(void) {}

static void borrow_and_try(void) {
    struct lending got, nested;
    slot_fill(OWN);
    int other = (int)endpoint_create();
    for (uint32_t i = 0; i < 2; i++) {
        rights = i == 0 ? RIGHT_READ : RW;
        borrow(&got);
        loan_refuses();
        lending_make(&nested, QUARTET_SLOT(2), RIGHT_READ, 0);
        state_keep();
        REFUSED(E_RIGHTS, ipc_call(other, &nested.message)); /* it cannot be lent on, */
        nested.lend.give = 1u << 2;
        REFUSED(E_RIGHTS, ipc_call(other, &nested.message)); /* nor given, */
        nested.message.token = got.message.token;
        REFUSED(E_RIGHTS, ipc_reply(endpoint, &nested.message)); /* not even back */
        ends(start(PLAN(PLAN_SHARE, PLAN_COPY, PLAN_FRESH, PLAN_COPY), exit_at_once), 0);
        ends(start(PLAN(PLAN_SHARE, PLAN_COPY, PLAN_NONE, PLAN_COPY), exit_at_once), 0);
        if (i == 1) { /* a second loan in that slot: its caller hears, and the receiver waits on */
            stage_set(1);
            struct lending second;
            borrow(&second);
            EQUAL(0, second.lend.received);
            EQUAL(0, ipc_reply(endpoint, &second.message));
            EQUAL(LENT, WORD(0));
        }
        EQUAL(0, ipc_reply(endpoint, &got.message));
        EQUAL(OWN, WORD(0));
    }
    handle_close(other);
}

/* Slot 2 of this one is a copy. */
static void lend_second(void) {
    struct message plain = {0};
    stage_wait(1);
    state_keep();
    REFUSED(E_BUSY, call_lending(RW));
    EQUAL(0, ipc_call(session, &plain));
}

void check_on_loan(void) {
    slot_fill(LENT);
    long borrower = start(FORK, borrow_and_try);
    long second = start(FORK, lend_second);
    EQUAL(0, call_lending(RIGHT_READ));
    EQUAL(0, call_lending(RW));
    ends(second, 0);
    ends(borrower, 0);
    EQUAL(LENT, WORD(0));
}

/* ---- Giving ---------------------------------------------------------------------------------- */

/* The driver's quarter comes, and the borrower's own goes back with the reply. */
static void take_and_give(void) {
    struct lending got, reply;
    slot_fill(OWN);
    int own = (int)space_get(2);
    borrow(&got);
    EQUAL(1u << 2, got.lend.received);
    EQUAL(BOARD->word[0], (uint32_t)slot_id());
    EQUAL(LENT, WORD(0));
    lending_make(&reply, own, RW, 0);
    reply.lend.give = 1u << 2;
    reply.message.token = got.message.token;
    EQUAL(0, ipc_reply(endpoint, &reply.message));
    EQUAL(BOARD->word[0], (uint32_t)slot_id()); /* for good */
    handle_close(own);
    WORD(0) = LENT + 1; /* it may do with it what it likes */
    EQUAL(0, quarter_map(QUARTET_SLOT(2), MIB, PAGE_SIZE, RW));
    borrow(&got);
    lending_make(&reply, QUARTET_SLOT(2), RW, 0);
    reply.lend.give = 1u << 2;
    reply.message.token = got.message.token;
    EQUAL(-E_REFUSED, ipc_reply(endpoint, &reply.message)); /* the caller did not accept */
    EQUAL(BOARD->word[0], (uint32_t)slot_id());
    EQUAL(0, ipc_reply(endpoint, &got.message));
    borrow(&got);
    reply.message.token = got.message.token;
    EQUAL(0, ipc_reply(endpoint, &reply.message)); /* from the slot itself: that is empty now */
    CHECK(slot_empty());
}

void check_give(void) {
    struct lending call;
    struct quarter_stat stat;
    slot_fill(LENT);
    uint32_t given = (uint32_t)slot_id();
    BOARD->word[0] = given;
    long borrower = start(FORK, take_and_give);
    lending_make(&call, QUARTET_SLOT(2), RW, 1u << 2);
    call.lend.give = 1u << 2;
    EQUAL(0, ipc_call(session, &call.message));
    EQUAL(1u << 2, call.lend.received);
    EQUAL(OWN, WORD(0)); /* what the reply gave */
    CHECK((uint32_t)slot_id() != given);
    lending_make(&call, QUARTET_NONE, 0, 0);
    EQUAL(0, ipc_call(session, &call.message));
    lending_make(&call, QUARTET_NONE, 0, 1u << 2);
    EQUAL(0, ipc_call(session, &call.message));
    EQUAL(1u << 2, call.lend.received);
    EQUAL(given, (uint32_t)slot_id());
    EQUAL(LENT + 1, WORD(0));
    ends(borrower, 0);
    EQUAL(0, quarter_stat(QUARTET_SLOT(2), &stat));
    EQUAL(2, stat.regions);
    EQUAL(1, stat.references); /* this space's: nobody else has it */
    EQUAL(RW, stat.view & (RW | RIGHT_EXECUTE));
}
