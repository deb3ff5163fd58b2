/* SPDX-License-Identifier: MIT */
/*
 * Page-table bytes, as the trace counts them: what the kernel has; what the same spaces would take if each
 * had tables of its own; the entries that a hashed page table would need for all that is mapped.
 */
#ifndef TLBSIM_TABLES_H
#define TLBSIM_TABLES_H

#include "tools/tlbsim/machine.h"

/* Largest values of all snapshots while counting; bytes but for the leaves, which are entries. */
struct table_peaks {
    uint64_t snapshots, spaces;
    uint64_t shared, unshared_copies, private; /* bytes */
    uint64_t leaves, leaves_private;
};

void tables_space(const struct space *space, bool made);
void tables_begin(const uint64_t *record); /* TRACE_TABLES */
void tables_owned(const uint64_t *record); /* TRACE_OWNED; the last one ends the snapshot */
struct table_peaks tables_peaks(void);
void tables_reset(uint64_t root_bytes); /* of a space */

#endif
