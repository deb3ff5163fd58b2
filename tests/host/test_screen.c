/* SPDX-License-Identifier: MIT */
/*
 * Proves that both back ends of a text screen show its cells: the VGA card's memory and registers, and
 * pictures of every depth, which hold what the font says and nothing else; that a second writer goes
 * on where the first has stopped, by what it sees; and that no text writes outside of the memory given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/font.h"
#include "format/glyph_screen.h"
#include "format/pixel.h"
#include "format/vga_text.h"

#define COLUMNS 40u
#define ROWS 10u
#define WIDTH (COLUMNS * FONT_WIDTH)
#define HEIGHT (ROWS * FONT_HEIGHT + 5) /* a margin that no row fits in */

static struct glyph_screen glyphs;
static uint8_t *pixels;
static struct info_framebuffer picture;

static struct info_framebuffer picture_of(uint32_t depth, uint32_t scale) {
    struct info_framebuffer made = {
        .pitch = (WIDTH * scale * ((depth + 7) / 8) + 64 + 3) & ~3u,
        .width = WIDTH * scale,
        .height = HEIGHT * scale,
        .depth = depth,
    };
    uint8_t bits = depth >= 24 ? 8 : 5;
    made.blue_bits = made.red_bits = bits;
    made.green_bits = depth == 16 ? 6 : bits;
    made.green_shift = bits;
    made.red_shift = (uint8_t)(bits + made.green_bits);
    return made;
}

/* A writer that knows nothing but the picture. */
static void writer_new(void) {
    free((void *)glyphs.screen.memory);
    free(glyphs.shown);
    memset(&glyphs, 0, sizeof glyphs);
    glyphs.screen.memory = malloc(GLYPH_SCREEN_MEMORY * sizeof(uint16_t));
    glyphs.shown = malloc(GLYPH_SCREEN_SHOWN * sizeof(uint16_t));
    glyph_screen_open(&glyphs, &picture, pixels);
}

static void begin_with(uint32_t depth, uint32_t scale) {
    picture = picture_of(depth, scale);
    free(pixels);
    pixels = malloc(picture.pitch * picture.height);
    memset(pixels, 0x5A, picture.pitch * picture.height);
    writer_new();
    glyph_screen_clear(&glyphs);
}

static int begin(void **state) {
    (void)state;
    begin_with(32, 1);
    return 0;
}

static void say(const char *text) { text_screen_write(&glyphs.screen, text, strlen(text)); }

static uint16_t cell(uint32_t row, uint32_t column) {
    return *text_screen_cell(&glyphs.screen, row, column);
}

/* Rows of the screen as text. */
static const char *row_text(uint32_t row) {
    static char text[COLUMNS + 1];
    uint32_t length = 0;
    for (uint32_t column = 0; column < COLUMNS; column++) {
        text[column] = (char)cell(row, column);
        length = text[column] != ' ' ? column + 1 : length;
    }
    text[length] = 0;
    return text;
}

/* Every dot of the picture is what cells, font and cursor say. */
static void check_picture(void) {
    uint32_t bytes = pixel_bytes(&picture), scale = glyphs.scale;
    for (uint32_t y = 0; y < ROWS * FONT_HEIGHT; y++) {
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint16_t value = cell(y / FONT_HEIGHT, x / FONT_WIDTH);
            bool set = font_glyphs[value & 0xFF][y % FONT_HEIGHT] >> (7 - x % FONT_WIDTH) & 1;
            uint32_t pixel = glyphs.palette[set ? value >> 8 & 0x0F : value >> 12];
            uint32_t cursor = glyphs.screen.column < COLUMNS ? glyphs.screen.column : COLUMNS - 1;
            if (y / FONT_HEIGHT == glyphs.screen.row && x / FONT_WIDTH == cursor &&
                y % FONT_HEIGHT >= FONT_HEIGHT - 2) {
                pixel = glyphs.bar;
            }
            const uint8_t *at = pixels + y * scale * picture.pitch + x * scale * bytes;
            assert_int_equal(pixel_load(at, bytes), pixel);
            at += (scale - 1) * (picture.pitch + bytes);
            assert_int_equal(pixel_load(at, bytes), pixel);
        }
    }
}

static void letters_are_drawn(void **state) {
    (void)state;
    say("one\r\n\033[1;32mtwo\033[0m \033[7mthree\033[0m");
    assert_string_equal(row_text(0), "one");
    assert_string_equal(row_text(1), "two three");
    assert_int_equal(cell(0, 0), 0x0700 | 'o');
    assert_int_equal(cell(1, 0), 0x0A00 | 't');
    assert_int_equal(cell(1, 4), 0x7000 | 't');
    check_picture();
}

static void all_depths_and_sizes(void **state) {
    (void)state;
    static const uint32_t depths[] = {15, 16, 24, 32};
    for (uint32_t i = 0; i < 4; i++) {
        begin_with(depths[i], 1);
        say("depth \033[33;44mcolours");
        check_picture();
        for (uint32_t y = 0; y < picture.height; y++) { /* nothing between the lines */
            for (uint32_t x = WIDTH * pixel_bytes(&picture); x < picture.pitch; x++) {
                assert_int_equal(pixels[y * picture.pitch + x], 0x5A);
            }
        }
    }
    begin_with(32, 7); /* wider than the most columns of one pixel a dot */
    assert_true(glyphs.scale > 1);
    say("large");
    assert_int_equal(glyphs.screen.columns, picture.width / glyphs.scale / FONT_WIDTH);
}

static void scrolling(void **state) {
    (void)state;
    char line[24];
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "%sline %d", i > 0 ? "\r\n" : "", i);
        say(line);
    }
    assert_string_equal(row_text(0), "line 90");
    assert_string_equal(row_text(ROWS - 1), "line 99");
    check_picture();
}

static void only_what_changes_is_drawn(void **state) {
    (void)state;
    say("first\r\nsecond\r\n");
    memset(pixels, 0x11, picture.pitch * FONT_HEIGHT); /* the first row: whoever draws it is seen */
    say("third");
    for (uint32_t i = 0; i < picture.pitch * FONT_HEIGHT; i++) {
        assert_int_equal(pixels[i], 0x11);
    }
}

static void a_second_writer_goes_on(void **state) {
    (void)state;
    static const uint32_t depths[] = {15, 16, 24, 32};
    for (uint32_t i = 0; i < 4; i++) {
        begin_with(depths[i], 1);
        say("\033[31mred\033[0m and \033[7mreverse\033[0m\r\n$ @gq~\r\n/ $ ");
        writer_new();
        glyph_screen_resume(&glyphs);
        assert_string_equal(row_text(0), "red and reverse");
        assert_string_equal(row_text(1), "$ @gq~");
        assert_int_equal(cell(0, 0), 0x0400 | 'r');
        assert_int_equal(cell(0, 8), 0x7000 | 'r');
        assert_int_equal(glyphs.screen.row, 2);
        assert_int_equal(glyphs.screen.column, 4);
        say("ls");
        assert_string_equal(row_text(2), "/ $ ls");
        check_picture();
    }
}

static void every_letter_is_recognised(void **state) {
    (void)state;
    for (uint32_t code = 33; code < 256; code++) {
        char text[2] = {(char)code, 0};
        glyph_screen_clear(&glyphs);
        say(text);
        uint16_t before = cell(0, 0);
        writer_new();
        glyph_screen_resume(&glyphs);
        if (code < 127) { /* of the others some look alike, or like another one inside out */
            assert_int_equal(cell(0, 0), before);
        }
        check_picture();
    }
}

static void a_drawing_is_blank(void **state) {
    (void)state;
    say("text\r\n");
    for (uint32_t i = 0; i < picture.pitch * FONT_HEIGHT * 3; i++) {
        pixels[i] = (uint8_t)(i * 7 + i / 31);
    }
    writer_new();
    glyph_screen_resume(&glyphs);
    say("\r\npanic");
    check_picture();
    assert_string_equal(row_text(0), "");
}

/* The last row is full of text, and there is no bar: as when a writer dies between two steps. */
static void without_a_cursor(void **state) {
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        say(i > 0 ? "\r\n" : "");
        say(i + 1 == ROWS ? "end" : "row");
    }
    for (uint32_t y = FONT_HEIGHT - 2; y < FONT_HEIGHT; y++) {
        uint32_t row = (ROWS - 1) * FONT_HEIGHT + y;
        memset(pixels + row * picture.pitch + 3 * FONT_WIDTH * 4, 0, FONT_WIDTH * 4);
    }
    writer_new();
    glyph_screen_resume(&glyphs);
    say("next");
    assert_string_equal(row_text(ROWS - 1), "next");
    assert_string_equal(row_text(ROWS - 2), "end");
    check_picture();
}

static void hidden_text_appears_later(void **state) {
    (void)state;
    glyph_screen_hide(&glyphs);
    memset(pixels, 0x77, picture.pitch * picture.height);
    say("meanwhile");
    for (uint32_t i = 0; i < picture.pitch * picture.height; i++) {
        assert_int_equal(pixels[i], 0x77);
    }
    glyph_screen_redraw(&glyphs);
    assert_string_equal(row_text(0), "meanwhile");
    check_picture();
}

/* ASan sees what goes beyond; the picture must still be right. */
static void random_text(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "\033[2J", "\033[H", "\033[K",  "\033[1K",      "\033[2K", "\033[J",   "\033[1J",
        "\n",      "\r",     "\t",      "\b",           "\033[A",  "\033[99B", "\033[999C",
        "\033[5D", "\033[s", "\033[u",  "\033[99;99H",  "\033[7G", "\033[7m",  "\033[0m",
        "\033[1m", "\033[",  "\033[;;", "\033[33;45mx", "letters", "\xDB\xB1", "\033[9999999999m",
    };
    uint32_t seed = 1;
    for (int i = 0; i < 3000; i++) {
        seed = seed * 1664525u + 1013904223u;
        say(pieces[(seed >> 8) % (sizeof pieces / sizeof pieces[0])]);
        if (i % 50 == 0) {
            check_picture();
        }
    }
}

/* ---- The card -------------------------------------------------------------------------------- */

static uint16_t card_memory[VGA_TEXT_SIZE / 2];
static uint8_t registers[32];
static void register_write(uint8_t index, uint8_t value) { registers[index] = value; }
static uint8_t register_read(uint8_t index) { return registers[index]; }

static uint32_t register_pair(uint8_t high) {
    return (uint32_t)registers[high] << 8 | registers[high + 1];
}

static void the_card_scrolls_by_its_start(void **state) {
    (void)state;
    struct vga_text card = {
        .screen.memory = card_memory, .write = register_write, .read = register_read};
    vga_text_clear(&card);
    assert_true(card.screen.present);
    for (int i = 0; i < 30; i++) {
        text_screen_write(&card.screen, "line\r\n", 6);
    }
    assert_int_equal(register_pair(0x0C), 6 * 80);
    assert_int_equal(register_pair(0x0E), (6 + 24) * 80);
    struct vga_text next = {
        .screen.memory = card_memory, .write = register_write, .read = register_read};
    vga_text_resume(&next);
    text_screen_write(&next.screen, "more", 4);
    assert_int_equal(card_memory[(6 + 24) * 80], 0x0700 | 'm');
    for (int i = 0; i < 300; i++) {
        text_screen_write(&next.screen, "line\r\n", 6);
    }
    assert_int_equal(card_memory[register_pair(0x0C)], 0x0700 | 'l');
    memset(registers, 0xFF, sizeof registers); /* whoever had it has left nonsense */
    vga_text_resume(&next);
    assert_int_equal(next.screen.first_row + next.screen.row + next.screen.column, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        T(letters_are_drawn),
        T(all_depths_and_sizes),
        T(scrolling),
        T(only_what_changes_is_drawn),
        T(a_second_writer_goes_on),
        T(every_letter_is_recognised),
        T(a_drawing_is_blank),
        T(without_a_cursor),
        T(hidden_text_appears_later),
        T(random_text),
        T(the_card_scrolls_by_its_start),
    };
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
