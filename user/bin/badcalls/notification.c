/* SPDX-License-Identifier: MIT */
/* Notifications: wrong handles, types, rights and bits, and what must not be waited for. */
#include "user/bin/badcalls/badcalls.h"

void bad_notification_handle(int handle) {
    EXPECT(E_HANDLE, notification_signal(handle, 1));
    EXPECT(E_HANDLE, notification_wait(handle, 1, 0));
    EXPECT(E_HANDLE, notification_timer(handle, 1, 1, 0));
}

static void bad_bits(int note) {
    EXPECT(E_INVALID, notification_signal(note, 0));
    EXPECT(E_INVALID, notification_signal(note, 0x80000000u));
    EXPECT(E_INVALID, notification_wait(note, 0, 0));
    EXPECT(E_INVALID, notification_wait(note, 0x80000001u, 0));
    EXPECT(E_INVALID, notification_timer(note, 0, 1, 0));
    EXPECT(E_INVALID, notification_timer(note, UINT32_MAX, 1, 0));
}

void bad_notifications(void) {
    int note = (int)notification_create();
    int none = (int)handle_dup(note, 0, QUARTET_NONE);
    int reader = (int)handle_dup(note, RIGHT_READ, QUARTET_NONE);
    state_keep();
    EXPECT(E_TYPE, notification_signal(HANDLE_SYSTEM, 1));
    EXPECT(E_TYPE, notification_wait(QUARTET_SELF, 1, 0));
    EXPECT(E_TYPE, notification_timer(QUARTET_SLOT(1), 1, 1, 0));
    EXPECT(E_RIGHTS, notification_signal(none, 1));
    EXPECT(E_RIGHTS, notification_wait(none, 1, 0));
    EXPECT(E_RIGHTS, notification_timer(none, 1, 1, 0));
    bad_bits(note);
    EXPECT(E_AGAIN, notification_wait(note, 1, 0));
    EXPECT(E_TIMEOUT, notification_wait(note, 1, 1));
    handle_close(note);
    state_keep();
    EXPECT(E_DEAD, notification_wait(reader, 1, FUTEX_FOREVER));
    handle_close(reader);
    handle_close(none);
    state_keep();
}
