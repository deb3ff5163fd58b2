/* SPDX-License-Identifier: MIT */
/*
 * System calls for pages that come from programs. The work is in vm/supply.c and process/pager.c.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/process/pager.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"
#include "kernel/syscall/user_memory.h"
#include "kernel/vm/quarter.h"

/* What TO names, as a pager: a reference for the quarter. */
static int pager_lookup(int to, struct pager *pager) {
    struct handle found = {0};
    struct endpoint *endpoint;
    u64 badge;
    int error = to == QUARTET_NONE ? E_OK : target_lookup(to, &found, &endpoint, &badge);
    *pager = (struct pager){found.object, found.type};
    return error;
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

long do_quarter_pager(struct quarter *quarter, int to) {
    struct pager pager;
    int error = pager_lookup(to, &pager);
    if (error != E_OK) {
        return -error;
    }
    struct pager old = quarter_pager_swap(quarter, pager);
    long badge = badge_of(&old, &pager);
    pager_release(old);
    return badge;
}

/* The destination needs WRITE; to add a region MAP and its rights, too. The source needs READ; WRITE,
 * too, where it loses pages, or where what the other side writes appears in it. */
static int supply_lookup(const struct page_supply *supply, struct handle *to, struct handle *from) {
    u32 needed = supply->rights != 0 ? RIGHT_MAP | RIGHT_WRITE | supply->rights : RIGHT_WRITE;
    if (supply->rights & ~VIEW_FULL) {
        return E_INVALID;
    }
    int error = object_lookup(supply->to, OBJECT_QUARTER, needed, to);
    if (error != E_OK) {
        return error;
    }
    needed = supply->mode == PAGER_COPY ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE;
    error = object_lookup(supply->from, OBJECT_QUARTER, needed, from);
    if (error != E_OK) {
        quarter_release(to->object);
    }
    return error;
}

long do_quarter_supply_pages(uword address) {
    struct page_supply supply;
    struct handle to, from;
    u32 done = 0;
    int error = copy_in(&supply, address, sizeof(supply));
    if (error == E_OK) {
        error = supply_lookup(&supply, &to, &from);
    }
    if (error != E_OK) {
        return -error;
    }
    error = pages_supply(to.object, from.object, &supply, &done);
    quarter_release(from.object);
    quarter_release(to.object);
    return done != 0 ? (long)done : -error;
}
