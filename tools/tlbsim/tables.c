/* SPDX-License-Identifier: MIT */
/* Page tables: see tables.h. The spaces alive are kept here. */
#include "tools/tlbsim/tables.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLE_BYTES 4096u

static struct space *spaces;
static size_t space_count, space_room;

static struct owned {
    uint64_t sub_id, tables, leaves;
    bool attached; /* to some space */
} * owned;
static uint64_t owned_count, owned_room, owned_expected, directories, references, different;

static struct table_peaks peaks;
static uint64_t root_bytes;

static void space_add(const struct space *space) {
    if (space_count == space_room) {
        space_room = space_room ? 2 * space_room : 64;
        spaces = checked(realloc(spaces, space_room * sizeof *spaces));
    }
    spaces[space_count++] = *space;
}

static void space_remove(uint64_t id) {
    for (size_t i = 0; i < space_count; i++) {
        if (spaces[i].id == id) {
            spaces[i] = spaces[--space_count];
            return;
        }
    }
    fprintf(stderr, "tlbsim: space %llu ends and never began\n", (unsigned long long)id);
    exit(1);
}

void tables_space(const struct space *space, bool made) {
    if (made) {
        space_add(space);
    } else {
        space_remove(space->id);
    }
}

static struct owned *owned_find(uint64_t sub_id) {
    for (uint64_t i = 0; i < owned_count; i++) {
        if (owned[i].sub_id == sub_id) {
            return &owned[i];
        }
    }
    return NULL;
}

static void peak(uint64_t *most, uint64_t value) { *most = value > *most ? value : *most; }

static uint64_t owned_bytes(const struct owned *one) { return TABLE_BYTES * (1 + one->tables); }

/* What each space would have for itself, and each quarter that is in none, but held by a handle. */
static void private_sum(uint64_t *bytes, uint64_t *leaves) {
    for (size_t i = 0; i < space_count; i++) {
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            struct owned *one = owned_find(spaces[i].sub_id[slot]);
            if (one) {
                one->attached = true;
                *bytes += owned_bytes(one);
                *leaves += one->leaves;
            }
        }
    }
    for (uint64_t i = 0; i < owned_count; i++) {
        *bytes += owned[i].attached ? 0 : owned_bytes(&owned[i]);
        *leaves += owned[i].attached ? 0 : owned[i].leaves;
    }
}

static void snapshot(void) {
    uint64_t roots = space_count * root_bytes, private = roots, leaves = 0, leaves_private = 0;
    private_sum(&private, &leaves_private);
    for (uint64_t i = 0; i < owned_count; i++) {
        leaves += owned[i].leaves;
    }
    peaks.snapshots++;
    peak(&peaks.spaces, space_count);
    peak(&peaks.shared, roots + TABLE_BYTES * (directories + different));
    peak(&peaks.unshared_copies, roots + TABLE_BYTES * (directories + references));
    peak(&peaks.private, private);
    peak(&peaks.leaves, leaves);
    peak(&peaks.leaves_private, leaves_private);
}

void tables_begin(const uint64_t *record) {
    owned_count = 0;
    owned_expected = directories = record[1];
    references = record[2];
    different = record[3];
    if (owned_expected > owned_room) {
        owned_room = 2 * owned_expected;
        owned = checked(realloc(owned, owned_room * sizeof *owned));
    }
}

void tables_owned(const uint64_t *record) {
    if (owned_count == owned_expected) {
        fprintf(stderr, "tlbsim: a snapshot has more quarters than it said\n");
        exit(1);
    }
    owned[owned_count++] = (struct owned){record[1], record[2], record[3], false};
    if (owned_count == owned_expected) {
        snapshot();
    }
}

struct table_peaks tables_peaks(void) {
    return peaks;
}

void tables_reset(uint64_t bytes) {
    peaks = (struct table_peaks){0};
    root_bytes = bytes;
}
