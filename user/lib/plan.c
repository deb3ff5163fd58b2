/* SPDX-License-Identifier: MIT */
/*
 * Plans as text. The encoding is PLAN() of abi/abi.h; here are only its words.
 */
#include <string.h>

#include "quartet.h"

static const char *const words[4] = {
    [PLAN_SHARE] = "share", [PLAN_COPY] = "copy", [PLAN_FRESH] = "fresh", [PLAN_NONE] = "none"};

static const struct {
    const char *name;
    uint8_t plan;
} presets[] = {
    {"fork", PLAN_FORK}, {"thread", PLAN_THREAD}, {"rfork", PLAN_RFORK}, {"spawn", PLAN_SPAWN}};

#define PRESET_COUNT (sizeof(presets) / sizeof(presets[0]))

/* The word of which the LENGTH bytes at TEXT are the beginning, or -1. */
static int word_find(const char *text, size_t length) {
    for (int word = 0; word < 4; word++)
        if (length > 0 && strncmp(words[word], text, length) == 0)
            return word;
    return -1;
}

static int words_parse(const char *text) {
    uint32_t plan = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        size_t length = strcspn(text, ",");
        int word = word_find(text, length);
        if (word < 0 || (text[length] == ',') != (slot < SLOT_COUNT - 1))
            return -E_INVALID;
        plan |= (uint32_t)word << (2 * slot);
        text += length + 1;
    }
    return (int)plan;
}

int quartet_plan_parse(const char *text) {
    for (size_t i = 0; i < PRESET_COUNT; i++)
        if (strcmp(presets[i].name, text) == 0)
            return presets[i].plan;
    return words_parse(text);
}

char *quartet_plan_format(uint32_t plan, char text[PLAN_TEXT_SIZE]) {
    text[0] = '\0';
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        strcat(text, words[PLAN_FOR_SLOT(plan, slot)]);
        strcat(text, slot < SLOT_COUNT - 1 ? "," : "");
    }
    return text;
}

const char *quartet_plan_name(uint32_t plan) {
    for (size_t i = 0; i < PRESET_COUNT; i++)
        if (presets[i].plan == (plan & 0xFF))
            return presets[i].name;
    return NULL;
}
