/* SPDX-License-Identifier: MIT */
/* The monitor's lines, words and numbers: see line.h. */
#include "debug/monitor/line.h"

#include <string.h>

#define CONTROL(letter) ((letter)&0x1F)
#define DELETE 127
#define ERASE "\b \b"

void monitor_line_start(struct monitor_line *line) {
    line->length = 0;
    line->text[0] = 0;
}

/* Take COUNT characters away; what makes them disappear goes to ECHO. */
static void erase(struct monitor_line *line, u32 count, char *echo) {
    for (; count > 0 && line->length > 0; count--) {
        line->length--;
        memcpy(echo, ERASE, sizeof(ERASE));
        echo += sizeof(ERASE) - 1;
    }
}

static void insert(struct monitor_line *line, char key, char *echo) {
    bool room = line->length < MONITOR_LINE - 1;
    if (room) {
        line->text[line->length++] = key;
    }
    echo[0] = room ? key : '\a';
    echo[1] = 0;
}

bool monitor_line_key(struct monitor_line *line, char key, char echo[MONITOR_ECHO]) {
    bool newline = key == '\n', second = newline && line->ended_by_return && line->length == 0;
    bool ended = (newline && !second) || key == '\r';
    line->ended_by_return = key == '\r';
    echo[0] = 0;
    if (ended) {
        line->text[line->length] = 0;
        strcpy(echo, "\n");
    } else if (key == CONTROL('H') || key == DELETE) {
        erase(line, 1, echo);
    } else if (key == CONTROL('U') || key == CONTROL('C')) {
        erase(line, line->length, echo);
    } else if (key >= ' ' && key < DELETE) {
        insert(line, key, echo);
    }
    return ended;
}

bool monitor_split(char *text, struct monitor_words *words) {
    words->count = 0;
    for (;;) {
        while (*text == ' ') {
            *text++ = 0;
        }
        if (*text == 0) {
            return true;
        }
        if (words->count == MONITOR_WORDS) {
            return false;
        }
        words->word[words->count++] = text;
        while (*text != 0 && *text != ' ') {
            text++;
        }
    }
}

/* Of a digit up to 16; 16 if CHARACTER is none. */
static u32 digit_value(char character) {
    if (character >= '0' && character <= '9') {
        return (u32)(character - '0');
    }
    char lower = character | 0x20;
    return lower >= 'a' && lower <= 'f' ? (u32)(lower - 'a') + 10 : 16;
}

bool monitor_number(const char *text, u64 *value) {
    u32 base = 10;
    if (text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        text += 2;
    }
    u64 sum = 0;
    const char *first = text;
    for (; *text != 0; text++) {
        u32 digit = digit_value(*text);
        if (digit >= base || sum > (UINT64_MAX - digit) / base) {
            return false;
        }
        sum = sum * base + digit;
    }
    *value = sum;
    return text != first;
}

u32 monitor_choose(const char *text, const char *(*name)(u32 index), u32 count) {
    size_t length = strlen(text);
    u32 found = count, beginnings = 0;
    for (u32 i = 0; i < count; i++) {
        if (strcmp(name(i), text) == 0) {
            return i;
        }
        if (strncmp(name(i), text, length) == 0) {
            found = i;
            beginnings++;
        }
    }
    return length > 0 && beginnings == 1 ? found : count;
}
