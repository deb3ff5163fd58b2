/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what the UEFI loader reads from its volume: a kernel that is accepted can be placed inside its image,
 * and a menu that is accepted keeps its limits, whatever the bytes are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/uefi/kernel_image.h"
#include "boot/uefi/menu.h"

#define PROMISE(condition) ((condition) ? (void)0 : abort())

static void kernel_try(const uint8_t *bytes, size_t length) {
    struct kernel_image image;
    if (kernel_image_parse(&image, bytes, length) != NULL) {
        return;
    }
    PROMISE(image.start >= KERNEL_BOTTOM && image.end <= KERNEL_TOP && image.start < image.end);
    PROMISE(image.entry >= image.start && image.entry < image.end);
    void *memory = malloc(image.end - image.start);
    kernel_image_place(&image, bytes, memory);
    free(memory);
}

static void menu_try(const uint8_t *bytes, size_t length) {
    static struct menu menu;
    u32 line;
    char *text = malloc(length + 1);
    memcpy(text, bytes, length);
    text[length] = 0;
    if (menu_parse(&menu, text, length, &line) == NULL) {
        PROMISE(menu.count >= 1 && menu.count <= MENU_ENTRIES && menu.timeout <= MENU_TIMEOUT);
        for (u32 i = 0; i < menu.count; i++) {
            const struct menu_entry *entry = &menu.entry[i];
            PROMISE(strlen(entry->title) <= MENU_TITLE && entry->words != NULL);
            PROMISE(entry->kernel == NULL || strlen(entry->kernel) <= MENU_PATH);
            PROMISE(entry->initrd == NULL || strlen(entry->initrd) <= MENU_PATH);
            PROMISE(entry->kernel != NULL || entry->initrd != NULL);
        }
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    kernel_try(bytes, length);
    menu_try(bytes, length);
    return 0;
}
