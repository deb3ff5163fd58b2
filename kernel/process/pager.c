/* SPDX-License-Identifier: MIT */
/*
 * Faults that a program answers. The faulting thread itself makes a call to the quarter's pager, as
 * if it had called ipc_call; so as many faults are outstanding as threads have them, a kill ends the
 * wait, and a pager that dies wakes all who wait for it (ipc/endpoint.c).
 *
 *     faulting thread: pager_ask ──call──> pager ──reply──> pager_replies (in the pager's ipc_reply:
 *                          ^                                 pages are supplied, vm/supply.c)
 *                          └──────────── woken, with what became of it ─────────────┘
 *
 * The pager's thread does the supply, before its reply returns: so it knows that a page which it has
 * moved is gone, and may use the place for the next.
 *
 * The fault may come from a copy between kernel and user memory in the middle of a system call, even
 * of ipc_call: so these calls have a state of their own (thread->fault_ipc). No lock is held there
 * (hazard 33), and no CPU's data is kept across a copy; what a system call has looked up, it has a
 * reference to.
 *
 * Of two threads that fault on one page both ask; the second supply finds the page present, and
 * leaves it. Read next: fault.c, docs/pagers.md.
 */
#include "kernel/process/pager.h"

#include "kernel/base/cpu.h"
#include "kernel/ipc/ipc.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/supply.h"

#define KILL_PAGES 512u /* supplied between two looks whether the thread has been killed */

int call_target(const void *object, enum object_type type, u32 rights, struct endpoint **endpoint,
                u64 *badge) {
    if (type == OBJECT_SESSION) {
        const struct session *session = object;
        *endpoint = session->endpoint;
        *badge = session->badge;
    } else if (type == OBJECT_ENDPOINT) {
        *endpoint = (struct endpoint *)object;
        *badge = 0;
    } else {
        return E_TYPE;
    }
    return rights & RIGHT_WRITE ? E_OK : E_RIGHTS;
}

int pages_supply(struct quarter *to, struct quarter *from, const struct page_supply *supply,
                 u32 *done) {
    int error;
    *done = 0;
    if (supply->pages > QUARTER_SIZE / PAGE_SIZE) {
        return E_INVALID;
    }
    do {
        u32 left = supply->pages - *done, passed = *done << PAGE_SHIFT, now;
        error = quarter_supply_pages(
            to, supply->offset + passed, from, supply->from_offset + passed,
            left < KILL_PAGES ? left : KILL_PAGES, supply->mode, supply->rights, &now);
        *done += now;
        if (error == E_OK && thread_killed()) {
            error = E_KILLED;
        }
    } while (error == E_OK && *done < supply->pages);
    return error;
}

/* ---- The pager answers ------------------------------------------------------------------------ */

static u32 reason_of(int error) {
    return error == E_OK                          ? 0
           : error == E_NOMEM || error == E_LIMIT ? FAULT_NO_MEMORY
                                                  : FAULT_PAGER_NONSENSE;
}

/* Supply the pages that CONTENT, a reply, names, from OFFSET on. What is behind the first may fail. */
static u32 reply_supply(struct quarter *quarter, u32 offset, const struct ipc_content *content) {
    const struct ipc_handle *source = &content->handle[0];
    u32 rights = content->label == PAGER_COPY ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE;
    if (content->handle_count == 0 || source->type != OBJECT_QUARTER ||
        (source->rights & rights) != rights || content->word[0] >= QUARTER_SIZE ||
        content->word[1] > QUARTER_SIZE / PAGE_SIZE || content->word[2] > RIGHTS_ALL) {
        return FAULT_PAGER_NONSENSE;
    }
    struct page_supply supply = {.offset = offset,
                                 .from_offset = (u32)content->word[0],
                                 .pages = (u32)content->word[1],
                                 .mode = content->label,
                                 .rights = (u32)content->word[2]};
    u32 done;
    int error = pages_supply(quarter, source->object, &supply, &done);
    return done != 0 ? 0 : reason_of(error);
}

/* What becomes of a fault by a reply without pages. */
static u32 reply_reason(const struct ipc_content *content) {
    return content->label == PAGER_RETRY    ? 0
           : content->label == PAGER_REFUSE ? FAULT_PAGER_REFUSED
                                            : FAULT_PAGER_NONSENSE;
}

void pager_replies(struct endpoint *endpoint, struct ipc_state *state, u64 token) {
    u32 offset;
    struct quarter *quarter =
        token == TOKEN_LAST ? NULL : endpoint_fault_quarter(endpoint, state, token, &offset);
    if (quarter == NULL) {
        return;
    }
    u32 label = state->content.label;
    u32 reason = label == PAGER_MOVE || label == PAGER_COPY || label == PAGER_SHARE
                     ? reply_supply(quarter, offset, &state->content)
                     : reply_reason(&state->content);
    quarter_release(quarter);
    ipc_handles_drop(state, 0);
    state->content = (struct ipc_content){.kind = MESSAGE_FAULT, .label = reason};
}

/* ---- The faulting thread asks ---------------------------------------------------------------- */

static u32 fault_call(struct endpoint *endpoint, u64 badge, struct ipc_state *state,
                      struct quarter *quarter, u32 offset, enum vm_access access) {
    state->is_short = false;
    state->receive_size = 0;
    state->fault_quarter = quarter;
    state->fault_offset = offset;
    int error;
    do { /* a pager that ended with it in its hands may have a successor, whom it costs nothing to ask */
        state->content = (struct ipc_content){
            .label = PAGER_FAULT,
            .kind = MESSAGE_FAULT,
            .word = {quarter->sub_id, offset, access, thread_current()->tid},
            .badge = badge,
            .long_call = true,
        };
        error = endpoint_call(endpoint, state, WAIT_FOREVER);
    } while (error == E_DEAD && !endpoint_gone(endpoint));
    state->fault_quarter = NULL;
    if (error != E_OK) {
        return FAULT_PAGER_GONE;
    }
    /* A reply that did not come through pager_replies is a short one. */
    return state->content.kind == MESSAGE_FAULT ? state->content.label
                                                : reply_reason(&state->content);
}

static u32 pager_call(struct pager pager, struct quarter *quarter, u32 offset,
                      enum vm_access access) {
    struct endpoint *endpoint;
    u64 badge;
    if (call_target(pager.object, pager.type, RIGHT_WRITE, &endpoint, &badge) != E_OK ||
        thread_current()->detached) {
        return FAULT_PAGER_GONE;
    }
    if (handle_receives(&process_current()->handles, endpoint)) {
        return FAULT_PAGER_SELF; /* it could wait for itself for ever */
    }
    struct ipc_state *state = ipc_fault_state_obtain();
    if (state == NULL) {
        return FAULT_NO_MEMORY;
    }
    u32 reason = fault_call(endpoint, badge, state, quarter, offset & ~(PAGE_SIZE - 1), access);
    ipc_handles_drop(state, 0);
    return reason;
}

u32 pager_ask(struct quarter *quarter, u32 offset, enum vm_access access, u32 reason) {
    struct pager pager = quarter_pager_get(quarter);
    if (pager.object == NULL) {
        return reason;
    }
    VM_COUNT(pager_faults);
    u32 answer = pager_call(pager, quarter, offset, access);
    pager_release(pager);
    /* Of what is in no region the pager may know nothing. */
    bool unknown = answer != 0 && answer != FAULT_NO_MEMORY && reason == FAULT_NO_REGION;
    return unknown ? reason : answer;
}
