/* SPDX-License-Identifier: MIT */
/*
 * A text screen of 80 x 25 cells as the VGA card shows it, with as much of ANSI as a line editor and
 * coloured output use: cursor movement, erasing, colours. For the kernel's own lines and for the
 * console's driver: whoever writes has the card to itself meanwhile. No locks.
 *
 * Scrolling moves no text: the screen is a frame of 25 rows within the 200 rows that the card's
 * memory holds, and the card is told where it starts. Only at the end of that memory are the rows
 * copied back to the top. Where the frame is and where the cursor is can be asked of the card, so one
 * writer can go on where another has stopped (text_screen_resume).
 */
#ifndef KERNEL_TEXT_SCREEN_H
#define KERNEL_TEXT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_SCREEN_MEMORY 0xB8000u
#define TEXT_SCREEN_SIZE 0x8000u
#define TEXT_SCREEN_CONTROLLER 0x3D4 /* which register; the next port is that register */
#define TEXT_SCREEN_PARAMETERS 8u

struct text_screen {
    volatile uint16_t *memory;
    void (*write)(uint8_t index, uint8_t value); /* registers of the controller */
    uint8_t (*read)(uint8_t index);
    /* text_screen.c: */
    bool present;
    uint32_t first_row; /* of memory: where the screen starts */
    uint32_t row, column, saved_row, saved_column;
    uint8_t colour;
    bool bold, reverse;
    enum { SCREEN_TEXT, SCREEN_ESCAPE, SCREEN_SEQUENCE } state;
    uint32_t parameter[TEXT_SCREEN_PARAMETERS], parameter_count;
};

/* MEMORY, WRITE and READ are set. Is there a card? Clear it, or go on where it is. */
void text_screen_clear(struct text_screen *screen);
void text_screen_resume(struct text_screen *screen);

void text_screen_write(struct text_screen *screen, const char *text, size_t length);

#endif
