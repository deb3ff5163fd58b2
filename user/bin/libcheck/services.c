/* SPDX-License-Identifier: MIT */
/* Servers by their names, the handles that a program is given, and the loader. */
#include <unistd.h>

#include "protocol.h"
#include "user/bin/libcheck/libcheck.h"

void check_services(void) {
    struct handle_stat stat;
    int session = quartet_service("files");
    CHECK(session >= HANDLE_FIRST && handle_stat(session, &stat) == 0);
    CHECK(stat.type == OBJECT_SESSION && stat.id == BADGE_FILES && !(stat.rights & RIGHT_READ));
    CHECK(close(session) == 0);
    CHECK(quartet_service("nobody") == -1 && errno == ENOENT);
    CHECK(quartet_service("") == -1 && errno == ENOENT);
    CHECK(quartet_service("a name that is longer than any") == -1 && errno == ENOENT);

    struct message weak = {
        .label = NAMES_LOOK_UP, .send_buffer = (uintptr_t) "files", .send_length = 5};
    CHECK(ipc_call(HANDLE_NAMES, &weak) == 0 && weak.label == 0);
    CHECK(handle_stat(weak.handle[0], &stat) == 0 && stat.rights == RIGHT_TRANSFER);
    CHECK(close(weak.handle[0]) == 0);

    struct message registration = {.label = NAMES_REGISTER,
                                   .handle = {HANDLE_FILES},
                                   .handle_count = 1,
                                   .send_buffer = (uintptr_t) "mine",
                                   .send_length = 4};
    CHECK(ipc_call(HANDLE_NAMES, &registration) == 0 && registration.label == EPERM);
    CHECK(quartet_service("mine") == -1 && errno == ENOENT);
}

/* The console server may kill all: for who could not do that itself, it does not. */
void check_console(void) {
    const uint32_t plan = PLAN(PLAN_SHARE, PLAN_COPY, PLAN_SHARE, PLAN_COPY) | CLONE_STOPPED;
    int child = (int)process_clone(plan, 0, 0, 0), endpoint = (int)endpoint_create();
    int weak = (int)handle_dup(child, RIGHT_READ | RIGHT_TRANSFER, QUARTET_NONE);
    struct process_status ended;
    CHECK(child >= 0 && endpoint >= 0 && weak >= 0);
    CHECK(quartet_console_foreground(&weak, 1) == -1 && errno == EACCES);
    CHECK(quartet_console_foreground(&endpoint, 1) == -1 && errno == EINVAL);
    CHECK(process_kill(child, 9) == 0 && process_wait(child, 0, &ended) == 0);
    CHECK(close(weak) == 0 && close(endpoint) == 0 && close(child) == 0);
}

/* How a program ends that has no handles but GIFT. */
static long run_with(const char *path, const struct quartet_gift *gift) {
    struct quartet_spawn spawn = {
        .program = {.path = path}, .plan = PLAN_SPAWN, .gifts = gift, .gift_count = 1};
    struct process_status ended;
    int child = quartet_spawn(&spawn);
    if (child < 0 || process_wait(child, 0, &ended) < 0 || close(child) < 0)
        return -1;
    return (long)ended.status;
}

void check_gifts(void) {
    static const struct quartet_gift files = {HANDLE_FILES, RIGHT_WRITE, HANDLE_FILES},
                                     nothing = {HANDLE_SYSTEM, 0, HANDLE_SYSTEM},
                                     bad = {HANDLE_LIMIT - 1, 0, HANDLE_SYSTEM};
    CHECK(run_with("/bin/true", &nothing) == 0);
    CHECK(run_with("/bin/mkdir", &nothing) == 2); /* its usage, which nobody sees */
    CHECK(run_with("/bin/cat", &files) != 0);     /* no input */
    CHECK(run_with("/bin/true", &bad) == -1 && errno == EBADF);
}

/* What the loader gives cannot be used to change what others run. */
void check_loader(void) {
    struct quarter_stat before, after;
    struct handle_stat stat;
    char byte = 0;
    int loader = quartet_service("loader"), quarter;
    struct message message = {
        .word = {0xF}, .send_buffer = (uintptr_t) "/bin/libcheck", .send_length = 13};
    message.label = LOADER_LOAD;
    CHECK(ipc_call(loader, &message) == 0 && (message.label == 0 || message.label == ENOSPC));
    if (message.label == ENOSPC) { /* on a machine with little memory */
        CHECK(close(loader) == 0);
        return;
    }
    CHECK(message.handle_count == 2);
    CHECK(message.word[0] != 0 && message.word[1] == RENEW(0) && message.word[2] == RENEW(1));
    quarter = message.handle[0];
    CHECK(handle_stat(quarter, &stat) == 0 &&
          stat.rights == (RIGHT_READ | RIGHT_EXECUTE | RIGHT_MAP | RIGHT_TRANSFER));
    CHECK(quarter_stat(QUARTET_SLOT(0), &before) == 0 && stat.id == before.sub_id);
    CHECK(quarter_supply(quarter, 0x400000, &byte, 1) == -E_RIGHTS);
    CHECK(quarter_map(quarter, 0, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_protect(quarter, 0x400000, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_unmap(quarter, 0x400000, PAGE_SIZE) == -E_RIGHTS);
    struct space_change change = {
        .process = QUARTET_SELF,
        .quarter = {quarter, QUARTET_KEEP, QUARTET_KEEP, QUARTET_KEEP},
        .rights = {RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE},
    };
    CHECK(space_set(&change) == -E_RIGHTS);
    CHECK(quarter_supply(QUARTET_SLOT(0), 0x400000, &byte, 1) == -E_RIGHTS);
    CHECK(quarter_map(QUARTET_SLOT(0), 0, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_protect(QUARTET_SLOT(0), 0x400000, PAGE_SIZE, RIGHT_READ) == -E_RIGHTS);
    CHECK(quarter_unmap(QUARTET_SLOT(0), 0x400000, PAGE_SIZE) == -E_RIGHTS);

    CHECK(handle_stat(message.handle[1], &stat) == 0 &&
          stat.rights == (RIGHT_READ | RIGHT_DUPLICATE | RIGHT_TRANSFER));
    CHECK(close(quarter) == 0 && close(message.handle[1]) == 0);
    static const struct {
        const char *path;
        uint32_t error;
    } bad[] = {{"/etc/motd", ENOEXEC}, {"/bin", EACCES}, {"/bin/nothing", ENOENT}, {"", ENOENT}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        message = (struct message){.label = LOADER_LOAD,
                                   .word = {0xF},
                                   .send_buffer = (uintptr_t)bad[i].path,
                                   .send_length = (uint32_t)strlen(bad[i].path)};
        CHECK(ipc_call(loader, &message) == 0 && message.label == bad[i].error);
        CHECK(message.handle_count == 0);
    }
    CHECK(close(loader) == 0);

    /* A slot of one's own: the same program, in a quarter that can be changed. */
    CHECK(quartet_slot_own(0) == 0 && quarter_stat(QUARTET_SLOT(0), &after) == 0);
    CHECK(after.sub_id != before.sub_id && (after.view & RIGHT_WRITE));
    CHECK(quartet_slot_own(0) == 0 && quarter_stat(QUARTET_SLOT(0), &before) == 0);
    CHECK(after.sub_id == before.sub_id && quartet_slot_own(4) == -E_SLOT);
}
