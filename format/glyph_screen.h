/* SPDX-License-Identifier: MIT */
/*
 * A text screen (text_screen.h) drawn on a framebuffer, in the font of font.h: as many cells as fit,
 * each 8 x 16 dots, larger on a picture of more than 1920 x 1088. The cells stand in ordinary memory;
 * after each write those are drawn that differ from what the picture shows. The cursor is a bar at the
 * foot of its cell, in a colour that no text has.
 *
 * Nothing but the picture says what is on it, and that is enough: one writer can go on where another
 * has stopped, since cells are recognised by their glyphs (glyph_screen_resume). What is none, such as
 * somebody's drawing, counts as blank. No locks: as text_screen.h says.
 */
#ifndef FORMAT_GLYPH_SCREEN_H
#define FORMAT_GLYPH_SCREEN_H

#include "abi/abi.h"
#include "format/text_screen.h"

#define GLYPH_SCREEN_COLUMNS 240u
#define GLYPH_SCREEN_ROWS 68u
#define GLYPH_SCREEN_MEMORY_ROWS 80u
#define GLYPH_SCREEN_PALETTE 16u

/* Cells for MEMORY and SHOWN. */
#define GLYPH_SCREEN_MEMORY (GLYPH_SCREEN_COLUMNS * GLYPH_SCREEN_MEMORY_ROWS)
#define GLYPH_SCREEN_SHOWN (GLYPH_SCREEN_COLUMNS * GLYPH_SCREEN_ROWS)

struct glyph_screen {
    struct text_screen screen; /* first; MEMORY is set */
    uint16_t *shown;           /* set: the cells that the picture shows; 0: unknown */
    /* glyph_screen.c: */
    struct info_framebuffer picture;
    volatile uint8_t *pixels;
    uint32_t bytes, scale;                       /* of a pixel; pixels for a dot, each way */
    uint32_t palette[GLYPH_SCREEN_PALETTE], bar; /* pixels */
    uint32_t cursor_row, cursor_column;          /* where the bar is drawn; row ROWS: nowhere */
    bool hidden;
};

/* The screen is PICTURE, whose first pixel is at PIXELS. Then clear it, or go on where it is. */
void glyph_screen_open(struct glyph_screen *glyphs, const struct info_framebuffer *picture,
                       volatile void *pixels);
void glyph_screen_clear(struct glyph_screen *glyphs);
void glyph_screen_resume(struct glyph_screen *glyphs);

/* From now on nothing is drawn, though cells change; or all is drawn anew, and what changes. */
void glyph_screen_hide(struct glyph_screen *glyphs);
void glyph_screen_redraw(struct glyph_screen *glyphs);

#endif
