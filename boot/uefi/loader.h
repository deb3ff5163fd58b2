/* SPDX-License-Identifier: MIT */
/*
 * The parts of the loader that call the firmware. They return null, or the end of a sentence that says what
 * went wrong. Everything runs on one CPU, in the firmware's identity map.
 */
#ifndef BOOT_UEFI_LOADER_H
#define BOOT_UEFI_LOADER_H

#include <efi.h>
#include <efilib.h>

#include "boot/uefi/edit.h"
#include "boot/uefi/information.h"
#include "boot/uefi/kernel_image.h"
#include "boot/uefi/menu.h"

/* ---- volume.c: the file system that the loader was started from -------------------------------- */

struct file {
    u8 *bytes; /* whole pages below MEMORY_TOP, with a zero behind the file */
    size_t length;
};

#define MEMORY_TOP 0xEFFFFFFFu /* what both kernels map one to one at their start reaches to here */

const char *volume_open(EFI_HANDLE image);
const char *volume_read(const char *path, struct file *file);
/* Compare FILE, which is PATH, with PATH.crc, if that is there; *CHECKED says whether it is. */
const char *volume_check(const char *path, const struct file *file, bool *checked);
void file_free(struct file *file);

/* PAGES of memory below MEMORY_TOP, or null. TYPE: EfiLoaderData or EfiLoaderCode. */
void *pages_allocate(EFI_MEMORY_TYPE type, size_t pages);
void pages_free(void *address, size_t pages);

/* ---- screen.c: the menu, on all consoles that the firmware has --------------------------------- */

/* Let the user choose; *LINE becomes the command line. TIMED: the first entry starts by itself. */
const struct menu_entry *screen_choose(const struct menu *menu, bool timed, struct edit_line *line);
void screen_wait_key(void);

/* ---- graphics.c ---------------------------------------------------------------------------------- */

/* Set the mode of WIDTH x HEIGHT, or else the largest that is not larger; FRAMEBUFFER's width is 0 if there
 * is none. */
void graphics_set(u32 width, u32 height, struct framebuffer *framebuffer);

/* ---- start.c --------------------------------------------------------------------------------------- */

struct start {
    EFI_HANDLE loader;
    const char *kernel_path;
    struct file kernel, initrd; /* initrd.bytes null: none */
    const char *command_line;
    u32 width, height;
};

/* Start the kernel; returns only if it cannot. */
const char *start_kernel(const struct start *start);

/* ---- handover.asm ------------------------------------------------------------------------------------ */

/* Read there by these offsets. All addresses are physical, below 4 GiB. */
struct handover {
    u32 from, to, length; /* the kernel's image, and where it belongs */
    u32 entry, information, stack;
};

/* To be copied to one page and called there, after the boot services have ended. */
extern const u8 handover_code[], handover_code_end[];

#endif
