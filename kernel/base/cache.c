/* SPDX-License-Identifier: MIT */
/*
 * Object caches. A slab is one low frame:
 *
 *     | struct slab | object | object | ... | untouched: never handed out yet |
 *                      └─ when free, its first word links it to the next free one
 *
 * so that a new slab costs nothing to prepare, and any object finds its slab by rounding down. A
 * slab is in cache->partial exactly while it has room; an empty one goes back to the frame
 * allocator. Guarded by the cache's lock. A broken free list shows as an object that two owners
 * write to.
 */
#include "kernel/base/cache.h"

#include <string.h>

#include "arch/arch.h"
#include "kernel/base/panic.h"
#include "kernel/base/poison.h"
#include "kernel/vm/frame.h"

struct slab {
    struct list link; /* in cache->partial */
    struct cache *cache;
    void *free;    /* objects that came back, linked through their first words */
    u16 used;      /* objects handed out */
    u16 untouched; /* objects from here on have never been handed out */
};

static u32 object_stride(const struct cache *cache) {
    return (cache->object_size + cache->alignment - 1) & ~(cache->alignment - 1);
}

static u32 first_offset(const struct cache *cache) {
    return ((u32)sizeof(struct slab) + cache->alignment - 1) & ~(cache->alignment - 1);
}

static u32 slab_capacity(const struct cache *cache) {
    return (PAGE_SIZE - first_offset(cache)) / object_stride(cache);
}

static struct slab *slab_of(void *object) {
    return (struct slab *)((uword)object & ~(uword)(PAGE_SIZE - 1));
}

/* A new slab with all objects free, in the list. Null: no memory. Lock held. */
static struct slab *slab_create(struct cache *cache) {
    ASSERT(object_stride(cache) >= sizeof(void *) && slab_capacity(cache) > 0,
           "cache %s: objects of %u bytes do not fit a slab", cache->name, cache->object_size);
    frame_t frame = frame_allocate_low();
    if (frame_is_none(frame)) {
        return NULL;
    }
    struct slab *slab = arch_low_pointer(frame);
    slab->cache = cache;
    slab->free = NULL;
    slab->used = 0;
    slab->untouched = 0;
    list_append(&cache->partial, &slab->link);
    return slab;
}

static void *slab_take(struct cache *cache, struct slab *slab) {
    void *object = slab->free;
    if (object) {
        slab->free = *(void **)object;
    } else {
        object = (char *)slab + first_offset(cache) + slab->untouched++ * object_stride(cache);
    }
    slab->used++;
    if (!slab->free && slab->untouched == slab_capacity(cache)) {
        list_remove(&slab->link);
    }
    return object;
}

void *cache_allocate(struct cache *cache) {
    spinlock_acquire(&cache->lock);
    if (UNLIKELY(!cache->partial.next)) {
        list_init(&cache->partial); /* CACHE() cannot write this down */
    }
    void *object = NULL;
    struct slab *slab = list_empty(&cache->partial)
                            ? slab_create(cache)
                            : LIST_FIRST(&cache->partial, struct slab, link);
    if (slab) {
        object = slab_take(cache, slab);
        UNPOISON(object, object_stride(cache));
        cache->objects++;
    }
    spinlock_release(&cache->lock);
    return object ? memset(object, 0, cache->object_size) : NULL;
}

void cache_free(struct cache *cache, void *object) {
    struct slab *slab = slab_of(object);
    spinlock_acquire(&cache->lock);
    ASSERT(slab->cache == cache && slab->used > 0, "cache %s: %p is not one of its objects",
           cache->name, object);
    bool was_full = list_empty(&slab->link);
    *(void **)object = slab->free;
    slab->free = object;
    POISON((void **)object + 1, object_stride(cache) - sizeof(void *)); /* behind the link */
    cache->objects--;
    if (--slab->used == 0) {
        list_remove(&slab->link);
        slab->cache = NULL;
        frame_release(arch_low_frame(slab));
    } else if (was_full) {
        list_append(&cache->partial, &slab->link);
    }
    spinlock_release(&cache->lock);
}
