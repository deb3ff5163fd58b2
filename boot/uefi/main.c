/* SPDX-License-Identifier: MIT */
/*
 * Quartet's loader for UEFI firmware: menu.cfg, the menu, and again the menu when what was chosen does not
 * work. Read next: menu.h, screen.c, start.c.
 */
#include "boot/uefi/loader.h"

#define MENU_FILE "/menu.cfg"

static struct menu menu;
static struct file menu_file; /* the menu's strings are in it */
static struct edit_line line;

/* "PATH: SENTENCE.", as every message of the loader. */
static void complain(const char *path, const char *sentence) {
    Print(L"\r\n%a: %a.\r\n", path, sentence);
}

static const char *menu_load(void) {
    u32 number = 0;
    const char *error = volume_read(MENU_FILE, &menu_file);
    error = error ? error : menu_parse(&menu, (char *)menu_file.bytes, menu_file.length, &number);
    if (number != 0) {
        Print(L"\r\nIn line %d:", number);
    }
    return error;
}

/* Read PATH to FILE and compare it with its checksum. False: with a message. */
static bool file_load(const char *path, struct file *file, bool *checked) {
    const char *error = volume_read(path, file);
    error = error ? error : volume_check(path, file, checked);
    if (error != NULL) {
        complain(path, error);
    }
    return error == NULL;
}

/* An entry without a kernel. */
static void initrd_check(const struct menu_entry *entry) {
    struct file file = {0};
    bool checked = false;
    if (file_load(entry->initrd, &file, &checked)) {
        complain(entry->initrd,
                 checked ? "its checksum is right" : "there is no checksum to compare it with");
    }
    file_free(&file);
}

/* Returns only when it did not work, after a message. */
static void entry_start(EFI_HANDLE image, const struct menu_entry *entry) {
    struct start start = {
        .loader = image,
        .kernel_path = entry->kernel,
        .command_line = line.text,
        .width = menu.width,
        .height = menu.height,
    };
    bool checked;
    if (file_load(entry->kernel, &start.kernel, &checked) &&
        (entry->initrd == NULL || file_load(entry->initrd, &start.initrd, &checked))) {
        complain(entry->kernel, start_kernel(&start));
    }
    file_free(&start.kernel);
    file_free(&start.initrd);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table) {
    InitializeLib(image, table);
    BS->SetWatchdogTimer(0, 0, 0,
                         NULL); /* else the firmware resets while somebody reads the menu */
    const char *error = volume_open(image);
    error = error ? error : menu_load();
    if (error != NULL) {
        complain(MENU_FILE, error);
        screen_wait_key();
        return EFI_LOAD_ERROR;
    }
    const struct menu_entry *entry = &menu.entry[0];
    edit_set(&line, entry->words);
    for (bool timed = true;; timed = false) {
        if (!timed || menu.timeout > 0) {
            entry = screen_choose(&menu, timed, &line);
            Print(L"\r\n\n");
        }
        if (entry->kernel == NULL) {
            initrd_check(entry);
        } else {
            entry_start(image, entry);
        }
        Print(L"Press a key for the menu.\r\n");
        screen_wait_key();
    }
}
