/* SPDX-License-Identifier: MIT */
/*
 * A text screen (text_screen.h) of 80 x 25 cells as the VGA card shows it: the cells stand in the
 * card's memory, which holds 200 rows, and the card is told where the screen starts. That and where
 * the cursor is can be asked of the card, so one writer can go on where another has stopped.
 */
#ifndef FORMAT_VGA_TEXT_H
#define FORMAT_VGA_TEXT_H

#include "format/text_screen.h"

#define VGA_TEXT_MEMORY 0xB8000u
#define VGA_TEXT_SIZE 0x8000u
#define VGA_TEXT_CONTROLLER 0x3D4 /* which register; the next port is that register */

struct vga_text {
    struct text_screen screen;                   /* first; MEMORY is set */
    void (*write)(uint8_t index, uint8_t value); /* registers of the controller */
    uint8_t (*read)(uint8_t index);
};

/* MEMORY, WRITE and READ are set. Is there a card? Clear it, or go on where it is. */
void vga_text_clear(struct vga_text *card);
void vga_text_resume(struct vga_text *card);

#endif
