/* SPDX-License-Identifier: MIT */
/* Handles without the right that a call takes. */
#include "user/bin/badcalls/badcalls.h"

void weak_rights(void) {
    struct message message = {0};
    struct handle_stat facts;
    char buffer[8] = {0};
    long quarter = quarter_create(2);
    quarter_map((int)quarter, 0, PAGE_SIZE, RIGHT_READ);
    long weak = handle_dup((int)quarter, RIGHT_READ | RIGHT_DUPLICATE, QUARTET_NONE);
    long none = handle_dup((int)quarter, 0, QUARTET_NONE);
    long system = handle_dup(HANDLE_SYSTEM, RIGHT_DUPLICATE, QUARTET_NONE);
    long mute = handle_dup((int)own_endpoint, 0, QUARTET_NONE);
    state_keep();
    EXPECT(E_RIGHTS, quarter_map((int)weak, PAGE_SIZE, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RIGHTS, quarter_unmap((int)weak, 0, PAGE_SIZE));
    EXPECT(E_RIGHTS, quarter_protect((int)weak, 0, PAGE_SIZE, RIGHT_READ | RIGHT_WRITE));
    EXPECT(E_RIGHTS, quarter_supply((int)weak, 0, buffer, sizeof(buffer)));
    EXPECT(E_RIGHTS, handle_dup((int)none, 0, QUARTET_NONE));
    EXPECT(E_HANDLE, handle_dup((int)weak, 0, QUARTET_FROM(HANDLE_LIMIT)));
    EXPECT(E_HANDLE, handle_dup((int)weak, 0, QUARTET_FROM(-1)));
    EXPECT(E_INVALID, handle_private((int)none, 2));
    EXPECT(E_RIGHTS, quarter_copy((int)none));
    EXPECT(E_RIGHTS, debug_write((int)system, buffer, 1));
    EXPECT(E_RIGHTS, console_take((int)system, (int)own_endpoint, 1));
    EXPECT(E_TYPE, console_read((int)system, buffer, 1));
    EXPECT(E_TYPE, monitor_enter((int)system));
    EXPECT(E_RIGHTS,
           debug_write(HANDLE_SYSTEM, buffer, 1)); /* the console is the console server's */
    EXPECT(E_RIGHTS, console_take(HANDLE_SYSTEM, (int)own_endpoint, 1));
    EXPECT(E_RIGHTS, system_info((int)system, INFO_MACHINE, buffer, sizeof(buffer)));
    EXPECT(E_RIGHTS, system_off((int)system, 0));
    EXPECT(E_RIGHTS, quarter_commons((int)system, (int)quarter, 1));
    EXPECT(E_RIGHTS, quarter_commons(HANDLE_SYSTEM, (int)weak, 1));
    EXPECT(E_RIGHTS, process_open((int)system, 1));
    EXPECT(E_RIGHTS, ipc_call((int)mute, &message));
    EXPECT(E_RIGHTS, ipc_receive((int)mute, &message));
    EXPECT(E_RIGHTS, endpoint_session((int)mute, 1));
    long copy = handle_dup((int)weak, RIGHTS_ALL, QUARTET_NONE);
    int widened = copy < 0 || handle_stat((int)copy, &facts) != 0 ||
                  (facts.rights & ~(RIGHT_READ | RIGHT_DUPLICATE));
    handle_close((int)copy);
    expect("handle_dup cannot widen rights", widened ? 0 : -E_RIGHTS, E_RIGHTS);
    handle_close((int)mute);
    handle_close((int)system);
    handle_close((int)none);
    handle_close((int)weak);
    handle_close((int)quarter);
    state_keep();
}
