/* SPDX-License-Identifier: MIT */
/*
 * The font of the graphics screen: a glyph for each byte, in the order of code page 437, as a VGA
 * card's text screen has them. tools/make/font.py makes it from a Debian package at build time.
 */
#ifndef FORMAT_FONT_H
#define FORMAT_FONT_H

#include <stdint.h>

#define FONT_GLYPHS 256u
#define FONT_WIDTH 8u
#define FONT_HEIGHT 16u

/* Rows from the top; the leftmost dot is the highest bit. */
extern const uint8_t font_glyphs[FONT_GLYPHS][FONT_HEIGHT];

#endif
