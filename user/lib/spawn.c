/* SPDX-License-Identifier: MIT */
/*
 * A new program in a clone made by a plan: the clone is made stopped, given its quarters from
 * outside, and started by the same space_set. Nothing of the parent is copied that the plan does
 * not say.
 */
#include <errno.h>

#include "internal.h"

static int gifts_give(int child, const struct quartet_spawn *spawn) {
    for (size_t i = 0; i < spawn->gift_count; i++) {
        const struct quartet_gift *gift = &spawn->gifts[i];
        if (posix_result(handle_give(child, gift->handle, gift->rights, gift->index)) < 0)
            return -1;
    }
    return 0;
}

static int child_start(int child, const struct quartet_spawn *spawn) {
    if (spawn->traced && posix_result(process_trace(child, 1)) < 0)
        return -1;
    if (spawn->gifts != NULL && gifts_give(child, spawn) < 0)
        return -1;
    if (quartet_start_program(child, &spawn->program) < 0)
        return -1;
    return child_remember(child);
}

int quartet_spawn(const struct quartet_spawn *spawn) {
    struct process_status status;
    uint32_t flags = CLONE_STOPPED | (spawn->gifts != NULL ? CLONE_BARE : 0);
    long child = process_clone((spawn->plan & 0xFF) | flags, 0, 0, 0);
    if (posix_result(child) < 0)
        return -1;
    if (child_start((int)child, spawn) == 0)
        return (int)child;

    int error = errno;
    process_kill((int)child, 9);
    process_wait((int)child, 0, &status);
    handle_close((int)child);
    errno = error;
    return -1;
}
