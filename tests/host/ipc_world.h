/* SPDX-License-Identifier: MIT */
/*
 * A server and a client: two processes with an actor each, an endpoint that the server receives on,
 * and a session of it that only the client holds. And handles, looked at and moved by the driver.
 */
#ifndef TESTS_IPC_WORLD_H
#define TESTS_IPC_WORLD_H

#include "tests/host/actors.h"

#define BADGE 77u

struct ipc_world {
    struct process *server_process, *client_process;
    struct actor *server, *client;
    int service; /* the server's handle, all rights */
    int session; /* the client's */
    struct endpoint *endpoint;
};

extern struct ipc_world w;

void ipc_world_begin(void);
void ipc_world_end(void); /* ends both, if they are not ended yet; nothing is left */

/* SCENARIO(name) { ... } runs in a world of its own: on one CPU, and in many interleavings of three.
 * It stands in main's table as SCENARIO_TESTS(name). */
void scenario_run(u32 cpus, u32 rounds, void (*body)(void));
#define SCENARIO_ROUNDS 25u
#define SCENARIO(name)                                                                \
    static void name##_scenario(void);                                                \
    TEST(name) { scenario_run(1, 1, name##_scenario); }                               \
    TEST(name##_on_three_cpus) { scenario_run(3, SCENARIO_ROUNDS, name##_scenario); } \
    static void name##_scenario(void)
#define SCENARIO_TESTS(name) cmocka_unit_test(name), cmocka_unit_test(name##_on_three_cpus)

/* Fast or general: kernel/ipc/fast.c declines everything if it is switched off. */
extern bool fast_path_off;
extern u64 fast_path_taken; /* calls and replies that it has done */
extern void (*fast_path_declined)(void);

/* A scenario with and without the fast path. */
#define BOTH_WAYS(name)                                                               \
    static void name##_scenario(void);                                                \
    static void name##_general(void) {                                                \
        fast_path_off = true;                                                         \
        name##_scenario();                                                            \
        fast_path_off = false;                                                        \
    }                                                                                 \
    TEST(name) { scenario_run(1, 1, name##_scenario); }                               \
    TEST(name##_by_the_general_path) { scenario_run(1, 1, name##_general); }          \
    TEST(name##_on_three_cpus) { scenario_run(3, SCENARIO_ROUNDS, name##_scenario); } \
    static void name##_scenario(void)
#define BOTH_WAYS_TESTS(name)                                             \
    cmocka_unit_test(name), cmocka_unit_test(name##_by_the_general_path), \
        cmocka_unit_test(name##_on_three_cpus)

/* ---- What actors often do -------------------------------------------------------------------- */

void call_begin(struct actor *actor, int to, u32 value, u32 length);
/* To w.session, with COUNT times HANDLE. */
void call_with_handles(struct actor *actor, int handle, u32 count);
void receive_begin(struct actor *actor, int from);
/* The actor has received a call of VALUE and LENGTH with BADGE; its token. */
u64 received(struct actor *actor, u32 value, u32 length, u64 badge);
void received_closed(struct actor *actor, u64 badge);
long reply(struct actor *actor, int endpoint, u64 token, u32 value, u32 length);
void replied(struct actor *actor, u32 value, u32 length); /* its call has succeeded with this */

/* The same with short messages. */
void call_short(struct actor *actor, int to, u32 value);
void receive_short(struct actor *actor, int from);
void received_short(struct actor *actor, u32 value, u64 badge);
long reply_short(struct actor *actor, int endpoint, u32 value);
void replied_short(struct actor *actor, u32 value);

/* Another actor of the same process, or of a new one with a handle to what HANDLE of FROM names. */
struct actor *actor_beside(const struct actor *actor);
struct actor *actor_elsewhere(struct process *from, int handle, u32 rights, int *its_handle);
void die(struct process *process); /* it is killed; settles */

/* ---- Handles --------------------------------------------------------------------------------- */

/* What stands at HANDLE, without a reference; all zero: nothing. */
struct handle handle_peek(struct process *process, int handle);
/* As if by a message: FROM's HANDLE to a free index of TO, with RIGHTS; the index. */
int handle_pass(struct process *from, int handle, struct process *to, u32 rights);
void table_fill(struct process *process, u32 leave); /* but for LEAVE free indexes */
void table_empty(struct process *process);           /* of what table_fill has put there */

#endif
