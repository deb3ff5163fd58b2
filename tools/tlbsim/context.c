/* SPDX-License-Identifier: MIT */
/*
 * A tag for each context: kernel/vm/tags.c again, for one CPU with PCID and INVPCID. The tag is a digit
 * for each slot, and a digit is a hot quarter (with its view); docs/tlb.md tells what makes a tag bad.
 */
#include <stdlib.h>

#include "tools/tlbsim/machine.h"

#define DIGITS 7u
#define TAGS 4096u
#define OTHERS_LIMIT 4u /* as in kernel/vm/tags.c: tags, and pages, that INVPCID is worth */

struct hot {
    uint64_t sub_id, view, used;
    bool behind; /* shot down while it was not loaded */
};

struct own {
    struct hot hot[SLOTS][DIGITS];
    bool good[TAGS];
    uint64_t owner[TAGS];
    uint64_t loads;
    uint32_t digits, loaded;
};

static uint32_t digit_of(uint32_t tag, uint32_t slot) { return tag >> 3 * slot & 7; }

static void initialise(struct machine *machine, const struct options *options) {
    struct own *own = machine->own = checked(calloc(1, sizeof *own));
    own->digits = options->digits;
}

static void tags_forget(struct own *own, uint32_t slot, uint32_t digit) {
    for (uint32_t tag = 0; tag < TAGS; tag++) {
        if (digit_of(tag, slot) == digit) {
            own->good[tag] = false;
        }
    }
}

static uint32_t digit_enter(struct own *own, uint32_t slot, uint64_t sub_id, uint64_t view) {
    struct hot *hots = own->hot[slot], *hot = NULL, *oldest = hots;
    if (sub_id == 0) {
        return 0;
    }
    for (struct hot *at = hots; at < hots + own->digits; at++) {
        hot = at->sub_id == sub_id && at->view == view ? at : hot;
        oldest = at->used < oldest->used ? at : oldest;
    }
    uint32_t digit = (uint32_t)((hot ? hot : oldest) - hots) + 1;
    if (!hot || hot->behind) {
        tags_forget(own, slot, digit);
        hot = &hots[digit - 1];
        *hot = (struct hot){.sub_id = sub_id, .view = view};
    }
    hot->used = own->loads;
    return digit;
}

static void load(struct machine *machine, const struct space *space) {
    struct own *own = machine->own;
    uint32_t tag = 0;
    own->loads++;
    if (space->id == 0) { /* the kernel's own root and tag */
        own->loaded = 0;
        return;
    }
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        tag |= digit_enter(own, slot, space->sub_id[slot], space->view[slot]) << 3 * slot;
    }
    if (!own->good[tag] || own->owner[tag] != space->id) {
        machine_forget(machine, tag, 0, 0);
        machine->counts.flushed_loads++;
    }
    own->good[tag] = true;
    own->owner[tag] = space->id;
    own->loaded = tag;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        machine->tag[slot] = tag;
    }
}

/* The tags with DIGIT that are not loaded: out of a few a few pages are taken, else they are bad. */
static void others_shoot(struct machine *machine, const struct shootdown *shootdown,
                         uint32_t digit) {
    struct own *own = machine->own;
    uint32_t found[OTHERS_LIMIT], count = 0;
    for (uint32_t tag = 0; tag < TAGS; tag++) {
        if (own->good[tag] && tag != own->loaded && digit_of(tag, shootdown->slot) == digit) {
            if (count < OTHERS_LIMIT) {
                found[count] = tag;
            }
            count++;
        }
    }
    if (shootdown->pages != 0 && shootdown->pages <= OTHERS_LIMIT && count <= OTHERS_LIMIT) {
        for (uint32_t i = 0; i < count; i++) {
            machine_forget(machine, found[i], shootdown->first, shootdown->pages);
        }
    } else if (count != 0) {
        tags_forget(own, shootdown->slot, digit);
        own->good[own->loaded] = true;
    }
}

/* A read-only view has a digit of its own, which falls behind as if it were not loaded. */
static void shootdown(struct machine *machine, const struct shootdown *shootdown) {
    struct own *own = machine->own;
    uint32_t slot = shootdown->slot, loaded = 0;
    if (own->loaded && machine->now.sub_id[slot] == shootdown->sub_id) {
        bool all = shootdown->pages > RANGE_LIMIT;
        loaded = digit_of(own->loaded, slot);
        machine_forget(machine, own->loaded, shootdown->first, all ? 0 : shootdown->pages);
        others_shoot(machine, shootdown, loaded);
    }
    for (uint32_t digit = 1; digit <= own->digits; digit++) {
        struct hot *hot = &own->hot[slot][digit - 1];
        hot->behind |= hot->sub_id == shootdown->sub_id && digit != loaded;
    }
}

static bool good(const struct machine *machine, const struct entry *entry) {
    const struct own *own = machine->own;
    if (!own->good[entry->tag]) {
        return false;
    }
    for (uint32_t slot = 0; slot < SLOTS; slot++) { /* the next load will see it */
        uint32_t digit = digit_of((uint32_t)entry->tag, slot);
        if (digit != 0 && own->hot[slot][digit - 1].behind) {
            return false;
        }
    }
    return true;
}

const struct machine_kind context = {.name = "context",
                                     .initialise = initialise,
                                     .load = load,
                                     .shootdown = shootdown,
                                     .good = good};
