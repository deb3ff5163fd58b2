/* SPDX-License-Identifier: MIT */
/* The text screen: see text_screen.h. */
#include "kernel/format/text_screen.h"

#define COLUMNS 80u
#define ROWS 25u
#define MEMORY_ROWS 200u
#define COLOUR_NORMAL 0x07
#define START_HIGH 0x0C
#define START_LOW 0x0D
#define CURSOR_HIGH 0x0E
#define CURSOR_LOW 0x0F

static volatile uint16_t *cell(struct text_screen *screen, uint32_t at_row, uint32_t at_column) {
    return &screen->memory[(screen->first_row + at_row) * COLUMNS + at_column];
}

/* The attribute byte: high nibble background, low nibble foreground. */
static uint8_t attribute(struct text_screen *screen) {
    uint8_t value = screen->bold ? screen->colour | 0x08 : screen->colour;
    return screen->reverse ? (uint8_t)((value & 0x0F) << 4 | (value & 0x70) >> 4) : value;
}

/* Blank COUNT cells from (AT_ROW, AT_COLUMN) on, in reading order. */
static void blank(struct text_screen *screen, uint32_t at_row, uint32_t at_column, uint32_t count) {
    volatile uint16_t *to = cell(screen, at_row, at_column);
    uint16_t space = (uint16_t)((screen->colour & 0x70) << 8 | COLOUR_NORMAL << 8 | ' ');
    for (uint32_t i = 0; i < count; i++) {
        to[i] = space;
    }
}

static void scroll(struct text_screen *screen) {
    if (screen->first_row + ROWS == MEMORY_ROWS) {
        volatile uint16_t *from = cell(screen, 1, 0);
        for (uint32_t i = 0; i < (ROWS - 1) * COLUMNS; i++) {
            screen->memory[i] = from[i];
        }
        screen->first_row = 0;
    } else {
        screen->first_row++;
    }
    blank(screen, ROWS - 1, 0, COLUMNS);
}

static void line_feed(struct text_screen *screen) {
    if (screen->row + 1 < ROWS) {
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
    uint32_t to = what == 1 ? smaller(screen->column + 1, COLUMNS) : COLUMNS;
    blank(screen, screen->row, from, to - from);
}

static void erase_screen(struct text_screen *screen, uint32_t what) {
    if (what == 0) {
        blank(screen, screen->row, screen->column, (ROWS - screen->row) * COLUMNS - screen->column);
    } else if (what == 1) {
        blank(screen, 0, 0, screen->row * COLUMNS + smaller(screen->column + 1, COLUMNS));
    } else {
        blank(screen, 0, 0, ROWS * COLUMNS);
    }
}

static void move_to(struct text_screen *screen, uint32_t to_row, uint32_t to_column) {
    screen->row = smaller(to_row, ROWS - 1);
    screen->column = smaller(to_column, COLUMNS - 1);
}

static void move(struct text_screen *screen, char direction, uint32_t count) {
    uint32_t at = smaller(screen->column, COLUMNS - 1);
    switch (direction) {
    case 'A':
        return move_to(screen, screen->row - smaller(screen->row, count), at);
    case 'B':
        return move_to(screen, screen->row + smaller(count, ROWS), at);
    case 'C':
        return move_to(screen, screen->row, at + smaller(count, COLUMNS));
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
        screen->column = smaller((screen->column + 8) & ~7u, COLUMNS - 1);
        break;
    case '\033':
        screen->state = SCREEN_ESCAPE;
        break;
    case '\a':
    case 0:
        break;
    default:
        if (screen->column == COLUMNS) { /* only now: a full line may be followed by a newline */
            screen->column = 0;
            line_feed(screen);
        }
        *cell(screen, screen->row, screen->column++) =
            (uint16_t)((uint16_t)attribute(screen) << 8 | (uint8_t)byte);
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

/* ---- The card -------------------------------------------------------------------------------- */

static void controller_write(struct text_screen *screen, uint8_t index, uint32_t value) {
    screen->write(index, (uint8_t)(value >> 8));
    screen->write(index + 1, (uint8_t)value);
}

static uint32_t controller_read(struct text_screen *screen, uint8_t index) {
    return (uint32_t)screen->read(index) << 8 | screen->read(index + 1);
}

static void controller_update(struct text_screen *screen) {
    uint32_t start = screen->first_row * COLUMNS;
    uint32_t column = smaller(screen->column, COLUMNS - 1);
    controller_write(screen, START_HIGH, start);
    controller_write(screen, CURSOR_HIGH, start + screen->row * COLUMNS + column);
}

void text_screen_write(struct text_screen *screen, const char *text, size_t length) {
    if (!screen->present) {
        return;
    }
    for (size_t i = 0; i < length; i++) {
        take(screen, text[i]);
    }
    controller_update(screen);
}

/* Memory that keeps what is written to it is a screen. */
static void begin(struct text_screen *screen) {
    uint16_t before = screen->memory[0];
    screen->memory[0] = 0xA55A;
    screen->present = screen->memory[0] == 0xA55A;
    screen->memory[0] = before;
    screen->colour = COLOUR_NORMAL;
    screen->bold = screen->reverse = false;
    screen->state = SCREEN_TEXT;
}

void text_screen_clear(struct text_screen *screen) {
    begin(screen);
    if (screen->present) {
        blank(screen, 0, 0, ROWS * COLUMNS);
        controller_update(screen);
    }
}

void text_screen_resume(struct text_screen *screen) {
    begin(screen);
    if (!screen->present) {
        return;
    }
    uint32_t start = controller_read(screen, START_HIGH);
    uint32_t cursor = controller_read(screen, CURSOR_HIGH) - start;
    bool sensible =
        start % COLUMNS == 0 && start / COLUMNS + ROWS <= MEMORY_ROWS && cursor < ROWS * COLUMNS;
    if (!sensible) {
        screen->first_row = screen->row = screen->column = 0;
        return;
    }
    screen->first_row = start / COLUMNS;
    screen->row = cursor / COLUMNS;
    screen->column = cursor % COLUMNS;
}
