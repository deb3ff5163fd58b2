/* SPDX-License-Identifier: MIT */
/*
 * System calls for pages that come from programs. The work is in vm/supply.c and process/pager.c;
 * rights are checked here:
 *
 *     quarter_pager           MAP and WRITE on the quarter, WRITE on the endpoint or session
 *     quarter_supply_pages    WRITE on the destination; to add a region MAP and its rights, too.
 *                             READ on the source; WRITE, too, where it loses pages, or where what the
 *                             other side writes appears in it
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/pager.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/quarter.h"

/* What TO names, as a pager: a reference for the quarter. */
static int pager_lookup(int to, struct pager *pager) {
    struct object_found found;
    struct endpoint *endpoint;
    u64 badge;
    *pager = (struct pager){0};
    if (to == QUARTET_NONE) {
        return E_OK;
    }
    int error = object_lookup(to, 0, &found);
    if (error != E_OK) {
        return error;
    }
    error = call_target(found.object, found.type, found.rights, &endpoint, &badge);
    if (error != E_OK) {
        object_release(found.object, found.type, 0);
        return error;
    }
    *pager = (struct pager){found.object, found.type};
    return E_OK;
}

/* The badge of OLD, if it is a session with the endpoint of NEW; else 0. So a server learns what it
 * was asked before, and nobody else's badge passes for one of its own. */
static long badge_of(const struct pager *old, const struct pager *new) {
    struct endpoint *endpoint, *now;
    u64 badge, unused;
    if (old->object == NULL || new->object == NULL ||
        call_target(old->object, old->type, RIGHT_WRITE, &endpoint, &badge) != E_OK ||
        call_target(new->object, new->type, RIGHT_WRITE, &now, &unused) != E_OK) {
        return 0;
    }
    return endpoint == now ? (long)(badge & INT32_MAX) : 0;
}

long call_quarter_pager(uword handle, uword to, uword c UNUSED, uword d UNUSED) {
    struct quarter *quarter;
    struct pager pager;
    int error = quarter_lookup((int)handle, RIGHT_MAP | RIGHT_WRITE, &quarter, NULL);
    if (error != E_OK) {
        return -error;
    }
    long badge = 0;
    error = pager_lookup((int)to, &pager);
    if (error == E_OK) {
        struct pager old = quarter_pager_swap(quarter, pager);
        badge = badge_of(&old, &pager);
        pager_release(old);
    }
    quarter_put(quarter);
    return error != E_OK ? -error : badge;
}

static int supply_lookup(const struct page_supply *supply, struct quarter **to,
                         struct quarter **from) {
    u32 needed = supply->rights != 0 ? RIGHT_MAP | RIGHT_WRITE | supply->rights : RIGHT_WRITE;
    if (supply->rights & ~VIEW_FULL) {
        return E_INVALID;
    }
    int error = quarter_lookup(supply->to, needed, to, NULL);
    if (error != E_OK) {
        return error;
    }
    needed = supply->mode == PAGER_COPY ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE;
    error = quarter_lookup(supply->from, needed, from, NULL);
    if (error != E_OK) {
        quarter_put(*to);
    }
    return error;
}

long call_quarter_supply_pages(uword address, uword b UNUSED, uword c UNUSED, uword d UNUSED) {
    struct page_supply supply;
    struct quarter *to, *from;
    u32 done = 0;
    int error = copy_in(&supply, address, sizeof(supply));
    if (error == E_OK) {
        error = supply_lookup(&supply, &to, &from);
    }
    if (error != E_OK) {
        return -error;
    }
    error = pages_supply(to, from, &supply, &done);
    quarter_put(from);
    quarter_put(to);
    return done != 0 ? (long)done : -error;
}
