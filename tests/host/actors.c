/* SPDX-License-Identifier: MIT */
/*
 * Actors: see actors.h.
 */
#include "tests/host/actors.h"

#include "kernel/sched/sched.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"

#define ACTOR_PAGES 4u

static struct actor actors[ACTORS];
static u32 actor_count;

u32 actor_page(const struct actor *actor, u32 page) {
    return MEMORY_BASE + (actor->index * ACTOR_PAGES + page) * PAGE_SIZE;
}

/* ---- Their program --------------------------------------------------------------------------- */

static void command_await(struct actor *actor) {
    spinlock_acquire(&actor->lock);
    while (!actor->wanted) {
        int result = sched_wait(&actor->queue, &actor->lock, WAIT_FOREVER, true);
        CHECK(result == 0 || result == E_KILLED, "an actor's rest ends with %d", result);
        user_point(); /* where it ends if it was killed */
        spinlock_acquire(&actor->lock);
    }
    actor->wanted = false;
    spinlock_release(&actor->lock);
}

/* Like the kernel's copies these do not end the process where its memory has vanished. */
static void message_put(struct actor *actor) {
    struct message *message = &actor->message;
    message->send_buffer = actor_page(actor, 1);
    message->receive_buffer = actor_page(actor, 2);
    u32 length = message->send_length <= MESSAGE_BYTES ? message->send_length : 0;
    if (length != 0) {
        arch_copy_out(actor_page(actor, 1), actor->sent, length);
    }
    arch_copy_out(actor_page(actor, 0), message, sizeof(*message));
}

/* What cannot be read stays as it was. */
static void message_get(struct actor *actor) {
    struct message *message = &actor->message;
    int error = arch_copy_in(message, actor_page(actor, 0), sizeof(*message));
    if (error == 0 && message->receive_length <= MESSAGE_BYTES) {
        arch_copy_in(actor->received, actor_page(actor, 2), message->receive_length);
    }
}

static void registers_set(const struct actor *actor) {
    struct arch_message *registers = arch_message(thread_current()->kernel_stack);
    memcpy(registers->word, actor->word, sizeof(registers->word));
    registers->badge = 0xBAD;
}

static void registers_get(struct actor *actor) {
    const struct arch_message *registers = arch_message(thread_current()->kernel_stack);
    memcpy(actor->word, registers->word, sizeof(actor->word));
    actor->badge = registers->badge;
}

/* Not through a table of system calls: what a program does by itself. */
static long word_access(uword address, uword write, uword word, uword d) {
    (void)d;
    u32 *value = (u32 *)word;
    return write ? -arch_copy_out((u32)address, value, sizeof(*value))
                 : -arch_copy_in(value, (u32)address, sizeof(*value));
}

static void actor_main(u32 number) {
    struct actor *actor = &actors[number];
    for (;;) {
        command_await(actor);
        if (actor->with_message) {
            message_put(actor);
        }
        registers_set(actor);
        const uword *argument = actor->argument;
        bool access = actor->handler == word_access;
        actor->result = access ? word_access(argument[0], argument[1], argument[2], 0)
                               : system_call(actor->handler, argument[0], argument[1], argument[2],
                                             argument[3]);
        registers_get(actor);
        if (actor->with_message) {
            message_get(actor);
        }
        actor->busy = false;
    }
}

static void actor_freed(struct thread *thread) {
    for (u32 i = 0; i < actor_count; i++) {
        if (actors[i].thread == thread) {
            actors[i].thread = NULL;
        }
    }
}

/* ---- The driver's side ----------------------------------------------------------------------- */

struct actor *actor_of_priority(struct process *process, u32 priority) {
    u32 index = 0;
    for (u32 i = 0; i < actor_count; i++) {
        index += actors[i].process == process;
    }
    CHECK(actor_count < ACTORS && (index + 1) * ACTOR_PAGES * PAGE_SIZE <= MEMORY_SIZE,
          "the test has too many actors");
    thread_freed = actor_freed;
    struct actor *actor = &actors[actor_count];
    *actor = (struct actor){.index = index, .process = process};
    spinlock_init(&actor->lock, LOCK_FUTEX, 0, "actor");
    list_init(&actor->queue);
    actor->thread = thread_spawn(process, actor_main, actor_count++, priority);
    settle();
    return actor;
}

struct actor *actor_new(struct process *process) {
    return actor_of_priority(process, ACTOR_PRIORITY);
}

void actors_forget(void) {
    for (u32 i = 0; i < actor_count; i++) {
        CHECK(ended(&actors[i]), "actor %u still lives", i);
    }
    actor_count = 0;
}

static void begin_any(struct actor *actor, bool with_message) {
    CHECK(!actor->busy && actor->thread != NULL, "actor %u cannot begin a call",
          (u32)(actor - actors));
    actor->busy = true;
    actor->with_message = with_message;
    spinlock_acquire(&actor->lock);
    actor->wanted = true;
    sched_wake(actor->thread, 0);
    spinlock_release(&actor->lock);
}

void begin(struct actor *actor, system_call_entry *handler, uword a, uword b, uword c, uword d) {
    actor->handler = handler;
    memcpy(actor->argument, (uword[]){a, b, c, d}, sizeof(actor->argument));
    begin_any(actor, false);
}

void begin_around_message(struct actor *actor, system_call_entry *handler, uword a, uword b) {
    actor->handler = handler;
    memcpy(actor->argument, (uword[]){a, b, 0, 0}, sizeof(actor->argument));
    begin_any(actor, true);
}

void begin_message(struct actor *actor, system_call_entry *handler, int handle) {
    begin_around_message(actor, handler, (uword)handle, actor_page(actor, 0));
}

static uword word_of(u32 value, u32 at) { return (uword)value << 8 | at; }

void begin_words(struct actor *actor, system_call_entry *handler, int handle, u32 value) {
    actor->handler = handler;
    memcpy(actor->argument, (uword[]){(uword)handle, value, 0, 0}, sizeof(actor->argument));
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        actor->word[i] = word_of(value, i);
    }
    begin_any(actor, false);
}

bool waits(const struct actor *actor) {
    return actor->busy && actor->thread != NULL && actor->thread->state == THREAD_WAITING;
}

bool ended(const struct actor *actor) { return actor->thread == NULL; }

long finish(struct actor *actor) {
    settle();
    CHECK(!ended(actor), "actor %u has ended", (u32)(actor - actors));
    CHECK(!actor->busy, "actor %u has not returned from its call", (u32)(actor - actors));
    return actor->result;
}

long act(struct actor *actor, system_call_entry *handler, uword a, uword b, uword c, uword d) {
    begin(actor, handler, a, b, c, d);
    return finish(actor);
}

long act_message(struct actor *actor, system_call_entry *handler, int handle) {
    begin_message(actor, handler, handle);
    return finish(actor);
}

/* ---- Messages -------------------------------------------------------------------------------- */

static u8 byte_of(u32 value, u32 at) { return (u8)(value * 31 + at * 7 + (at >> 8)); }

void message_set(struct actor *actor, u32 value, u32 length) {
    actor->message = (struct message){
        .label = value, .send_length = length, .receive_size = MESSAGE_BYTES, .kind = 0xBAD};
    for (u32 i = 0; i < ARRAY_LENGTH(actor->message.word); i++) {
        actor->message.word[i] = (u64)value << 32 | i;
    }
    for (u32 i = 0; i < length && i < MESSAGE_BYTES; i++) {
        actor->sent[i] = byte_of(value, i);
    }
}

void message_check(const struct actor *actor, u32 value, u32 length) {
    const struct message *message = &actor->message;
    CHECK(message->label == value, "label %u instead of %u", message->label, value);
    for (u32 i = 0; i < ARRAY_LENGTH(message->word); i++) {
        CHECK(message->word[i] == ((u64)value << 32 | i), "word %u of message %u is %#llx", i,
              value, (unsigned long long)message->word[i]);
    }
    CHECK_EQUAL(message->receive_length, length);
    for (u32 i = 0; i < length; i++) {
        CHECK(actor->received[i] == byte_of(value, i), "byte %u of message %u is wrong", i, value);
    }
}

void words_check(const struct actor *actor, u32 value) {
    CHECK(actor->result == (long)value, "label %ld instead of %u", actor->result, value);
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        CHECK_EQUAL(actor->word[i], word_of(value, i));
    }
}

long poke_word(struct actor *actor, u32 address, u32 value) {
    static u32 word;
    word = value;
    return act(actor, word_access, address, true, (uword)&word, 0);
}

long peek_word(struct actor *actor, u32 address, u32 *value) {
    return act(actor, word_access, address, false, (uword)value, 0);
}

static u32 page_offset(const struct actor *actor, u32 page) {
    return SLOT_OFFSET(actor_page(actor, page));
}

void page_vanish(const struct actor *actor, u32 page) {
    CHECK_EQUAL(
        quarter_unmap(actor->process->space->slot[1].quarter, page_offset(actor, page), PAGE_SIZE),
        0);
}

void page_return(const struct actor *actor, u32 page) {
    CHECK_EQUAL(quarter_map(actor->process->space->slot[1].quarter, page_offset(actor, page),
                            PAGE_SIZE, RIGHT_READ | RIGHT_WRITE),
                0);
}
