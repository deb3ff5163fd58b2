/* SPDX-License-Identifier: MIT */
/* Cells drawn on a framebuffer: see glyph_screen.h. */
#include "format/glyph_screen.h"

#include "format/font.h"
#include "format/pixel.h"

#define BAR_ROWS 2u
#define BAR_COLOUR 0x30D0A0u
#define PLAIN 0x0700u /* the colours of a cell that nothing is known of */
#define FIRST_PRINTED 32u

/* In the card's order: blue is bit 0, red bit 2, bright bit 3. Thin letters want lighter dark colours
 * than a card has. */
static const uint32_t colours[GLYPH_SCREEN_PALETTE] = {
    0x000000, 0x3566D8, 0x28A828, 0x28A8A8, 0xD03838, 0xB050C0, 0xB87828, 0xB8B8B8,
    0x707070, 0x78A8FF, 0x68E068, 0x68E8E8, 0xFF7070, 0xF088F0, 0xF8E868, 0xFFFFFF,
};

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static struct glyph_screen *glyphs_of(struct text_screen *screen) {
    return (struct glyph_screen *)screen;
}

/* Where the dot of a cell at X and Y stands. */
static volatile uint8_t *dot(const struct glyph_screen *glyphs, uint32_t row, uint32_t column,
                             uint32_t x, uint32_t y) {
    uint32_t down = (row * FONT_HEIGHT + y) * glyphs->scale;
    uint32_t right = (column * FONT_WIDTH + x) * glyphs->scale;
    return glyphs->pixels + down * glyphs->picture.pitch + right * glyphs->bytes;
}

/* ---- Drawing --------------------------------------------------------------------------------- */

/* Eight dots, the leftmost the highest bit; one pixel a dot, four bytes a pixel: the usual case. */
static void dots_draw_fast(volatile uint32_t *at, uint8_t bits, const uint32_t pixel[2]) {
    for (uint32_t x = 0; x < FONT_WIDTH; x++) {
        at[x] = pixel[bits >> (FONT_WIDTH - 1 - x) & 1];
    }
}

static void dots_draw(const struct glyph_screen *glyphs, volatile uint8_t *at, uint8_t bits,
                      const uint32_t pixel[2]) {
    if (glyphs->scale == 1 && glyphs->bytes == 4) {
        dots_draw_fast((volatile uint32_t *)at, bits, pixel);
        return;
    }
    for (uint32_t line = 0; line < glyphs->scale; line++, at += glyphs->picture.pitch) {
        for (uint32_t x = 0; x < FONT_WIDTH * glyphs->scale; x++) {
            uint32_t set = bits >> (FONT_WIDTH - 1 - x / glyphs->scale) & 1;
            pixel_store(at + x * glyphs->bytes, glyphs->bytes, pixel[set]);
        }
    }
}

static void cell_draw(const struct glyph_screen *glyphs, uint32_t row, uint32_t column,
                      uint16_t cell) {
    const uint8_t *glyph = font_glyphs[cell & 0xFF];
    const uint32_t pixel[2] = {glyphs->palette[cell >> 12], glyphs->palette[cell >> 8 & 0x0F]};
    for (uint32_t y = 0; y < FONT_HEIGHT; y++) {
        dots_draw(glyphs, dot(glyphs, row, column, 0, y), glyph[y], pixel);
    }
}

static uint16_t *shown_cell(struct glyph_screen *glyphs, uint32_t row, uint32_t column) {
    return &glyphs->shown[row * glyphs->screen.columns + column];
}

static void rows_draw(struct glyph_screen *glyphs) {
    struct text_screen *screen = &glyphs->screen;
    for (uint32_t row = screen->changed_first; row < screen->changed_end; row++) {
        for (uint32_t column = 0; column < screen->columns; column++) {
            uint16_t cell = *text_screen_cell(screen, row, column);
            uint16_t *shown = shown_cell(glyphs, row, column);
            if (*shown != cell) {
                cell_draw(glyphs, row, column, cell);
                *shown = cell;
            }
        }
    }
}

/* Take the bar away before cells are drawn, so that it never counts as part of one. */
static void bar_remove(struct glyph_screen *glyphs) {
    uint32_t row = glyphs->cursor_row, column = glyphs->cursor_column;
    if (row < glyphs->screen.rows) {
        *shown_cell(glyphs, row, column) = *text_screen_cell(&glyphs->screen, row, column);
        cell_draw(glyphs, row, column, *shown_cell(glyphs, row, column));
    }
}

static void bar_draw(struct glyph_screen *glyphs) {
    const uint32_t pixel[2] = {glyphs->bar, glyphs->bar};
    uint32_t column = smaller(glyphs->screen.column, glyphs->screen.columns - 1);
    glyphs->cursor_row = glyphs->screen.row;
    glyphs->cursor_column = column;
    for (uint32_t y = FONT_HEIGHT - BAR_ROWS; y < FONT_HEIGHT; y++) {
        dots_draw(glyphs, dot(glyphs, glyphs->cursor_row, column, 0, y), 0, pixel);
    }
}

static void show(struct text_screen *screen) {
    struct glyph_screen *glyphs = glyphs_of(screen);
    if (!glyphs->hidden) {
        bar_remove(glyphs);
        rows_draw(glyphs);
        bar_draw(glyphs);
    }
}

static void picture_clear(const struct glyph_screen *glyphs) {
    volatile uint8_t *line = glyphs->pixels;
    for (uint32_t y = 0; y < glyphs->picture.height; y++, line += glyphs->picture.pitch) {
        for (uint32_t x = 0; x < glyphs->picture.width; x++) {
            pixel_store(line + x * glyphs->bytes, glyphs->bytes, glyphs->palette[0]);
        }
    }
}

/* The picture is black; all cells are to be drawn. */
static void forget(struct glyph_screen *glyphs) {
    struct text_screen *screen = &glyphs->screen;
    picture_clear(glyphs);
    for (uint32_t i = 0; i < screen->rows * screen->columns; i++) {
        glyphs->shown[i] = PLAIN | ' ';
    }
    glyphs->cursor_row = screen->rows;
    screen->changed_first = 0;
    screen->changed_end = screen->rows;
}

/* ---- Recognising ----------------------------------------------------------------------------- */

/* What is seen where a cell is: its dots, as bits, in two colours (pixels). */
struct sight {
    uint8_t bits[FONT_HEIGHT];
    uint32_t rows; /* above the bar */
    uint32_t pixel[2];
    bool cursor;
};

/* False: there are more colours than a cell has. */
static bool look(const struct glyph_screen *glyphs, uint32_t row, uint32_t column,
                 struct sight *sight) {
    uint32_t bytes = glyphs->bytes;
    sight->cursor = pixel_load(dot(glyphs, row, column, 0, FONT_HEIGHT - 1), bytes) == glyphs->bar;
    sight->rows = sight->cursor ? FONT_HEIGHT - BAR_ROWS : FONT_HEIGHT;
    sight->pixel[0] = sight->pixel[1] = pixel_load(dot(glyphs, row, column, 0, 0), bytes);
    for (uint32_t y = 0; y < sight->rows; y++) {
        sight->bits[y] = 0;
        for (uint32_t x = 0; x < FONT_WIDTH; x++) {
            uint32_t pixel = pixel_load(dot(glyphs, row, column, x, y), bytes);
            if (pixel != sight->pixel[0] && sight->pixel[1] == sight->pixel[0]) {
                sight->pixel[1] = pixel;
            }
            if (pixel != sight->pixel[0] && pixel != sight->pixel[1]) {
                return false;
            }
            sight->bits[y] = (uint8_t)(sight->bits[y] << 1 | (pixel != sight->pixel[0]));
        }
    }
    return true;
}

/* Do the dots, or with INVERT 0xFF all others, make up GLYPH? */
static bool glyph_fits(const struct sight *sight, const uint8_t *glyph, uint8_t invert) {
    for (uint32_t y = 0; y < sight->rows; y++) {
        if (glyph[y] != (sight->bits[y] ^ invert)) {
            return false;
        }
    }
    return true;
}

/* Number of PIXEL in the palette; its size if it is not there. */
static uint32_t colour_of(const struct glyph_screen *glyphs, uint32_t pixel) {
    uint32_t number = 0;
    while (number < GLYPH_SCREEN_PALETTE && glyphs->palette[number] != pixel) {
        number++;
    }
    return number;
}

/* The cell that would look so; 0: none. */
static uint16_t recognise(const struct glyph_screen *glyphs, const struct sight *sight) {
    uint32_t first = colour_of(glyphs, sight->pixel[0]);
    uint32_t second = colour_of(glyphs, sight->pixel[1]);
    if (first == GLYPH_SCREEN_PALETTE || second == GLYPH_SCREEN_PALETTE) {
        return 0;
    }
    if (first == second) {
        return (uint16_t)(first << 12 | PLAIN | ' ');
    }
    for (uint32_t code = FIRST_PRINTED; code < FONT_GLYPHS; code++) {
        if (glyph_fits(sight, font_glyphs[code], 0)) {
            return (uint16_t)(first << 12 | second << 8 | code);
        }
        if (glyph_fits(sight, font_glyphs[code], 0xFF)) {
            return (uint16_t)(second << 12 | first << 8 | code);
        }
    }
    return 0;
}

/* The cell at ROW and COLUMN of the picture, put into memory and SHOWN; true: the bar is there. */
static bool cell_read(struct glyph_screen *glyphs, uint32_t row, uint32_t column) {
    struct sight sight;
    uint16_t cell = look(glyphs, row, column, &sight) ? recognise(glyphs, &sight) : 0;
    *shown_cell(glyphs, row, column) = cell;
    *text_screen_cell(&glyphs->screen, row, column) = cell != 0 ? cell : PLAIN | ' ';
    return cell != 0 && sight.cursor;
}

/* ---- The whole ------------------------------------------------------------------------------- */

void glyph_screen_open(struct glyph_screen *glyphs, const struct info_framebuffer *picture,
                       volatile void *pixels) {
    struct text_screen *screen = &glyphs->screen;
    glyphs->picture = *picture;
    glyphs->pixels = pixels;
    glyphs->bytes = pixel_bytes(picture);
    glyphs->scale = 1;
    while (picture->width / glyphs->scale > GLYPH_SCREEN_COLUMNS * FONT_WIDTH ||
           picture->height / glyphs->scale > GLYPH_SCREEN_ROWS * FONT_HEIGHT) {
        glyphs->scale++;
    }
    for (uint32_t i = 0; i < GLYPH_SCREEN_PALETTE; i++) {
        glyphs->palette[i] = pixel_of(picture, colours[i]);
    }
    glyphs->bar = pixel_of(picture, BAR_COLOUR);
    screen->columns = picture->width / (FONT_WIDTH * glyphs->scale);
    screen->rows = picture->height / (FONT_HEIGHT * glyphs->scale);
    screen->memory_rows = screen->rows + GLYPH_SCREEN_MEMORY_ROWS - GLYPH_SCREEN_ROWS;
    screen->show = show;
    screen->present = screen->columns != 0 && screen->rows != 0;
    glyphs->hidden = false;
    text_screen_begin(screen);
}

void glyph_screen_clear(struct glyph_screen *glyphs) {
    if (glyphs->screen.present) {
        text_screen_blank(&glyphs->screen);
        forget(glyphs);
        show(&glyphs->screen);
    }
}

/* Without a bar: behind all that can be read. */
void glyph_screen_resume(struct glyph_screen *glyphs) {
    struct text_screen *screen = &glyphs->screen;
    uint32_t row_at = 0, column_at = 0;
    bool found = false;
    text_screen_begin(screen);
    text_screen_place(screen, 0, 0, 0);
    glyphs->hidden = false;
    glyphs->cursor_row = screen->rows;
    for (uint32_t row = 0; screen->present && row < screen->rows; row++) {
        for (uint32_t column = 0; column < screen->columns; column++) {
            if (cell_read(glyphs, row, column)) {
                found = true;
                row_at = glyphs->cursor_row = row;
                column_at = glyphs->cursor_column = column;
            } else if (!found && (*shown_cell(glyphs, row, column) & 0xFF) > ' ') {
                row_at = row;
                column_at = screen->columns;
            }
        }
    }
    text_screen_place(screen, 0, row_at, column_at);
}

void glyph_screen_hide(struct glyph_screen *glyphs) { glyphs->hidden = true; }

void glyph_screen_redraw(struct glyph_screen *glyphs) {
    glyphs->hidden = false;
    if (glyphs->screen.present) {
        forget(glyphs);
        show(&glyphs->screen);
    }
}
