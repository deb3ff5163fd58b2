/* SPDX-License-Identifier: MIT */
/*
 * What is typed, and what it says: a line that can be edited at its end, words, numbers. Nothing of
 * the kernel is needed here, so the host tests it.
 */
#ifndef DEBUG_MONITOR_LINE_H
#define DEBUG_MONITOR_LINE_H

#include "kernel/base/types.h"

#define MONITOR_LINE 80u
#define MONITOR_ECHO (3 * MONITOR_LINE) /* what one key can make appear, with its end */
#define MONITOR_WORDS 4u

struct monitor_line {
    u32 length;
    bool ended_by_return; /* a newline that follows belongs to it */
    char text[MONITOR_LINE];
};

void monitor_line_start(struct monitor_line *line);

/* KEY has been typed: true if the line, ended by 0, is complete. ECHO: what to show for it. Return
 * and newline end it, backspace takes one away, ^U and ^C all; other control characters are nothing.
 * What there is no room for is dropped, with a bell. */
bool monitor_line_key(struct monitor_line *line, char key, char echo[MONITOR_ECHO]);

struct monitor_words {
    u32 count;
    const char *word[MONITOR_WORDS];
};

/* Cut TEXT at its spaces, in place. False: there are more words than that. */
bool monitor_split(char *text, struct monitor_words *words);

/* A number of decimal digits, or of hexadecimal ones behind 0x. False: it is none, or too large. */
bool monitor_number(const char *text, u64 *value);

/* Which of COUNT names TEXT is, or begins as no other does; COUNT: none, or several. */
u32 monitor_choose(const char *text, const char *(*name)(u32 index), u32 count);

#endif
