/* SPDX-License-Identifier: MIT */
/* No tags: x86 without PCIDs, and `pae` always. */
#include "tools/tlbsim/machine.h"

static void initialise(struct machine *machine, const struct options *options) {
    (void)machine, (void)options;
}

static void load(struct machine *machine, const struct space *space) {
    (void)space;
    machine_forget(machine, NO_TAG, 0, 0);
    machine->counts.flushed_loads++;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        machine->tag[slot] = 0;
    }
}

/* What is not loaded is not cached. */
static void shootdown(struct machine *machine, const struct shootdown *shootdown) {
    if (machine->now.sub_id[shootdown->slot] == shootdown->sub_id) {
        bool all = shootdown->pages > RANGE_LIMIT;
        machine_forget(machine, NO_TAG, shootdown->first, all ? 0 : shootdown->pages);
    }
}

const struct machine_kind untagged = {
    .name = "untagged", .initialise = initialise, .load = load, .shootdown = shootdown};
