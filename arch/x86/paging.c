/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own mappings. They are made once, at boot, before there is a frame allocator: their
 * tables come from a reserve at the very end of the kernel's image, and what is left of it is given
 * back by lowering boot->kernel_end. After x86_paging_initialise nothing here changes but the
 * windows (windows.c), each of which belongs to one CPU.
 *
 * All leaf entries of the kernel are global where the CPU has that: they are the same in every
 * space. Read next: pae/root.c or long/root.c, then invalidate.c.
 */
#include "arch/x86/paging.h"

#include "arch/arch.h"
#include "arch/x86/cpu_features.h"
#include "arch/x86/registers.h"
#include "arch/x86/windows.h"
#include "kernel/base/panic.h"
#include "kernel/boot/boot_info.h"

extern char kernel_image_start[], kernel_image_end[];
extern char kernel_text_start[], kernel_text_end[];
extern char kernel_rodata_start[], kernel_rodata_end[];

#ifdef __x86_64__
#define RESERVE_PAGES X86_RESERVE_PAGES_LONG
#else
#define RESERVE_PAGES X86_RESERVE_PAGES_PAE
#endif

static u64 reserve[RESERVE_PAGES][TABLE_ENTRIES]
    __attribute__((section(".bss..reserve"), aligned(4096)));
static u32 reserve_used;

u64 *x86_reserve_page(void) {
    return reserve_used < RESERVE_PAGES ? reserve[reserve_used++] : NULL;
}

u64 x86_kernel_data_flags(void) {
    return X86_PRESENT | X86_WRITE | x86_no_execute_bit |
           (x86_features.global_pages ? X86_GLOBAL : 0);
}

/* ---- Building -------------------------------------------------------------------------------- */

/* The table entry for ADDRESS, with a new table where there is none. */
static u64 *table_entry(uword address) {
    u64 *directory_entry = x86_kernel_directory_entry(address);
    if (directory_entry == NULL) {
        return NULL;
    }
    if (*directory_entry == 0) {
        u64 *table = x86_reserve_page();
        if (table == NULL) {
            return NULL;
        }
        *directory_entry = x86_image_physical(table) | X86_PRESENT | X86_WRITE;
    }
    u64 *table = x86_physical_pointer(*directory_entry & X86_FRAME_MASK);
    return &table[address >> PAGE_SHIFT & (TABLE_ENTRIES - 1)];
}

static bool map_pages(uword address, physical_t physical, u64 length, u64 flags) {
    while (length != 0) {
        bool large = ((address | physical) & (TABLE_SPAN - 1)) == 0 && length >= TABLE_SPAN;
        u64 *entry = large ? x86_kernel_directory_entry(address) : table_entry(address);
        u64 step = large ? TABLE_SPAN : PAGE_SIZE;
        if (entry == NULL) {
            return false;
        }
        *entry = physical | flags | (large ? X86_LARGE : 0);
        address += (uword)step;
        physical += step;
        length -= step;
    }
    return true;
}

/* Flags of the direct mapping of PHYSICAL; END is lowered to where they stop being right. Text and
 * constants are not writable through it either. Where image and direct map are one (pae), text must
 * be executable. */
static u64 direct_flags(physical_t physical, physical_t *end) {
    physical_t start = x86_image_physical(kernel_image_start);
    physical_t text_start = x86_image_physical(kernel_text_start);
    physical_t text_end = x86_image_physical(kernel_text_end);
    physical_t rodata_end = x86_image_physical(kernel_rodata_end);
    physical_t limit = physical < start        ? start
                       : physical < text_start ? text_start
                       : physical < text_end   ? text_end
                       : physical < rodata_end ? rodata_end
                                               : *end;
    u64 flags = x86_kernel_data_flags();
    *end = limit < *end ? limit : *end;
    if (physical >= start && physical < rodata_end) {
        flags &= ~X86_WRITE;
    }
    if (X86_IMAGE_BASE == X86_DIRECT_MAP && physical >= text_start && physical < text_end) {
        flags &= ~x86_no_execute_bit;
    }
    return flags;
}

bool x86_direct_map(physical_t start, physical_t end) {
    while (start < end) {
        physical_t stop = end;
        u64 flags = direct_flags(start, &stop);
        if (!map_pages((uword)(X86_DIRECT_MAP + start), start, stop - start, flags)) {
            return false;
        }
        start = stop;
    }
    return true;
}

static bool map_image_part(const char *start, const char *end, u64 flags) {
    return map_pages((uword)start, x86_image_physical(start), (u64)(end - start), flags);
}

/* long: the image has addresses of its own. */
static bool map_image(void) {
    u64 flags = x86_kernel_data_flags();
    return map_image_part(kernel_text_start, kernel_text_end,
                          flags & ~(X86_WRITE | x86_no_execute_bit)) &&
           map_image_part(kernel_rodata_start, kernel_rodata_end, flags & ~X86_WRITE) &&
           map_image_part(kernel_rodata_end, kernel_image_end, flags);
}

static void map_windows(void) {
    u64 *entry = x86_kernel_directory_entry(X86_WINDOWS);
    ASSERT(entry != NULL && *entry == 0, "the last 2 MiB of the kernel's addresses are taken");
    *entry = x86_windows_directory_entry();
}

/* ---- The graphics screen ----------------------------------------------------------------------- */

static struct {
    physical_t start, end;            /* mapped, in whole 2 MiB; empty: there is none */
    physical_t first_page, last_page; /* that have pixels */
} framebuffer;

bool x86_in_framebuffer(physical_t address) {
    return x86_features.pat && framebuffer.first_page <= address &&
           address <= framebuffer.last_page;
}

/* In the tables that ENTRY_OF knows: the entry for an address. */
static void framebuffer_map(u64 *(*entry_of)(uword address), u64 flags) {
    for (physical_t at = framebuffer.start; at < framebuffer.end; at += TABLE_SPAN) {
        u64 *entry = entry_of(X86_FRAMEBUFFER + (uword)(at - framebuffer.start));
        ASSERT(entry != NULL, "no table left to map the graphics screen");
        *entry = at | flags | X86_LARGE;
    }
}

volatile void *x86_framebuffer_map(const struct info_framebuffer *picture) {
    const physical_t unit = TABLE_SPAN;
    physical_t end = picture->address + (u64)picture->pitch * picture->height;
    framebuffer.start = picture->address & ~(unit - 1);
    framebuffer.end = (end + unit - 1) & ~(unit - 1);
    framebuffer.first_page = picture->address & X86_FRAME_MASK;
    framebuffer.last_page = (end - 1) & X86_FRAME_MASK;
    framebuffer_map(x86_boot_directory_entry, X86_PRESENT | X86_WRITE | X86_CACHE_DISABLE);
    cr3_write(cr3_read());
    return (volatile char *)X86_FRAMEBUFFER + (uword)(picture->address - framebuffer.start);
}

void x86_paging_initialise(struct boot_info *boot) {
    x86_map_memory(boot);
    if (X86_IMAGE_BASE != X86_DIRECT_MAP) {
        ASSERT(map_image(), "the reserve of %u pages is too small for the kernel's tables",
               (u32)RESERVE_PAGES);
    }
    map_windows();
    framebuffer_map(x86_kernel_directory_entry,
                    x86_kernel_data_flags() | (x86_features.pat ? X86_COMBINE : X86_CACHE_DISABLE));
    x86_root_initialise(boot);
    boot->kernel_end = x86_image_physical(reserve[reserve_used]);
}

u32 arch_memory_reserved_low(void) {
    return 16; /* the BIOS's data, and room for the start of other CPUs */
}
