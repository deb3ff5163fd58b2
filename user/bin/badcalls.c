/* SPDX-License-Identifier: MIT */
/*
 * badcalls [-v]: give every system call what it must refuse, and compare the error and the
 * process's state with what they must be. Bad pointers of all kinds go through every pointer
 * argument; then wrong handles, types, rights, ranges, alignments and lengths, call by call. A
 * wrong error, a success, or a state that changed is a failure; if the kernel dies of it there is
 * no last line. Ends with "N passed, N failed".
 */
#include <quartet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/bin/badcalls/badcalls.h"
#include "user/bin/badcalls/raw.h"

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

/* Processes of the same line may start and end on other CPUs: wait until the machine is quiet. */
static void state_settle(void) {
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

/* ---- Wild pointers --------------------------------------------------------------------------- */

#ifdef ARCH_PAE
#define KERNEL_POINTER 0xF0100000u
#define WRAPPING_POINTER 0xFFFFFFFCu
#else
#define KERNEL_POINTER 0xFFFFFFFF80100000u
#define WRAPPING_POINTER 0xFFFFFFFFFFFFFFFCu
#endif

/* Read-only: bad for an out parameter. */
static const char constants[PAGE_SIZE] = "in slot 0, not writable";

enum {
    READABLE = 1,  /* a good source, but a bad place to write */
    STRADDLES = 2, /* its first bytes are good */
};

static const struct {
    const char *name;
    uintptr_t address;
    int kind;
} wild[] = {
    {"null", 0, 0},
    {"the first page", 8, 0},
    {"a kernel address", KERNEL_POINTER, 0},
    {"the last bytes of the address space", WRAPPING_POINTER, 0},
    {"the end of the user's addresses", (uintptr_t)QUARTET_STACK_TOP - 2, STRADDLES},
    {"an unmapped address", 0x3F000000, 0},
    {"an unmapped misaligned address", 0x3F000001, 0},
    {"the border of slots 0 and 1", 0x40000000 - 2, STRADDLES},
    {"the border of slots 1 and 2", 0x80000000u - 2, STRADDLES},
    {"constants", (uintptr_t)constants, READABLE},
};

static long file_session; /* a session to call, for messages with bad buffers */
static long own_endpoint;

/* Each takes one pointer and must fail with E_FAULT. OUT: it writes there. */
static long use_clock(uintptr_t p) { return clock_now((void *)p); }
static long use_handle_stat(uintptr_t p) { return handle_stat(HANDLE_SYSTEM, (void *)p); }
static long use_quarter_stat(uintptr_t p) { return quarter_stat(QUARTET_SLOT(1), (void *)p); }
static long use_supply(uintptr_t p) { return quarter_supply(QUARTET_SLOT(1), 0, (void *)p, 8); }
static long use_supply_pages(uintptr_t p) { return quarter_supply_pages((void *)p); }
static long use_space_set(uintptr_t p) { return space_set((void *)p); }
static long use_wait(uintptr_t p) { return process_wait(QUARTET_ANY, WAIT_NOHANG, (void *)p); }
static long use_limit(uintptr_t p) { return process_limit((void *)p); }
static long use_call(uintptr_t p) { return ipc_call((int)file_session, (void *)p); }
static long use_reply(uintptr_t p) { return ipc_reply((int)own_endpoint, (void *)p); }
static long use_reply_receive(uintptr_t p) {
    return ipc_reply_receive((int)own_endpoint, (void *)p);
}
static long use_info(uintptr_t p) {
    return system_info(HANDLE_SYSTEM, INFO_MACHINE, (void *)p, sizeof(struct info_machine));
}
static long use_futex_wait(uintptr_t p) { return futex_wait(p & ~(uintptr_t)3, 1, 0); }
static long use_message_send(uintptr_t p) {
    struct message message = {.send_buffer = p, .send_length = 8};
    return ipc_call((int)file_session, &message);
}

static const struct {
    const char *name;
    long (*use)(uintptr_t);
    int out;
    int one_word; /* aligned, so it cannot straddle anything */
} users[] = {
    {"clock_now", use_clock, 1, 0},
    {"handle_stat", use_handle_stat, 1, 0},
    {"quarter_stat", use_quarter_stat, 1, 0},
    {"quarter_supply", use_supply, 0, 0},
    {"quarter_supply_pages", use_supply_pages, 0, 0},
    {"space_set", use_space_set, 0, 0},
    {"process_limit", use_limit, 0, 0},
    {"ipc_call", use_call, 1, 0},
    {"ipc_call's send_buffer", use_message_send, 0, 0},
    {"ipc_reply", use_reply, 0, 0},
    {"ipc_reply_receive", use_reply_receive, 1, 0},
    {"system_info", use_info, 1, 0},
    {"futex_wait", use_futex_wait, 0, 1},
};

static void wild_pointers(void) {
    char what[96];
    for (size_t u = 0; u < sizeof(users) / sizeof(users[0]); u++) {
        for (size_t w = 0; w < sizeof(wild) / sizeof(wild[0]); w++) {
            int harmless = (wild[w].kind == READABLE && !users[u].out) ||
                           (wild[w].kind == STRADDLES && users[u].one_word);
            if (!harmless) {
                snprintf(what, sizeof(what), "%s with %s", users[u].name, wild[w].name);
                expect(what, users[u].use(wild[w].address), E_FAULT);
            }
        }
    }
    expect("process_wait without children", use_wait((uintptr_t)&what), E_NOTFOUND);
}

/* ---- Handles --------------------------------------------------------------------------------- */

static const int bad_handles[] = {-1,  -2,           -5,     -15,       -20,
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

static void wrong_types(void) {
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

/* ---- Rights ---------------------------------------------------------------------------------- */

static void weak_rights(void) {
    struct message message = {0};
    struct handle_stat facts;
    char buffer[8] = {0};
    long quarter = quarter_create(2);
    quarter_map((int)quarter, 0, PAGE_SIZE, RIGHT_READ);
    long weak = handle_dup((int)quarter, RIGHT_READ | RIGHT_DUPLICATE, QUARTET_NONE);
    long none = handle_dup((int)quarter, 0, QUARTET_NONE);
    long system = handle_dup(HANDLE_SYSTEM, RIGHT_DUPLICATE, QUARTET_NONE);
    long mute = handle_dup((int)own_endpoint, 0, QUARTET_NONE);
    before = state_now();
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
    before = state_now();
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static void bad_ranges(void) {
    char byte = 0;
    EXPECT(E_SLOT, quarter_create(4));
    EXPECT(E_SLOT, quarter_create(UINT32_MAX));
    EXPECT(E_SLOT, space_get(4));
    EXPECT(E_ALIGN, quarter_map(QUARTET_SLOT(1), 0x20000001, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_ALIGN, quarter_map(QUARTET_SLOT(1), 0x20000000, 1, RIGHT_READ));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, 0, RIGHT_READ));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, 0));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, RIGHT_WRITE));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, 0xFFFF));
    EXPECT(E_INVALID, quarter_map(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE,
                                  RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE));
    EXPECT(E_RANGE, quarter_map(QUARTET_SLOT(1), QUARTER_SIZE, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RANGE,
           quarter_map(QUARTET_SLOT(1), QUARTER_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RANGE, quarter_map(QUARTET_SLOT(1), 0xFFFFF000u, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_RANGE, quarter_map(QUARTET_SLOT(1), PAGE_SIZE, 0xFFFFF000u, RIGHT_READ));
#ifdef ARCH_PAE
    EXPECT(E_RANGE,
           quarter_map(QUARTET_SLOT(3), 0x30000000, PAGE_SIZE, RIGHT_READ)); /* the kernel's part */
#endif
    EXPECT(E_EXISTS, quarter_map(QUARTET_SLOT(1), 0, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_NOTFOUND, quarter_unmap(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE));
    EXPECT(E_RANGE, quarter_unmap(QUARTET_SLOT(1), QUARTER_SIZE - PAGE_SIZE, 2 * PAGE_SIZE));
    EXPECT(E_NOTFOUND, quarter_protect(QUARTET_SLOT(1), 0x20000000, PAGE_SIZE, RIGHT_READ));
    EXPECT(E_INVALID, quarter_protect(QUARTET_SLOT(1), 0, PAGE_SIZE,
                                      RIGHT_WRITE | RIGHT_EXECUTE | RIGHT_READ));
    EXPECT(E_NOTFOUND, quarter_supply(QUARTET_SLOT(1), 0x20000000, &byte, 1));
    EXPECT(E_RANGE, quarter_supply(QUARTET_SLOT(1), QUARTER_SIZE, &byte, 1));
    EXPECT(E_RANGE, quarter_supply(QUARTET_SLOT(1), QUARTER_SIZE - 1, &byte, 2));
    EXPECT(E_RANGE,
           quarter_supply(QUARTET_SLOT(1), 0, (void *)(uintptr_t)SLOT_BASE(1), 0xFFFFF000u));
}

static void bad_space_changes(void) {
    struct space_change keep = {.process = QUARTET_SELF};
    for (int slot = 0; slot < (int)SLOT_COUNT; slot++) {
        keep.quarter[slot] = QUARTET_KEEP;
    }
    struct space_change change = keep;
    change.flags = 0x80000000u;
    EXPECT(E_INVALID, space_set(&change));
    change = keep;
    change.quarter[2] = 200;
    EXPECT(E_HANDLE, space_set(&change));
    change = keep;
    change.quarter[2] = HANDLE_SYSTEM;
    change.rights[2] = RIGHT_READ;
    EXPECT(E_TYPE, space_set(&change));
    long quarter = quarter_create(1);
    before = state_now();
    change = keep;
    change.quarter[2] = (int32_t)quarter;
    change.rights[2] = RIGHT_READ;
    EXPECT(E_SLOT, space_set(&change));
    change = keep;
    change.quarter[2] = QUARTET_NONE;
    change.process = 200;
    EXPECT(E_HANDLE, space_set(&change));
    change = keep;
    change.process = (int32_t)quarter;
    EXPECT(E_TYPE, space_set(&change));
    handle_close((int)quarter);
    before = state_now();
}

static uint32_t handles_of(int process) {
    struct handle_stat self;
    struct info_process info = {.pid = 0};
    info.pid = handle_stat(process, &self) == 0 ? (uint32_t)self.id : 0;
    system_info(HANDLE_SYSTEM, INFO_PROCESS, &info, sizeof(info));
    return info.handles;
}

static void bad_gifts(void) {
    long child = process_clone(PLAN_SPAWN | CLONE_STOPPED | CLONE_BARE, 0, 0, 0);
    long fixed = handle_dup((int)own_endpoint, RIGHT_WRITE, QUARTET_NONE);
    long weak = handle_dup((int)child, RIGHTS_ALL & ~RIGHT_MAP, QUARTET_NONE);
    handle_give((int)child, HANDLE_SYSTEM, RIGHT_READ, HANDLE_SYSTEM);
    before = state_now();
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
    before = state_now();
    EXPECT(E_BUSY, handle_give((int)child, HANDLE_SYSTEM, RIGHT_READ, 8));
    handle_close((int)weak);
    handle_close((int)fixed);
    handle_close((int)child);
    state_settle();
}

static void bad_processes_and_threads(void) {
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

static void bad_numbers(void) {
    EXPECT(E_NOSYS, raw_call(1000));
    EXPECT(E_NOSYS, raw_call(-1));
    EXPECT(E_NOSYS, raw_call(INT32_MAX));
    EXPECT(E_NOSYS, raw_call(INT32_MIN));
}

int main(int argc, char **argv) {
    verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    own_endpoint = endpoint_create();
    file_session =
        endpoint_session((int)own_endpoint, 1); /* nobody receives: only refused calls return */
    state_settle();
    wild_pointers();
    for (size_t i = 0; i < sizeof(bad_handles) / sizeof(bad_handles[0]); i++) {
        bad_handle(bad_handles[i]);
    }
    wrong_types();
    weak_rights();
    bad_ranges();
    bad_space_changes();
    bad_gifts();
    bad_processes_and_threads();
    bad_numbers();
    bad_notifications();
    bad_pagers();
    bad_devices();
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
