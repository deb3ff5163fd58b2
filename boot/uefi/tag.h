/* SPDX-License-Identifier: MIT */
/* How information.c and memory.c write a tag: its head, then its SIZE - TAG_HEAD bytes in any pieces. */
#ifndef BOOT_UEFI_TAG_H
#define BOOT_UEFI_TAG_H

#include "boot/uefi/information.h"

#define TAG_HEAD 8u /* type and size */

void tag_begin(struct information *information, u32 type, size_t size);
void tag_write(struct information *information, const void *bytes, size_t size);

#endif
