/* SPDX-License-Identifier: MIT */
/*
 * Device memory as objects: a range of physical pages that are no RAM. A quarter maps all of one
 * as a region of kind REGION_DEVICE (vm/map.c): its pages are uncached, a COPY shares them, nothing
 * counts references to them, and they are never freed. So the object may go while it is mapped.
 * No locks: an object is immutable. Read next: vm/table.h (leaf_reference and company).
 */
#ifndef KERNEL_DEVICE_MEMORY_H
#define KERNEL_DEVICE_MEMORY_H

#include "kernel/base/types.h"

struct boot_info;

struct device_memory {
    u32 references; /* atomic: handles, calls under way */
    frame_t first;  /* immutable, as is: */
    u32 pages;      /* at most a quarter's */
};

/* Remember what is RAM, and where the screen is, as the loader says: before the architecture takes its part of it. */
void device_memory_initialise(const struct boot_info *boot);

/* The graphics screen that the loader has set up; E_NOTFOUND: there is none. */
int device_framebuffer(struct info_framebuffer *picture);

/* E_ALIGN, E_INVALID (nothing), E_RANGE (more than a quarter, or beyond what the CPUs can address),
 * E_BUSY (RAM, or a device of the kernel's), E_NOMEM. One reference. */
int device_memory_create(physical_t physical, u64 length, struct device_memory **result);
void device_memory_reference(struct device_memory *device);
void device_memory_release(struct device_memory *device);

#endif
