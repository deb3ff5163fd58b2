/* SPDX-License-Identifier: MIT */
/*
 * The line editor and the history. It keeps one line on one row of the screen and scrolls it
 * sideways when it is longer; it uses only carriage return, erase to the end of the row and cursor
 * right, which every terminal knows. The console is in raw mode only while a line is being edited,
 * so that ^C reaches the jobs at all other times. Input that is no terminal is read plainly.
 */
#include "sh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"

#define HISTORY_COUNT 64
#define SCREEN_COLUMNS 80
#define CONTROL(letter) ((letter)&0x1F)
#define KEY_ESCAPE 27
#define KEY_BACKSPACE 127

/* ---- History --------------------------------------------------------------------------------- */

static char history[HISTORY_COUNT][LINE_SIZE];
static unsigned history_total; /* lines ever added; line N stands in entry N % HISTORY_COUNT */

static unsigned history_first(void) {
    return history_total > HISTORY_COUNT ? history_total - HISTORY_COUNT : 0;
}

static const char *history_line(unsigned number) { return history[number % HISTORY_COUNT]; }

void history_add(const char *line) {
    bool same = history_total > 0 && strcmp(history_line(history_total - 1), line) == 0;
    if (*line != '\0' && *line != ' ' && !same) {
        snprintf(history[history_total++ % HISTORY_COUNT], LINE_SIZE, "%s", line);
    }
}

void history_print(void) {
    for (unsigned number = history_first(); number < history_total; number++) {
        printf("%5u  %s\n", number + 1, history_line(number));
    }
}

/* ---- The line on the screen ------------------------------------------------------------------ */

static struct {
    char *line;
    size_t size, length, cursor;
    size_t first; /* the leftmost character on the screen */
    const char *prompt;
    unsigned recalled;     /* the history line shown; history_total: the new line */
    char typed[LINE_SIZE]; /* the new line while an older one is shown */
    char cut[LINE_SIZE];   /* for ^Y */
} edit;

static void screen_write(const char *text, size_t length) {
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, text, length);
        if (written <= 0) {
            return;
        }
        text += written;
        length -= (size_t)written;
    }
}

static void screen_redraw(void) {
    static char text[SCREEN_COLUMNS * 4];
    size_t columns = SCREEN_COLUMNS - 1 - strlen(edit.prompt);
    if (edit.cursor < edit.first || edit.cursor > edit.first + columns) {
        edit.first = edit.cursor > columns / 2 ? edit.cursor - columns / 2 : 0; /* in the middle */
    }
    size_t visible = edit.length - edit.first < columns ? edit.length - edit.first : columns;
    size_t column = strlen(edit.prompt) + edit.cursor - edit.first;
    int length = snprintf(text, sizeof text, "\r%s%.*s\033[K\r", edit.prompt, (int)visible,
                          edit.line + edit.first);
    length += column > 0 ? snprintf(text + length, sizeof text - (size_t)length, "\033[%uC",
                                    (unsigned)column)
                         : 0;
    screen_write(text, (size_t)length);
}

static void insert(const char *text, size_t length) {
    if (length > edit.size - 1 - edit.length) {
        return;
    }
    bool at_end = edit.cursor == edit.length;
    memmove(edit.line + edit.cursor + length, edit.line + edit.cursor, edit.length - edit.cursor);
    memcpy(edit.line + edit.cursor, text, length);
    edit.length += length;
    edit.cursor += length;
    if (at_end && strlen(edit.prompt) + edit.cursor - edit.first < SCREEN_COLUMNS) {
        screen_write(text, length);
    } else {
        screen_redraw();
    }
}

/* Remove [START, END), keeping it for ^Y if it is more than one character. */
static void erase(size_t start, size_t end) {
    if (end - start > 1) {
        memcpy(edit.cut, edit.line + start, end - start);
        edit.cut[end - start] = '\0';
    }
    memmove(edit.line + start, edit.line + end, edit.length - end);
    edit.length -= end - start;
    edit.cursor = start;
    screen_redraw();
}

static size_t word_start(void) {
    size_t start = edit.cursor;
    while (start > 0 && edit.line[start - 1] == ' ') {
        start--;
    }
    while (start > 0 && edit.line[start - 1] != ' ') {
        start--;
    }
    return start;
}

static void recall(unsigned number) {
    if (number < history_first() || number > history_total) {
        return;
    }
    edit.line[edit.length] = '\0';
    if (edit.recalled == history_total) {
        snprintf(edit.typed, sizeof edit.typed, "%s", edit.line);
    }
    edit.recalled = number;
    snprintf(edit.line, edit.size, "%s",
             number == history_total ? edit.typed : history_line(number));
    edit.length = edit.cursor = strlen(edit.line);
    edit.first = 0;
    screen_redraw();
}

static void move(size_t cursor) {
    edit.cursor = cursor;
    screen_redraw();
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static int key_read(void) {
    unsigned char key;
    return read(STDIN_FILENO, &key, 1) == 1 ? key : -1;
}

/* What follows an escape: the letter of an arrow, Home (H), End (F) or delete (~). */
static int escape_read(void) {
    int key = key_read();
    if (key != '[' && key != 'O') {
        return key;
    }
    int number = 0;
    for (key = key_read(); key >= '0' && key <= '9'; key = key_read()) {
        number = number * 10 + key - '0';
    }
    if (key != '~') {
        return key;
    }
    return number == 3                  ? '~'
           : number == 1 || number == 7 ? 'H'
           : number == 4 || number == 8 ? 'F'
                                        : 0;
}

static void key_escape(void) {
    switch (escape_read()) {
    case 'A':
        recall(edit.recalled - 1);
        break;
    case 'B':
        recall(edit.recalled + 1);
        break;
    case 'C':
        move(edit.cursor + (edit.cursor < edit.length));
        break;
    case 'D':
        move(edit.cursor - (edit.cursor > 0));
        break;
    case 'H':
        move(0);
        break;
    case 'F':
        move(edit.length);
        break;
    case '~':
        erase(edit.cursor, edit.cursor + (edit.cursor < edit.length));
        break;
    }
}

static void key_edit(int key) {
    switch (key) {
    case CONTROL('A'):
        move(0);
        break;
    case CONTROL('E'):
        move(edit.length);
        break;
    case CONTROL('B'):
        move(edit.cursor - (edit.cursor > 0));
        break;
    case CONTROL('F'):
        move(edit.cursor + (edit.cursor < edit.length));
        break;
    case CONTROL('P'):
        recall(edit.recalled - 1);
        break;
    case CONTROL('N'):
        recall(edit.recalled + 1);
        break;
    case CONTROL('K'):
        erase(edit.cursor, edit.length);
        break;
    case CONTROL('U'):
        erase(0, edit.cursor);
        break;
    case CONTROL('W'):
        erase(word_start(), edit.cursor);
        break;
    case CONTROL('Y'):
        insert(edit.cut, strlen(edit.cut));
        break;
    case CONTROL('D'):
        erase(edit.cursor, edit.cursor + (edit.cursor < edit.length));
        break;
    case CONTROL('H'):
    case KEY_BACKSPACE:
        erase(edit.cursor - (edit.cursor > 0), edit.cursor);
        break;
    case CONTROL('L'):
        screen_write("\033[H\033[2J", 7);
        screen_redraw();
        break;
    case KEY_ESCAPE:
        key_escape();
        break;
    default:
        if (key >= ' ') {
            insert(&(char){(char)key}, 1);
        }
    }
}

/* False at ^D on an empty line, or when the terminal is gone. */
static bool edit_keys(void) {
    for (;;) {
        int key = key_read();
        if (key < 0 || (key == CONTROL('D') && edit.length == 0)) {
            screen_write("\n", 1);
            return false;
        }
        if (key == '\r' || key == '\n') {
            screen_write("\n", 1);
            return true;
        }
        if (key == CONTROL('C')) {
            edit.length = 0;
            shell.status = STATUS_BY_SIGNAL + 2;
            screen_write("^C\n", 3);
            return true;
        }
        key_edit(key);
    }
}

static bool read_plainly(char *line, size_t size) {
    size_t length = 0;
    int key;
    while ((key = key_read()) >= 0 && key != '\n') {
        if (length < size - 1) {
            line[length++] = (char)key;
        }
    }
    line[length] = '\0';
    return key >= 0 || length > 0;
}

bool edit_line(const char *prompt, char *line, size_t size) {
    if (!shell.interactive) {
        return read_plainly(line, size);
    }
    edit.line = line;
    edit.size = size;
    edit.length = edit.cursor = edit.first = 0;
    edit.prompt = prompt;
    edit.recalled = history_total;
    terminal_raw(true);
    screen_write(prompt, strlen(prompt));
    bool more = edit_keys();
    terminal_raw(false);
    line[edit.length] = '\0';
    return more;
}
