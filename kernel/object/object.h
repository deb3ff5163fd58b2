/* SPDX-License-Identifier: MIT */
/*
 * Handles: how a process reaches objects. A handle is an index in the process's table, with a
 * type, rights and a counted pointer. There is no other way to name an object. The table is
 * guarded by its lock (LOCK_HANDLES); an object found in it is returned with a reference of its
 * own, so that it stays while the call uses it, whatever other threads close.
 */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include "kernel/base/spinlock.h"
#include "kernel/base/types.h"

struct handle {
    void *object; /* null: free */
    u8 type;      /* enum object_type */
    u8 rights;
    bool private; /* ends with the program that runs now */
};

/* Most processes have few handles: the first ones stand in the table itself, and a frame takes
 * over when an index beyond them is used. So a clone copies what is there, and zeroes nothing. */
#define HANDLES_INLINE 16u

struct handle_table {
    struct spinlock lock;
    /* lock: */
    u32 count;    /* handles in use */
    u32 lowest;   /* no free index >= HANDLE_FIRST below this */
    u32 end;      /* no handle in use at or above this index; what stands there is undefined */
    u32 capacity; /* HANDLES_INLINE or HANDLE_LIMIT */
    struct handle *handles;
    struct handle first[HANDLES_INLINE];
};

void handle_table_create(struct handle_table *table);
/* Fill TO, newly created, with the handles of FROM: takes references. 0, or E_NOMEM and TO is
 * empty. */
int handle_table_copy(struct handle_table *to, struct handle_table *from);
/* Closes all; no lock held, for nobody else comes by the table any more. */
void handle_table_destroy(struct handle_table *table);

/* PROCESS, whose table it is, is ending: the calls that it has received and not answered fail
 * (endpoint_server_ended). No lock held; its threads but the caller are gone. */
struct process;
void handle_table_abandon(struct handle_table *table, const struct process *process);

/* Put OBJECT, with the plain reference that the caller holds on it, into a free index. The
 * index, or -E_LIMIT or -E_NOMEM (the caller keeps its reference). */
int handle_install(struct handle_table *table, void *object, enum object_type type, u32 rights);
/* Into index TARGET, closing what stands there; -E_HANDLE if it is no index. */
int handle_install_at(struct handle_table *table, int target, void *object, enum object_type type,
                      u32 rights);

/* Into index TARGET if it is free; TARGET is one. -E_EXISTS or -E_NOMEM. */
int handle_install_free(struct handle_table *table, int target, void *object, enum object_type type,
                        u32 rights);

/* Into the lowest free index from FROM (one that there is) on, well-known ones beyond the standard
 * streams left out. The index, -E_LIMIT or -E_NOMEM. */
int handle_install_from(struct handle_table *table, u32 from, void *object, enum object_type type,
                        u32 rights);

/* Private handles: make one; close all of them, as another program is to run. */
int handle_set_private(struct handle_table *table, int handle, bool is_private);
void handle_table_close_private(struct handle_table *table); /* no lock held */

/* What HANDLE is, if its object has TYPE (0: any) and it has at least RIGHTS; with a plain reference
 * that the caller releases by object_release(object, type, 0). 0, E_HANDLE, E_TYPE or E_RIGHTS. */
int handle_lookup(struct handle_table *table, int handle, enum object_type type, u32 rights,
                  struct handle *found);
int handle_close(struct handle_table *table, int handle); /* 0 or E_HANDLE */

/* TABLE has a handle through which ENDPOINT's messages are received. */
struct endpoint;
bool handle_receives(struct handle_table *table, const struct endpoint *endpoint);

/* One reference more or less, whatever the type. RIGHTS: of the handle that the reference
 * belongs to, or 0 for a plain reference. Release takes no lock of the caller's: it may free
 * quarters. */
void object_reference(void *object, enum object_type type, u32 rights);
void object_release(void *object, enum object_type type, u32 rights);

/* What a handle adds to the plain reference that it has, in a table or in a message: an endpoint
 * counts the handles that may receive, a notification those that may signal. Without one, who
 * waits there waits in vain. May be called under LOCK_HANDLES. */
void object_handle_added(void *object, enum object_type type, u32 rights);
void object_handle_removed(void *object, enum object_type type, u32 rights);

#endif
