/* SPDX-License-Identifier: MIT */
/*
 * Views: attachments of a quarter with fewer rights than it has. Where the root of a space has rights
 * (long), it makes the view, and a quarter needs one directory. Elsewhere (pae, ARCH_VIEW_DIRECTORIES)
 * each view has a directory of its own over the same tables: made at the first attachment, and kept in
 * step under the quarter's lock, here and by directory_set (table.c).
 */
#include "kernel/vm/table.h"

entry_t directory_entry_for_view(entry_t entry, u32 view) {
    u32 flags = arch_entry_flags(entry);
    if (!(flags & ENTRY_PRESENT)) {
        return entry;
    }
    flags &= view & RIGHT_WRITE ? ~0u : ~(u32)ENTRY_WRITE;
    flags &= view & RIGHT_EXECUTE ? ~0u : ~(u32)ENTRY_EXECUTE;
    return arch_entry_make(arch_entry_frame(entry), flags);
}

static void view_follow(struct quarter *quarter, u32 view) {
    DIRECTORY_FOR_EACH(i, quarter, 0, TABLE_ENTRIES) {
        entry_t entry = arch_entry_read(&quarter->directory[i]);
        entry_set(&quarter->view_directory[view][i], directory_entry_for_view(entry, view << 1));
    }
}

void views_follow(struct quarter *quarter) {
    for (u32 view = 0; ARCH_VIEW_DIRECTORIES && view < VIEW_COUNT; view++) {
        if (quarter->view_directory[view]) {
            view_follow(quarter, view);
        }
    }
}

int quarter_view_directory(struct quarter *quarter, u32 view, frame_t *result) {
    u32 index = VIEW_INDEX(view);
    if (!ARCH_VIEW_DIRECTORIES || index == VIEW_INDEX(VIEW_FULL)) {
        *result = arch_low_frame(quarter->directory);
        return 0;
    }
    int error = 0;
    quarter_lock(quarter);
    if (!quarter->view_directory[index]) {
        error = directory_create(quarter->slot, quarter->budget, &quarter->view_directory[index]);
        if (!error) {
            view_follow(quarter, index);
        }
    }
    *result = error ? FRAME_NONE : arch_low_frame(quarter->view_directory[index]);
    quarter_unlock(quarter);
    return error;
}
