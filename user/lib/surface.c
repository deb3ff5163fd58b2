/* SPDX-License-Identifier: MIT */
/*
 * The graphics screen, from the console server. Labels: protocol.h; what happens at the ends:
 * docs/screen.md.
 */
#include <errno.h>

#include "internal.h"
#include "protocol.h"

#define VIEW (RIGHT_READ | RIGHT_WRITE)

/* The quarter comes to slot 2, and its handle goes. */
static long attach(int quarter) {
    struct space_change change = {.process = QUARTET_SELF, .flags = SPACE_CONSUME};
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        change.quarter[slot] = QUARTET_KEEP;
    change.quarter[SLOT_SHARED] = quarter;
    change.rights[SLOT_SHARED] = VIEW;
    return space_set(&change);
}

static bool slot_in_use(void) {
    struct quarter_stat stat;
    return quarter_stat(QUARTET_SLOT(SLOT_SHARED), &stat) == 0 && stat.regions != 0;
}

int quartet_surface_open(struct quartet_surface *surface) {
    struct message message = {.receive_buffer = (uintptr_t)&surface->picture,
                              .receive_size = sizeof surface->picture};
    if (slot_in_use()) {
        errno = EINVAL;
        return -1;
    }
    if (file_call(HANDLE_CONSOLE, CONSOLE_SCREEN, &message) < 0)
        return -1;
    surface->session = message.handle[0];
    if (posix_result(attach(message.handle[1])) < 0) {
        handle_close(message.handle[1]);
        handle_close(surface->session);
        return -1;
    }
    surface->pixels =
        (volatile uint8_t *)(uintptr_t)SLOT_BASE(SLOT_SHARED) + (uint32_t)message.word[0];
    return 0;
}

void quartet_surface_close(struct quartet_surface *surface) {
    long empty = quarter_create(SLOT_SHARED);
    if (empty >= 0 && attach((int)empty) < 0)
        handle_close((int)empty);
    handle_close(surface->session);
}
