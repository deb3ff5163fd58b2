/* SPDX-License-Identifier: MIT */
/* Bad pointers of all kinds, through every pointer argument. */
#include "user/bin/badcalls/badcalls.h"

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

void wild_pointers(void) {
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
