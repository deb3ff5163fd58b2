/* SPDX-License-Identifier: MIT */
/*
 * Segment IDs and one hashed page table for all. An access in a slot has the ID of the quarter there (a
 * view is in the segment register, not in the entry); in `hashed_private`, to compare, that of the
 * (space, slot). A shootdown of more than a few pages gives the quarter a new ID: what the old one has in
 * TLB and table is never found again, and its places are taken as they are needed.
 *
 * The table: groups of eight entries of eight bytes; an entry stands in the group of its hash, or in that
 * of its complement. A miss that finds it in neither is software's to fill.
 */
#include <stdlib.h>

#include "tools/tlbsim/machine.h"

#define GROUP 8u
#define ENTRY_BYTES 8u

struct segment {
    uint64_t owner; /* sub-ID or space ID */
    uint64_t sub_id, id;
    uint32_t slot;
};

struct place {
    uint64_t id; /* 0: never used */
    bool large;  /* 2 MiB: one entry, as if the machine had such; page is its first */
    uint32_t page, frame;
};

struct identity {
    bool alive;      /* some segment has it */
    uint32_t places; /* in the table */
};

struct own {
    bool private;
    struct segment *segment;
    size_t count, room;
    struct identity *identity;    /* by ID */
    uint64_t last_id, identities; /* identities: room */
    uint64_t good;                /* entries in the table that can be found */
    struct place *place;
    uint32_t groups, next; /* next: which of its group to evict */
};

static void initialise(struct machine *machine, const struct options *options) {
    struct own *own = machine->own = checked(calloc(1, sizeof *own));
    own->private = machine->kind == &hashed_private;
    own->groups = options->hash_bytes / (GROUP * ENTRY_BYTES);
    own->place = checked(calloc((size_t)own->groups * GROUP, sizeof *own->place));
}

/* ---- Segments ---------------------------------------------------------------------------------- */

static uint64_t id_new(struct own *own) {
    if (++own->last_id >= own->identities) {
        own->identities = 2 * own->last_id + 64;
        own->identity = checked(realloc(own->identity, own->identities * sizeof *own->identity));
    }
    own->identity[own->last_id] = (struct identity){.alive = true};
    return own->last_id;
}

static bool id_alive(const struct own *own, uint64_t id) { return own->identity[id].alive; }

/* Nobody finds its entries any more. Their number. */
static uint32_t id_abandon(struct own *own, uint64_t id) {
    own->identity[id].alive = false;
    own->good -= own->identity[id].places;
    return own->identity[id].places;
}

static uint64_t segment_enter(struct own *own, const struct space *space, uint32_t slot) {
    uint64_t owner = own->private ? space->id : space->sub_id[slot];
    for (size_t i = 0; i < own->count; i++) {
        if (own->segment[i].owner == owner && own->segment[i].slot == slot) {
            return own->segment[i].id;
        }
    }
    if (own->count == own->room) {
        own->room = own->room ? 2 * own->room : 64;
        own->segment = checked(realloc(own->segment, own->room * sizeof *own->segment));
    }
    own->segment[own->count++] = (struct segment){
        .owner = owner, .sub_id = space->sub_id[slot], .id = id_new(own), .slot = slot};
    return own->last_id;
}

/* ---- The table --------------------------------------------------------------------------------- */

static struct place *group_of(const struct own *own, uint64_t id, uint32_t page, bool second) {
    uint32_t hash = (uint32_t)(id * 0x9E3779B1u) ^ page; /* IDs are scattered, as software should */
    return own->place + (size_t)((second ? ~hash : hash) % own->groups) * GROUP;
}

static struct place *place_find(const struct own *own, uint64_t id, uint32_t page, bool large) {
    for (int second = 0; second < 2; second++) {
        struct place *group = group_of(own, id, page, second);
        for (uint32_t i = 0; i < GROUP; i++) {
            if (group[i].id == id && group[i].page == page && group[i].large == large) {
                return &group[i];
            }
        }
    }
    return NULL;
}

static struct place *place_free(const struct own *own, uint64_t id, uint32_t page) {
    for (int second = 0; second < 2; second++) {
        struct place *group = group_of(own, id, page, second);
        for (uint32_t i = 0; i < GROUP; i++) {
            if (group[i].id == 0 || !id_alive(own, group[i].id)) {
                return &group[i];
            }
        }
    }
    return NULL;
}

/* A good entry goes. */
static void place_clear(struct own *own, struct place *place) {
    own->identity[place->id].places--;
    own->good--;
    *place = (struct place){0};
}

static void walk(struct machine *machine, const struct entry *entry) {
    struct own *own = machine->own;
    uint32_t page = entry->large ? entry->page & ~(LARGE_PAGES - 1) : entry->page;
    struct place *place = place_find(own, entry->tag, page, entry->large);
    if (place) {
        machine->counts.stale += place->frame != entry->frame;
        return;
    }
    machine->counts.hash_fills++;
    place = place_free(own, entry->tag, page);
    if (!place) {
        place = group_of(own, entry->tag, page, false) + own->next++ % GROUP;
        machine->counts.hash_evictions++;
        place_clear(own, place);
    }
    *place = (struct place){entry->tag, entry->large, page, entry->frame};
    own->identity[place->id].places++;
    own->good++;
    if (own->good > machine->counts.hash_peak) {
        machine->counts.hash_peak = own->good;
    }
}

static void places_remove(struct own *own, uint64_t id, uint32_t first, uint32_t pages) {
    for (uint32_t page = first; page < first + pages; page++) {
        for (int large = 0; large < 2; large++) {
            uint32_t at = large ? page & ~(LARGE_PAGES - 1) : page;
            struct place *place = place_find(own, id, at, large);
            if (place) {
                place_clear(own, place);
            }
        }
    }
}

/* ---- Events ------------------------------------------------------------------------------------ */

static void tags_take(struct machine *machine, const struct space *space) {
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        machine->tag[slot] =
            space->sub_id[slot] == 0 ? NO_TAG : segment_enter(machine->own, space, slot);
    }
}

static void shootdown(struct machine *machine, const struct shootdown *shootdown) {
    struct own *own = machine->own;
    for (size_t i = 0; i < own->count; i++) {
        struct segment *segment = &own->segment[i];
        if (segment->sub_id != shootdown->sub_id) {
            continue;
        }
        if (shootdown->pages != 0 && shootdown->pages <= RANGE_LIMIT) {
            machine_forget(machine, segment->id, shootdown->first, shootdown->pages);
            places_remove(own, segment->id, shootdown->first, shootdown->pages);
        } else {
            uint32_t abandoned = id_abandon(own, segment->id);
            machine->counts.copy_hashed += shootdown->copy ? abandoned : 0;
            segment->id = id_new(own);
        }
    }
    tags_take(machine, &machine->now);
}

static bool good(const struct machine *machine, const struct entry *entry) {
    return id_alive(machine->own, entry->tag);
}

static void segments_end(struct own *own, uint64_t owner) {
    for (size_t i = own->count; i-- > 0;) {
        if (own->segment[i].owner == owner) {
            id_abandon(own, own->segment[i].id);
            own->segment[i] = own->segment[--own->count];
        }
    }
}

static void quarter_end(struct machine *machine, uint64_t sub_id) {
    struct own *own = machine->own;
    if (!own->private) {
        segments_end(own, sub_id);
    }
}

static void space_end(struct machine *machine, uint64_t id) {
    struct own *own = machine->own;
    if (own->private) {
        segments_end(own, id);
    }
}

static uint64_t hashed_good(const struct machine *machine) {
    return ((const struct own *)machine->own)->good;
}

#define HASHED(NAME)                                                                       \
    {                                                                                      \
        .name = NAME, .initialise = initialise, .load = tags_take, .shootdown = shootdown, \
        .good = good, .walk = walk, .quarter_end = quarter_end, .space_end = space_end,    \
        .hashed = hashed_good                                                              \
    }
const struct machine_kind hashed = HASHED("hashed");
const struct machine_kind hashed_private = HASHED("hashed_private");
