/* SPDX-License-Identifier: MIT */
/*
 * The screen: cells drawn on the framebuffer (format/glyph_screen.c), or else the VGA card's
 * text (format/vga_text.c); its memory stands in slot 2. It goes on where the kernel, or the
 * driver before this one, has stopped. Under the console's lock.
 */
#include "format/glyph_screen.h"
#include "format/vga_text.h"

#include "user/lib/port.h"
#include "user/servers/console/console.h"
#include "user/servers/console/handles.h"

#define CELL_BYTES ((GLYPH_SCREEN_MEMORY + GLYPH_SCREEN_SHOWN) * sizeof(uint16_t))

static void controller_write(uint8_t index, uint8_t value) {
    port_write16(VGA_TEXT_CONTROLLER, (uint16_t)(value << 8 | index));
}

static uint8_t controller_read(uint8_t index) {
    port_write8(VGA_TEXT_CONTROLLER, index);
    return port_read8(VGA_TEXT_CONTROLLER + 1);
}

static struct glyph_screen glyphs;
static struct vga_text card = {
    .screen.memory = (volatile uint16_t *)(uintptr_t)SLOT_BASE(SLOT_SHARED),
    .write = controller_write,
    .read = controller_read,
};
static struct text_screen *screen = &card.screen; /* the one that is used */

/* All of DEVICE at the start of slot 2. */
static bool map(int device) {
    return quarter_map_device(QUARTET_SLOT(SLOT_SHARED), 0, device, RIGHT_READ | RIGHT_WRITE) == 0;
}

/* Memory for the cells, which are many: touched now, so that it is not refused later. */
static bool cells_get(void) {
    volatile char *cells = quartet_map(SLOT_DATA, CELL_BYTES);
    for (uint32_t i = 0; cells != NULL && i < CELL_BYTES; i += PAGE_SIZE) {
        cells[i] = 0;
    }
    glyphs.screen.memory = (volatile uint16_t *)cells;
    glyphs.shown = (uint16_t *)cells + GLYPH_SCREEN_MEMORY;
    return cells != NULL;
}

static bool picture_start(void) {
    struct info_framebuffer picture;
    if (system_info(HANDLE_SYSTEM, INFO_FRAMEBUFFER, &picture, sizeof picture) < 0) {
        return false;
    }
    if (cells_get() && map(CONSOLE_FRAMEBUFFER)) {
        glyph_screen_open(&glyphs, &picture,
                          (volatile char *)(uintptr_t)SLOT_BASE(SLOT_SHARED) +
                              picture.address % PAGE_SIZE);
        glyph_screen_resume(&glyphs);
        screen = &glyphs.screen;
    }
    return true;
}

void screen_start(void) {
    if (!picture_start() && ioport_grant(CONSOLE_SCREEN_PORTS) == 0 && map(CONSOLE_SCREEN_MEMORY)) {
        vga_text_resume(&card);
    }
}

void screen_write(const char *text, uint32_t length) { text_screen_write(screen, text, length); }

bool screen_picture(struct info_framebuffer *picture) {
    *picture = glyphs.picture;
    return screen == &glyphs.screen;
}

void screen_hide(void) { glyph_screen_hide(&glyphs); }

void screen_redraw(void) { glyph_screen_redraw(&glyphs); }
