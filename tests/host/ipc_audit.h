/* SPDX-License-Identifier: MIT */
/*
 * The audit of all that kernel/ipc and kernel/object count, at a moment when every thread but the
 * driver waits: it walks all handle tables, messages under way and lists, and compares. For that it
 * knows every object of every cache from its birth to its end. This is the one file of the tests
 * that knows how an endpoint is made inside.
 */
#ifndef TESTS_IPC_AUDIT_H
#define TESTS_IPC_AUDIT_H

#include "kernel/base/types.h"

/* From now on objects are known; before anything has been made. */
void objects_watch(void);
/* A number that no other object ever has; 0: there is none at this place. */
u64 object_serial(const void *object);
u32 objects_count(const char *cache);
void objects_each(const char *cache, void (*visit)(void *object));

/* A plain reference that a call under way has. */
struct hold {
    const void *object;
};

/* Every count is what it must be, with HOLDS; nobody waits who should have been woken, and priorities
 * are lent to whom they must be. EXACT: there are no holds but those. */
void ipc_audit(const char *after, const struct hold *holds, u32 count, bool exact);

#endif
