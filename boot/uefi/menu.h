/* SPDX-License-Identifier: MIT */
/*
 * The menu's description, menu.cfg on the boot volume. Pure: host tests share it. A line has a word and its
 * value; an empty line and one that starts with # say nothing:
 *   timeout SECONDS    until the first entry starts; 0: at once, without the menu
 *   screen WIDTHxHEIGHT  the graphics mode that is looked for
 *   entry TITLE        begins an entry; the following belong to it
 *   kernel PATH        on the same volume; an entry without one only checks its initrd
 *   initrd PATH
 *   words WORDS        the kernel's command line
 */
#ifndef BOOT_UEFI_MENU_H
#define BOOT_UEFI_MENU_H

#include "kernel/base/types.h"

#define MENU_ENTRIES 16u
#define MENU_TITLE 60u /* bytes; a screen has 80 columns */
#define MENU_PATH 120u /* bytes */
#define MENU_TIMEOUT 3600u

struct menu_entry {
    const char *title;
    const char *kernel; /* null: only the initrd is checked */
    const char *initrd; /* null: there is none */
    const char *words;  /* never null */
};

struct menu {
    u32 timeout; /* seconds */
    u32 width, height;
    u32 count; /* 1..MENU_ENTRIES */
    struct menu_entry entry[MENU_ENTRIES];
};

/* Fill MENU from the LENGTH bytes at TEXT, which stay in use and are changed; TEXT[LENGTH] is the caller's
 * too. Null, or a sentence, with the number of the line in *LINE (0: it is about the whole). */
const char *menu_parse(struct menu *menu, char *text, size_t length, u32 *line);

/* A checksum file: eight hexadecimal digits, whatever follows them. False if they are not there. */
bool checksum_parse(const char *text, size_t length, u32 *checksum);

#endif
