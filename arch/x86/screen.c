/* SPDX-License-Identifier: MIT */
/*
 * The VGA text screen, 80 x 25, with as much of ANSI as a line editor and coloured output use:
 * cursor movement, erasing, colours. Guarded as console.c says.
 *
 * Scrolling moves no text: the screen is a frame of 25 rows within the 200 rows that the card's
 * memory holds, and the card is told where it starts. Only at the end of that memory are the rows
 * copied back to the top.
 */
#include "arch/arch.h"
#include "arch/x86/console.h"
#include "arch/x86/registers.h"

#define COLUMNS 80u
#define ROWS 25u
#define MEMORY_ROWS 200u
#define MEMORY ((volatile u16 *)x86_physical_pointer(0xB8000))
#define CONTROLLER 0x3D4
#define START_HIGH 0x0C
#define START_LOW 0x0D
#define CURSOR_HIGH 0x0E
#define CURSOR_LOW 0x0F
#define COLOUR_NORMAL 0x07
#define PARAMETERS 8u

static bool present;
static u32 first_row; /* of memory: where the screen starts */
static u32 row, column;
static u8 colour = COLOUR_NORMAL;
static bool bold, reverse;
static u32 saved_row, saved_column;

static enum { TEXT, ESCAPE, SEQUENCE } state;
static u32 parameter[PARAMETERS], parameter_count;

static volatile u16 *cell(u32 at_row, u32 at_column) {
    return &MEMORY[(first_row + at_row) * COLUMNS + at_column];
}

/* The attribute byte: high nibble background, low nibble foreground. */
static u8 attribute(void) {
    u8 value = bold ? colour | 0x08 : colour;
    return reverse ? (u8)((value & 0x0F) << 4 | (value & 0x70) >> 4) : value;
}

/* Blank COUNT cells from (AT_ROW, AT_COLUMN) on, in reading order. */
static void blank(u32 at_row, u32 at_column, u32 count) {
    volatile u16 *to = cell(at_row, at_column);
    u16 space = (u16)((colour & 0x70) << 8 | COLOUR_NORMAL << 8 | ' ');
    for (u32 i = 0; i < count; i++) {
        to[i] = space;
    }
}

static void scroll(void) {
    if (first_row + ROWS == MEMORY_ROWS) {
        volatile u16 *from = cell(1, 0);
        for (u32 i = 0; i < (ROWS - 1) * COLUMNS; i++) {
            MEMORY[i] = from[i];
        }
        first_row = 0;
    } else {
        first_row++;
    }
    blank(ROWS - 1, 0, COLUMNS);
}

static void line_feed(void) {
    if (row + 1 < ROWS) {
        row++;
    } else {
        scroll();
    }
}

/* ---- Sequences ------------------------------------------------------------------------------- */

static u32 parameter_or(u32 index, u32 otherwise) {
    return index < parameter_count && parameter[index] != 0 ? parameter[index] : otherwise;
}

static u32 smaller(u32 a, u32 b) { return a < b ? a : b; }

/* ANSI counts colours red first, the card blue first. */
static u8 card_colour(u32 ansi) { return (u8)((ansi & 2) | (ansi & 1) << 2 | (ansi >> 2 & 1)); }

static void set_rendition(u32 code) {
    if (code == 0) {
        colour = COLOUR_NORMAL;
        bold = reverse = false;
    } else if (code == 1 || code == 22) {
        bold = code == 1;
    } else if (code == 7 || code == 27) {
        reverse = code == 7;
    } else if (code >= 30 && code <= 37) {
        colour = (u8)((colour & 0x70) | card_colour(code - 30));
    } else if (code >= 90 && code <= 97) {
        colour = (u8)((colour & 0x70) | 0x08 | card_colour(code - 90));
    } else if (code == 39) {
        colour = (u8)((colour & 0x70) | COLOUR_NORMAL);
    } else if (code >= 40 && code <= 47) {
        colour = (u8)((colour & 0x0F) | card_colour(code - 40) << 4);
    } else if (code == 49) {
        colour &= 0x0F;
    }
}

static void erase_line(u32 what) {
    u32 from = what == 0 ? column : 0;
    u32 to = what == 1 ? smaller(column + 1, COLUMNS) : COLUMNS;
    blank(row, from, to - from);
}

static void erase_screen(u32 what) {
    if (what == 0) {
        blank(row, column, (ROWS - row) * COLUMNS - column);
    } else if (what == 1) {
        blank(0, 0, row * COLUMNS + smaller(column + 1, COLUMNS));
    } else {
        blank(0, 0, ROWS * COLUMNS);
    }
}

static void move_to(u32 to_row, u32 to_column) {
    row = smaller(to_row, ROWS - 1);
    column = smaller(to_column, COLUMNS - 1);
}

static void move(char direction, u32 count) {
    u32 at = smaller(column, COLUMNS - 1);
    switch (direction) {
    case 'A':
        return move_to(row - smaller(row, count), at);
    case 'B':
        return move_to(row + smaller(count, ROWS), at);
    case 'C':
        return move_to(row, at + smaller(count, COLUMNS));
    default:
        return move_to(row, at - smaller(at, count));
    }
}

static void sequence_end(char final) {
    switch (final) {
    case 'A':
    case 'B':
    case 'C':
    case 'D':
        move(final, parameter_or(0, 1));
        break;
    case 'G':
        move_to(row, parameter_or(0, 1) - 1);
        break;
    case 'H':
    case 'f':
        move_to(parameter_or(0, 1) - 1, parameter_or(1, 1) - 1);
        break;
    case 'J':
        erase_screen(parameter[0]);
        break;
    case 'K':
        erase_line(parameter[0]);
        break;
    case 'm':
        for (u32 i = 0; i < parameter_count; i++) {
            set_rendition(parameter[i]);
        }
        break;
    case 's':
        saved_row = row;
        saved_column = column;
        break;
    case 'u':
        move_to(saved_row, saved_column);
        break;
    default:
        break; /* what we do not know has no effect, but is not printed either */
    }
}

static void take_sequence(char byte) {
    if (byte >= '0' && byte <= '9') {
        u32 *number = &parameter[parameter_count - 1];
        *number = smaller(*number * 10 + (u32)(byte - '0'), 9999);
    } else if (byte == ';') {
        if (parameter_count < PARAMETERS) {
            parameter[parameter_count++] = 0;
        }
    } else if (byte >= '@' && byte <= '~') {
        state = TEXT;
        sequence_end(byte);
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void take_text(char byte) {
    switch (byte) {
    case '\n':
        column = 0;
        line_feed();
        break;
    case '\r':
        column = 0;
        break;
    case '\b':
        move('D', 1);
        break;
    case '\t':
        column = smaller((column + 8) & ~7u, COLUMNS - 1);
        break;
    case '\033':
        state = ESCAPE;
        break;
    case '\a':
    case 0:
        break;
    default:
        if (column == COLUMNS) { /* only now: a full line may be followed by a newline */
            column = 0;
            line_feed();
        }
        *cell(row, column++) = (u16)((u16)attribute() << 8 | (u8)byte);
    }
}

static void take(char byte) {
    if (state == TEXT) {
        take_text(byte);
    } else if (state == ESCAPE) {
        state = byte == '[' ? SEQUENCE : TEXT;
        parameter[0] = 0;
        parameter_count = 1;
    } else {
        take_sequence(byte);
    }
}

/* ---- The card -------------------------------------------------------------------------------- */

static void controller_write(u8 index, u8 value) {
    port_write16(CONTROLLER, (u16)(value << 8 | index));
}

static void controller_update(void) {
    u32 start = first_row * COLUMNS;
    u32 cursor = start + row * COLUMNS + smaller(column, COLUMNS - 1);
    controller_write(START_HIGH, (u8)(start >> 8));
    controller_write(START_LOW, (u8)start);
    controller_write(CURSOR_HIGH, (u8)(cursor >> 8));
    controller_write(CURSOR_LOW, (u8)cursor);
}

void x86_screen_write(const char *text, size_t length) {
    if (!present) {
        return;
    }
    for (size_t i = 0; i < length; i++) {
        take(text[i]);
    }
    controller_update();
}

/* Memory that keeps what is written to it is a screen. */
void x86_screen_initialise(void) {
    u16 before = MEMORY[0];
    MEMORY[0] = 0xA55A;
    present = MEMORY[0] == 0xA55A;
    MEMORY[0] = before;
    if (present) {
        blank(0, 0, ROWS * COLUMNS);
        controller_update();
    }
}
