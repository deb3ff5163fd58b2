/* SPDX-License-Identifier: MIT */
/*
 * The way that the processor takes from a root to a page, level by level, for people to read. It
 * only reads, and takes no lock.
 */
#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "kernel/base/print.h"

static const char *const level_names[] = {"PML4", "PDPT", "directory", "table"};

#ifdef __x86_64__
#define FIRST_LEVEL 0u
#define ROOT_MASK X86_FRAME_MASK
#else
#define FIRST_LEVEL 1u
#define ROOT_MASK 0xFFFFFFE0ull
#endif
#define LAST_LEVEL 3u

_Static_assert(LAST_LEVEL - FIRST_LEVEL < ARCH_WALK_LEVELS, "room for every level");

static physical_t root_table(const struct arch_root *root) {
    if (root == NULL) {
        return cr3_read() & ROOT_MASK;
    }
#ifdef __x86_64__
    return frame_address(root->pml4);
#else
    return (uword)root->pdpt - X86_DIRECT_MAP;
#endif
}

static u32 level_index(uword address, u32 level) {
    u32 shift = PAGE_SHIFT + 9 * (LAST_LEVEL - level);
    return (u32)(address >> shift) & (TABLE_ENTRIES - 1);
}

u32 arch_walk(const struct arch_root *root, uword address,
              struct arch_walk_step steps[ARCH_WALK_LEVELS]) {
    physical_t table = root_table(root);
    u32 count = 0;
    for (u32 level = FIRST_LEVEL; level <= LAST_LEVEL && table < X86_DIRECT_MAP_SIZE; level++) {
        struct arch_walk_step *step = &steps[count++];
        step->level = level_names[level];
        step->index = level_index(address, level);
        step->entry = arch_entry_read((const entry_t *)x86_physical_pointer(table) + step->index);
        bool present = step->entry.raw & X86_PRESENT;
        step->leaf = present && (level == LAST_LEVEL || (level > 0 && step->entry.raw & X86_LARGE));
        if (!present || step->leaf) {
            break;
        }
        table = step->entry.raw & X86_FRAME_MASK;
    }
    return count;
}

/* The bits by their names in the manual, and the two that are ours. */
void arch_entry_text(entry_t entry, bool leaf, char *text, size_t size) {
    static const struct {
        u64 bit;
        const char *name;
        bool leaf; /* only there it has that meaning */
    } bits[] = {
        {X86_PRESENT, "P", false}, {X86_WRITE, "W", false},   {X86_USER, "U", false},
        {0x008, "PWT", false},     {0x010, "PCD", false},     {0x020, "A", false},
        {0x040, "D", true},        {X86_GLOBAL, "G", true},   {0x200, "COW", false},
        {0x400, "SHARED", true},   {1ull << 63, "XD", false},
    };
    size_t used = 0;
    text[0] = 0;
    for (u32 i = 0; i < ARRAY_LENGTH(bits) && used < size; i++) {
        if (entry.raw & bits[i].bit && (leaf || !bits[i].leaf)) {
            used += (size_t)format_text(text + used, size - used, "%s%s", used == 0 ? "" : " ",
                                        bits[i].name);
        }
    }
}
