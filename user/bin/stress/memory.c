/* SPDX-License-Identifier: MIT */
/*
 * Memory: several threads, or processes that SHARE the slot, change one quarter at once. Each has
 * pages of its own, which lie between those of the others in the same page tables, and a stretch of
 * 2 MiB; it compares them with a model that it keeps on its stack. Then space_set, under threads
 * that use the slot.
 */
#include "stress.h"

#define PARTIES 3u
#define PAGES 12u
#define STEPS 60u

/* ---- Regions --------------------------------------------------------------------------------- */

struct model {
    uint32_t party, seed;
    struct {
        uint32_t value;
        bool mapped, writable;
    } page[PAGES];
};

/* The last two of a party's pages are in its stretch: a large page may stand there. */
static uint32_t page_offset(uint32_t party, uint32_t page) {
    return page < PAGES - 2 ? (page * PARTIES + party) * PAGE_SIZE
                            : (1 + party) * 2 * MIB + (page - (PAGES - 2)) * 300 * PAGE_SIZE;
}

static volatile uint32_t *page_word(const struct model *model, uint32_t page) {
    return demo_pointer(2, page_offset(model->party, page));
}

static void model_check(const struct model *model, uint32_t page) {
    if (model->page[page].mapped && *page_word(model, page) != model->page[page].value) {
        stress_fail("regions: page %lu of party %lu has %#lx, not %#lx", (unsigned long)page,
                    (unsigned long)model->party, (unsigned long)*page_word(model, page),
                    (unsigned long)model->page[page].value);
    }
}

static void model_write(struct model *model, uint32_t page) {
    if (model->page[page].mapped && model->page[page].writable) {
        *page_word(model, page) = model->seed;
        model->page[page].value = model->seed;
    }
}

static void model_supply(struct model *model, uint32_t page) {
    if (model->page[page].mapped) {
        stress_must("quarter_supply",
                    quarter_supply(QUARTET_SLOT(2), page_offset(model->party, page), &model->seed,
                                   sizeof(model->seed)));
        model->page[page].value = model->seed;
    }
}

static void model_protect(struct model *model, uint32_t page) {
    if (model->page[page].mapped) {
        bool writable = !model->page[page].writable;
        stress_must("quarter_protect",
                    quarter_protect(QUARTET_SLOT(2), page_offset(model->party, page), PAGE_SIZE,
                                    writable ? RW : RIGHT_READ));
        model->page[page].writable = writable;
    }
}

/* Of the pages between the others'; those in the stretch stay. */
static void model_map(struct model *model, uint32_t page) {
    uint32_t offset = page_offset(model->party, page);
    if (page >= PAGES - 2) {
        return;
    }
    stress_must("quarter_map or quarter_unmap",
                model->page[page].mapped ? quarter_unmap(QUARTET_SLOT(2), offset, PAGE_SIZE)
                                         : quarter_map(QUARTET_SLOT(2), offset, PAGE_SIZE, RW));
    model->page[page].mapped = model->page[page].writable = !model->page[page].mapped;
    model->page[page].value = 0;
}

/* Close all tables of the quarter, and perhaps leave them shared for a while. */
static void model_copy(struct model *model) {
    long copy = stress_must("quarter_copy", quarter_copy(QUARTET_SLOT(2)));
    if (many_random(&model->seed, 2) == 0) {
        model_write(model, many_random(&model->seed, PAGES));
    }
    handle_close((int)copy);
}

static void model_step(struct model *model) {
    uint32_t kind = many_random(&model->seed, 16), page = many_random(&model->seed, PAGES);
    if (kind < 4) {
        model_map(model, page);
    } else if (kind < 6) {
        model_protect(model, page);
    } else if (kind < 8) {
        model_supply(model, page);
    } else if (kind == 8) {
        model_copy(model);
    } else {
        model_write(model, page);
    }
    model_check(model, many_random(&model->seed, PAGES));
}

static void model_run(uint32_t argument) {
    struct model model = {.party = argument % PARTIES, .seed = argument | 1u << 31};
    uint32_t stretch = (1 + model.party) * 2 * MIB;
    stress_must("quarter_map", quarter_map(QUARTET_SLOT(2), stretch, 2 * MIB, RW));
    for (uint32_t page = PAGES - 2; page < PAGES; page++) {
        model.page[page].mapped = model.page[page].writable = true;
    }
    for (uint32_t step = 0; step < STEPS && !stress_failed(); step++) {
        model_step(&model);
    }
    for (uint32_t page = 0; page < PAGES; page++) {
        model_check(&model, page);
    }
}

static int model_thread(void *argument) {
    model_run((uint32_t)(uintptr_t)argument);
    return 0;
}

static void regions_by_threads(uint32_t seed) {
    struct quartet_thread *thread[PARTIES];
    for (uint32_t i = 0; i < PARTIES; i++) {
        thread[i] = quartet_thread_start(model_thread, (void *)(uintptr_t)(seed + i));
        stress_must("quartet_thread_start", thread[i] == NULL ? -E_NOMEM : 0);
    }
    for (uint32_t i = 0; i < PARTIES && thread[i] != NULL; i++) {
        quartet_thread_join(thread[i], NULL);
    }
}

static void regions_by_processes(uint32_t seed) {
    long child[PARTIES];
    for (uint32_t i = 0; i < PARTIES; i++) {
        uint32_t plan = chance(2) == 0 ? PLAN_RFORK : FORK_SHARING;
        child[i] = stress_start(plan, model_run, seed + i);
    }
    for (uint32_t i = 0; i < PARTIES; i++) {
        stress_end(child[i], 0, "regions");
    }
}

void stress_regions(void) {
    uint32_t seed = chance(1u << 24) * PARTIES;
    area_open(PAGE_SIZE); /* so that there is something to unmap at the end */
    stress_must("quarter_unmap", quarter_unmap(QUARTET_SLOT(2), 0, PAGE_SIZE));
    if (chance(2) == 0) {
        regions_by_threads(seed);
    } else {
        regions_by_processes(seed);
    }
    area_close();
}

/* ---- Swaps ----------------------------------------------------------------------------------- */

#define BANKS 3u
#define SWAPS 24u
#define USERS 2u
#define BANK_NAME(bank) (0xBA000000u + (bank))

static struct {
    uint32_t over;
    uint32_t about, done; /* swaps that have begun, and whose calls have returned */
    uint32_t bank[SWAPS + 1];
    uint32_t beats[USERS]; /* reads so far */
} swaps;

/* It reads the name of a bank, and of the right one if no swap has begun since the last one was
 * done. */
static int bank_user(void *argument) {
    uint32_t number = (uint32_t)(uintptr_t)argument;
    while (!word_get(&swaps.over) && !stress_failed()) {
        uint32_t first = word_get(&swaps.done);
        uint32_t name = *(volatile uint32_t *)demo_pointer(2, 0);
        uint32_t last = word_get(&swaps.about);
        if (name - BANK_NAME(0) >= BANKS ||
            (first == last && name != BANK_NAME(swaps.bank[first]))) {
            stress_fail("swaps: a thread reads %#lx after swap %lu, before swap %lu",
                        (unsigned long)name, (unsigned long)first, (unsigned long)last + 1);
        }
        *(volatile uint32_t *)demo_pointer(2, PAGE_SIZE * (1 + number)) = name;
        word_put(&swaps.beats[number], swaps.beats[number] + 1);
    }
    return 0;
}

/* So that their CPUs have translations of this bank when the next one comes. */
static void users_read(void) {
    uint32_t turns = 0;
    for (uint32_t i = 0; i < USERS; i++) {
        uint32_t beats = word_get(&swaps.beats[i]);
        while (word_get(&swaps.beats[i]) == beats && !stress_failed()) {
            many_wait(&turns);
        }
    }
}

static void banks_swap(const long bank[BANKS]) {
    uint32_t count[BANKS] = {0};
    volatile uint32_t *counter = demo_pointer(2, 4);
    for (uint32_t i = 1; i <= SWAPS; i++) {
        uint32_t chosen = swaps.bank[i] = chance(BANKS);
        word_put(&swaps.about, i);
        stress_must("space_set", demo_attach(2, (int)bank[chosen], RW, 0));
        word_put(&swaps.done, i);
        if (*(volatile uint32_t *)demo_pointer(2, 0) != BANK_NAME(chosen) ||
            *counter != count[chosen]) {
            stress_fail("swaps: bank %lu has name %#lx and count %lu, not %lu",
                        (unsigned long)chosen, (unsigned long)*(uint32_t *)demo_pointer(2, 0),
                        (unsigned long)*counter, (unsigned long)count[chosen]);
        }
        *counter = ++count[chosen];
        if (i % 4 == 0) {
            users_read();
        }
    }
}

void stress_swaps(void) {
    struct quartet_thread *thread[USERS];
    long own = stress_must("space_get", space_get(2)), bank[BANKS];
    for (uint32_t i = 0; i < BANKS; i++) {
        uint32_t name = BANK_NAME(i);
        bank[i] = stress_must("quarter_create", quarter_create(2));
        stress_must("quarter_map", quarter_map((int)bank[i], 0, 4 * PAGE_SIZE, RW));
        stress_must("quarter_supply", quarter_supply((int)bank[i], 0, &name, sizeof(name)));
    }
    stress_must("space_set", demo_attach(2, (int)bank[0], RW, 0));
    memset(&swaps, 0, sizeof(swaps));
    for (uint32_t i = 0; i < USERS; i++) {
        thread[i] = quartet_thread_start(bank_user, (void *)(uintptr_t)i);
        stress_must("quartet_thread_start", thread[i] == NULL ? -E_NOMEM : 0);
    }
    banks_swap(bank);
    word_put(&swaps.over, 1);
    for (uint32_t i = 0; i < USERS; i++) {
        if (thread[i] != NULL) {
            quartet_thread_join(thread[i], NULL);
        }
    }
    stress_must("space_set", demo_attach(2, (int)own, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE, 1));
    for (uint32_t i = 0; i < BANKS; i++) {
        handle_close((int)bank[i]);
    }
}
