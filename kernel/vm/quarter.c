/* SPDX-License-Identifier: MIT */
/*
 * The life of a quarter: create, copy, views, release. The ownership rule is in table.h, what its
 * regions do in map.c.
 */
#include "kernel/vm/quarter.h"

#include <string.h>

#include "kernel/base/atomic.h"
#include "kernel/base/cache.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/object/budget.h"
#include "kernel/object/object.h"
#include "kernel/sched/sched.h"
#include "kernel/vm/commons.h"
#include "kernel/vm/table.h"
#include "debug/tlbsan.h"
#include "debug/tlbtrace.h"

static struct cache quarter_cache = CACHE("quarter", sizeof(struct quarter), 8);
static struct spinlock big_lock = SPINLOCK(LOCK_QUARTER, "big quarter lock");
static bool use_big_lock;
struct vm_counters vm_counters[ARCH_CPU_LIMIT];

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

/* A directory with only what the kernel keeps in it. */
static int directory_create(u32 slot, struct budget *budget, entry_t **result) {
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

/* The views follow their quarter's directory. */
static void views_protect(struct quarter *quarter) {
    for (u32 view = 0; ARCH_VIEW_DIRECTORIES && view < VIEW_COUNT; view++) {
        entry_t *directory = quarter->view_directory[view];
        for (u32 i = directory ? directory_next(quarter, 0) : TABLE_ENTRIES; i < TABLE_ENTRIES;
             i = directory_next(quarter, i + 1)) {
            entry_t entry = arch_entry_read(&quarter->directory[i]);
            arch_entry_exchange(&directory[i], directory_entry_for_view(entry, view << 1));
        }
    }
}

static void copy_locked(struct quarter *source, struct quarter *copy) {
    if (source->regions) {
        region_table_reference(source->regions);
        copy->regions = source->regions;
    }
    if (source->pager.object) {
        object_reference(source->pager.object, source->pager.type, 0);
        copy->pager = source->pager;
    }
    copy->resident = source->resident;
    copy->tables = source->tables;
    tlbtrace_copy(source, copy);
    if (directory_share(source, copy)) {
        views_protect(source);
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
    if (quarter_copies_eagerly) {
        error = quarter_copy_pages(copy);
        if (error) {
            quarter_release(copy);
            return error;
        }
    }
    *result = copy;
    return 0;
}

/* ---- Views ----------------------------------------------------------------------------------- */

static int view_create(struct quarter *quarter, u32 view) {
    entry_t *directory;
    int error = directory_create(quarter->slot, quarter->budget, &directory);
    if (error) {
        return error;
    }
    DIRECTORY_FOR_EACH(i, quarter, 0, TABLE_ENTRIES) {
        entry_t entry = arch_entry_read(&quarter->directory[i]);
        arch_entry_publish(&directory[i], directory_entry_for_view(entry, view));
    }
    quarter->view_directory[VIEW_INDEX(view)] = directory;
    return 0;
}

int quarter_view_directory(struct quarter *quarter, u32 view, frame_t *result) {
    entry_t *directory = quarter->directory;
    int error = 0;
    if (ARCH_VIEW_DIRECTORIES && VIEW_INDEX(view) != VIEW_INDEX(VIEW_FULL)) {
        quarter_lock(quarter);
        if (!quarter->view_directory[VIEW_INDEX(view)]) {
            error = view_create(quarter, view);
        }
        directory = quarter->view_directory[VIEW_INDEX(view)];
        quarter_unlock(quarter);
    }
    if (!error) {
        *result = arch_low_frame(directory);
    }
    return error;
}

/* ---- Its pager ------------------------------------------------------------------------------- */

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
    if (pager.object) {
        object_reference(pager.object, pager.type, 0);
    }
    quarter_unlock(quarter);
    return pager;
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

/* ---- Facts ----------------------------------------------------------------------------------- */

void vm_counters_sum(struct vm_counters *sum) {
    memset(sum, 0, sizeof(*sum));
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        const u64 *from = (const u64 *)&vm_counters[cpu];
        for (u32 i = 0; i < sizeof(*sum) / sizeof(u64); i++) {
            ((u64 *)sum)[i] += from[i];
        }
    }
}

void quarter_stat_fill(struct quarter *quarter, struct quarter_stat *stat) {
    quarter_lock(quarter);
    stat->sub_id = quarter->sub_id;
    stat->slot = quarter->slot;
    stat->references = atomic_read(&quarter->references);
    stat->resident = quarter->resident;
    stat->tables = quarter->tables;
    stat->regions = quarter->regions ? quarter->regions->count : 0;
    stat->view = VIEW_FULL;
    quarter_unlock(quarter);
}

/* Count the pages of one directory entry that lie in [INFO->start, INFO->end). */
static void region_count_entry(struct quarter *quarter, u32 index, struct info_region *info) {
    entry_t entry = arch_entry_read(&quarter->directory[index]);
    frame_t frame = arch_entry_frame(entry);
    if (entry_is(entry, ENTRY_LARGE)) {
        info->resident += LARGE_FRAMES;
        info->large++;
        info->shared += frame_large_references(frame) > 1 ? LARGE_FRAMES : 0;
        return;
    }
    for (u32 i = 0; i < TABLE_ENTRIES; i++) {
        u32 offset = (index << TABLE_SHIFT) + (i << PAGE_SHIFT);
        entry_t page = arch_entry_read(&table_entries(frame)[i]);
        if (offset >= info->start && offset < info->end && entry_is(page, ENTRY_PRESENT)) {
            info->resident++;
            info->shared +=
                !entry_is(page, ENTRY_DEVICE) &&
                (frame_references(frame) > 1 || frame_references(arch_entry_frame(page)) > 1);
        }
    }
}

static bool region_describe(struct quarter *quarter, u32 index, struct info_region *info) {
    quarter_lock(quarter);
    bool found = quarter->regions && index < quarter->regions->count;
    if (found) {
        const struct region *region = &quarter->regions->region[index];
        info->start = region->start;
        info->end = region->end;
        info->rights = region->rights;
        info->kind = region->kind;
        info->resident = info->shared = info->large = 0;
    }
    quarter_unlock(quarter);
    return found;
}

/* Count the first present directory entry from number FROM on; where to go on. */
static u32 region_count_step(struct quarter *quarter, u32 from, struct info_region *info) {
    quarter_lock(quarter);
    u32 i = directory_next(quarter, from);
    if (i < TABLE_ENTRIES && i << TABLE_SHIFT < info->end) {
        region_count_entry(quarter, i, info);
    }
    quarter_unlock(quarter);
    return i + 1;
}

int quarter_region_info(struct quarter *quarter, u32 index, struct info_region *info) {
    if (!region_describe(quarter, index, info)) {
        return E_NOTFOUND;
    }
    u32 next = directory_index(info->start);
    while (next < TABLE_ENTRIES && next << TABLE_SHIFT < info->end) {
        next = region_count_step(quarter, next, info);
        sched_preemption_point();
    }
    return 0;
}
