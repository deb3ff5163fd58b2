/* SPDX-License-Identifier: MIT */
/*
 * ARCH=long: the root of a space is a PML4 whose entry 0 points to a PDPT of which entries 0..3 are
 * the four quarters; its upper half is the kernel's, fixed at boot and the same in every PML4.
 *
 * Both pages of a root look alike in all spaces but for those four entries, so each CPU keeps a few
 * pairs that have been destroyed for the next create. That is safe without an invalidation (hazard
 * 43). What a CPU still has cached of the old space, the paging-structure caches' copies of these
 * two pages included, has the old space's PCID, and is not looked at under another. The kernel
 * keeps what has a PCID only for the space that it was last loaded for, known by its ID, which is
 * never used again, and not by the root's address; so the next load under that PCID, whichever root
 * it brings, forgets it. And without PCIDs every load does.
 */
#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/paging.h"
#include "arch/x86/registers.h"
#include "arch/x86/windows.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot_info.h"
#include "kernel/vm/frame.h"

#define KERNEL_HALF (TABLE_ENTRIES / 2) /* first PML4 entry of the kernel */
#define LEVEL3_SHIFT 30
#define LEVEL4_SHIFT 39
#define SPARES 4u

static u64 kernel_pml4[TABLE_ENTRIES] __attribute__((aligned(4096)));

/* Owner CPU only, interrupts off; others read the count. */
static struct {
    u32 count;
    struct arch_root root[SPARES];
} spares[ARCH_CPU_LIMIT];

/* ---- Roots ----------------------------------------------------------------------------------- */

/* The rights of the view: W and XD stand here, for the whole quarter. */
static u64 pdpt_entry(const struct arch_slot *slot) {
    u64 raw = frame_address(slot->directory) | X86_PRESENT | X86_USER;
    raw |= slot->rights & RIGHT_WRITE ? X86_WRITE : 0;
    return slot->rights & RIGHT_EXECUTE ? raw : raw | x86_no_execute_bit;
}

static int root_allocate(struct arch_root *root) {
    root->pml4 = frame_allocate_low();
    if (frame_is_none(root->pml4)) {
        return E_NOMEM;
    }
    root->pdpt = frame_allocate_low();
    if (frame_is_none(root->pdpt)) {
        frame_release(root->pml4);
        return E_NOMEM;
    }
    u64 *pml4 = arch_low_pointer(root->pml4);
    x86_block_zero(pml4, PAGE_SIZE / 2);
    x86_block_copy(pml4 + KERNEL_HALF, kernel_pml4 + KERNEL_HALF, PAGE_SIZE / 2);
    x86_block_zero(arch_low_pointer(root->pdpt), PAGE_SIZE);
    pml4[0] = frame_address(root->pdpt) | X86_PRESENT | X86_WRITE | X86_USER;
    return E_OK;
}

int arch_root_create(struct arch_root *root, const struct arch_slot slots[SLOT_COUNT]) {
    u32 cpu = arch_cpu()->number;
    if (spares[cpu].count != 0) {
        *root = spares[cpu].root[--spares[cpu].count];
    } else if (root_allocate(root) != E_OK) {
        return E_NOMEM;
    }
    u64 *pdpt = arch_low_pointer(root->pdpt);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        pdpt[slot] = frame_is_none(slots[slot].directory) ? 0 : pdpt_entry(&slots[slot]);
    }
    return E_OK;
}

void arch_root_destroy(struct arch_root *root) {
    u32 cpu = arch_cpu()->number;
    if (spares[cpu].count < SPARES) {
        spares[cpu].root[spares[cpu].count++] = *root;
    } else {
        frame_release(root->pml4);
        frame_release(root->pdpt);
    }
    *root = (struct arch_root){FRAME_NONE, FRAME_NONE};
}

u32 arch_root_spare_frames(void) {
    u32 count = 0;
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        count += 2 * __atomic_load_n(&spares[cpu].count, __ATOMIC_RELAXED);
    }
    return count;
}

void arch_root_load(const struct arch_root *root, u32 tag, bool keep) {
    uword cr3 =
        root != NULL ? (uword)frame_address(root->pml4) : (uword)x86_image_physical(kernel_pml4);
    if (x86_features.pcid) {
        cr3 |= tag | (keep ? CR3_KEEP : 0);
    }
    cr3_write(cr3);
}

/* The kernel has nothing in the user's half. */
void arch_directory_prepare(entry_t *directory, u32 slot) {
    (void)directory;
    (void)slot;
}

u32 arch_directory_entries(u32 slot) {
    (void)slot;
    return TABLE_ENTRIES;
}

/* ---- The kernel's own ------------------------------------------------------------------------ */

/* The table that ENTRY points to, a new one if it points to none; null: the reserve is used up. */
static u64 *next_level(u64 *entry) {
    if (*entry == 0) {
        u64 *table = x86_reserve_page();
        if (table == NULL) {
            return NULL;
        }
        *entry = x86_image_physical(table) | X86_PRESENT | X86_WRITE;
    }
    return x86_physical_pointer(*entry & X86_FRAME_MASK);
}

static u64 *level3_entry(uword address) {
    u64 *pdpt = next_level(&kernel_pml4[address >> LEVEL4_SHIFT & (TABLE_ENTRIES - 1)]);
    return pdpt == NULL ? NULL : &pdpt[address >> LEVEL3_SHIFT & (TABLE_ENTRIES - 1)];
}

/* The windows need the user bit on the way down on pae only; here nothing of the kernel has it. */
u64 *x86_kernel_directory_entry(uword address) {
    u64 *entry = level3_entry(address);
    u64 *directory = entry == NULL ? NULL : next_level(entry);
    return directory == NULL ? NULL : &directory[address >> TABLE_SHIFT & (TABLE_ENTRIES - 1)];
}

extern u64 boot_tables[][TABLE_ENTRIES];

/* Page 5 is the PDPT of the last GiBs. */
u64 *x86_boot_directory_entry(uword address) {
    static u64 directory[TABLE_ENTRIES] __attribute__((aligned(4096)));
    boot_tables[5][address >> LEVEL3_SHIFT & (TABLE_ENTRIES - 1)] =
        x86_image_physical(directory) | X86_PRESENT | X86_WRITE;
    return &directory[address >> TABLE_SHIFT & (TABLE_ENTRIES - 1)];
}

/* 1 GiB at START by one entry: where the CPU can, and not the first GiB, which has the image's
 * read-only parts. */
static bool map_gigabyte(physical_t start) {
    u64 *entry = level3_entry(X86_DIRECT_MAP + start);
    if (entry == NULL) {
        return false;
    }
    *entry = start | x86_kernel_data_flags() | X86_LARGE;
    return true;
}

static bool map_range(physical_t start, physical_t end) {
    const physical_t gigabyte = 1ull << LEVEL3_SHIFT;
    while (start < end) {
        physical_t stop = (start & ~(gigabyte - 1)) + gigabyte;
        stop = stop < end ? stop : end;
        bool whole = stop - start == gigabyte;
        bool done = whole && start != 0 && x86_features.page_1g ? map_gigabyte(start)
                                                                : x86_direct_map(start, stop);
        if (!done) {
            return false;
        }
        start = stop;
    }
    return true;
}

/* What the reserve has tables for. */
static physical_t direct_map_limit(void) {
    return x86_features.page_1g ? X86_DIRECT_MAP_SIZE : 64ull << LEVEL3_SHIFT;
}

static void trim_above(struct boot_info *boot, physical_t limit) {
    u32 kept = 0;
    while (kept < boot->range_count && boot->range[kept].start < limit) {
        kept++;
    }
    bool trimmed = kept < boot->range_count;
    if (kept != 0 && boot->range[kept - 1].end > limit) {
        boot->range[kept - 1].end = limit;
        trimmed = true;
    }
    boot->range_count = kept;
    if (trimmed) {
        print("memory above %llu GiB is not used: the direct map ends there\n",
              (unsigned long long)(limit >> LEVEL3_SHIFT));
    }
}

/* Rounded outwards to 2 MiB; what is no RAM in between, nobody touches. */
void x86_map_memory(struct boot_info *boot) {
    physical_t mapped = 0;
    trim_above(boot, direct_map_limit());
    for (u32 i = 0; i < boot->range_count; i++) {
        physical_t start = boot->range[i].start & ~(physical_t)(TABLE_SPAN - 1);
        physical_t end = (boot->range[i].end + TABLE_SPAN - 1) & ~(physical_t)(TABLE_SPAN - 1);
        start = start < mapped ? mapped : start;
        ASSERT(map_range(start, end), "no table left to map memory up to 0x%llx",
               (unsigned long long)end);
        mapped = end;
    }
}

void x86_root_initialise(struct boot_info *boot) {
    (void)boot;
    arch_root_load(NULL, 0, false);
}
