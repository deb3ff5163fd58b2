/* SPDX-License-Identifier: MIT */
/* A line of text that is edited with keys: the kernel's command line. Pure: host tests share it. */
#ifndef BOOT_UEFI_EDIT_H
#define BOOT_UEFI_EDIT_H

#include "kernel/boot/boot_info.h"

struct edit_line {
    u32 length;                   /* < BOOT_COMMAND_LINE */
    u32 cursor;                   /* 0..length */
    char text[BOOT_COMMAND_LINE]; /* with a zero behind */
};

/* What is no letter. */
enum edit_key {
    EDIT_LEFT = 0x100,
    EDIT_RIGHT,
    EDIT_HOME,
    EDIT_END,
    EDIT_BACKSPACE,
    EDIT_DELETE, /* behind the last letter as EDIT_BACKSPACE: firmware makes it of a terminal's 0x7F */
    EDIT_CLEAR,
};

/* Begin with TEXT, cut to what fits; the cursor stands behind it. */
void edit_set(struct edit_line *line, const char *text);

/* A letter (0x20..0x7E) or an edit_key; all else, and a letter that does not fit, changes nothing. */
void edit_press(struct edit_line *line, u32 key);

/* Which letter a window of WIDTH > 1 columns shows first, so that the cursor is in it. */
u32 edit_window(const struct edit_line *line, u32 width);

#endif
