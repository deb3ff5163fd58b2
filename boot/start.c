/* SPDX-License-Identifier: MIT */
/*
 * The first C function. Runs on the early tables of entry.asm: the low addresses are mapped one to
 * one (X86_IDENTITY_SIZE of them), so the loader's structures can be read where they are. Read
 * next: kernel/boot/main.c, which is where kernel_main is.
 */
#include <string.h>

#include "arch/arch.h"
#include "arch/x86/console.h"
#include "boot/boot.h"

extern char kernel_image_start[], kernel_image_end[];

static struct boot_info boot_info;

static _Noreturn void boot_fail(const char *sentence) {
    static const char prefix[] = "quartet cannot boot: ";
    arch_console_write(prefix, sizeof(prefix) - 1);
    arch_console_write(sentence, strlen(sentence));
    arch_console_write(".\n", 2);
    arch_power_off(BOOT_STATUS);
}

/* From here on the graphics screen shows what is said, if there is one that can be reached. */
static void screen_use(struct info_framebuffer *picture) {
    if (picture->address > arch_physical_limit() - BOOT_FRAMEBUFFER_LIMIT) {
        picture->width = 0;
    }
    if (picture->width != 0) {
        x86_screen_use(picture);
    }
}

_Noreturn void boot_main(u32 magic, u32 structure);

_Noreturn void boot_main(u32 magic, u32 structure) {
    const struct boot_memory memory = {.base = 0, .size = X86_IDENTITY_SIZE};
    const char *error = "the loader is neither PVH nor Multiboot2";
    boot_info.kernel_start = x86_image_physical(kernel_image_start);
    boot_info.kernel_end = x86_image_physical(kernel_image_end);
    if (magic == BOOT_PVH_MAGIC) {
        error = boot_from_pvh(&boot_info, &memory, structure);
    } else if (magic == BOOT_MULTIBOOT2_MAGIC) {
        error = boot_from_multiboot2(&boot_info, &memory, structure);
    }
    screen_use(&boot_info.framebuffer);
    if (error != NULL) {
        boot_fail(error);
    }
    kernel_main(&boot_info);
}
