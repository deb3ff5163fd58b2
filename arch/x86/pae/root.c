/* SPDX-License-Identifier: MIT */
/*
 * ARCH=pae: the root of a space is a 32-byte PDPT, whose four entries are the four quarters. The
 * kernel has the last 128 entries of every slot-3 directory; they are fixed at boot, so no
 * directory ever has to be brought up to date. A loaded PDPT is never edited (hazard 4): the CPU
 * would not see it.
 */
#include <string.h>

#include "arch/arch.h"
#include "arch/x86/paging.h"
#include "arch/x86/registers.h"
#include "arch/x86/windows.h"
#include "kernel/base/panic.h"
#include "kernel/base/print.h"
#include "kernel/boot/boot_info.h"

#define USER_ENTRIES_LAST_SLOT 384u /* of 512: 0xC0000000..0xEFFFFFFF */

static u64 kernel_directory[TABLE_ENTRIES] __attribute__((aligned(4096)));
static struct arch_root kernel_root;
static u8 system_call_page[PAGE_SIZE] __attribute__((aligned(4096)));

/* ---- Roots ----------------------------------------------------------------------------------- */

/* Hazard 5: of a PAE PDPTE, bits 1, 2, 5..8 and 63 are reserved, so it is an address and the
 * present bit. */
static u64 pdpt_entry(frame_t directory) { return frame_address(directory) | X86_PRESENT; }

int arch_root_create(struct arch_root *root, const struct arch_slot slots[SLOT_COUNT]) {
    ASSERT((uword)root % 32 == 0, "a PDPT at %p is not aligned to 32 bytes", (void *)root);
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        bool none = frame_is_none(slots[slot].directory);
        root->pdpt[slot] = none ? 0 : pdpt_entry(slots[slot].directory);
    }
    if (root->pdpt[3] == 0) {
        root->pdpt[3] = pdpt_entry(arch_low_frame(kernel_directory));
    }
    return E_OK;
}

void arch_root_destroy(struct arch_root *root) { memset(root, 0, sizeof(*root)); }

u32 arch_root_spare_frames(void) { return 0; } /* a PDPT lies in the space itself */

void arch_root_load(const struct arch_root *root, u32 tag, bool keep) {
    (void)tag;
    (void)keep;
    arch_root_load_untagged(root != NULL ? root : &kernel_root);
}

void arch_directory_prepare(entry_t *directory, u32 slot) {
    if (slot == 3) {
        x86_block_copy(&directory[USER_ENTRIES_LAST_SLOT],
                       &kernel_directory[USER_ENTRIES_LAST_SLOT],
                       (TABLE_ENTRIES - USER_ENTRIES_LAST_SLOT) * sizeof(entry_t));
    }
}

u32 arch_directory_entries(u32 slot) { return slot == 3 ? USER_ENTRIES_LAST_SLOT : TABLE_ENTRIES; }

/* ---- The kernel's own ------------------------------------------------------------------------ */

u64 *x86_kernel_directory_entry(uword address) {
    return &kernel_directory[address >> TABLE_SHIFT & (TABLE_ENTRIES - 1)];
}

extern u64 boot_tables[][TABLE_ENTRIES];

/* Page 3 is the last directory. */
u64 *x86_boot_directory_entry(uword address) {
    return &boot_tables[3][address >> TABLE_SHIFT & (TABLE_ENTRIES - 1)];
}

/* By whole 2 MiB, so no tables are needed but for the image; what is no RAM in between, nobody
 * touches. */
void x86_map_memory(struct boot_info *boot) {
    physical_t mapped = 0;
    for (u32 i = 0; i < boot->range_count; i++) {
        physical_t start = boot->range[i].start & ~(physical_t)(TABLE_SPAN - 1);
        physical_t end = (boot->range[i].end + TABLE_SPAN - 1) & ~(physical_t)(TABLE_SPAN - 1);
        start = start < mapped ? mapped : start;
        end = end > X86_DIRECT_MAP_SIZE ? X86_DIRECT_MAP_SIZE : end;
        if (start < end) {
            ASSERT(x86_direct_map(start, end), "the reserve is too small for the image's tables");
            mapped = end;
        }
    }
}

static bool overlaps(physical_t start, physical_t end, physical_t other, physical_t other_end) {
    return start < other_end && other < end;
}

/* The highest whole-frame place for BYTES of low memory which neither kernel nor initrd use; 0:
 * none. */
static physical_t find_low_place(const struct boot_info *boot, u64 bytes) {
    for (u32 i = boot->range_count; i-- > 0;) {
        physical_t end = boot->range[i].end;
        end = end > X86_DIRECT_MAP_SIZE ? X86_DIRECT_MAP_SIZE : end;
        if (end < boot->range[i].start + bytes) {
            continue;
        }
        physical_t place = (end - bytes) & ~(physical_t)(PAGE_SIZE - 1);
        if (place >= boot->range[i].start && place >= boot->kernel_end &&
            !overlaps(place, end, boot->initrd_start, boot->initrd_end)) {
            return place;
        }
    }
    return 0;
}

/* Loaders put the initrd where they like, often at the end of RAM, where only the windows reach. */
static void lower_initrd(struct boot_info *boot) {
    u64 bytes = boot->initrd_end - boot->initrd_start;
    if (bytes == 0 || boot->initrd_end <= X86_DIRECT_MAP_SIZE) {
        return;
    }
    physical_t place = find_low_place(boot, bytes);
    if (place == 0) {
        print("quartet cannot boot: no low memory for the initrd of %llu bytes.\n",
              (unsigned long long)bytes);
        arch_power_off(PANIC_STATUS);
    }
    for (u64 done = 0; done < bytes; done += PAGE_SIZE) {
        arch_frame_copy((frame_t){(u32)((place + done) >> PAGE_SHIFT)},
                        (frame_t){(u32)((boot->initrd_start + done) >> PAGE_SHIFT)});
    }
    boot->initrd_start = place;
    boot->initrd_end = place + bytes;
}

void x86_root_initialise(struct boot_info *boot) {
    kernel_root.pdpt[3] = pdpt_entry(arch_low_frame(kernel_directory));
    x86_windows_map_user(X86_SYSTEM_CALL_PAGE, system_call_page);
    arch_root_load(NULL, 0, false);
    lower_initrd(boot);
}

void *x86_system_call_page(void) { return system_call_page; }
