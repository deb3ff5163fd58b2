/* SPDX-License-Identifier: MIT */
/*
 * screencheck: what the console server promises to who draws on the graphics screen (docs/screen.md):
 * one at a time, and not a moment longer than the session is open. Status 0: all held, or the machine
 * has no such screen, and the server says so.
 */
#include <quartet.h>

#include "user/bin/check.h"
#include "user/lib/protocol.h"

CHECK_COUNTERS;

#define LOOKS 500
#define PAUSE 10000u /* microseconds */

/* What the server answers to who asks, beside the library. */
static uint32_t ask(void) {
    struct info_framebuffer picture;
    struct message message = {.label = CONSOLE_SCREEN,
                              .receive_buffer = (uintptr_t)&picture,
                              .receive_size = sizeof picture};
    return ipc_call(HANDLE_CONSOLE, &message) < 0 ? UINT32_MAX : message.label;
}

/* The mapping is taken out of the quarter, which still stands in slot 2. */
static bool taken_away(void) {
    struct quarter_stat stat = {.regions = 1};
    for (int i = 0; i < LOOKS && stat.regions != 0; i++) {
        if (quarter_stat(QUARTET_SLOT(SLOT_SHARED), &stat) < 0) {
            return false;
        }
        thread_sleep(PAUSE);
    }
    return stat.regions == 0 && stat.resident == 0;
}

static void check_screen(struct quartet_surface *surface) {
    struct quartet_surface second;
    struct quarter_stat stat;
    CHECK(quarter_stat(QUARTET_SLOT(SLOT_SHARED), &stat) == 0 &&
          stat.regions == 1);                                    /* the screen stands in slot 2 */
    CHECK(quartet_surface_open(&second) < 0 && errno == EINVAL); /* a slot in use takes no second */
    CHECK(ask() == EBUSY);                                       /* one draws at a time */
    surface->pixels[0] = 0xFF;
    CHECK(surface->pixels[0] == 0xFF); /* what is drawn is there */
    handle_close(surface->session);
    CHECK(taken_away()); /* it is taken away when the session is closed */
    surface->session = QUARTET_NONE;
    quartet_surface_close(surface);
    CHECK(quartet_surface_open(surface) == 0); /* it can be had again */
    surface->pixels[0] = 0xFF;
    quartet_surface_close(surface);
    CHECK(quarter_stat(QUARTET_SLOT(SLOT_SHARED), &stat) == 0 &&
          stat.regions == 0); /* whoever closes it has an empty slot 2 */
}

int main(void) {
    struct quartet_surface surface;
    if (quartet_surface_open(&surface) == 0) {
        check_screen(&surface);
    } else {
        CHECK(errno == ENODEV && ask() == ENODEV); /* there is no graphics screen */
    }
    return check_end();
}
