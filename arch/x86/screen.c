/* SPDX-License-Identifier: MIT */
/*
 * The VGA text screen, for the kernel's own lines: kernel/format/text_screen.c over the card's
 * memory in the direct map. Guarded as console.c says.
 */
#include "arch/arch.h"
#include "arch/x86/console.h"
#include "arch/x86/registers.h"
#include "kernel/format/text_screen.h"

static void controller_write(u8 index, u8 value) {
    port_write16(TEXT_SCREEN_CONTROLLER, (u16)(value << 8 | index));
}

static u8 controller_read(u8 index) {
    port_write8(TEXT_SCREEN_CONTROLLER, index);
    return port_read8(TEXT_SCREEN_CONTROLLER + 1);
}

static struct text_screen screen = {.write = controller_write, .read = controller_read};

void x86_screen_initialise(void) {
    screen.memory = x86_physical_pointer(TEXT_SCREEN_MEMORY);
    text_screen_clear(&screen);
}

void x86_screen_resume(void) { text_screen_resume(&screen); }

void x86_screen_write(const char *text, size_t length) { text_screen_write(&screen, text, length); }
