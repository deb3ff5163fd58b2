/* SPDX-License-Identifier: MIT */
/*
 * The picture is drawn in ordinary memory, whole each time; then what differs from the last one goes to
 * the framebuffer. So nothing flickers, and little is written to memory that is slow.
 */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/font.h"
#include "format/pixel.h"

static const struct quartet_surface *target;
static uint32_t width, height, *now, *before; /* pixels, line after line */

uint32_t canvas_width(void) { return width; }
uint32_t canvas_height(void) { return height; }

int canvas_open(const struct quartet_surface *surface) {
    target = surface;
    width = surface->picture.width;
    height = surface->picture.height;
    now = calloc((size_t)width * height, sizeof *now);
    before = malloc((size_t)width * height * sizeof *before);
    if (now == NULL || before == NULL) {
        errno = ENOMEM;
        return -1;
    }
    memset(before, 0xFF, (size_t)width * height * sizeof *before); /* no colour: all is new */
    return 0;
}

void canvas_fill(uint32_t x, uint32_t y, uint32_t across, uint32_t down, uint32_t rgb) {
    uint32_t right = x + across < width ? x + across : width;
    uint32_t end = y + down < height ? y + down : height;
    for (uint32_t line = y; line < end; line++) {
        for (uint32_t at = x; at < right; at++) {
            now[line * width + at] = rgb;
        }
    }
}

void canvas_frame(uint32_t x, uint32_t y, uint32_t across, uint32_t down, uint32_t rgb) {
    const uint32_t line = 2;
    canvas_fill(x, y, across, line, rgb);
    canvas_fill(x, y + down - line, across, line, rgb);
    canvas_fill(x, y, line, down, rgb);
    canvas_fill(x + across - line, y, line, down, rgb);
}

static void letter(uint32_t x, uint32_t y, const uint8_t *glyph, uint32_t rgb) {
    for (uint32_t line = 0; line < FONT_HEIGHT && y + line < height; line++) {
        for (uint32_t dot = 0; dot < FONT_WIDTH && x + dot < width; dot++) {
            if (glyph[line] >> (FONT_WIDTH - 1 - dot) & 1) {
                now[(y + line) * width + x + dot] = rgb;
            }
        }
    }
}

void canvas_text(uint32_t x, uint32_t y, const char *text, uint32_t rgb) {
    for (; *text != 0; text++, x += FONT_WIDTH) {
        letter(x, y, font_glyphs[(uint8_t)*text], rgb);
    }
}

static void line_show(uint32_t y) {
    const struct info_framebuffer *picture = &target->picture;
    volatile uint8_t *line = target->pixels + y * picture->pitch;
    uint32_t bytes = pixel_bytes(picture), *new = now + y *width, *old = before + y *width;
    for (uint32_t x = 0; x < width; x++) {
        if (new[x] != old[x]) {
            pixel_store(line + x * bytes, bytes, pixel_of(picture, new[x]));
        }
    }
    memcpy(old, new, width * sizeof *new);
}

void canvas_show(void) {
    for (uint32_t y = 0; y < height; y++) {
        if (memcmp(now + y * width, before + y * width, width * sizeof *now) != 0) {
            line_show(y);
        }
    }
}
