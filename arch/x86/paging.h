/* SPDX-License-Identifier: MIT */
/*
 * Between paging.c, which builds the kernel's mappings alike for both kernels, and pae/root.c and
 * long/root.c, which know the levels above the tables.
 */
#ifndef ARCH_X86_PAGING_H
#define ARCH_X86_PAGING_H

#include "kernel/base/types.h"

struct boot_info;

/* ---- paging.c -------------------------------------------------------------------------------- */

/* A zeroed page of the image's reserve; null when it is used up. */
u64 *x86_reserve_page(void);

/* Map [START, END) of physical memory at its place in the direct map, by pages of 2 MiB and 4 KiB.
 * False: the reserve is used up. */
bool x86_direct_map(physical_t start, physical_t end);

/* Flags of a kernel mapping that may be written and not executed. */
u64 x86_kernel_data_flags(void);

/* ---- root.c ---------------------------------------------------------------------------------- */

#define X86_RESERVE_PAGES_PAE 8
#define X86_RESERVE_PAGES_LONG 84

/* The directory entry of the kernel's own root for ADDRESS; null when the reserve is used up. */
u64 *x86_kernel_directory_entry(uword address);

/* The same in the tables of boot/entry.asm, for an address from X86_FRAMEBUFFER on. */
u64 *x86_boot_directory_entry(uword address);

/* Direct-map the memory of BOOT, and leave in BOOT only what may be managed. */
void x86_map_memory(struct boot_info *boot);

/* Called once, when all of the kernel's own mappings are made and loaded. */
void x86_root_initialise(struct boot_info *boot);

#endif
