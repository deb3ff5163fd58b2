/* SPDX-License-Identifier: MIT */
/* The cells and the sequences: see text_screen.h. */
#include "format/text_screen.h"

#define COLOUR_NORMAL 0x07

volatile uint16_t *text_screen_cell(struct text_screen *screen, uint32_t row, uint32_t column) {
    return &screen->memory[(screen->first_row + row) * screen->columns + column];
}

/* The attribute byte: high nibble background, low nibble foreground. */
static uint8_t attribute(struct text_screen *screen) {
    uint8_t value = screen->bold ? screen->colour | 0x08 : screen->colour;
    return screen->reverse ? (uint8_t)((value & 0x0F) << 4 | (value & 0x70) >> 4) : value;
}

/* The rows from FIRST to LAST have to be shown anew. */
static void changed(struct text_screen *screen, uint32_t first, uint32_t last) {
    screen->changed_first = first < screen->changed_first ? first : screen->changed_first;
    screen->changed_end = last >= screen->changed_end ? last + 1 : screen->changed_end;
}

/* Blank COUNT cells from (AT_ROW, AT_COLUMN) on, in reading order. */
static void blank(struct text_screen *screen, uint32_t at_row, uint32_t at_column, uint32_t count) {
    volatile uint16_t *to = text_screen_cell(screen, at_row, at_column);
    uint16_t space = (uint16_t)((screen->colour & 0x70) << 8 | COLOUR_NORMAL << 8 | ' ');
    for (uint32_t i = 0; i < count; i++) {
        to[i] = space;
    }
    changed(screen, at_row, at_row + (at_column + count - 1) / screen->columns);
}

static void scroll(struct text_screen *screen) {
    if (screen->first_row + screen->rows == screen->memory_rows) {
        volatile uint16_t *from = text_screen_cell(screen, 1, 0);
        for (uint32_t i = 0; i < (screen->rows - 1) * screen->columns; i++) {
            screen->memory[i] = from[i];
        }
        screen->first_row = 0;
    } else {
        screen->first_row++;
    }
    blank(screen, screen->rows - 1, 0, screen->columns);
    changed(screen, 0, screen->rows - 1);
}

static void line_feed(struct text_screen *screen) {
    if (screen->row + 1 < screen->rows) {
        screen->row++;
    } else {
        scroll(screen);
    }
}

/* ---- Sequences ------------------------------------------------------------------------------- */

static uint32_t parameter_or(struct text_screen *screen, uint32_t index, uint32_t otherwise) {
    return index < screen->parameter_count && screen->parameter[index] != 0
               ? screen->parameter[index]
               : otherwise;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* ANSI counts colours red first, the card blue first. */
static uint8_t card_colour(uint32_t ansi) {
    return (uint8_t)((ansi & 2) | (ansi & 1) << 2 | (ansi >> 2 & 1));
}

static void set_rendition(struct text_screen *screen, uint32_t code) {
    if (code == 0) {
        screen->colour = COLOUR_NORMAL;
        screen->bold = screen->reverse = false;
    } else if (code == 1 || code == 22) {
        screen->bold = code == 1;
    } else if (code == 7 || code == 27) {
        screen->reverse = code == 7;
    } else if (code >= 30 && code <= 37) {
        screen->colour = (uint8_t)((screen->colour & 0x70) | card_colour(code - 30));
    } else if (code >= 90 && code <= 97) {
        screen->colour = (uint8_t)((screen->colour & 0x70) | 0x08 | card_colour(code - 90));
    } else if (code == 39) {
        screen->colour = (uint8_t)((screen->colour & 0x70) | COLOUR_NORMAL);
    } else if (code >= 40 && code <= 47) {
        screen->colour = (uint8_t)((screen->colour & 0x0F) | card_colour(code - 40) << 4);
    } else if (code == 49) {
        screen->colour &= 0x0F;
    }
}

static void erase_line(struct text_screen *screen, uint32_t what) {
    uint32_t from = what == 0 ? screen->column : 0;
    uint32_t to = what == 1 ? smaller(screen->column + 1, screen->columns) : screen->columns;
    blank(screen, screen->row, from, to - from);
}

static void erase_screen(struct text_screen *screen, uint32_t what) {
    if (what == 0) {
        blank(screen, screen->row, screen->column,
              (screen->rows - screen->row) * screen->columns - screen->column);
    } else if (what == 1) {
        blank(screen, 0, 0,
              screen->row * screen->columns + smaller(screen->column + 1, screen->columns));
    } else {
        blank(screen, 0, 0, screen->rows * screen->columns);
    }
}

static void move_to(struct text_screen *screen, uint32_t to_row, uint32_t to_column) {
    screen->row = smaller(to_row, screen->rows - 1);
    screen->column = smaller(to_column, screen->columns - 1);
}

static void move(struct text_screen *screen, char direction, uint32_t count) {
    uint32_t at = smaller(screen->column, screen->columns - 1);
    switch (direction) {
    case 'A':
        return move_to(screen, screen->row - smaller(screen->row, count), at);
    case 'B':
        return move_to(screen, screen->row + smaller(count, screen->rows), at);
    case 'C':
        return move_to(screen, screen->row, at + smaller(count, screen->columns));
    default:
        return move_to(screen, screen->row, at - smaller(at, count));
    }
}

static void sequence_end(struct text_screen *screen, char final) {
    switch (final) {
    case 'A':
    case 'B':
    case 'C':
    case 'D':
        move(screen, final, parameter_or(screen, 0, 1));
        break;
    case 'G':
        move_to(screen, screen->row, parameter_or(screen, 0, 1) - 1);
        break;
    case 'H':
    case 'f':
        move_to(screen, parameter_or(screen, 0, 1) - 1, parameter_or(screen, 1, 1) - 1);
        break;
    case 'J':
        erase_screen(screen, screen->parameter[0]);
        break;
    case 'K':
        erase_line(screen, screen->parameter[0]);
        break;
    case 'm':
        for (uint32_t i = 0; i < screen->parameter_count; i++) {
            set_rendition(screen, screen->parameter[i]);
        }
        break;
    case 's':
        screen->saved_row = screen->row;
        screen->saved_column = screen->column;
        break;
    case 'u':
        move_to(screen, screen->saved_row, screen->saved_column);
        break;
    default:
        break; /* what we do not know has no effect, but is not printed either */
    }
}

static void take_sequence(struct text_screen *screen, char byte) {
    if (byte >= '0' && byte <= '9') {
        uint32_t *number = &screen->parameter[screen->parameter_count - 1];
        *number = smaller(*number * 10 + (uint32_t)(byte - '0'), 9999);
    } else if (byte == ';') {
        if (screen->parameter_count < TEXT_SCREEN_PARAMETERS) {
            screen->parameter[screen->parameter_count++] = 0;
        }
    } else if (byte >= '@' && byte <= '~') {
        screen->state = SCREEN_TEXT;
        sequence_end(screen, byte);
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void take_text(struct text_screen *screen, char byte) {
    switch (byte) {
    case '\n':
        screen->column = 0;
        line_feed(screen);
        break;
    case '\r':
        screen->column = 0;
        break;
    case '\b':
        move(screen, 'D', 1);
        break;
    case '\t':
        screen->column = smaller((screen->column + 8) & ~7u, screen->columns - 1);
        break;
    case '\033':
        screen->state = SCREEN_ESCAPE;
        break;
    case '\a':
    case 0:
        break;
    default:
        if (screen->column ==
            screen->columns) { /* only now: a full line may be followed by a newline */
            screen->column = 0;
            line_feed(screen);
        }
        *text_screen_cell(screen, screen->row, screen->column++) =
            (uint16_t)((uint16_t)attribute(screen) << 8 | (uint8_t)byte);
        changed(screen, screen->row, screen->row);
    }
}

static void take(struct text_screen *screen, char byte) {
    if (screen->state == SCREEN_TEXT) {
        take_text(screen, byte);
    } else if (screen->state == SCREEN_ESCAPE) {
        screen->state = byte == '[' ? SCREEN_SEQUENCE : SCREEN_TEXT;
        screen->parameter[0] = 0;
        screen->parameter_count = 1;
    } else {
        take_sequence(screen, byte);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

void text_screen_write(struct text_screen *screen, const char *text, size_t length) {
    if (!screen->present) {
        return;
    }
    for (size_t i = 0; i < length; i++) {
        take(screen, text[i]);
    }
    screen->show(screen);
    screen->changed_first = screen->rows;
    screen->changed_end = 0;
}

void text_screen_begin(struct text_screen *screen) {
    screen->colour = COLOUR_NORMAL;
    screen->bold = screen->reverse = false;
    screen->state = SCREEN_TEXT;
    screen->changed_first = 0;
    screen->changed_end = screen->rows;
}

void text_screen_place(struct text_screen *screen, uint32_t first_row, uint32_t row,
                       uint32_t column) {
    screen->first_row = first_row;
    screen->row = row;
    screen->column = column;
}

void text_screen_blank(struct text_screen *screen) {
    text_screen_place(screen, 0, 0, 0);
    blank(screen, 0, 0, screen->rows * screen->columns);
}
