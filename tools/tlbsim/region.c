/* SPDX-License-Identifier: MIT */
/*
 * A tag for each quarter and view. An ID whose quarter has gone is used again, the one that has been out
 * of use for longest first; what is cached under it is purged then.
 */
#include <stdlib.h>

#include "tools/tlbsim/machine.h"

struct id {
    uint64_t sub_id, view, used; /* sub-ID 0: nobody's */
};

struct own {
    struct id *id;
    uint32_t used, most; /* IDs given out so far, and that there are */
    uint64_t loads;
};

static void initialise(struct machine *machine, const struct options *options) {
    struct own *own = machine->own = checked(calloc(1, sizeof *own));
    own->most = options->regions;
    own->id = checked(calloc(own->most, sizeof *own->id));
}

static uint32_t id_find(const struct own *own, uint64_t sub_id, uint64_t view) {
    for (uint32_t i = 0; i < own->used; i++) {
        if (own->id[i].sub_id == sub_id && own->id[i].view == view) {
            return i;
        }
    }
    return own->used;
}

static uint32_t id_take(struct machine *machine) {
    struct own *own = machine->own;
    if (own->used < own->most) {
        return own->used++;
    }
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < own->most; i++) {
        oldest = own->id[i].used < own->id[oldest].used ? i : oldest;
    }
    machine_forget(machine, oldest, 0, 0);
    machine->counts.flushed_loads++;
    return oldest;
}

static uint64_t id_enter(struct machine *machine, uint64_t sub_id, uint64_t view) {
    struct own *own = machine->own;
    uint32_t at = id_find(own, sub_id, view);
    if (at == own->used) {
        at = id_take(machine);
        own->id[at] = (struct id){.sub_id = sub_id, .view = view};
    }
    own->id[at].used = own->loads;
    return at;
}

static void load(struct machine *machine, const struct space *space) {
    struct own *own = machine->own;
    own->loads++;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        machine->tag[slot] = space->sub_id[slot] == 0
                                 ? NO_TAG
                                 : id_enter(machine, space->sub_id[slot], space->view[slot]);
    }
}

/* A purge can name a whole region. */
static void shootdown(struct machine *machine, const struct shootdown *shootdown) {
    struct own *own = machine->own;
    for (uint32_t i = 0; i < own->used; i++) {
        if (own->id[i].sub_id == shootdown->sub_id) {
            machine_forget(machine, i, shootdown->first, shootdown->pages);
        }
    }
}

static bool good(const struct machine *machine, const struct entry *entry) {
    const struct own *own = machine->own;
    return own->id[entry->tag].sub_id != 0;
}

static void quarter_end(struct machine *machine, uint64_t sub_id) {
    struct own *own = machine->own;
    for (uint32_t i = 0; i < own->used; i++) {
        if (own->id[i].sub_id == sub_id) {
            own->id[i] = (struct id){0}; /* the first to be used again */
        }
    }
}

const struct machine_kind region = {.name = "region",
                                    .initialise = initialise,
                                    .load = load,
                                    .shootdown = shootdown,
                                    .good = good,
                                    .quarter_end = quarter_end};
