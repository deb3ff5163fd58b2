/* SPDX-License-Identifier: MIT */
/*
 * The screen, given to a client for as long as it draws: a quarter with the framebuffer mapped, and a
 * session. When the last handle to the session is closed, by the client or by its end, the kernel says
 * so; the mapping is taken out of the quarter, whoever has that attached by then, and the console is
 * drawn again. Under the console's lock.
 *
 * A badge names one lending of one instance of this server: the end of a session that an earlier
 * instance had given does not take the screen from its present owner.
 */
#include "user/servers/console/console.h"

#include <errno.h>

#include "user/servers/console/handles.h"

#define BADGE_FIRST 0x100u /* badges below are init's */
#define BADGES 0x10000u    /* of an instance, then they come again */
#define INSTANCES 0x7000u
#define SURFACE_RIGHTS (RIGHT_READ | RIGHT_WRITE | RIGHT_MAP)
#define SESSION_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)

static uint32_t first_badge, lendings;
static uint64_t badge; /* of who has it; 0: nobody */
static int quarter = QUARTET_NONE;
static uint32_t length; /* of what is mapped */

void surface_start(uint32_t instance) { first_badge = BADGE_FIRST + instance % INSTANCES * BADGES; }

static void quarter_give_up(void) {
    quarter_unmap(quarter, 0, length);
    handle_close(quarter);
    quarter = QUARTET_NONE;
}

/* A quarter with all of the framebuffer from its start on, or a negated E_*. */
static long quarter_make(void) {
    long result = quarter_create(SLOT_SHARED);
    if (result < 0) {
        return result;
    }
    quarter = (int)result;
    result = quarter_map_device(quarter, 0, CONSOLE_FRAMEBUFFER, RIGHT_READ | RIGHT_WRITE);
    if (result < 0) {
        handle_close(quarter);
        quarter = QUARTET_NONE;
        return result;
    }
    return 0;
}

/* The handles go with the reply, as duplicates; this server keeps the quarter, and not the session. */
static bool reply_surface(uint64_t token, int session, const struct info_framebuffer *picture) {
    struct message reply = {
        .word = {picture->address % PAGE_SIZE},
        .token = token,
        .handle_count = 2,
        .send_length = sizeof *picture,
        .send_buffer = (uintptr_t)picture,
    };
    long shared = handle_dup(quarter, SURFACE_RIGHTS | RIGHT_TRANSFER, QUARTET_NONE);
    reply.handle[0] = session;
    reply.handle[1] = (int)shared;
    long result = shared < 0 ? shared : ipc_reply(HANDLE_SERVICE, &reply);
    if (shared >= 0) {
        handle_close((int)shared);
    }
    return result >= 0;
}

static int surface_try(uint64_t token, const struct info_framebuffer *picture) {
    uint32_t next = first_badge + lendings % BADGES;
    length = (uint32_t)((picture->address % PAGE_SIZE + picture->pitch * picture->height +
                         PAGE_SIZE - 1) &
                        ~(uint64_t)(PAGE_SIZE - 1));
    long session = endpoint_session(HANDLE_SERVICE, next);
    if (session < 0) {
        return ENOMEM;
    }
    if (quarter_make() < 0) {
        handle_close((int)session);
        return ENOMEM;
    }
    lendings++;
    badge = next;
    screen_hide();
    bool given = reply_surface(token, (int)session, picture);
    handle_close(
        (int)session); /* if it was not given, this is its end, and surface_returned comes */
    return given ? 0 : ENOMEM;
}

void surface_lend(uint64_t token) {
    struct info_framebuffer picture;
    int error = EBUSY;
    if (badge == 0) {
        error = screen_picture(&picture) ? surface_try(token, &picture) : ENODEV;
    }
    if (error != 0) {
        reply_send(token, error, 0, NULL, 0);
    }
}

void surface_returned(uint64_t closed) {
    struct info_framebuffer picture;
    if (closed == badge && badge != 0) {
        quarter_give_up();
        badge = 0;
    }
    /* Of an earlier instance: its owner may have drawn until now. */
    if (badge == 0 && screen_picture(&picture)) {
        screen_redraw();
    }
}
