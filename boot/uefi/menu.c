/* SPDX-License-Identifier: MIT */
/* Reads menu.cfg (menu.h) in place: each value becomes a string of its own. Pure. */
#include "boot/uefi/menu.h"

#include <string.h>

#include "kernel/boot/boot_info.h"

static bool number_read(const char **text, u32 *number) {
    const char *next = *text;
    u32 value = 0;
    while (*next >= '0' && *next <= '9' && value < 100000) {
        value = value * 10 + (u32)(*next++ - '0');
    }
    bool found = next != *text;
    *text = next;
    *number = value;
    return found;
}

static const char *timeout_read(struct menu *menu, const char *value) {
    bool good = number_read(&value, &menu->timeout) && *value == 0 && menu->timeout <= MENU_TIMEOUT;
    return good ? NULL : "timeout takes a number of seconds, at most 3600";
}

static const char *screen_read(struct menu *menu, const char *value) {
    bool good = number_read(&value, &menu->width) && *value++ == 'x' &&
                number_read(&value, &menu->height) && *value == 0;
    return good ? NULL : "screen takes two numbers, like 1024x768";
}

static const char *entry_begin(struct menu *menu, const char *title) {
    if (menu->count == MENU_ENTRIES) {
        return "there are more than 16 entries";
    }
    if (*title == 0 || strlen(title) > MENU_TITLE) {
        return "a title has 1 to 60 letters";
    }
    menu->entry[menu->count++] = (struct menu_entry){.title = title, .words = ""};
    return NULL;
}

static const char *path_read(const char **path, const char *value) {
    if (*value != '/' || strlen(value) > MENU_PATH) {
        return "a path begins with / and has at most 120 letters";
    }
    *path = value;
    return NULL;
}

static const char *word_read(struct menu *menu, const char *word, const char *value) {
    if (strcmp(word, "timeout") == 0) {
        return timeout_read(menu, value);
    }
    if (strcmp(word, "screen") == 0) {
        return screen_read(menu, value);
    }
    if (strcmp(word, "entry") == 0) {
        return entry_begin(menu, value);
    }
    if (menu->count == 0) {
        return "there is no entry yet that this could belong to";
    }
    struct menu_entry *entry = &menu->entry[menu->count - 1];
    if (strcmp(word, "kernel") == 0) {
        return path_read(&entry->kernel, value);
    }
    if (strcmp(word, "initrd") == 0) {
        return path_read(&entry->initrd, value);
    }
    if (strcmp(word, "words") == 0) {
        entry->words = value;
        return strlen(value) < BOOT_COMMAND_LINE ? NULL : "the command line is too long";
    }
    return "it begins with no word that the loader knows";
}

static bool is_space(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }

/* One line, without the spaces around it. */
static const char *line_read(struct menu *menu, char *start, char *end) {
    while (start < end && is_space(*start)) {
        start++;
    }
    while (end > start && is_space(end[-1])) {
        end--;
    }
    *end = 0;
    if (*start == 0 || *start == '#') {
        return NULL;
    }
    char *value = start;
    while (*value != 0 && !is_space(*value)) {
        value++;
    }
    while (is_space(*value)) {
        *value++ = 0;
    }
    return word_read(menu, start, value);
}

static const char *entries_check(const struct menu *menu) {
    for (u32 i = 0; i < menu->count; i++) {
        if (menu->entry[i].kernel == NULL && menu->entry[i].initrd == NULL) {
            return "an entry has neither kernel nor initrd";
        }
    }
    return menu->count == 0 ? "there is no entry" : NULL;
}

const char *menu_parse(struct menu *menu, char *text, size_t length, u32 *line) {
    char *end = text + length;
    *menu = (struct menu){.timeout = 5, .width = 1024, .height = 768};
    *line = 0;
    for (char *start = text; start < end;) {
        char *stop = start;
        while (stop < end && *stop != '\n') {
            stop++;
        }
        ++*line;
        const char *error = line_read(menu, start, stop);
        if (error != NULL) {
            return error;
        }
        start = stop + 1;
    }
    *line = 0;
    return entries_check(menu);
}

bool checksum_parse(const char *text, size_t length, u32 *checksum) {
    u32 value = 0;
    for (size_t i = 0; i < 8; i++) {
        char letter = i < length ? text[i] : 0;
        if (letter >= '0' && letter <= '9') {
            value = value << 4 | (u32)(letter - '0');
        } else if (letter >= 'a' && letter <= 'f') {
            value = value << 4 | (u32)(letter - 'a' + 10);
        } else {
            return false;
        }
    }
    *checksum = value;
    return true;
}
