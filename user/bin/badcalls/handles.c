/* SPDX-License-Identifier: MIT */
/* Handles that are none, and handles of the wrong type. */
#include "user/bin/badcalls/badcalls.h"

static const int no_handles[] = {-1,  -2,           -5,     -15,       -20,
                                 200, HANDLE_LIMIT, 100000, INT32_MAX, INT32_MIN};

static void bad_handle(int handle) {
    struct quarter_stat stat;
    struct handle_stat handle_facts;
    struct process_status status;
    struct message message = {0};
    char buffer[8] = {0};
    EXPECT(E_HANDLE, handle_dup(handle, RIGHTS_ALL, QUARTET_NONE));
    EXPECT(E_HANDLE, handle_close(handle));
    EXPECT(E_HANDLE, handle_private(handle, 1));
    EXPECT(E_HANDLE, handle_stat(handle, &handle_facts));
    EXPECT(E_HANDLE, quarter_copy(handle));
    EXPECT(E_HANDLE, quarter_map(handle, 0, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_HANDLE, quarter_unmap(handle, 0, PAGE_SIZE));
    EXPECT(E_HANDLE, quarter_protect(handle, 0, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_HANDLE, quarter_supply(handle, 0, buffer, sizeof(buffer)));
    EXPECT(E_HANDLE, quarter_stat(handle, &stat));
    if (handle != QUARTET_ANY) {
        EXPECT(E_HANDLE, process_wait(handle, WAIT_NOHANG, &status));
    }
    EXPECT(E_HANDLE, process_kill(handle, 1));
    EXPECT(E_HANDLE, process_open(handle, 1));
    EXPECT(E_HANDLE, process_trace(handle, 0));
    EXPECT(E_HANDLE, endpoint_session(handle, 1));
    EXPECT(E_HANDLE, ipc_call(handle, &message));
    EXPECT(E_HANDLE, ipc_receive(handle, &message));
    EXPECT(E_HANDLE, ipc_reply(handle, &message));
    EXPECT(E_HANDLE, ipc_reply_receive(handle, &message));
    EXPECT(E_HANDLE, debug_write(handle, buffer, 1));
    EXPECT(E_HANDLE, console_take(handle, handle, 1));
    EXPECT(E_HANDLE, console_read(handle, buffer, 1));
    EXPECT(E_HANDLE, monitor_enter(handle));
    EXPECT(E_HANDLE, system_info(handle, INFO_MACHINE, buffer, sizeof(buffer)));
    EXPECT(E_HANDLE, system_off(handle, 0));
    EXPECT(E_HANDLE, quarter_commons(handle, QUARTET_SLOT(1), 1));
    EXPECT(E_HANDLE, quarter_commons(HANDLE_SYSTEM, handle, 1));
    bad_notification_handle(handle);
    bad_pager_handle(handle);
    bad_device_handle(handle);
}

void bad_handles(void) {
    for (size_t i = 0; i < sizeof(no_handles) / sizeof(no_handles[0]); i++) {
        bad_handle(no_handles[i]);
    }
}

void wrong_types(void) {
    struct quarter_stat stat;
    struct process_status status;
    struct message message = {0};
    char buffer[8];
    EXPECT(E_TYPE, quarter_copy(HANDLE_SYSTEM));
    EXPECT(E_TYPE, quarter_map(HANDLE_SYSTEM, 0, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_TYPE, quarter_stat(HANDLE_SYSTEM, &stat));
    EXPECT(E_TYPE, process_wait(HANDLE_SYSTEM, WAIT_NOHANG, &status));
    EXPECT(E_TYPE, process_kill(HANDLE_SYSTEM, 1));
    EXPECT(E_TYPE, endpoint_session(HANDLE_SYSTEM, 1));
    EXPECT(E_TYPE, ipc_call(HANDLE_SYSTEM, &message));
    EXPECT(E_TYPE, ipc_receive(HANDLE_SYSTEM, &message));
    EXPECT(E_TYPE, debug_write((int)own_endpoint, buffer, 1));
    EXPECT(E_TYPE, system_off((int)own_endpoint, 0));
    EXPECT(E_TYPE, quarter_commons((int)own_endpoint, QUARTET_SLOT(1), 1));
    EXPECT(E_TYPE, quarter_commons(HANDLE_SYSTEM, HANDLE_SYSTEM, 1));
}
