/* SPDX-License-Identifier: MIT */
/*
 * A text screen: cells of a letter and its colours, and as much of ANSI as a line editor and coloured
 * output use: cursor movement, erasing, colours. For the kernel's own lines and for the console's
 * driver: whoever writes has it to itself meanwhile. No locks. What shows the cells is a back end:
 * vga_text.h, a card that does so by itself; glyph_screen.h, which draws them on a framebuffer.
 *
 * Scrolling moves no text: the screen is a frame of rows within the memory's, which has some more.
 * Only at the end of the memory are the rows copied back to the top.
 *
 *     memory  ┌──────────────┐
 *             │              │ <- first_row: what the screen begins with
 *             │    screen    │    rows
 *             │              │
 *             └──────────────┘    memory_rows
 */
#ifndef FORMAT_TEXT_SCREEN_H
#define FORMAT_TEXT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_SCREEN_PARAMETERS 8u

struct text_screen {
    /* The back end: */
    volatile uint16_t *memory; /* cells: colours in the high byte, code page 437 in the low one */
    uint32_t columns, rows, memory_rows;
    bool present;                             /* else nothing happens */
    void (*show)(struct text_screen *screen); /* text has been written */
    /* text_screen.c: */
    uint32_t changed_first, changed_end; /* rows that have been written to since the last show */
    uint32_t first_row;
    uint32_t row, column; /* of the cursor; column may be COLUMNS: the next letter goes below */
    uint32_t saved_row, saved_column;
    uint8_t colour;
    bool bold, reverse;
    enum { SCREEN_TEXT, SCREEN_ESCAPE, SCREEN_SEQUENCE } state;
    uint32_t parameter[TEXT_SCREEN_PARAMETERS], parameter_count;
};

void text_screen_write(struct text_screen *screen, const char *text, size_t length);

/* For back ends. Start with plain colours, outside of any sequence; all rows count as written to. */
void text_screen_begin(struct text_screen *screen);
/* Where the screen begins in the memory, and where the cursor is on it. */
void text_screen_place(struct text_screen *screen, uint32_t first_row, uint32_t row,
                       uint32_t column);
void text_screen_blank(struct text_screen *screen); /* all cells; the cursor goes to the corner */
/* Cell at ROW and COLUMN of the screen. */
volatile uint16_t *text_screen_cell(struct text_screen *screen, uint32_t row, uint32_t column);

#endif
