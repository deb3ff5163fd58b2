/* SPDX-License-Identifier: MIT */
/*
 * A server and a client: see ipc_world.h.
 */
#include "tests/host/ipc_world.h"

#include "kernel/syscall/syscall.h"

struct ipc_world w;

/* The processes of actor_elsewhere. */
#define OTHERS 8u
static struct process *others[OTHERS];
static u32 other_count;

void ipc_world_begin(void) {
    w = (struct ipc_world){.server_process = program_new(NULL),
                           .client_process = program_new(NULL)};
    w.server = actor_new(w.server_process);
    w.client = actor_new(w.client_process);
    w.service = (int)act(w.server, call_endpoint_create, 0, 0, 0, 0);
    CHECK_EQUAL(w.service, HANDLE_FIRST);
    w.endpoint = handle_peek(w.server_process, w.service).object;
    int session = (int)act(w.server, call_endpoint_session, (uword)w.service, BADGE, 0, 0);
    w.session = handle_pass(w.server_process, session, w.client_process, RIGHTS_ALL);
    CHECK_EQUAL(act(w.server, call_handle_close, (uword)session, 0, 0, 0), 0);
}

void ipc_world_end(void) {
    program_end(w.client_process);
    program_end(w.server_process);
    while (other_count > 0) {
        program_end(others[--other_count]);
    }
    actors_forget();
    threads_check_nothing_left();
}

static struct {
    void (*body)(void);
    u32 rounds;
} scenario;

static void scenario_driver(void) {
    for (u32 i = 0; i < scenario.rounds; i++) {
        trace("round %u", i);
        ipc_world_begin();
        scenario.body();
        ipc_world_end();
    }
}

void scenario_run(u32 cpus, u32 rounds, void (*body)(void)) {
    scenario.body = body;
    scenario.rounds = rounds;
    test_seed(cpus);
    threads_run(cpus, scenario_driver);
}

bool fast_path_off;
u64 fast_path_taken;
void (*fast_path_declined)(void);

/* Counted when it is tried, and not when it was declined. */
system_call_entry __real_call_ipc_call_short, __real_call_ipc_call_short_generally;
system_call_entry __real_call_ipc_reply_receive_short;
system_call_entry __real_call_ipc_reply_receive_short_generally;
system_call_entry __wrap_call_ipc_call_short, __wrap_call_ipc_call_short_generally;
system_call_entry __wrap_call_ipc_reply_receive_short;
system_call_entry __wrap_call_ipc_reply_receive_short_generally;

static void declined(void) {
    fast_path_taken--;
    if (fast_path_declined != NULL) {
        fast_path_declined();
    }
}

long __wrap_call_ipc_call_short(uword handle, uword label, uword c, uword d) {
    fast_path_taken++;
    return fast_path_off ? __wrap_call_ipc_call_short_generally(handle, label, c, d)
                         : __real_call_ipc_call_short(handle, label, c, d);
}
long __wrap_call_ipc_reply_receive_short(uword handle, uword label, uword c, uword d) {
    fast_path_taken++;
    return fast_path_off ? __wrap_call_ipc_reply_receive_short_generally(handle, label, c, d)
                         : __real_call_ipc_reply_receive_short(handle, label, c, d);
}
long __wrap_call_ipc_call_short_generally(uword handle, uword label, uword c, uword d) {
    declined();
    return __real_call_ipc_call_short_generally(handle, label, c, d);
}
long __wrap_call_ipc_reply_receive_short_generally(uword handle, uword label, uword c, uword d) {
    declined();
    return __real_call_ipc_reply_receive_short_generally(handle, label, c, d);
}

/* ---- What actors often do -------------------------------------------------------------------- */

void call_begin(struct actor *actor, int to, u32 value, u32 length) {
    message_set(actor, value, length);
    begin_message(actor, call_ipc_call, to);
    settle();
}

void call_with_handles(struct actor *actor, int handle, u32 count) {
    message_set(actor, 1, 0);
    actor->message.handle_count = count;
    for (u32 i = 0; i < count; i++) {
        actor->message.handle[i] = handle;
    }
    begin_message(actor, call_ipc_call, w.session);
    settle();
}

void receive_begin(struct actor *actor, int from) {
    message_set(actor, 0, 0);
    begin_message(actor, call_ipc_receive, from);
    settle();
}

u64 received(struct actor *actor, u32 value, u32 length, u64 badge) {
    CHECK_EQUAL(finish(actor), 0);
    CHECK_EQUAL(actor->message.kind, MESSAGE_CALL);
    CHECK_EQUAL(actor->message.badge, badge);
    message_check(actor, value, length);
    return actor->message.token;
}

void received_closed(struct actor *actor, u64 badge) {
    CHECK_EQUAL(finish(actor), 0);
    CHECK_EQUAL(actor->message.kind, MESSAGE_CLOSED);
    CHECK_EQUAL(actor->message.badge, badge);
    CHECK_EQUAL(actor->message.handle_count, 0);
}

long reply(struct actor *actor, int endpoint, u64 token, u32 value, u32 length) {
    message_set(actor, value, length);
    actor->message.token = token;
    return act_message(actor, call_ipc_reply, endpoint);
}

void replied(struct actor *actor, u32 value, u32 length) {
    CHECK_EQUAL(finish(actor), 0);
    message_check(actor, value, length);
}

void call_short(struct actor *actor, int to, u32 value) {
    begin_words(actor, call_ipc_call_short, to, value);
    settle();
}

void receive_short(struct actor *actor, int from) {
    begin_words(actor, call_ipc_receive_short, from, 0);
    settle();
}

void received_short(struct actor *actor, u32 value, u64 badge) {
    finish(actor);
    words_check(actor, value);
    CHECK_EQUAL(actor->badge, badge);
}

long reply_short(struct actor *actor, int endpoint, u32 value) {
    begin_words(actor, call_ipc_reply_short, endpoint, value);
    return finish(actor);
}

void replied_short(struct actor *actor, u32 value) {
    finish(actor);
    words_check(actor, value);
}

struct actor *actor_beside(const struct actor *actor) {
    return actor_new(actor->process);
}

struct actor *actor_elsewhere(struct process *from, int handle, u32 rights, int *its_handle) {
    struct process *process = program_new(NULL);
    CHECK(other_count < OTHERS, "the test has more than %u further processes", OTHERS);
    others[other_count++] = process;
    *its_handle = handle_pass(from, handle, process, rights);
    return actor_new(process);
}

void die(struct process *process) {
    process_end(process, STATUS_KILLED, 0);
    settle();
}

/* ---- Handles --------------------------------------------------------------------------------- */

struct handle handle_peek(struct process *process, int handle) {
    const struct handle_table *table = &process->handles;
    bool there = handle >= 0 && (u32)handle < table->end;
    return there ? table->handles[handle] : (struct handle){0};
}

int handle_pass(struct process *from, int handle, struct process *to, u32 rights) {
    struct handle found;
    CHECK_EQUAL(handle_lookup(&from->handles, handle, 0, 0, &found), 0);
    int index = handle_install(&to->handles, found.object, found.type, found.rights & rights);
    CHECK(index >= 0, "a handle cannot be passed: %d", index);
    return index;
}

void table_fill(struct process *process, u32 leave) {
    u32 room = HANDLE_LIMIT - HANDLE_FIRST - process->handles.count;
    while (room-- > leave) {
        CHECK(handle_install(&process->handles, &system_object, OBJECT_SYSTEM, 0) > 0,
              "no room for %u handles", room + 1);
    }
}

void table_empty(struct process *process) {
    for (int i = 0; i < HANDLE_LIMIT; i++) {
        if (handle_peek(process, i).object == &system_object) {
            CHECK_EQUAL(handle_close(&process->handles, i), 0);
        }
    }
}
