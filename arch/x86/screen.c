/* SPDX-License-Identifier: MIT */
/*
 * The screen, for the kernel's own lines: cells drawn on the framebuffer that the loader has set up
 * (format/glyph_screen.c), or else the VGA card's text (format/vga_text.c) over its
 * memory in the direct map. Guarded as console.c says.
 */
#include "arch/arch.h"
#include "arch/x86/console.h"
#include "arch/x86/registers.h"
#include "format/glyph_screen.h"
#include "format/vga_text.h"

static void controller_write(u8 index, u8 value) {
    port_write16(VGA_TEXT_CONTROLLER, (u16)(value << 8 | index));
}

static u8 controller_read(u8 index) {
    port_write8(VGA_TEXT_CONTROLLER, index);
    return port_read8(VGA_TEXT_CONTROLLER + 1);
}

static u16 cells[GLYPH_SCREEN_MEMORY], shown[GLYPH_SCREEN_SHOWN];
static struct glyph_screen glyphs = {.screen.memory = cells, .shown = shown};
static struct vga_text card = {.write = controller_write, .read = controller_read};
static struct text_screen *screen = &card.screen; /* the one that is used */

void x86_screen_use(const struct info_framebuffer *picture) {
    glyph_screen_open(&glyphs, picture, x86_framebuffer_map(picture));
    screen = &glyphs.screen;
}

void x86_screen_initialise(void) {
    if (screen == &glyphs.screen) {
        glyph_screen_clear(&glyphs);
        return;
    }
    card.screen.memory = x86_physical_pointer(VGA_TEXT_MEMORY);
    vga_text_clear(&card);
}

void x86_screen_resume(void) {
    if (screen == &glyphs.screen) {
        glyph_screen_resume(&glyphs);
    } else {
        vga_text_resume(&card);
    }
}

void x86_screen_write(const char *text, size_t length) { text_screen_write(screen, text, length); }
