/* SPDX-License-Identifier: MIT */
/*
 * Hot quarters, their digits, and which tags are good: see tags.h for the picture. All of it belongs
 * to the CPU it is for; other CPUs read it for qtop only.
 */
#include "kernel/vm/tags.h"

#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/vm/frame.h"
#include "debug/tlbsan.h"

#define DIGIT_BITS 3u
#define TAG_WORD_BITS 64u
#define TAG_WORDS (ARCH_TAGS / TAG_WORD_BITS)
#define OWNER_FRAMES (ARCH_TAGS * (u32)sizeof(u64) / PAGE_SIZE)

/* The quarter that has a digit. */
struct hot {
    u64 sub_id; /* 0: nobody */
    u64 seen;   /* the generation up to which the tags with this digit are good (hazard 8) */
    u64 used;   /* the load that it was last part of */
    u32 view;
};

static struct tags {
    struct hot hot[SLOT_COUNT][TAG_DIGITS]; /* digit D is hot[slot][D - 1] */
    u64 good[TAG_WORDS];                    /* a bit for each tag */
    u64 *owner; /* for each tag: the ID of the space it was loaded for */
    u64 loads;
} tags[ARCH_CPU_LIMIT];

static u32 digit_limit = TAG_DIGITS;

void tags_limit_digits(u32 digits) { digit_limit = digits; }

int tags_initialise(void) {
    frame_t first = frame_allocate_low_run(OWNER_FRAMES);
    if (frame_is_none(first)) {
        return E_NOMEM;
    }
    for (u32 i = 0; i < OWNER_FRAMES; i++) {
        arch_frame_zero((frame_t){first.number + i});
    }
    tags[arch_cpu()->number].owner = arch_low_pointer(first);
    return 0;
}

/* ---- Good tags ------------------------------------------------------------------------------- */

static u32 digit_of(u32 tag, u32 slot) { return tag >> DIGIT_BITS * slot & TAG_DIGITS; }

static bool tag_good(const struct tags *own, u32 tag) {
    return own->good[tag / TAG_WORD_BITS] >> tag % TAG_WORD_BITS & 1;
}

static void tag_set_good(struct tags *own, u32 tag) {
    own->good[tag / TAG_WORD_BITS] |= 1ull << tag % TAG_WORD_BITS;
}

/* The tags with DIGIT in SLOT's place that are among the 64 of WORD, as bits. A tag's low two digits
 * number the bit in a word, its high two the word. */
static u64 digit_pattern(u32 slot, u32 digit, u32 word) {
    switch (slot) {
    case 0:
        return 0x0101010101010101ull << digit; /* each group of eight has it once */
    case 1:
        return 0xFFull << 8 * digit; /* one whole group */
    default:
        return digit_of(word, slot - 2) == digit ? ~0ull : 0; /* whole words or nothing */
    }
}

static void tags_forget(struct tags *own, u32 slot, u32 digit) {
    for (u32 word = 0; word < TAG_WORDS; word++) {
        own->good[word] &= ~digit_pattern(slot, digit, word);
    }
}

/* ---- Digits ---------------------------------------------------------------------------------- */

/* The digit of this quarter and view, or 0. */
static u32 digit_find(const struct tags *own, u32 slot, const struct space_slot *place) {
    for (u32 digit = 1; digit <= digit_limit; digit++) {
        const struct hot *hot = &own->hot[slot][digit - 1];
        if (hot->sub_id == place->quarter->sub_id && hot->view == place->view) {
            return digit;
        }
    }
    return 0;
}

/* The digit that has been out of use for longest. */
static u32 digit_oldest(const struct tags *own, u32 slot) {
    u32 oldest = 1;
    for (u32 digit = 2; digit <= digit_limit; digit++) {
        if (own->hot[slot][digit - 1].used < own->hot[slot][oldest - 1].used) {
            oldest = digit;
        }
    }
    return oldest;
}

/* Give a digit to this quarter and view: what is cached under the tags that have it is another's. */
static u32 digit_take(struct tags *own, u32 slot, const struct space_slot *place, u64 generation) {
    u32 digit = digit_oldest(own, slot);
    struct hot *hot = &own->hot[slot][digit - 1];
    if (hot->sub_id != 0) {
        VM_COUNT(translation.digits_evicted);
    }
    tags_forget(own, slot, digit);
    *hot = (struct hot){.sub_id = place->quarter->sub_id, .seen = generation, .view = place->view};
    return digit;
}

/* The digit of what stands in SLOT, caught up with its quarter's generation. */
static u32 digit_enter(struct tags *own, u32 slot, const struct space_slot *place) {
    if (!place->quarter) {
        return 0;
    }
    u64 generation = atomic_read_64(&place->quarter->generation);
    u32 digit = digit_find(own, slot, place);
    if (digit == 0) {
        digit = digit_take(own, slot, place, generation);
    }
    struct hot *hot = &own->hot[slot][digit - 1];
    if (hot->seen != generation) {
        tags_forget(own, slot, digit);
        hot->seen = generation;
        VM_COUNT(translation.catch_ups);
    }
    hot->used = own->loads;
    return digit;
}

u32 tags_enter(const struct space *space, bool *keep) {
    struct tags *own = &tags[arch_cpu()->number];
    u32 tag = 0;
    own->loads++;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        tag |= digit_enter(own, slot, &space->slot[slot]) << DIGIT_BITS * slot;
    }
    *keep = tag_good(own, tag) && own->owner[tag] == space->id;
    tag_set_good(own, tag);
    own->owner[tag] = space->id;
    return tag;
}

/* ---- Shootdowns ------------------------------------------------------------------------------ */

/* More tags than this, or more pages, are cheaper forgotten than searched through. */
#define OTHERS_LIMIT 4u
#define OTHERS_PAGES_LIMIT 4u

/* The good tags with DIGIT in SLOT's place but KEPT, in FOUND; their number, at most one more than
 * OTHERS_LIMIT. */
static u32 others_find(const struct tags *own, u32 slot, u32 digit, u32 kept,
                       u32 found[OTHERS_LIMIT + 1]) {
    u32 count = 0;
    for (u32 word = 0; word < TAG_WORDS; word++) {
        u64 bits = own->good[word] & digit_pattern(slot, digit, word);
        for (; bits != 0 && count <= OTHERS_LIMIT; bits &= bits - 1) {
            u32 tag = word * TAG_WORD_BITS + (u32)__builtin_ctzll(bits);
            if (tag != kept) {
                found[count++] = tag;
            }
        }
    }
    return count;
}

/* The tags with DIGIT that are not loaded: a few pages are taken out of a few of them where the CPU
 * can do that; else they are good no longer. */
static void others_shoot(struct tags *own, u32 slot, u32 loaded, u32 address, u32 pages) {
    u32 digit = digit_of(loaded, slot), found[OTHERS_LIMIT + 1];
    u32 count = others_find(own, slot, digit, loaded, found);
    if (arch_tag_invalidates() && pages != 0 && pages <= OTHERS_PAGES_LIMIT &&
        count <= OTHERS_LIMIT) {
        for (u32 i = 0; i < count; i++) {
            arch_tag_invalidate(found[i], address, pages);
        }
    } else if (count != 0) {
        tags_forget(own, slot, digit);
        tag_set_good(own, loaded);
    }
}

/* Only one generation behind, the range is all that this CPU has missed; else there is more (hazard
 * 13). */
void tags_shoot(const struct quarter *quarter, u64 generation, u32 address, u32 pages) {
    const struct cpu *cpu = arch_cpu();
    struct tags *own = &tags[cpu->number];
    struct hot *hot = &own->hot[quarter->slot][digit_of(cpu->tag, quarter->slot) - 1];
    ASSERT(hot->sub_id == quarter->sub_id, "tag %x of CPU %u has quarter %llu in slot %u, not %llu",
           cpu->tag, cpu->number, (unsigned long long)hot->sub_id, quarter->slot,
           (unsigned long long)quarter->sub_id);
    if (hot->seen + 1 < generation) {
        pages = 0;
    }
    arch_invalidate(address, pages);
    others_shoot(own, quarter->slot, cpu->tag, address, pages);
    hot->seen = generation;
}

/* ---- Facts ----------------------------------------------------------------------------------- */

void tags_info_fill(u32 cpu, struct info_cpu *info) {
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        for (u32 i = 0; i < TAG_DIGITS; i++) {
            info->hot[slot][i] = tags[cpu].hot[slot][i].sub_id;
        }
    }
}
