/* SPDX-License-Identifier: MIT */
/*
 * See model.h.
 */
#include "tests/host/model.h"

#include "kernel/vm/table.h"

/* ---- The universe ---------------------------------------------------------------------------- */

struct window {
    u32 page, pages; /* PAGE_LAST: the last ones of the slot */
};
#define PAGE_LAST UINT32_MAX
#define WINDOWS 4u
static const struct window windows_usual[WINDOWS] = {
    {0, 64}, {496, 32}, {1024, 4 * TABLE_ENTRIES}, {PAGE_LAST, 32}};
static const struct window windows_small[WINDOWS] = {
    {0, 6}, {510, 4}, {1024, TABLE_ENTRIES}, {PAGE_LAST, 2}};
static const struct window *windows = windows_usual;
#define WINDOW_LARGE 2u

void universe_use_small(void) { windows = windows_small; }

static u32 window_page(u32 slot, u32 window) {
    u32 page = windows[window].page;
    return page == PAGE_LAST ? arch_directory_entries(slot) * TABLE_ENTRIES - windows[window].pages
                             : page;
}

static u32 window_first(u32 window) {
    u32 first = 0;
    for (u32 i = 0; i < window; i++) {
        first += windows[i].pages;
    }
    return first;
}

u32 universe_size(u32 slot) {
    (void)slot;
    return window_first(WINDOWS);
}

u32 universe_page(u32 slot, u32 index) {
    u32 window = 0;
    while (index >= windows[window].pages) {
        index -= windows[window++].pages;
    }
    return window_page(slot, window) + index;
}

u32 universe_run(u32 slot, u32 limit, u32 *first) {
    (void)slot;
    u32 window = sim_random_below(WINDOWS);
    u32 at = sim_random_below(windows[window].pages);
    u32 room = windows[window].pages - at;
    u32 count = 1 + sim_random_below(limit < room ? limit : room);
    *first = window_first(window) + at;
    return count;
}

u32 universe_large_run(u32 slot, u32 *first) {
    (void)slot;
    u32 spans = windows[WINDOW_LARGE].pages / TABLE_ENTRIES;
    u32 at = sim_random_below(spans);
    *first = window_first(WINDOW_LARGE) + at * TABLE_ENTRIES;
    return (1 + sim_random_below(spans - at)) * TABLE_ENTRIES;
}

u32 word_offset(u32 word) {
    static const u32 offsets[MODEL_WORDS] = {0, 2044, 4092};
    return offsets[word];
}

/* ---- Shadows --------------------------------------------------------------------------------- */

#define SHADOWS 1024u
static struct shadow *shadows[SHADOWS]; /* all there are */

struct shadow *shadow_create(struct quarter *quarter) {
    u32 pages = universe_size(quarter->slot), place = 0;
    struct shadow *shadow = calloc(1, sizeof(*shadow) + pages * sizeof(struct shadow_page));
    while (place < SHADOWS && shadows[place]) {
        place++;
    }
    CHECK(shadow && place < SHADOWS, "no room for a shadow");
    shadows[place] = shadow;
    shadow->place = place;
    shadow->sub_id = quarter->sub_id;
    shadow->references = 1;
    shadow->slot = quarter->slot;
    shadow->quarter = quarter;
    return shadow;
}

struct shadow *shadow_copy(const struct shadow *from, struct quarter *quarter) {
    struct shadow *shadow = shadow_create(quarter);
    memcpy(shadow->page, from->page, universe_size(from->slot) * sizeof(struct shadow_page));
    return shadow;
}

struct shadow *shadow_find(const struct quarter *quarter) {
    for (u32 i = 0; i < SHADOWS; i++) {
        if (shadows[i] && shadows[i]->sub_id == quarter->sub_id) {
            return shadows[i];
        }
    }
    return NULL;
}

void shadow_become(struct shadow *shadow, struct quarter *quarter) {
    shadow->quarter = quarter;
    shadow->sub_id = quarter ? quarter->sub_id : 0;
}

void shadow_reference(struct shadow *shadow) { shadow->references++; }

void shadow_release(struct shadow *shadow) {
    if (shadow && --shadow->references == 0) {
        shadows[shadow->place] = NULL;
        free(shadow);
    }
}

static void page_set(struct shadow_page *page, u32 rights) {
    page->rights_before = page->rights;
    page->changed_before = page->changed;
    page->rights = (u8)rights;
    page->changed = sim_steps();
}

int shadow_map(struct shadow *shadow, u32 first, u32 count, u32 rights, bool apply) {
    for (u32 i = first; i < first + count; i++) {
        if (shadow->page[i].rights) {
            return E_EXISTS;
        }
    }
    for (u32 i = first; apply && i < first + count; i++) {
        page_set(&shadow->page[i], rights);
        memset(shadow->page[i].word, 0, sizeof(shadow->page[i].word));
    }
    return 0;
}

int shadow_unmap(struct shadow *shadow, u32 first, u32 count, bool apply) {
    bool any = false;
    for (u32 i = first; i < first + count; i++) {
        any |= shadow->page[i].rights != 0;
    }
    for (u32 i = first; any && apply && i < first + count; i++) {
        page_set(&shadow->page[i], 0);
        memset(shadow->page[i].word, 0, sizeof(shadow->page[i].word));
    }
    return any ? 0 : E_NOTFOUND;
}

int shadow_protect(struct shadow *shadow, u32 first, u32 count, u32 rights, bool apply) {
    for (u32 i = first; i < first + count; i++) {
        if (!shadow->page[i].rights) {
            return E_NOTFOUND;
        }
    }
    for (u32 i = first; apply && i < first + count; i++) {
        page_set(&shadow->page[i], rights);
    }
    return 0;
}

int shadow_access(const struct shadow *shadow, u32 view, u32 element, u32 access) {
    if (!shadow) {
        return FAULT_NO_QUARTER;
    }
    u32 rights = shadow->page[element].rights;
    if (rights == 0) {
        return FAULT_NO_REGION;
    }
    return rights & view & access ? 0 : FAULT_RIGHTS;
}

/* ---- Verification ---------------------------------------------------------------------------- */

const u8 *page_bytes(const struct quarter *quarter, u32 page) {
    entry_t entry = quarter->directory[page / TABLE_ENTRIES];
    if (!entry_is(entry, ENTRY_PRESENT)) {
        return NULL;
    }
    if (entry_is(entry, ENTRY_LARGE)) {
        return sim_frame_bytes((frame_t){arch_entry_frame(entry).number + page % TABLE_ENTRIES});
    }
    entry = ((const entry_t *)arch_low_pointer(arch_entry_frame(entry)))[page % TABLE_ENTRIES];
    return entry_is(entry, ENTRY_PRESENT) ? sim_frame_bytes(arch_entry_frame(entry)) : NULL;
}

void shadow_verify(const struct shadow *shadow, const char *after) {
    const struct quarter *quarter = shadow->quarter;
    CHECK(quarter->slot == shadow->slot, "the model has lost its quarter");
    for (u32 i = 0; i < universe_size(shadow->slot); i++) {
        const struct shadow_page *expected = &shadow->page[i];
        u32 page = universe_page(shadow->slot, i);
        const struct region *region = region_find(quarter->regions, page << PAGE_SHIFT);
        u32 rights = region ? region->rights : 0;
        CHECK(rights == expected->rights,
              "after %s: page %u of quarter %llu has rights %x, the model %x", after, page,
              (unsigned long long)quarter->sub_id, rights, expected->rights);
        const u8 *bytes = page_bytes(quarter, page);
        for (u32 word = 0; word < MODEL_WORDS; word++) {
            u32 value = 0;
            if (bytes) {
                memcpy(&value, bytes + word_offset(word), sizeof(value));
            }
            CHECK(value == expected->word[word],
                  "after %s: page %u word %u of quarter %llu is %#x, the model has %#x", after,
                  page, word, (unsigned long long)quarter->sub_id, value, expected->word[word]);
        }
    }
}
