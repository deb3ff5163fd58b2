/* SPDX-License-Identifier: MIT */
/*
 * Object caches: kernel objects of one size, packed into low frames. A frame goes back to the frame
 * allocator when its last object is freed. Objects come zeroed.
 */
#ifndef KERNEL_CACHE_H
#define KERNEL_CACHE_H

#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"

struct cache {
    struct spinlock lock;
    const char *name;
    u32 object_size; /* bytes; rounded up to ALIGNMENT */
    u32 alignment;   /* power of two */
    /* lock: */
    struct list partial; /* slabs with a free object */
    u32 objects;         /* in use */
};

#define CACHE(name_, size_, alignment_)                                               \
    {                                                                                 \
        .lock = SPINLOCK(LOCK_CACHE, name_), .name = (name_), .object_size = (size_), \
        .alignment = (alignment_)                                                     \
    }

/* A zeroed object, or null when there is no memory. */
void *cache_allocate(struct cache *cache);
void cache_free(struct cache *cache, void *object);

#endif
