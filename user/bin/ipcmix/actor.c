/* SPDX-License-Identifier: MIT */
/* What an actor of ipcmix does with a command. */
#include "ipcmix.h"

struct actor {
    uint32_t number;
    struct command command;
    uint64_t token; /* of what it received last in the long form */
};

static struct short_message short_make(const struct command *command) {
    return (struct short_message){.word = {(uintptr_t)command->word[0], (uintptr_t)command->word[1],
                                           (uintptr_t)command->word[2]}};
}

/* ODD: with contents that only a long receiver can take. */
static struct message long_make(const struct actor *actor) {
    static char bytes[16];
    const struct command *command = &actor->command;
    struct message message = {.label = command->label, .token = actor->token};
    memcpy(message.word, command->word, sizeof(message.word));
    if (sizeof(uintptr_t) == 4) { /* the same on both kernels is not asked, but let it fit */
        message.word[0] = (uint32_t)message.word[0];
        message.word[1] = (uint32_t)message.word[1];
        message.word[2] = (uint32_t)message.word[2];
    }
    message.word[3] = command->odd == 1 ? message.word[3] : 0;
    message.send_length = command->odd == 2 ? sizeof(bytes) : 0;
    message.send_buffer = (uintptr_t)bytes;
    return message;
}

static void short_log(struct actor *actor, long result, const struct short_message *words) {
    result_add(actor->number, result);
    for (uint32_t i = 0; i < SHORT_WORDS && result >= 0; i++) {
        digest_add(words->word[i]);
    }
    digest_add(result >= 0 ? words->badge : 0);
}

static void long_log(struct actor *actor, long result, const struct message *message) {
    result_add(actor->number, result);
    if (result == 0) {
        digest_add(message->label);
        digest_add(message->kind);
        digest_add(message->badge);
        digest_add(message->token);
        for (uint32_t i = 0; i < 4; i++) {
            digest_add(message->word[i]);
        }
        actor->token = message->token;
    }
}

static long short_do(struct actor *actor, uint32_t action, struct short_message *words) {
    int handle = actor->command.handle;
    uint32_t label = actor->command.label;
    long result;
    switch (action) {
    case CALL_SHORT:
        result = ipc_call_short(handle, label, words);
        break;
    case RECEIVE_SHORT:
        result = ipc_receive_short(handle, words);
        break;
    case REPLY_SHORT:
        result = ipc_reply_short(handle, label, words);
        break;
    default:
        result = ipc_reply_receive_short(handle, label, words);
    }
    short_log(actor, result, words);
    return result;
}

static void long_do(struct actor *actor) {
    int handle = actor->command.handle;
    struct message message = long_make(actor);
    long result;
    switch (actor->command.action) {
    case CALL_LONG:
        result = ipc_call(handle, &message);
        break;
    case RECEIVE_LONG:
        result = ipc_receive(handle, &message);
        break;
    case REPLY_LONG:
        result = ipc_reply(handle, &message);
        break;
    default:
        result = ipc_reply_receive(handle, &message);
    }
    long_log(actor, result, &message);
}

/* What comes is answered by itself, changed. */
static void serve(struct actor *actor) {
    struct short_message words = short_make(&actor->command);
    long label = short_do(actor, RECEIVE_SHORT, &words);
    for (uint32_t i = 0; i < actor->command.count && label >= 0 && label != SHORT_CLOSED; i++) {
        words.word[i % SHORT_WORDS] += words.badge + 1;
        actor->command.label = (uint32_t)label ^ i;
        label = short_do(actor, i + 1 < actor->command.count ? REPLY_RECEIVE_SHORT : REPLY_SHORT,
                         &words);
    }
}

static void call_often(struct actor *actor) {
    struct short_message words = short_make(&actor->command);
    long result = 0;
    for (uint32_t i = 0; i < actor->command.count && result >= 0; i++) {
        words.word[1] += i;
        result = short_do(actor, CALL_SHORT, &words);
    }
}

static void command_do(struct actor *actor) {
    struct short_message words = short_make(&actor->command);
    switch (actor->command.action) {
    case CALL_SHORT:
    case RECEIVE_SHORT:
    case REPLY_SHORT:
    case REPLY_RECEIVE_SHORT:
        short_do(actor, actor->command.action, &words);
        break;
    case SERVE:
        serve(actor);
        break;
    case CALL_OFTEN:
        call_often(actor);
        break;
    case CLOSE:
        result_add(actor->number, handle_close(actor->command.handle));
        break;
    case PRIORITY:
        result_add(actor->number, thread_priority(actor->command.count));
        break;
    default:
        long_do(actor);
    }
}

int actor_run(void *number) {
    struct actor actor = {.number = (uint32_t)(uintptr_t)number};
    struct actor_board *place = &BOARD->actor[actor.number];
    thread_priority(place->priority);
    for (uint32_t seen = 0;; seen++) {
        while (word_get(&place->given) == seen) {
            futex_wait((uintptr_t)&place->given, seen, FUTEX_FOREVER);
        }
        actor.command = place->command;
        command_do(&actor);
        word_put(&place->done, seen + 1);
    }
    return 0;
}
