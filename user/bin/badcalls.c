/* SPDX-License-Identifier: MIT */
/*
 * badcalls [-v]: give every system call what it must refuse, and compare the error and the
 * process's state with what they must be. Bad pointers of all kinds go through every pointer
 * argument; then wrong handles, types, rights, ranges, alignments and lengths, call by call. A
 * wrong error, a success, or a state that changed is a failure; if the kernel dies of it there is
 * no last line. Ends with "N passed, N failed". The calls stand in badcalls/, by subject.
 */
#include <string.h>

#include "user/bin/badcalls/badcalls.h"

long file_session, own_endpoint;

static int verbose, passed, failed;

/* ---- State: what no refused call may change -------------------------------------------------- */

struct state {
    uint32_t handles, threads, processes, quarters, spaces;
    uint64_t space, sub_id[SLOT_COUNT];
    uint32_t regions[SLOT_COUNT];
};

static struct state state_now(void) {
    struct state state;
    struct info_process process;
    struct info_machine machine;
    memset(&state, 0, sizeof(state));
    memset(&process, 0, sizeof(process));
    memset(&machine, 0, sizeof(machine));
    struct handle_stat self;
    process.pid = handle_stat(QUARTET_SELF, &self) == 0 ? (uint32_t)self.id : 0;
    system_info(HANDLE_SYSTEM, INFO_PROCESS, &process, sizeof(process));
    system_info(HANDLE_SYSTEM, INFO_MACHINE, &machine, sizeof(machine));
    state.handles = process.handles;
    state.threads = process.threads;
    state.space = process.space;
    state.processes = machine.processes;
    state.quarters = machine.quarters;
    state.spaces = machine.spaces;
    for (int slot = 0; slot < (int)SLOT_COUNT; slot++) {
        state.sub_id[slot] = process.slot[slot].sub_id;
        state.regions[slot] = process.slot[slot].regions;
    }
    return state;
}

static struct state before;

void state_settle(void) {
    for (int quiet = 0; quiet < 5; quiet++) {
        struct state now = state_now();
        quiet = memcmp(&before, &now, sizeof(now)) == 0 ? quiet : 0;
        before = now;
        thread_sleep(10000);
    }
}

void state_keep(void) { before = state_now(); }

void expect(const char *what, long result, long wanted) {
    struct state after = state_now();
    int right = result == -wanted && memcmp(&before, &after, sizeof(after)) == 0;
    passed += right;
    failed += !right;
    if (!right) {
        printf("FAIL %s: %s, not %s%s\n", what,
               result >= 0 ? "success" : quartet_error_name(result), quartet_error_name(wanted),
               result == -wanted ? "; but the state changed" : "");
        before = after;
    } else if (verbose) {
        printf("ok   %s: %s\n", what, quartet_error_name(wanted));
    }
}

/* ---- All ------------------------------------------------------------------------------------- */

int main(int argc, char **argv) {
    verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    own_endpoint = endpoint_create();
    file_session =
        endpoint_session((int)own_endpoint, 1); /* nobody receives: only refused calls return */
    state_settle();
    wild_pointers();
    bad_handles();
    wrong_types();
    weak_rights();
    bad_ranges();
    bad_space_changes();
    bad_gifts();
    bad_processes_and_threads();
    bad_call_numbers();
    bad_notifications();
    bad_pagers();
    bad_devices();
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
