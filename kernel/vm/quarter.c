/* SPDX-License-Identifier: MIT */
/*
 * The life of a quarter: create, copy, release. The ownership rule is in table.h, what its regions do
 * in map.c.
 */
#include "kernel/vm/quarter.h"

#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/panic.h"
#include "kernel/object/budget.h"
#include "kernel/object/object.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/table.h"
#include "debug/tlbsan.h"
#include "debug/tlbtrace.h"

static struct cache quarter_cache = CACHE("quarter", sizeof(struct quarter), 8);
static struct spinlock big_lock = SPINLOCK(LOCK_QUARTER, "big quarter lock");
static bool use_big_lock;

void quarter_use_big_lock(void) { use_big_lock = true; }

u32 quarter_count(void) { return atomic_read(&quarter_cache.objects); }

/* With lock=big they have one and the same. */
void quarter_lock_both(struct quarter *one, struct quarter *other) {
    struct quarter *first = one->sub_id < other->sub_id ? one : other;
    struct quarter *second = first == one ? other : one;
    quarter_lock(first);
    if (second->lock != first->lock) {
        quarter_lock(second);
    }
}

void quarter_unlock_both(struct quarter *one, struct quarter *other) {
    if (one->lock != other->lock) {
        quarter_unlock(one);
    }
    quarter_unlock(other);
}

/* 64-bit, so never reused (hazard 7): at a million a second it lasts half a million years. */
static u64 sub_id_next(void) {
    static u64 last __attribute__((aligned(8))); /* atomic */
    return atomic_add_64(&last, 1);
}

/* ---- Create ---------------------------------------------------------------------------------- */

int directory_create(u32 slot, struct budget *budget, entry_t **result) {
    frame_t frame;
    int error = frame_allocate(FRAME_LOW, budget, &frame);
    if (!error) {
        arch_frame_zero(frame);
        *result = table_entries(frame);
        arch_directory_prepare(*result, slot);
    }
    return error;
}

int quarter_create(u32 slot, struct budget *budget, struct quarter **result) {
    int error = budget_charge(budget, BUDGET_QUARTERS, 1);
    if (error) {
        return error;
    }
    struct quarter *quarter = cache_allocate(&quarter_cache);
    error = quarter ? directory_create(slot, budget, &quarter->directory) : E_NOMEM;
    if (error) {
        if (quarter) {
            cache_free(&quarter_cache, quarter);
        }
        budget_refund(budget, BUDGET_QUARTERS, 1);
        return error;
    }
    quarter->sub_id = sub_id_next();
    quarter->slot = slot;
    quarter->budget = budget;
    budget_reference(budget);
    quarter->references = 1;
    spinlock_init(&quarter->own_lock, LOCK_QUARTER, quarter->sub_id, "quarter");
    quarter->lock = use_big_lock ? &big_lock : &quarter->own_lock;
    tlbtrace_quarter(quarter, true);
    *result = quarter;
    return 0;
}

/* ---- Its pager ------------------------------------------------------------------------------- */

static void pager_reference(struct pager pager) {
    if (pager.object) {
        object_reference(pager.object, pager.type, 0);
    }
}

void pager_release(struct pager pager) {
    if (pager.object) {
        object_release(pager.object, pager.type, 0);
    }
}

struct pager quarter_pager_swap(struct quarter *quarter, struct pager pager) {
    quarter_lock(quarter);
    struct pager old = quarter->pager;
    quarter->pager = pager;
    quarter_unlock(quarter);
    return old;
}

struct pager quarter_pager_get(struct quarter *quarter) {
    quarter_lock(quarter);
    struct pager pager = quarter->pager;
    pager_reference(pager);
    quarter_unlock(quarter);
    return pager;
}

/* ---- COPY ------------------------------------------------------------------------------------ */

/* One more directory refers to what ENTRY refers to. */
static inline void entry_reference(entry_t entry) {
    if (entry_is(entry, ENTRY_LARGE)) {
        frame_reference_block(arch_entry_block(entry));
    } else {
        frame_reference(arch_entry_frame(entry));
    }
}

/* The loop that a fork's cost hangs on: one step for each present entry. What it refers to is
 * shared, write-protected in both: in SOURCE's one directory, which all who SHARE it use (hazard
 * 19). True if an entry of SOURCE was writable: its CPUs must be told. */
static bool directory_share(struct quarter *source, struct quarter *copy) {
    entry_t *from = source->directory;
    uword distance = (uword)copy->directory - (uword)from; /* one pointer to keep instead of two */
    u32 protected = 0;
    for (u32 word = 0; word < PRESENT_WORDS; word++, from += PRESENT_BITS) {
        uword bits = copy->present[word] = source->present[word];
        for (; bits != 0; bits &= bits - 1) {
            entry_t *place = &from[__builtin_ctzl(bits)];
            entry_t entry = arch_entry_read(place);
            entry_reference(entry);
            if (entry_is(entry, ENTRY_WRITE)) {
                entry = arch_entry_protect(place, entry);
                protected++;
            }
            arch_entry_publish((entry_t *)((uword)place + distance), entry);
        }
    }
    return protected != 0;
}

static void copy_locked(struct quarter *source, struct quarter *copy) {
    if (source->regions) {
        region_table_reference(source->regions);
        copy->regions = source->regions;
    }
    pager_reference(source->pager);
    copy->pager = source->pager;
    copy->resident = source->resident;
    copy->tables = source->tables;
    tlbtrace_copy(source, copy);
    if (directory_share(source, copy)) {
        views_follow(source);
        TLBSAN_DOWNGRADE(source, 0, 0);
        quarter_shootdown(source, 0, 0, CAUSE_COPY); /* before the child can run (hazard 18) */
    }
}

/* Lock QUARTER while it is not the commons, whose tables have global entries and cannot be shared. */
static void quarter_lock_shareable(struct quarter *quarter) {
    quarter_lock(quarter);
    while (quarter->commons != COMMONS_NONE) {
        quarter_unlock(quarter);
        commons_demote(quarter);
        quarter_lock(quarter);
    }
}

int quarter_copy(struct quarter *source, struct budget *budget, struct quarter **result) {
    struct quarter *copy;
    int error = quarter_create(source->slot, budget, &copy);
    if (error) {
        return error;
    }
    quarter_lock_shareable(source);
    copy_locked(source, copy); /* nobody else knows the copy yet: its lock is not needed */
    quarter_unlock(source);
    error = quarter_copies_eagerly ? quarter_copy_pages(copy) : 0;
    if (error) {
        quarter_release(copy);
        return error;
    }
    *result = copy;
    return 0;
}

/* ---- Release --------------------------------------------------------------------------------- */

void quarter_reference(struct quarter *quarter) {
    u32 now = atomic_increment(&quarter->references);
    ASSERT(now > 1, "quarter %llu is gone and gains a reference",
           (unsigned long long)quarter->sub_id);
}

/* No space refers to it, so no CPU runs it and none can: the last space's root was left before it
 * was destroyed, and that load forgot all translations. So no lock and no shootdown. */
static void quarter_destroy(struct quarter *quarter) {
    ASSERT(quarter_running(quarter) == 0, "quarter %llu is freed while CPUs %llx run it",
           (unsigned long long)quarter->sub_id, (unsigned long long)quarter_running(quarter));
    commons_discard(quarter);
    tlbtrace_quarter(quarter, false);
    u32 steps = 0;
    DIRECTORY_FOR_EACH(i, quarter, 0, TABLE_ENTRIES) {
        directory_entry_discard_step(arch_entry_read(&quarter->directory[i]), &steps);
    }
    for (u32 view = 0; view < VIEW_COUNT; view++) {
        if (quarter->view_directory[view]) {
            frame_release(arch_low_frame(quarter->view_directory[view]));
        }
    }
    frame_release(arch_low_frame(quarter->directory));
    region_table_release(quarter->regions);
    pager_release(quarter->pager);
    budget_refund(quarter->budget, BUDGET_QUARTERS, 1);
    budget_release(quarter->budget);
    cache_free(&quarter_cache, quarter);
}

void quarter_release(struct quarter *quarter) {
    if (atomic_decrement(&quarter->references) == 0) {
        quarter_destroy(quarter);
    }
}
