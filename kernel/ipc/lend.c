/* SPDX-License-Identifier: MIT */
/*
 * Lending: a quarter stands in a slot of another process for the length of a call. No page and no
 * table is touched; the borrower moves to another space and back.
 *
 *     lender                                borrower
 *     ipc_call ──quarter──> (under way) ──> ipc_receive: lend_attach
 *                                           slot s: what was there   ──> loan[s].before
 *                                           slot s: the lender's quarter, with the lender's rights
 *                     <──────────────────── ipc_reply: lend_return, then the lender wakes
 *
 *     the borrower dies        its space goes, and with it the attachment; the lender gets E_DEAD
 *     the lender dies, or      lend_revoke: the borrower goes on with a copy-on-write copy in that
 *     gives up (time-out)      slot, so that it does not fault, and the lender has its quarter to
 *                              itself from then on; the reply (E_NOTFOUND) takes the copy out
 *     another receiver replies the same: the loan ends with its call
 *
 * A slot on loan cannot be changed, cloned or reached by handle, so the borrower keeps nothing: who
 * asks looks at the space and its loans in one moment (process_space_loans), for another thread may
 * be lent something in the next. A *given* quarter is attached for good, and leaves the giver's
 * slot when the call succeeds.
 *
 * Locks: process->loan and process->loans under process_lock, together with process->space. A
 * message is received, then its loans are made, then it is looked at whether it is still awaited;
 * who gives up leaves the queue first, and then looks for loans: so one of the two ends them.
 */
#include <string.h>

#include "kernel/ipc/lend.h"
#include "kernel/object/budget.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/space.h"

static u32 bit(u32 slot) { return 1u << slot; }

/* ---- Under way ------------------------------------------------------------------------------- */

void lend_drop(struct ipc_state *state) {
    if (state->content.quarters == 0) {
        return;
    }
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (state->content.quarters & bit(slot)) {
            quarter_release(state->quarter[slot].quarter);
        }
    }
    state->content.quarters = 0;
}

/* The kernel's own copy of what the program at ADDRESS says; ADDRESS 0: nothing. */
static int fetch(struct message_lend *lend, u64 address) {
    *lend =
        (struct message_lend){.quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE, QUARTET_NONE}};
    if (address == 0) {
        return E_OK;
    }
    if (address > UINTPTR_MAX) {
        return E_FAULT;
    }
    int error = copy_in(lend, (uword)address, sizeof(*lend));
    bool valid = ((lend->give | lend->accept) & ~(bit(SLOT_COUNT) - 1)) == 0;
    return error != E_OK || valid ? error : E_INVALID;
}

/* QUARTER[slot] of LEND, into STATE. */
static int encode_slot(struct ipc_state *state, const struct message_lend *lend, u32 slot,
                       bool reply) {
    struct space_slot *place = &state->quarter[slot];
    bool given = lend->give & bit(slot);
    if (reply && !given) {
        return E_INVALID; /* there would be nobody to bring it back */
    }
    int error = attachment_lookup(lend->quarter[slot], slot, lend->rights[slot], place);
    if (error == E_OK) {
        state->content.quarters |= bit(slot);
        state->given[slot] = given ? place->quarter->sub_id : 0;
    }
    return error;
}

int lend_encode(struct ipc_state *state, u64 address, bool reply) {
    struct message_lend lend;
    memset(state->given, 0, sizeof(state->given));
    int error = fetch(&lend, address);
    for (u32 slot = 0; slot < SLOT_COUNT && error == E_OK; slot++) {
        if (lend.quarter[slot] != QUARTET_NONE) {
            error = encode_slot(state, &lend, slot, reply);
        }
    }
    if (error == E_OK) {
        state->content.given = lend.give & state->content.quarters;
    } else {
        lend_drop(state);
    }
    return error;
}

int lend_accept(u64 address, u32 *accept) {
    struct message_lend lend;
    int error = fetch(&lend, address);
    if (error == E_OK && address != 0) {
        error = user_writable_check((uword)address, sizeof(lend));
    }
    *accept = lend.accept;
    return error;
}

int lend_report(u64 address, u32 received) {
    if (address == 0) {
        return E_OK;
    }
    return copy_out((uword)address + offsetof(struct message_lend, received), &received,
                    sizeof(received));
}

/* ---- Loans -------------------------------------------------------------------------------------- */

/* The loans of PROCESS that came with this message, as bits; revoked ones too if ALL. process_lock
 * held. */
static u32 loans_locked(const struct process *process, const struct endpoint *endpoint, u64 token,
                        bool all) {
    u32 found = 0;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct loan *loan = &process->loan[slot];
        bool same =
            (process->loans & bit(slot)) && loan->endpoint == endpoint && loan->token == token;
        found |= same && (all || !loan->revoked) ? bit(slot) : 0;
    }
    return found;
}

/* ---- Spaces ---------------------------------------------------------------------------------- */

/* What becomes of the slots of a process, and of its loans, in one step. */
struct exchange {
    u32 slots;                        /* those that change */
    struct space_slot to[SLOT_COUNT]; /* not counted: who has the exchange has the references */
    u32 borrowed;                     /* loans that begin */
    u32 returned, revoked;            /* loans that end */
    const struct endpoint *endpoint;  /* with TOKEN: of all of them */
    u64 token;
    struct space_slot dropped[SLOT_COUNT]; /* what was before the loans that have ended: counted */
};

/* Are the loans that EXCHANGE ends still there, and the slots free in which it begins some? */
static bool exchange_valid(const struct process *process, const struct exchange *exchange) {
    u32 ends = exchange->returned | exchange->revoked;
    return (process->loans & exchange->borrowed) == 0 &&
           (loans_locked(process, exchange->endpoint, exchange->token, true) & ends) == ends;
}

/* Under process_lock, when the space of PROCESS goes from OLD to one with EXCHANGE's slots. */
static bool exchange_commit(struct process *process, const struct space *old, void *argument) {
    struct exchange *exchange = argument;
    if (!exchange_valid(process, exchange)) {
        return false;
    }
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        struct loan *loan = &process->loan[slot];
        if (exchange->borrowed & bit(slot)) {
            *loan = (struct loan){exchange->endpoint, exchange->token, old->slot[slot], false};
            if (loan->before.quarter != NULL) {
                quarter_reference(loan->before.quarter);
            }
        }
        if (exchange->returned & bit(slot)) {
            exchange->dropped[slot] = loan->before;
            *loan = (struct loan){0};
        }
        if (exchange->revoked & bit(slot)) {
            loan->revoked = true;
        }
    }
    process->loans = (u8)((process->loans | exchange->borrowed) & ~exchange->returned);
    return true;
}

/* Let PROCESS run in a space with EXCHANGE's slots in place of OLD's. E_AGAIN: it is not in OLD any
 * more; E_NOMEM, E_DEAD. */
static int exchange_try(struct process *process, struct space *old, struct exchange *exchange) {
    struct space_slot slots[SLOT_COUNT];
    struct space *space;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        slots[slot] = exchange->slots & bit(slot) ? exchange->to[slot] : old->slot[slot];
    }
    int error = space_obtain(slots, &space);
    if (error != E_OK) {
        return error;
    }
    error = process_replace_space(process, old, space, exchange_commit, exchange);
    if (error != E_OK) {
        space_release(space);
    }
    return error;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static int attach_once(struct ipc_state *state, const struct endpoint *endpoint) {
    const struct ipc_content *content = &state->content;
    struct process *self = process_current();
    struct exchange exchange = {.slots = content->quarters,
                                .borrowed = content->quarters & ~content->given,
                                .endpoint = endpoint,
                                .token = content->token};
    struct space *old = process_space(self);
    if (old == NULL) {
        return E_KILLED;
    }
    memcpy(exchange.to, state->quarter, sizeof(exchange.to));
    int error = self->loans & content->quarters ? E_BUSY : exchange_try(self, old, &exchange);
    space_release(old);
    return error;
}

int lend_attach(struct ipc_state *state, struct endpoint *endpoint) {
    const struct ipc_content *content = &state->content;
    u32 borrowed = content->quarters & ~content->given;
    int error = E_OK;
    if (content->quarters != 0) {
        do {
            error = attach_once(state, endpoint);
        } while (error == E_AGAIN);
    }
    lend_drop(state); /* the space has references of its own */
    if (error == E_OK && borrowed != 0 && !endpoint_awaits(endpoint, content->token)) {
        lend_revoke(process_current(), endpoint, content->token); /* it gave up meanwhile */
    }
    return error;
}

/* ---- Going back ------------------------------------------------------------------------------ */

/* What EXCHANGE returns, and what stood in those slots before: while it returns them. */
static void returns_find(struct process *process, struct exchange *exchange) {
    spinlock_acquire(&process_lock);
    exchange->returned = loans_locked(process, exchange->endpoint, exchange->token, true);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        exchange->to[slot] = process->loan[slot].before;
    }
    spinlock_release(&process_lock);
    exchange->slots = exchange->returned;
}

static int return_once(const struct endpoint *endpoint, u64 token) {
    struct process *self = process_current();
    struct exchange exchange = {.endpoint = endpoint, .token = token};
    struct space *old = process_space(self);
    if (old == NULL) {
        return E_KILLED;
    }
    returns_find(self, &exchange);
    int error = exchange.slots != 0 ? exchange_try(self, old, &exchange) : E_OK;
    space_release(old);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (exchange.dropped[slot].quarter != NULL) {
            quarter_release(exchange.dropped[slot].quarter);
        }
    }
    return error;
}

int lend_return(const struct endpoint *endpoint, u64 token) {
    int error = E_OK;
    if (process_current()->loans != 0) {
        do {
            error = return_once(endpoint, token);
        } while (error == E_AGAIN);
    }
    return error;
}

/* Copies of the quarters on loan, for the borrower to go on with. Where there is no memory for one,
 * the slot becomes empty. */
static void copies_make(struct process *borrower, const struct space *old,
                        struct exchange *exchange) {
    struct budget *budget = process_budget(borrower);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct space_slot *place = &old->slot[slot];
        exchange->to[slot] = (struct space_slot){0};
        if ((exchange->slots & bit(slot)) && place->quarter != NULL &&
            quarter_copy(place->quarter, budget, &exchange->to[slot].quarter) == 0) {
            exchange->to[slot].view = place->view;
        }
    }
    budget_release(budget);
}

static int revoke_once(struct process *borrower, const struct endpoint *endpoint, u64 token) {
    struct exchange exchange = {.endpoint = endpoint, .token = token};
    struct space *old = process_space(borrower);
    if (old == NULL) {
        return E_DEAD;
    }
    spinlock_acquire(&process_lock);
    exchange.slots = exchange.revoked = loans_locked(borrower, endpoint, token, false);
    spinlock_release(&process_lock);
    int error = E_OK;
    if (exchange.slots != 0) {
        copies_make(borrower, old, &exchange);
        error = exchange_try(borrower, old, &exchange);
        for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
            if (exchange.to[slot].quarter != NULL) {
                quarter_release(exchange.to[slot].quarter);
            }
        }
    }
    space_release(old);
    return error;
}

void lend_revoke(struct process *borrower, const struct endpoint *endpoint, u64 token) {
    int error;
    do {
        error = revoke_once(borrower, endpoint, token);
    } while (error == E_AGAIN);
    if (error == E_NOMEM) {
        /* Not even a root table: what cannot be taken back ends with its borrower. */
        process_end(borrower, STATUS_FAULT | FAULT_NO_MEMORY, 0);
    }
}

void lend_forget(struct process *process) {
    struct loan loans[SLOT_COUNT];
    spinlock_acquire(&process_lock);
    memcpy(loans, process->loan, sizeof(loans));
    memset(process->loan, 0, sizeof(process->loan));
    process->loans = 0;
    spinlock_release(&process_lock);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (loans[slot].before.quarter != NULL) {
            quarter_release(loans[slot].before.quarter);
        }
    }
}

/* ---- Giving ---------------------------------------------------------------------------------- */

static int detach_once(const u64 given[SLOT_COUNT]) {
    struct exchange exchange = {0};
    struct space *old = process_space(process_current());
    if (old == NULL) {
        return E_KILLED;
    }
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct quarter *here = old->slot[slot].quarter;
        exchange.slots |= here != NULL && here->sub_id == given[slot] ? bit(slot) : 0;
    }
    int error = exchange.slots != 0 ? exchange_try(process_current(), old, &exchange) : E_OK;
    space_release(old);
    return error;
}

int lend_gave(const struct ipc_state *state) {
    int error = E_OK;
    if ((state->given[0] | state->given[1] | state->given[2] | state->given[3]) != 0) {
        do {
            error = detach_once(state->given);
        } while (error == E_AGAIN);
    }
    return error;
}
