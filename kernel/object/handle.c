/* SPDX-License-Identifier: MIT */
/*
 * Handle tables. Each is guarded by its own lock; objects are never released under it, because
 * the last reference may free quarters, which takes long.
 *
 *     index  0 .. 7 well known | 8 ..  handed out   | end: undefined from here on
 *            └──── in the table itself ────┘ 16 .. 255 only in a frame that replaces those
 *
 * Read next: object.c (what a reference is), process/process.c (clone copies the table).
 */
#include "arch/arch.h"
#include "kernel/base/panic.h"
#include "kernel/ipc/ipc.h"
#include "kernel/object/object.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/frame.h"

_Static_assert(sizeof(struct handle) * HANDLE_LIMIT <= PAGE_SIZE,
               "a full handle table is one frame");
_Static_assert(HANDLE_FIRST < HANDLES_INLINE, "well-known handles stand in the table itself");

void handle_table_create(struct handle_table *table) {
    spinlock_init(&table->lock, LOCK_HANDLES, 0, "handle table");
    table->count = 0;
    table->lowest = HANDLE_FIRST;
    table->end = 0;
    table->capacity = HANDLES_INLINE;
    table->handles = table->first;
}

/* Move the handles into a frame of their own. Lock held, or TABLE is nobody else's yet. */
static int table_grow(struct handle_table *table) {
    frame_t frame = frame_allocate_low();
    if (frame_is_none(frame)) {
        return E_NOMEM;
    }
    struct handle *handles = arch_low_pointer(frame);
    for (u32 i = 0; i < table->end; i++) {
        handles[i] = table->first[i];
    }
    table->handles = handles;
    table->capacity = HANDLE_LIMIT;
    return 0;
}

/* Put a handle into INDEX, which is free: 0, or E_LIMIT (it is no index) or E_NOMEM. No garbage stays
 * before it. Lock held. */
static int table_put(struct handle_table *table, u32 index, void *object, enum object_type type,
                     u32 rights) {
    if (index >= HANDLE_LIMIT) {
        return E_LIMIT;
    }
    if (index >= table->capacity && table_grow(table) != E_OK) {
        return E_NOMEM;
    }
    while (table->end <= index) {
        table->handles[table->end++] = (struct handle){0};
    }
    table->handles[index] =
        (struct handle){.object = object, .type = (u8)type, .rights = (u8)rights};
    table->count++;
    if (index == table->lowest) {
        table->lowest++;
    }
    object_handle_added(object, type, rights);
    return E_OK;
}

/* Empty INDEX, which is in use; its handle. */
static struct handle table_take(struct handle_table *table, u32 index) {
    struct handle old = table->handles[index];
    table->handles[index] = (struct handle){0}; /* no type either: ipc/fast.c looks at that only */
    table->count--;
    if (index >= HANDLE_FIRST && index < table->lowest) {
        table->lowest = index;
    }
    while (table->end > 0 && !table->handles[table->end - 1].object) {
        table->end--;
    }
    return old;
}

static bool table_has(const struct handle_table *table, int handle) {
    return handle >= 0 && (u32)handle < table->end && table->handles[handle].object;
}

int handle_table_copy(struct handle_table *to, struct handle_table *from) {
    int error = 0;
    spinlock_acquire(&from->lock);
    if (from->end > to->capacity) {
        error = table_grow(to);
    }
    if (error == 0) {
        for (u32 i = 0; i < from->end; i++) {
            struct handle handle = from->handles[i];
            to->handles[i] = handle;
            if (handle.object) {
                object_reference(handle.object, handle.type, handle.rights);
            }
        }
        to->count = from->count;
        to->lowest = from->lowest;
        to->end = from->end;
    }
    spinlock_release(&from->lock);
    return error;
}

void handle_table_destroy(struct handle_table *table) {
    while (table->end > 0) {
        struct handle old = table_take(table, table->end - 1); /* end - 1 is always in use */
        object_release(old.object, old.type, old.rights);
        sched_preemption_point();
    }
    if (table->handles != table->first) {
        frame_release(arch_low_frame(table->handles));
        table->handles = table->first;
        table->capacity = HANDLES_INLINE;
    }
}

/* The endpoint that INDEX of TABLE may receive from, referenced; or null. */
static struct endpoint *receiving_at(struct handle_table *table, u32 index) {
    struct endpoint *endpoint = NULL;
    spinlock_acquire(&table->lock);
    if (table_has(table, (int)index) && table->handles[index].type == OBJECT_ENDPOINT &&
        (table->handles[index].rights & RIGHT_READ)) {
        endpoint = table->handles[index].object;
        endpoint_reference(endpoint);
    }
    spinlock_release(&table->lock);
    return endpoint;
}

void handle_table_abandon(struct handle_table *table, const struct process *process) {
    for (u32 index = 0; index < table->end; index++) {
        struct endpoint *endpoint = receiving_at(table, index);
        if (endpoint) {
            endpoint_server_ended(endpoint, process);
            endpoint_release(endpoint);
            sched_preemption_point();
        }
    }
}

/* The lowest free index from FROM on, HANDLE_LIMIT if there is none. Lock held. */
static u32 table_free_from(struct handle_table *table, u32 from) {
    while (table_has(table, (int)table->lowest)) {
        table->lowest++;
    }
    while (from <= HANDLE_STDERR && table_has(table, (int)from)) {
        from++;
    }
    if (from <= HANDLE_STDERR) {
        return from;
    }
    from = from > table->lowest ? from : table->lowest;
    while (table_has(table, (int)from)) {
        from++;
    }
    return from;
}

int handle_install_from(struct handle_table *table, u32 from, void *object, enum object_type type,
                        u32 rights) {
    spinlock_acquire(&table->lock);
    u32 index = table_free_from(table, from);
    int error = table_put(table, index, object, type, rights);
    spinlock_release(&table->lock);
    return error != E_OK ? -error : (int)index;
}

int handle_install(struct handle_table *table, void *object, enum object_type type, u32 rights) {
    return handle_install_from(table, HANDLE_FIRST, object, type, rights);
}

int handle_install_at(struct handle_table *table, int target, void *object, enum object_type type,
                      u32 rights) {
    struct handle old = {0};
    if (target < 0 || target >= HANDLE_LIMIT) {
        return -E_HANDLE;
    }
    spinlock_acquire(&table->lock);
    if (table_has(table, target)) {
        old = table_take(table, (u32)target);
    }
    int error = table_put(table, (u32)target, object, type, rights);
    spinlock_release(&table->lock);
    if (old.object) {
        object_release(old.object, old.type, old.rights);
    }
    return error != E_OK ? -error : target;
}

int handle_install_free(struct handle_table *table, int target, void *object, enum object_type type,
                        u32 rights) {
    spinlock_acquire(&table->lock);
    int error =
        table_has(table, target) ? E_EXISTS : table_put(table, (u32)target, object, type, rights);
    spinlock_release(&table->lock);
    return error != E_OK ? -error : target;
}

int handle_set_private(struct handle_table *table, int handle, bool is_private) {
    spinlock_acquire(&table->lock);
    bool there = table_has(table, handle);
    if (there) {
        table->handles[handle].private = is_private;
    }
    spinlock_release(&table->lock);
    return there ? 0 : E_HANDLE;
}

/* Close HANDLE, if it is one, and private if ONLY_PRIVATE. False: it is not. */
static bool table_close(struct handle_table *table, int handle, bool only_private) {
    struct handle old = {0};
    spinlock_acquire(&table->lock);
    if (table_has(table, handle) && (!only_private || table->handles[handle].private)) {
        old = table_take(table, (u32)handle);
    }
    spinlock_release(&table->lock);
    if (old.object) {
        object_release(old.object, old.type, old.rights);
    }
    return old.object != NULL;
}

int handle_close(struct handle_table *table, int handle) {
    return table_close(table, handle, false) ? E_OK : E_HANDLE;
}

void handle_table_close_private(struct handle_table *table) {
    for (u32 index = 0; index < table->end; index++) { /* a glimpse of end: others may add, later */
        if (table_close(table, (int)index, true)) {
            sched_preemption_point();
        }
    }
}

int handle_lookup(struct handle_table *table, int handle, enum object_type type, u32 rights,
                  struct handle *found) {
    int error = E_HANDLE;
    spinlock_acquire(&table->lock);
    if (table_has(table, handle)) {
        *found = table->handles[handle];
        error = type != 0 && type != found->type     ? E_TYPE
                : (found->rights & rights) != rights ? E_RIGHTS
                                                     : E_OK;
    }
    if (error == E_OK) {
        object_reference(found->object, found->type, 0);
    }
    spinlock_release(&table->lock);
    return error;
}

bool handle_receives(struct handle_table *table, const struct endpoint *endpoint) {
    bool found = false;
    spinlock_acquire(&table->lock);
    for (u32 i = 0; i < table->end && !found; i++) {
        const struct handle *handle = &table->handles[i];
        found = handle->object == endpoint && handle->rights & RIGHT_READ;
    }
    spinlock_release(&table->lock);
    return found;
}
