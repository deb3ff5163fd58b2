/* SPDX-License-Identifier: MIT */
/*
 * The set of everything that the simulated CPUs have cached, in three lists each: see tlb.h.
 * Elements come from a pool and never move. A CPU that holds very many lets go of those of a tag
 * that is not loaded, as one with finite room does.
 */
#include <stdlib.h>

#include "arch/sim/tlb.h"

#define POOL_STEP 4096u
#define CACHED_LIMIT 40000u /* on one CPU */

static struct link *pool;      /* free elements, by of_tag */
static struct link **of_frame; /* heads, one for each frame */

static void link_add(struct link **head, struct link *link) {
    link->next = *head;
    link->back = head;
    if (link->next) {
        link->next->back = &link->next;
    }
    *head = link;
}

static void link_remove(struct link *link) {
    *link->back = link->next;
    if (link->next) {
        link->next->back = link->back;
    }
}

static struct cached *pool_take(void) {
    if (!pool) {
        struct cached *more = calloc(POOL_STEP, sizeof(struct cached));
        if (!more) {
            sim_fail("sim: the host has no memory for %u TLB entries", POOL_STEP);
        }
        for (u32 i = 0; i < POOL_STEP; i++) {
            link_add(&pool, &more[i].of_tag);
        }
    }
    struct link *link = pool;
    link_remove(link);
    return CACHED_OF(link, of_tag);
}

/* ---- Places ---------------------------------------------------------------------------------- */

static struct span *span_of(struct sim_cpu *cpu, u32 address) {
    struct span **place = &cpu->span[address >> TABLE_SHIFT];
    if (!*place) {
        *place = calloc(1, sizeof(struct span));
        if (!*place) {
            sim_fail("sim: the host has no memory for a TLB");
        }
    }
    return *place;
}

static struct link **place_in(struct span *span, u32 address, u8 kind) {
    return kind == CACHED_LEAF    ? &span->leaf[sim_table_index(address)]
           : kind == CACHED_LARGE ? &span->large
                                  : &span->upper;
}

struct link *cached_at(const struct sim_cpu *cpu, u32 address, u8 kind) {
    struct span *span = cpu->span[address >> TABLE_SHIFT];
    return span ? *place_in(span, address, kind) : NULL;
}

struct link *cached_of_frame(frame_t frame) {
    return of_frame[frame.number];
}

/* ---- Adding and removing --------------------------------------------------------------------- */

static void make_room(struct sim_cpu *cpu) {
    u32 first = sim_random_below(ARCH_TAGS);
    for (u32 i = 0; i < ARCH_TAGS && cpu->count > CACHED_LIMIT / 2; i++) {
        u32 tag = (first + i) % ARCH_TAGS;
        if (tag != cpu->tag) {
            cached_remove_tag(cpu, tag);
        }
    }
}

struct cached *cached_add(struct sim_cpu *cpu, const struct cached *wanted) {
    for (struct link *link = cached_at(cpu, wanted->address, wanted->kind); link;
         link = link->next) {
        struct cached *item = CACHED_OF(link, of_address);
        if (item->tag == wanted->tag && item->frame.number == wanted->frame.number &&
            item->write == wanted->write && item->execute == wanted->execute &&
            item->entry == wanted->entry) {
            return item;
        }
    }
    if (cpu->count > CACHED_LIMIT) {
        make_room(cpu);
    }
    struct cached *item = pool_take();
    struct span *span = span_of(cpu, wanted->address);
    *item = *wanted;
    item->cpu = (u8)sim_number(cpu);
    link_add(place_in(span, item->address, item->kind), &item->of_address);
    link_add(&cpu->tags[item->tag].cached, &item->of_tag);
    link_add(&of_frame[item->frame.number], &item->of_frame);
    span->count++;
    cpu->count++;
    return item;
}

void cached_remove(struct cached *item) {
    struct sim_cpu *cpu = &sim_cpus[item->cpu];
    link_remove(&item->of_address);
    link_remove(&item->of_tag);
    link_remove(&item->of_frame);
    cpu->span[item->address >> TABLE_SHIFT]->count--;
    cpu->count--;
    link_add(&pool, &item->of_tag);
}

void cached_remove_tag(struct sim_cpu *cpu, u32 tag) {
    while (cpu->tags && cpu->tags[tag].cached) {
        cached_remove(CACHED_OF(cpu->tags[tag].cached, of_tag));
    }
}

void cached_remove_address(struct sim_cpu *cpu, u32 tag, u32 address) {
    for (u8 kind = CACHED_LEAF; kind <= CACHED_UPPER; kind++) {
        struct link *next, *link = cached_at(cpu, address, kind);
        for (; link; link = next) {
            next = link->next;
            if (CACHED_OF(link, of_address)->tag == tag) {
                cached_remove(CACHED_OF(link, of_address));
            }
        }
    }
}

/* ---- Start ----------------------------------------------------------------------------------- */

void cached_start(void) {
    free(of_frame);
    of_frame = calloc(sim_frame_limit(), sizeof(struct link *));
    if (!of_frame) {
        sim_fail("sim: the host has no memory for %u lists", sim_frame_limit());
    }
}
