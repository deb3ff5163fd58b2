/* SPDX-License-Identifier: MIT */
/*
 * Actors: threads that do one system call after the other, as the driver tells them, and wait in
 * between. Each has four pages of its process's memory:
 *
 *     page 0  its struct message     page 1  bytes to send     page 2  room for bytes     page 3  free
 *
 * What stands in actor->message and actor->sent is put there before the call; what the call has
 * left there is read back into actor->message and actor->received.
 */
#ifndef TESTS_ACTORS_H
#define TESTS_ACTORS_H

#include "kernel/ipc/ipc.h"
#include "tests/host/threads.h"

#define ACTORS 32u
#define ACTOR_PRIORITY 16u

struct actor {
    u32 index; /* in its process */
    struct process *process;
    struct thread *thread; /* null: it has ended */
    bool wanted, busy;
    system_call_entry *handler;
    uword argument[4];
    bool with_message;
    struct message message;
    uword word[SHORT_WORDS]; /* of a short message */
    uword badge;
    u8 sent[MESSAGE_BYTES], received[MESSAGE_BYTES];
    long result;
    struct spinlock lock;
    struct list queue;
};

struct actor *actor_new(struct process *process);
struct actor *actor_of_priority(struct process *process, u32 priority);
void actors_forget(void); /* all have ended */

/* Let ACTOR begin a call; it goes on when the driver settles. */
void begin(struct actor *actor, system_call_entry *handler, uword a, uword b, uword c, uword d);
/* The same with the address of its message as second argument. */
void begin_message(struct actor *actor, system_call_entry *handler, int handle);

/* The same for calls that have its address elsewhere: A and B are the first arguments. */
void begin_around_message(struct actor *actor, system_call_entry *handler, uword a, uword b);

/* The same with a short message, and LABEL as second argument: words made from VALUE. */
void begin_words(struct actor *actor, system_call_entry *handler, int handle, u32 value);

bool waits(const struct actor *actor); /* it is asleep in its call */
bool ended(const struct actor *actor);
long finish(struct actor *actor); /* settle; it must have returned: its result */

/* begin, settle, finish. */
long act(struct actor *actor, system_call_entry *handler, uword a, uword b, uword c, uword d);
long act_message(struct actor *actor, system_call_entry *handler, int handle);

/* A message with words that are made from VALUE, LENGTH bytes made from it too, and room for all. */
void message_set(struct actor *actor, u32 value, u32 length);
/* What came in is the message of VALUE and LENGTH. */
void message_check(const struct actor *actor, u32 value, u32 length);

/* ... and of a short message, whose label is the call's result. */
void words_check(const struct actor *actor, u32 value);

/* One access of ACTOR's program to its memory, without ending it: 0, or -E_FAULT. */
long poke_word(struct actor *actor, u32 address, u32 value);
long peek_word(struct actor *actor, u32 address, u32 *value);

/* The address of ACTOR's page N, and that page's going and coming back, empty. */
u32 actor_page(const struct actor *actor, u32 page);
void page_vanish(const struct actor *actor, u32 page);
void page_return(const struct actor *actor, u32 page);

#endif
