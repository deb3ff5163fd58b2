/* SPDX-License-Identifier: MIT */
/* Processes, threads and messages: what cannot be given, waited for, asked or sent. */
#include "user/bin/badcalls/badcalls.h"

static uint32_t handles_of(int process) {
    struct handle_stat self;
    struct info_process info = {.pid = 0};
    info.pid = handle_stat(process, &self) == 0 ? (uint32_t)self.id : 0;
    system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info));
    return info.handles;
}

void bad_gifts(void) {
    long child = process_clone(PLAN_SPAWN | CLONE_STOPPED | CLONE_BARE, 0, 0, 0);
    long fixed = handle_dup((int)own_endpoint, RIGHT_WRITE, QUARTET_NONE);
    long weak = handle_dup((int)child, RIGHTS_ALL & ~RIGHT_MAP, QUARTET_NONE);
    handle_give((int)child, HANDLE_SYSTEM, RIGHT_READ, HANDLE_SYSTEM);
    state_keep();
    expect("a bare clone has only what it was given", handles_of((int)child) == 1 ? -E_OK : 1,
           E_OK);
    EXPECT(E_HANDLE, handle_give(200, HANDLE_SYSTEM, RIGHT_READ, 8));
    EXPECT(E_TYPE, handle_give(HANDLE_SYSTEM, HANDLE_SYSTEM, RIGHT_READ, 8));
    EXPECT(E_RIGHTS, handle_give((int)weak, HANDLE_SYSTEM, RIGHT_READ, 8));
    EXPECT(E_HANDLE, handle_give((int)child, 200, RIGHT_READ, 8));
    EXPECT(E_RIGHTS, handle_give((int)child, (int)fixed, RIGHT_WRITE, 8));
    EXPECT(E_INVALID, handle_give((int)child, HANDLE_SYSTEM, RIGHTS_ALL + 1, 8));
    EXPECT(E_HANDLE, handle_give((int)child, HANDLE_SYSTEM, RIGHT_READ, HANDLE_LIMIT));
    EXPECT(E_HANDLE, handle_give((int)child, HANDLE_SYSTEM, RIGHT_READ, QUARTET_NONE));
    EXPECT(E_EXISTS, handle_give((int)child, HANDLE_SYSTEM, RIGHT_READ, HANDLE_SYSTEM));
    EXPECT(E_BUSY, handle_give(QUARTET_SELF, HANDLE_SYSTEM, RIGHT_READ, 100));
    struct process_status status;
    process_kill((int)child, 9);
    process_wait((int)child, 0, &status);
    state_keep();
    EXPECT(E_BUSY, handle_give((int)child, HANDLE_SYSTEM, RIGHT_READ, 8));
    handle_close((int)weak);
    handle_close((int)fixed);
    handle_close((int)child);
    state_settle();
}

void bad_processes_and_threads(void) {
    uint32_t word = 0;
    struct message message = {0};
    struct info_cpu cpu = {.number = UINT32_MAX};
    EXPECT(E_INVALID, process_clone(0x8000, 0, 0, 0));
    EXPECT(E_INVALID, thread_priority(1000));
    EXPECT(E_INVALID, thread_pin(32));
    EXPECT(E_ALIGN, futex_wait((uintptr_t)&word + 1, 0, 0));
    EXPECT(E_AGAIN, futex_wait((uintptr_t)&word, 1, 0));
    EXPECT(E_TIMEOUT, futex_wait((uintptr_t)&word, 0, 1));
    EXPECT(E_NOTFOUND, process_open(HANDLE_SYSTEM, 0x7FFFFFFF));
    EXPECT(E_INVALID, system_info(HANDLE_SYSTEM, 999, &word, sizeof(word)));
    EXPECT(E_TOOBIG, system_info(HANDLE_SYSTEM, INFO_CPU, &cpu, sizeof(cpu) - 1));
    EXPECT(E_NOTFOUND, system_info(HANDLE_SYSTEM, INFO_CPU, &cpu, sizeof(cpu)));
    EXPECT(E_INVALID, quarter_commons(HANDLE_SYSTEM, QUARTET_SLOT(1), 2));
    EXPECT(E_NOTFOUND, ipc_reply((int)own_endpoint, &message));
    message.token = 12345;
    EXPECT(E_NOTFOUND, ipc_reply_receive((int)own_endpoint, &message));
    message.handle_count = 5;
    EXPECT(E_INVALID, ipc_call((int)file_session, &message));
    message.handle_count = 1;
    message.handle[0] = 200;
    EXPECT(E_HANDLE, ipc_call((int)file_session, &message));
    message.handle_count = 0;
    message.send_length = MESSAGE_BYTES + 1;
    message.send_buffer = (uintptr_t)&word;
    EXPECT(E_TOOBIG, ipc_call((int)file_session, &message));
}
