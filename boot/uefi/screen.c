/* SPDX-License-Identifier: MIT */
/*
 * The menu. The firmware's console is the screen with the keyboard and the serial line at once, so one
 * drawing serves both. Keys: Up, Down, Enter, E.
 */
#include "boot/uefi/loader.h"

#define SECOND 10000000u /* in the firmware's unit of 100 ns */
#define ROW_FIRST 2      /* of the entries */

/* Wait for a key, or one second if TIMED. False if there was none. */
static bool key_wait(EFI_INPUT_KEY *key, bool timed) {
    EFI_EVENT events[2] = {ST->ConIn->WaitForKey, NULL};
    UINTN index = 0;
    if (timed && (EFI_ERROR(BS->CreateEvent(EVT_TIMER, 0, NULL, NULL, &events[1])) ||
                  EFI_ERROR(BS->SetTimer(events[1], TimerRelative, SECOND)))) {
        timed = false;
    }
    bool found = false;
    do {
        BS->WaitForEvent(timed ? 2 : 1, events, &index);
        found = index == 0 && !EFI_ERROR(ST->ConIn->ReadKeyStroke(ST->ConIn, key));
    } while (!found && index == 0);
    if (events[1] != NULL) {
        BS->CloseEvent(events[1]);
    }
    return found;
}

void screen_wait_key(void) {
    EFI_INPUT_KEY key;
    key_wait(&key, false);
}

static void cursor_move(UINTN column, UINTN row) {
    ST->ConOut->SetCursorPosition(ST->ConOut, column, row);
}

static UINTN columns_count(void) {
    UINTN columns = 80, rows;
    if (EFI_ERROR(
            ST->ConOut->QueryMode(ST->ConOut, (UINTN)ST->ConOut->Mode->Mode, &columns, &rows))) {
        columns = 80;
    }
    return columns;
}

/* ---- Editing ------------------------------------------------------------------------------------- */

static u32 key_convert(const EFI_INPUT_KEY *key) {
    static const struct {
        UINT16 scan;
        u32 key;
    } table[] = {
        {SCAN_LEFT, EDIT_LEFT}, {SCAN_RIGHT, EDIT_RIGHT},   {SCAN_HOME, EDIT_HOME},
        {SCAN_END, EDIT_END},   {SCAN_DELETE, EDIT_DELETE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(table); i++) {
        if (key->ScanCode == table[i].scan) {
            return table[i].key;
        }
    }
    switch (key->UnicodeChar) {
    case CHAR_BACKSPACE:
    case 0x7F: /* what many terminals send for it */
        return EDIT_BACKSPACE;
    case 0x15: /* Ctrl-U */
        return EDIT_CLEAR;
    default:
        return key->UnicodeChar;
    }
}

static void line_draw(const struct edit_line *line, UINTN columns) {
    u32 width = (u32)columns - 3;
    u32 first = edit_window(line, width);
    cursor_move(0, ROW_FIRST);
    Print(L"> ");
    for (u32 i = first; i < first + width; i++) {
        Print(L"%c", i < line->length ? (CHAR16)line->text[i] : L' ');
    }
    cursor_move(2 + line->cursor - first, ROW_FIRST);
}

/* True: start with it; false: back to the menu. */
static bool line_edit(struct edit_line *line) {
    UINTN columns = columns_count();
    ST->ConOut->ClearScreen(ST->ConOut);
    Print(L"Command line. Enter starts, Escape goes back, Ctrl-U clears.\r\n");
    ST->ConOut->EnableCursor(ST->ConOut, TRUE);
    EFI_INPUT_KEY key;
    bool enter = false;
    for (bool done = false; !done;) {
        line_draw(line, columns);
        key_wait(&key, false);
        enter = key.UnicodeChar == CHAR_CARRIAGE_RETURN;
        done = enter || key.ScanCode == SCAN_ESC;
        if (!done) {
            edit_press(line, key_convert(&key));
        }
    }
    ST->ConOut->EnableCursor(ST->ConOut, FALSE);
    return enter;
}

/* ---- Choosing ------------------------------------------------------------------------------------ */

static void menu_draw(const struct menu *menu, u32 chosen, u32 seconds) {
    cursor_move(0, 0);
    Print(L"Quartet, by %a UEFI firmware\r\n\r\n", sizeof(UINTN) == 8 ? "64-bit" : "32-bit");
    for (u32 i = 0; i < menu->count; i++) {
        Print(L" %c %a\r\n", i == chosen ? L'>' : L' ', menu->entry[i].title);
    }
    Print(L"\r\nUp, Down: choose. Enter: start. E: edit the command line.");
    if (seconds > 0) {
        Print(L"  Starts in %d s. \r", seconds);
    } else {
        Print(L"                      \r");
    }
}

static void menu_begin(void) {
    ST->ConOut->ClearScreen(ST->ConOut);
    ST->ConOut->EnableCursor(ST->ConOut, FALSE);
}

const struct menu_entry *screen_choose(const struct menu *menu, bool timed,
                                       struct edit_line *line) {
    u32 chosen = 0, seconds = timed ? menu->timeout : 0;
    EFI_INPUT_KEY key;
    menu_begin();
    for (;;) {
        menu_draw(menu, chosen, seconds);
        if (!key_wait(&key, seconds > 0)) {
            if (--seconds > 0) {
                continue;
            }
            key = (EFI_INPUT_KEY){.UnicodeChar = CHAR_CARRIAGE_RETURN};
        }
        seconds = 0;
        if (key.ScanCode == SCAN_UP) {
            chosen = chosen > 0 ? chosen - 1 : menu->count - 1;
        } else if (key.ScanCode == SCAN_DOWN) {
            chosen = (chosen + 1) % menu->count;
        }
        const struct menu_entry *entry = &menu->entry[chosen];
        bool edit = (key.UnicodeChar | 0x20) == 'e' && entry->kernel != NULL;
        if (edit || key.UnicodeChar == CHAR_CARRIAGE_RETURN) {
            edit_set(line, entry->words);
            if (!edit || line_edit(line)) {
                return entry;
            }
            menu_begin();
        }
    }
}
