/* SPDX-License-Identifier: MIT */
/* The tags of the Multiboot2 information (information.h), but for memory's, which are in memory.c. Pure. */
#include "boot/uefi/information.h"

#include <string.h>

#include "boot/uefi/tag.h"

enum {
    TAG_MODULE = 3,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI_TABLE_32 = 11,
    TAG_EFI_TABLE_64 = 12,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,
};

#define ACPI_OLD_SIZE 20u
#define ACPI_NEW_SIZE 36u

void information_begin(struct information *information, void *at, u32 limit) {
    *information = (struct information){.bytes = at, .limit = limit};
    u32 head[2] = {0, 0}; /* the total size comes at the end */
    tag_write(information, head, sizeof(head));
}

void tag_write(struct information *information, const void *bytes, size_t size) {
    if (information->full || size > information->limit - information->used) {
        information->full = true;
        return;
    }
    memcpy(information->bytes + information->used, bytes, size);
    information->used += (u32)size;
}

void tag_begin(struct information *information, u32 type, size_t size) {
    static const u8 zeros[8];
    u32 head[2] = {type, (u32)size};
    tag_write(information, zeros, -information->used % 8);
    tag_write(information, head, sizeof(head));
}

void information_text(struct information *information, enum information_text type,
                      const char *text) {
    size_t size = strlen(text) + 1;
    tag_begin(information, type, TAG_HEAD + size);
    tag_write(information, text, size);
}

void information_module(struct information *information, u32 start, u32 end, const char *name) {
    u32 place[2] = {start, end};
    size_t size = strlen(name) + 1;
    tag_begin(information, TAG_MODULE, TAG_HEAD + sizeof(place) + size);
    tag_write(information, place, sizeof(place));
    tag_write(information, name, size);
}

void information_efi_table(struct information *information, u64 address, bool wide) {
    size_t size = wide ? sizeof(u64) : sizeof(u32);
    tag_begin(information, wide ? TAG_EFI_TABLE_64 : TAG_EFI_TABLE_32, TAG_HEAD + size);
    tag_write(information, &address, size);
}

/* The revision at byte 15 says which of the two forms it has. */
void information_acpi(struct information *information, const void *root_pointer) {
    bool new = ((const u8 *)root_pointer)[15] >= 2;
    size_t size = new ? ACPI_NEW_SIZE : ACPI_OLD_SIZE;
    tag_begin(information, new ? TAG_ACPI_NEW : TAG_ACPI_OLD, TAG_HEAD + size);
    tag_write(information, root_pointer, size);
}

void information_framebuffer(struct information *information,
                             const struct framebuffer *framebuffer) {
    u32 place[3] = {framebuffer->pitch, framebuffer->width, framebuffer->height};
    u8 form[10] = {
        framebuffer->depth,
        1 /* direct colours */,
        0,
        0,
        framebuffer->red_shift,
        framebuffer->red_bits,
        framebuffer->green_shift,
        framebuffer->green_bits,
        framebuffer->blue_shift,
        framebuffer->blue_bits,
    };
    tag_begin(information, TAG_FRAMEBUFFER, TAG_HEAD + sizeof(u64) + sizeof(place) + sizeof(form));
    tag_write(information, &framebuffer->address, sizeof(u64));
    tag_write(information, place, sizeof(place));
    tag_write(information, form, sizeof(form));
}

const char *information_end(struct information *information) {
    tag_begin(information, 0, TAG_HEAD);
    if (information->full) {
        return "what the kernel must be told does not fit";
    }
    memcpy(information->bytes, &information->used, sizeof(information->used));
    return NULL;
}
