/* SPDX-License-Identifier: MIT */
/*
 * The last 2 MiB of the kernel's addresses, by 4 KiB pages of one table:
 *
 *   pages 0..2 * ARCH_CPU_LIMIT - 1   pae: two windows for each CPU, to reach high frames
 *   then X86_DEVICE_PAGES pages       registers of devices, uncached
 *   page 510                          pae: the system-call page
 *   page 511                          nothing
 */
#ifndef ARCH_X86_WINDOWS_H
#define ARCH_X86_WINDOWS_H

#include "kernel/base/types.h"

#define X86_DEVICE_PAGES 16u

/* The directory entry that stands for the whole. */
u64 x86_windows_directory_entry(void);

/* Put one more page of the kernel's image there, at ADDRESS, that users may read and execute. */
void x86_windows_map_user(uword address, const void *page);

/* BYTES is a multiple of 256; both are aligned to 16. Interrupts off. */
void x86_block_zero(void *to, u32 bytes);
void x86_block_copy(void *to, const void *from, u32 bytes);

#endif
