/* SPDX-License-Identifier: MIT */
/*
 * Drivers are processes: the one of the console, which prints these lines, is killed three times,
 * and comes back each time, with the same devices in other hands: the supervisor (init) starts it
 * again, this program's session leads to the new one, and nothing that is written gets lost.
 */
#include "user/demos/demo.h"

#define ROUNDS 3
#define WAIT_STEP 10000u /* microseconds */
#define WAIT_STEPS 500

/* The process ID of the console server, or 0. */
static uint32_t console_pid(void) {
    struct info_process info = {.pid = 0};
    for (; system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info)) >= 0; info.pid++) {
        if (strcmp(info.name, "console") == 0 && info.state != 3) {
            return info.pid;
        }
    }
    return 0;
}

/* Another console than OLD, or 0 if none comes. */
static uint32_t console_await(uint32_t old) {
    for (int i = 0; i < WAIT_STEPS; i++) {
        uint32_t pid = console_pid();
        if (pid != 0 && pid != old) {
            return pid;
        }
        thread_sleep(WAIT_STEP);
    }
    return 0;
}

int main(void) {
    int failed = 0;
    uint32_t pid = console_pid();
    for (int round = 0; round < ROUNDS && pid != 0; round++) {
        fflush(stdout);
        long process = demo_must("process_open", process_open(HANDLE_SYSTEM, pid));
        demo_must("process_kill", process_kill((int)process, 9));
        handle_close((int)process);
        uint32_t next = console_await(pid);
        failed += demo_claim(next != 0, "the driver was killed, and another one has its devices");
        pid = next;
    }
    return failed != 0 || pid == 0;
}
