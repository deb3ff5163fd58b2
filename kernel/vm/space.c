/* SPDX-License-Identifier: MIT */
/*
 * Spaces: see space.h. The table of spaces is a hash of short chains under LOCK_SPACES; a space in
 * it has at least one reference, because the last one is dropped under that lock too (hazard 31).
 */
#include "kernel/vm/space.h"

#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/request.h"
#include "kernel/object/budget.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/load.h"
#include "kernel/vm/tags.h"
#include "debug/tlbsan.h"
#include "debug/tlbtrace.h"

#define SPACE_BUCKETS 256u

static struct cache space_cache = CACHE("space", sizeof(struct space), 32);
static struct spinlock space_lock = SPINLOCK(LOCK_SPACES, "spaces");
static struct list buckets[SPACE_BUCKETS]; /* lock */
static u64 last_id;                        /* lock */

u32 space_count(void) { return atomic_read(&space_cache.objects); }

/* ---- Finding --------------------------------------------------------------------------------- */

static struct list *space_bucket(const struct space_slot slots[SLOT_COUNT]) {
    u64 hash = 0;
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        u64 sub_id = slots[i].quarter ? slots[i].quarter->sub_id : 0;
        hash = hash * 31 + sub_id * 8 + slots[i].view;
    }
    struct list *bucket = &buckets[(hash ^ hash >> 8) % SPACE_BUCKETS];
    if (!bucket->next) {
        list_init(bucket);
    }
    return bucket;
}

static bool slots_equal(const struct space_slot a[SLOT_COUNT],
                        const struct space_slot b[SLOT_COUNT]) {
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        if (a[i].quarter != b[i].quarter || a[i].view != b[i].view) {
            return false;
        }
    }
    return true;
}

static struct space *space_find(struct list *bucket, const struct space_slot slots[SLOT_COUNT]) {
    LIST_FOR_EACH(link, bucket) {
        struct space *space = LIST_ENTRY(link, struct space, link);
        if (slots_equal(space->slot, slots)) {
            return space;
        }
    }
    return NULL;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int space_root_create(struct space *space, const struct space_slot slots[SLOT_COUNT]) {
    struct arch_slot root[SLOT_COUNT] = {0};
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        if (slots[i].quarter) {
            int error = quarter_view_directory(slots[i].quarter, slots[i].view, &root[i].directory);
            if (error) {
                return error;
            }
            root[i].rights = slots[i].view;
        }
    }
    return arch_root_create(&space->root, root);
}

static int space_create(const struct space_slot slots[SLOT_COUNT], struct space **result) {
    struct space *space = cache_allocate(&space_cache);
    if (!space) {
        return E_NOMEM;
    }
    int error = space_root_create(space, slots);
    if (error) {
        cache_free(&space_cache, space);
        return error;
    }
    space->id = ++last_id;
    space->references = 1;
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        space->slot[i] = slots[i];
        if (slots[i].quarter) {
            ASSERT(slots[i].quarter->slot == i, "quarter %llu of slot %u is attached in slot %u",
                   (unsigned long long)slots[i].quarter->sub_id, slots[i].quarter->slot, i);
            quarter_reference(slots[i].quarter);
        }
    }
    tlbtrace_space(space, true);
    *result = space;
    return 0;
}

int space_obtain(const struct space_slot slots[SLOT_COUNT], struct space **result) {
    int error = 0;
    spinlock_acquire(&space_lock);
    struct list *bucket = space_bucket(slots);
    struct space *space = space_find(bucket, slots);
    if (space) {
        atomic_increment(&space->references);
    } else {
        error = space_create(slots, &space);
        if (!error) {
            list_append(bucket, &space->link);
        }
    }
    spinlock_release(&space_lock);
    if (!error) {
        *result = space;
    }
    return error;
}

void space_reference(struct space *space) {
    u32 now = atomic_increment(&space->references);
    ASSERT(now > 1, "space %llu is gone and gains a reference", (unsigned long long)space->id);
}

/* This CPU leaves the space ARGUMENT, if it has it loaded. */
static void space_leave(void *argument) {
    if (arch_cpu()->loaded == argument) {
        space_load(NULL);
    }
}

/* The last reference has gone: nobody can load SPACE any more, but a CPU may still have it loaded,
 * because the process that it runs is on its way out or to another space. No CPU walks a root that
 * is being freed (hazards 2, 32; tools/model/retirement.pml). */
static void space_retire(struct space *space) {
    uword mask = 0;
    for (u32 i = 0; i < cpu_count; i++) {
        mask |= __atomic_load_n(&cpus[i].loaded, __ATOMIC_RELAXED) == space ? cpu_bit(&cpus[i]) : 0;
    }
    request_run(mask, space_leave, space);
}

static void slots_release(const struct space_slot slots[SLOT_COUNT]) {
    for (u32 i = 0; i < SLOT_COUNT; i++) {
        if (slots[i].quarter) {
            quarter_release(slots[i].quarter);
        }
    }
}

void space_release(struct space *space) {
    spinlock_acquire(&space_lock);
    bool last = atomic_decrement(&space->references) == 0;
    if (last) {
        list_remove(&space->link);
    }
    spinlock_release(&space_lock);
    if (!last) {
        return;
    }
    tlbtrace_space(space, false);
    space_retire(space);
    arch_root_destroy(&space->root);
    slots_release(space->slot);
    cache_free(&space_cache, space);
}

/* ---- Clone ----------------------------------------------------------------------------------- */

/* What SLOT becomes under ACTION, with a reference of its own. */
static int slot_clone(const struct space_slot *from, u32 slot, u32 action, struct budget *budget,
                      struct space_slot *to) {
    *to = (struct space_slot){0};
    if (action == PLAN_FRESH) {
        to->view = VIEW_FULL;
        return quarter_create(slot, budget, &to->quarter);
    }
    if (action == PLAN_NONE || !from->quarter) {
        return 0;
    }
    to->view = from->view; /* of a copy, too: a clone gives no rights away */
    if (action == PLAN_COPY) {
        return quarter_copy(from->quarter, budget, &to->quarter);
    }
    to->quarter = from->quarter;
    quarter_reference(to->quarter);
    return 0;
}

int space_clone(struct space *source, u32 plan, struct budget *budget, struct space **result) {
    struct space_slot slots[SLOT_COUNT] = {0};
    int error = 0;
    for (u32 i = 0; i < SLOT_COUNT && !error; i++) {
        error = slot_clone(&source->slot[i], i, PLAN_FOR_SLOT(plan, i), budget, &slots[i]);
    }
    error = error ? error : space_obtain(slots, result);
    slots_release(slots); /* the space has references of its own, or failed */
    tlbtrace_clone(plan);
    return error;
}

int space_cpu_initialise(void) {
    arch_cpu()->translation = &vm_counters[arch_cpu()->number].translation;
    int error = tlbsan_initialise();
    return error || arch_tag_count() == 0 ? error : tags_initialise();
}

/* ---- Loading --------------------------------------------------------------------------------- */

void root_load(struct cpu *cpu, struct space *space) {
    bool tagged = space && arch_tag_count() != 0, keep = !space;
    bool concerned = space && commons_concerns(cpu);
    if (UNLIKELY(concerned)) {
        commons_expect(space);
    }
    u32 tag = tagged ? tags_enter(space, &keep) : 0;
    tlbsan_root_load(space, tag, keep);
    cpu->tag = tag;
    if (!space) {
        return;
    }
    if (UNLIKELY(concerned)) {
        commons_settle(space);
    }
    if (keep) {
        VM_COUNT(translation.loads_kept);
    } else {
        VM_COUNT(translation.loads_flushed);
    }
}

static __attribute__((noinline)) void space_change(struct cpu *cpu, struct space *space) {
    entering_publish(cpu, space);
    root_load(cpu, space);
    loaded_publish(cpu, space);
}

/* Apart from the change, so that a switch between equal spaces costs next to nothing. */
void space_load(struct space *space) {
    struct cpu *cpu = arch_cpu();
    if (cpu->loaded != space) {
        space_change(cpu, space);
    } else if (space) {
        VM_COUNT(translation.loads_skipped);
    }
}
