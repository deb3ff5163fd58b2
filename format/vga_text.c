/* SPDX-License-Identifier: MIT */
/* The VGA card's text screen: see vga_text.h. */
#include "format/vga_text.h"

#define COLUMNS 80u
#define ROWS 25u
#define MEMORY_ROWS 200u
#define START_HIGH 0x0C
#define CURSOR_HIGH 0x0E /* the low half is the next register */

static void controller_write(struct vga_text *card, uint8_t index, uint32_t value) {
    card->write(index, (uint8_t)(value >> 8));
    card->write(index + 1, (uint8_t)value);
}

static uint32_t controller_read(struct vga_text *card, uint8_t index) {
    return (uint32_t)card->read(index) << 8 | card->read(index + 1);
}

static void show(struct text_screen *screen) {
    struct vga_text *card = (struct vga_text *)screen;
    uint32_t start = screen->first_row * COLUMNS;
    uint32_t column = screen->column < COLUMNS ? screen->column : COLUMNS - 1;
    controller_write(card, START_HIGH, start);
    controller_write(card, CURSOR_HIGH, start + screen->row * COLUMNS + column);
}

/* Memory that keeps what is written to it is a screen. */
static bool begin(struct vga_text *card) {
    struct text_screen *screen = &card->screen;
    uint16_t before = screen->memory[0];
    screen->memory[0] = 0xA55A;
    screen->present = screen->memory[0] == 0xA55A;
    screen->memory[0] = before;
    screen->columns = COLUMNS;
    screen->rows = ROWS;
    screen->memory_rows = MEMORY_ROWS;
    screen->show = show;
    text_screen_begin(screen);
    return screen->present;
}

void vga_text_clear(struct vga_text *card) {
    if (begin(card)) {
        text_screen_blank(&card->screen);
        show(&card->screen);
    }
}

void vga_text_resume(struct vga_text *card) {
    if (!begin(card)) {
        return;
    }
    uint32_t start = controller_read(card, START_HIGH);
    uint32_t cursor = controller_read(card, CURSOR_HIGH) - start;
    bool sensible =
        start % COLUMNS == 0 && start / COLUMNS + ROWS <= MEMORY_ROWS && cursor < ROWS * COLUMNS;
    if (sensible) {
        text_screen_place(&card->screen, start / COLUMNS, cursor / COLUMNS, cursor % COLUMNS);
    } else {
        text_screen_place(&card->screen, 0, 0, 0);
    }
}
