/* SPDX-License-Identifier: MIT */
/* Editing one line (edit.h). Pure. */
#include "boot/uefi/edit.h"

#include <string.h>

void edit_set(struct edit_line *line, const char *text) {
    size_t length = strlen(text);
    line->length = length < BOOT_COMMAND_LINE ? (u32)length : BOOT_COMMAND_LINE - 1;
    memcpy(line->text, text, line->length);
    line->text[line->length] = 0;
    line->cursor = line->length;
}

static void letter_insert(struct edit_line *line, char letter) {
    if (line->length + 1 == BOOT_COMMAND_LINE) {
        return;
    }
    memmove(&line->text[line->cursor + 1], &line->text[line->cursor],
            line->length - line->cursor + 1);
    line->text[line->cursor++] = letter;
    line->length++;
}

static void letter_delete(struct edit_line *line, u32 at) {
    if (at < line->length) {
        memmove(&line->text[at], &line->text[at + 1], line->length - at);
        line->length--;
        line->cursor = at;
    }
}

void edit_press(struct edit_line *line, u32 key) {
    switch (key) {
    case EDIT_LEFT:
        line->cursor -= line->cursor > 0;
        break;
    case EDIT_RIGHT:
        line->cursor += line->cursor < line->length;
        break;
    case EDIT_HOME:
        line->cursor = 0;
        break;
    case EDIT_END:
        line->cursor = line->length;
        break;
    case EDIT_BACKSPACE:
        if (line->cursor > 0) {
            letter_delete(line, line->cursor - 1);
        }
        break;
    case EDIT_DELETE:
        letter_delete(line, line->cursor - (line->cursor > 0 && line->cursor == line->length));
        break;
    case EDIT_CLEAR:
        edit_set(line, "");
        break;
    default:
        if (key >= 0x20 && key <= 0x7E) {
            letter_insert(line, (char)key);
        }
    }
}

u32 edit_window(const struct edit_line *line, u32 width) {
    return line->cursor < width ? 0 : line->cursor - width + 1;
}
