/* SPDX-License-Identifier: MIT */
/*
 * When changes enter the model, and whether an access was right: see crowd.h.
 */
#include "kernel/base/cpu.h"
#include "tests/host/crowd.h"

/* ---- Changes --------------------------------------------------------------------------------- */

static struct change *own_change(void) { return &crowd.change[crowd_cpu()]; }

static struct quarter *quarter_of_lock(struct spinlock *lock) {
    return CONTAINER_OF(lock, struct quarter, own_lock);
}

static int change_apply(struct change *change, bool apply) {
    struct shadow *shadow = change->shadow[0];
    return change->kind == CHANGE_MAP
               ? shadow_map(shadow, change->first, change->count, change->rights, apply)
           : change->kind == CHANGE_UNMAP
               ? shadow_unmap(shadow, change->first, change->count, apply)
           : change->kind == CHANGE_PROTECT
               ? shadow_protect(shadow, change->first, change->count, change->rights, apply)
           : shadow->page[change->element].rights ? 0
                                                  : E_NOTFOUND;
}

static u32 actual_word(const struct change *change) {
    const struct shadow *shadow = change->shadow[0];
    const u8 *bytes = page_bytes(shadow->quarter, universe_page(shadow->slot, change->element));
    u32 value = 0;
    if (bytes) {
        memcpy(&value, bytes + word_offset(change->word), sizeof(value));
    }
    return value;
}

/* Must entry INDEX become an own table of 4 KiB pages with a shootdown, before pages in it change? */
static bool needs_own_table(const struct quarter *quarter, u32 index) {
    entry_t entry = quarter->directory[index];
    return arch_entry_has(entry, ENTRY_PRESENT) &&
           (arch_entry_has(entry, ENTRY_LARGE) ||
            sim_frame_references(arch_entry_frame(entry)) > 1);
}

/* How many shootdowns a change of the range may take: one if there is anything in it that a CPU could
 * have cached, and one for each end in the midst of a table that others share or of a 2 MiB page. */
static u32 change_limit(const struct change *change) {
    const struct shadow *shadow = change->shadow[0];
    const struct quarter *quarter = shadow->quarter;
    u32 start = universe_page(shadow->slot, change->first), end = start + change->count;
    u32 first = start / TABLE_ENTRIES, last = (end - 1) / TABLE_ENTRIES;
    bool present = false, grows = true;
    for (u32 page = start; page < end; page++) {
        bool whole = page % TABLE_ENTRIES == 0 && end - page >= TABLE_ENTRIES;
        present |=
            page_bytes(quarter, page) ||
            (whole && arch_entry_has(quarter->directory[page / TABLE_ENTRIES], ENTRY_PRESENT));
        grows &= (shadow->page[change->first + page - start].rights & ~change->rights) == 0;
    }
    if (change->kind == CHANGE_MAP || (change->kind == CHANGE_PROTECT && grows)) {
        return 0;
    }
    bool ragged_first = start % TABLE_ENTRIES != 0 || end < (first + 1) * TABLE_ENTRIES;
    bool ragged_last = end % TABLE_ENTRIES != 0 && (last != first || !ragged_first);
    return present + (ragged_first && needs_own_table(quarter, first)) +
           (ragged_last && needs_own_table(quarter, last));
}

static void on_lock_acquired(struct spinlock *lock) {
    struct change *change = own_change();
    if (lock->class != LOCK_QUARTER) {
        return;
    }
    bound_lock_acquired(quarter_of_lock(lock));
    for (u32 i = 0; change->active && i < SLOT_COUNT; i++) {
        struct shadow *shadow = change->shadow[i];
        if (shadow && shadow->quarter->lock == lock) {
            shadow->change = change;
            change->regions = shadow->quarter->regions;
            change->overtaken = false;
            if (change->kind != CHANGE_COPY) {
                change->expected = change_apply(change, false);
                change->limit = change->kind == CHANGE_SUPPLY ? 2 : change_limit(change);
            }
        }
    }
}

/* The lock's holder has done what it wanted, or found that it cannot. */
static void change_commit(struct change *change, u32 index) {
    struct shadow *shadow = change->shadow[index];
    if (change->kind == CHANGE_COPY) {
        shadow_release(change->copy[index]);
        change->copy[index] = shadow_copy(shadow, shadow->quarter);
        shadow_become(change->copy[index], NULL);
    } else if (change->kind == CHANGE_SUPPLY) {
        u32 actual = actual_word(change), *word = &shadow->page[change->element].word[change->word];
        CHECK(actual == *word || (change->expected == 0 && actual == change->value),
              "a supply of %#x over %#x gives %#x", change->value, *word, actual);
        change->committed |= actual == change->value;
        *word = actual;
    } else if (change->regions != shadow->quarter->regions) {
        CHECK(change->expected == 0 && !change->committed, "change %u succeeds, the model says %d",
              change->kind, change->expected);
        change_apply(change, true);
        change->committed = true;
    }
}

static void on_lock_released(struct spinlock *lock) {
    struct change *change = own_change();
    if (lock->class != LOCK_QUARTER) {
        return;
    }
    bound_lock_released();
    for (u32 i = 0; change->active && i < SLOT_COUNT; i++) {
        struct shadow *shadow = change->shadow[i];
        if (shadow && shadow->change == change && shadow->quarter->lock == lock) {
            shadow->change = NULL;
            change_commit(change, i);
        }
    }
}

void change_begin(struct change change) {
    sim_knobs.lock_acquired = on_lock_acquired;
    sim_knobs.lock_released = on_lock_released;
    change.active = true;
    *own_change() = change;
}

struct change *change_end(void) {
    own_change()->active = false;
    return own_change();
}

/* ---- Accesses -------------------------------------------------------------------------------- */

struct attempt {
    u32 slot, element, word, access;
    u32 address;
    u64 begin; /* step */
    /* of the last page fault: */
    int reason;
    struct shadow *shadow;
    u32 view;
};

static struct attempt *attempts[CROWD_CPUS];

static void attempt_forget(struct attempt *attempt) {
    shadow_release(attempt->shadow);
    attempt->shadow = NULL;
    attempt->view = 0;
}

/* As kernel/process/fault.c does. */
static bool on_fault(const struct fault *fault) {
    struct attempt *attempt = attempts[crowd_cpu()];
    const struct space *space = arch_cpu()->loaded;
    struct space_slot place = space->slot[SLOT_OF(fault->address)];
    enum vm_access access = fault->write     ? ACCESS_WRITE
                            : fault->execute ? ACCESS_EXECUTE
                                             : ACCESS_READ;
    attempt_forget(attempt);
    attempt->reason = FAULT_NO_QUARTER;
    if (place.quarter) {
        attempt->shadow = shadow_find(place.quarter);
        attempt->view = place.view;
        if (attempt->shadow) {
            shadow_reference(attempt->shadow);
        }
        quarter_reference(place.quarter);
        bound_begin();
        attempt->reason =
            quarter_fault(place.quarter, SLOT_OFFSET(fault->address), access, place.view);
        bound_end("a page fault", fault->write ? 2 : 1);
        quarter_release(place.quarter);
    }
    return attempt->reason == 0;
}

static int reason_of(u32 rights, u32 view, u32 access) {
    return rights == 0 ? FAULT_NO_REGION : rights & view & access ? 0 : FAULT_RIGHTS;
}

/* The access has been refused: for a reason that held at some time since its begin? */
static void judge_refusal(const struct attempt *attempt) {
    const struct shadow *shadow = attempt->shadow;
    if (attempt->reason == FAULT_NO_MEMORY) {
        CHECK(crowd.memory_may_fail, "access at %#x: no memory, but %u frames are free",
              attempt->address, frame_free_count());
        crowd.out_of_memory++;
        return;
    }
    crowd.refused++;
    if (!shadow) { /* its quarter has left all processes meanwhile, or there was none */
        return;
    }
    const struct shadow_page *page = &shadow->page[attempt->element];
    bool now = reason_of(page->rights, attempt->view, attempt->access) == attempt->reason;
    bool before = page->changed >= attempt->begin &&
                  reason_of(page->rights_before, attempt->view, attempt->access) == attempt->reason;
    bool earlier = page->changed_before >= attempt->begin;
    CHECK(now || before || earlier,
          "access %x at %#x fails for reason %d; the model has rights %x, before %x, view %x",
          attempt->access, attempt->address, attempt->reason, page->rights, page->rights_before,
          attempt->view);
}

/* It has just succeeded, on the space that is loaded: the shadow that it went to. */
static struct shadow *judge_success(const struct attempt *attempt, struct member *member) {
    const struct space *space = arch_cpu()->loaded;
    bool right = space == member->space;
    for (u32 i = 0; i < CROWD_CPUS; i++) {
        right |= space == member->old[i];
    }
    CHECK(right, "CPU %u runs process %u in space %llu, which it has left", crowd_cpu(),
          (u32)(member - crowd.member), (unsigned long long)space->id);
    const struct space_slot *place = &space->slot[attempt->slot];
    CHECK(place->quarter, "access %x at %#x succeeds where nothing is attached", attempt->access,
          attempt->address);
    struct shadow *shadow = shadow_find(place->quarter);
    if (!shadow) { /* swapped out of all processes: this CPU has yet to hear of it */
        CHECK(space != member->space, "the model has lost quarter %llu",
              (unsigned long long)place->quarter->sub_id);
        return NULL;
    }
    const struct change *change = shadow->change;
    u32 rights = shadow->page[attempt->element].rights;
    if (change && change->kind == CHANGE_PROTECT && change->expected == 0 &&
        attempt->element - change->first < change->count) {
        rights |= change->rights;
    }
    CHECK(rights & place->view & attempt->access,
          "access %x at %#x succeeds; the model has rights %x, view %x", attempt->access,
          attempt->address, rights, place->view);
    return shadow;
}

static bool supplied(const struct shadow *shadow, const struct attempt *attempt) {
    const struct change *change = shadow->change;
    return change && change->kind == CHANGE_SUPPLY && change->element == attempt->element &&
           change->word == attempt->word;
}

static void judge_read(const struct shadow *shadow, const struct attempt *attempt, u32 value) {
    u32 expected = shadow->page[attempt->element].word[attempt->word];
    bool early = supplied(shadow, attempt) && value == shadow->change->value;
    CHECK(value == expected || early, "a read of %#x (quarter %llu) gives %#x, the model has %#x",
          attempt->address, (unsigned long long)shadow->quarter->sub_id, value, expected);
    crowd.read++;
}

static void note_write(struct shadow *shadow, const struct attempt *attempt, u32 value) {
    if (supplied(shadow, attempt)) {
        shadow->change->overtaken = true;
    }
    shadow->page[attempt->element].word[attempt->word] = value;
    crowd.written++;
}

/* ---- One at random --------------------------------------------------------------------------- */

/* Few pages, so that CPUs meet in them (fewer yet where that is the point), and mostly such as are in
 * a region. */
static u32 element_pick(const struct shadow *shadow) {
    static const u32 popular[] = {0, 6, 10, 1, 2, 5, 7, 8, 9, 11, 300, 522, 523};
    u32 count = crowd.narrow && sim_random_below(4) ? 3 : ARRAY_LENGTH(popular);
    u32 first = sim_random_below(count);
    for (u32 i = 0; shadow && i < count && sim_random_below(16) != 0; i++) {
        if (shadow->page[popular[(first + i) % count]].rights) {
            return popular[(first + i) % count];
        }
    }
    return popular[first];
}

/* Mostly an access that the page allows, of a slot that has something in it. */
static struct attempt attempt_pick(const struct member *member) {
    static const u32 kinds[] = {RIGHT_READ, RIGHT_READ, RIGHT_WRITE, RIGHT_WRITE, RIGHT_EXECUTE};
    struct attempt attempt = {.word = crowd.narrow ? 0 : sim_random_below(MODEL_WORDS),
                              .begin = sim_steps()};
    for (u32 i = 0; i < 8; i++) {
        attempt.slot = crowd.narrow && sim_random_below(2) ? 1 : sim_random_below(SLOT_COUNT);
        attempt.access = kinds[sim_random_below(ARRAY_LENGTH(kinds))];
        const struct seat *seat = &member->seat[attempt.slot];
        attempt.element = element_pick(seat->shadow);
        if (seat->shadow &&
            seat->shadow->page[attempt.element].rights & seat->view & attempt.access) {
            break;
        }
    }
    attempt.address = SLOT_BASE(attempt.slot) +
                      (universe_page(attempt.slot, attempt.element) << PAGE_SHIFT) +
                      word_offset(attempt.word);
    return attempt;
}

static enum sim_result attempt_run(struct attempt *attempt, u32 *value) {
    bool kernel = sim_random_below(10) == 0;
    if (attempt->access == RIGHT_EXECUTE) {
        return sim_user_execute(attempt->address);
    }
    if (kernel) { /* in the midst of a system call */
        uword interrupts = arch_interrupts_save();
        sim_user(false);
        int error = attempt->access == RIGHT_WRITE
                        ? arch_copy_out(attempt->address, value, sizeof(*value))
                        : arch_copy_in(value, attempt->address, sizeof(*value));
        arch_cpu()->arch.interrupts = interrupts != 0; /* no point: the access is just over */
        return error ? SIM_FAULT : SIM_OK;
    }
    return attempt->access == RIGHT_WRITE ? sim_user_write(attempt->address, value, sizeof(*value))
                                          : sim_user_read(attempt->address, value, sizeof(*value));
}

void access_random(struct member *member) {
    struct attempt attempt = attempt_pick(member);
    attempts[crowd_cpu()] = &attempt;
    sim_knobs.fault = on_fault;
    u32 value = ++crowd.last_value;
    if (attempt_run(&attempt, &value) == SIM_FAULT) {
        judge_refusal(&attempt);
    } else {
        struct shadow *shadow = judge_success(&attempt, member);
        if (shadow && attempt.access == RIGHT_READ) {
            judge_read(shadow, &attempt, value);
        } else if (shadow && attempt.access == RIGHT_WRITE) {
            note_write(shadow, &attempt, value);
        }
    }
    attempt_forget(&attempt);
    sim_user(true);
}
