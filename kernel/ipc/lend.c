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

/* The kernel's own copy of what the program at ADDRESS says. */
static int fetch(struct message_lend *lend, u64 address) {
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
    if (error == E_OK) {
        *accept = lend.accept;
        error = user_writable_check((uword)address, sizeof(lend));
    }
    return error;
}

int lend_report(u64 address, u32 received) {
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
    struct space_slot to[SLOT_COUNT]; /* not counted: others have references meanwhile */
    u32 borrowed;                     /* loans that begin */
    u32 returned, revoked;            /* loans that end */
    const struct endpoint *endpoint;  /* with TOKEN: of all of them */
    u64 token;
    const u64 *given;                      /* sub-IDs of what leaves */
    struct space_slot dropped[SLOT_COUNT]; /* counted: to be let go after the try */
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
 * more; E_NOMEM. */
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

static void exchange_drop(struct exchange *exchange) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        if (exchange->dropped[slot].quarter != NULL) {
            quarter_release(exchange->dropped[slot].quarter);
            exchange->dropped[slot].quarter = NULL;
        }
    }
}

/* Let PREPARE say what becomes of the slots of PROCESS, and do it, again if its space has changed in
 * between. 0; what PREPARE returns; E_NOMEM; E_KILLED: it has no space any more. */
static int exchange_slots(struct process *process, struct exchange *exchange,
                          int (*prepare)(struct process *, const struct space *,
                                         struct exchange *)) {
    int error;
    do {
        struct space *old = process_space(process);
        if (old == NULL) {
            return E_KILLED;
        }
        error = prepare(process, old, exchange);
        if (error == E_OK && exchange->slots != 0) {
            error = exchange_try(process, old, exchange);
        }
        space_release(old);
        exchange_drop(exchange);
    } while (error == E_AGAIN);
    return error;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

static int attach_prepare(struct process *process, const struct space *old UNUSED,
                          struct exchange *exchange) {
    return process->loans & exchange->slots ? E_BUSY : E_OK;
}

int lend_attach(struct ipc_state *state, struct endpoint *endpoint) {
    const struct ipc_content *content = &state->content;
    u32 borrowed = content->quarters & ~content->given;
    struct exchange exchange = {.slots = content->quarters,
                                .borrowed = borrowed,
                                .endpoint = endpoint,
                                .token = content->token};
    memcpy(exchange.to, state->quarter, sizeof(exchange.to));
    int error = exchange_slots(process_current(), &exchange, attach_prepare);
    lend_drop(state); /* the space has references of its own */
    if (error == E_OK && borrowed != 0 && !endpoint_awaits(endpoint, content->token)) {
        lend_revoke(process_current(), endpoint, content->token); /* it gave up meanwhile */
    }
    return error;
}

/* ---- Going back ------------------------------------------------------------------------------ */

/* What stood in those slots before comes back. */
static int return_prepare(struct process *process, const struct space *old UNUSED,
                          struct exchange *exchange) {
    spinlock_acquire(&process_lock);
    exchange->slots = loans_locked(process, exchange->endpoint, exchange->token, true);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        exchange->to[slot] = process->loan[slot].before;
    }
    spinlock_release(&process_lock);
    exchange->returned = exchange->slots;
    return E_OK;
}

int lend_return(const struct endpoint *endpoint, u64 token) {
    struct exchange exchange = {.endpoint = endpoint, .token = token};
    return exchange_slots(process_current(), &exchange, return_prepare);
}

/* Copies of the quarters on loan, for the borrower to go on with. Where there is no memory for one,
 * the slot becomes empty. */
static int revoke_prepare(struct process *borrower, const struct space *old,
                          struct exchange *exchange) {
    spinlock_acquire(&process_lock);
    exchange->slots = loans_locked(borrower, exchange->endpoint, exchange->token, false);
    spinlock_release(&process_lock);
    exchange->revoked = exchange->slots;
    struct budget *budget = process_budget(borrower);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct space_slot *place = &old->slot[slot];
        struct quarter *copy = NULL;
        if ((exchange->slots & bit(slot)) && place->quarter != NULL) {
            quarter_copy(place->quarter, budget, &copy);
        }
        exchange->to[slot] = (struct space_slot){copy, copy != NULL ? place->view : 0};
        exchange->dropped[slot] = exchange->to[slot];
    }
    budget_release(budget);
    return E_OK;
}

void lend_revoke(struct process *borrower, const struct endpoint *endpoint, u64 token) {
    struct exchange exchange = {.endpoint = endpoint, .token = token};
    if (exchange_slots(borrower, &exchange, revoke_prepare) == E_NOMEM) {
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

static int give_prepare(struct process *process UNUSED, const struct space *old,
                        struct exchange *exchange) {
    exchange->slots = 0;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        const struct quarter *here = old->slot[slot].quarter;
        bool leaves = here != NULL && here->sub_id == exchange->given[slot];
        exchange->slots |= leaves ? bit(slot) : 0;
    }
    return E_OK;
}

int lend_gave(const struct ipc_state *state) {
    const u64 *given = state->given;
    if ((given[0] | given[1] | given[2] | given[3]) == 0) {
        return E_OK; /* most often: all that came along was lent */
    }
    struct exchange exchange = {.given = given};
    return exchange_slots(process_current(), &exchange, give_prepare);
}
