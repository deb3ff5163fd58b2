/* SPDX-License-Identifier: MIT */
/*
 * Pipes: a ring of four chunks with two lists of callers that wait, for bytes or for room. A write
 * is one piece (it waits until all of it fits), so that lines of several writers do not mix. Bytes
 * leave the ring only when the reply has reached the reader: what a killed reader waited for goes
 * to the next one.
 */
#include "user/servers/files/files.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "user/servers/watch.h"

#define RING_CHUNKS 4u
#define RING_SIZE (RING_CHUNKS * CHUNK_SIZE)
#define WAITER_LIMIT 256u /* in a list: a client cannot fill the server with waiting calls */

struct waiter {
    struct waiter *next;
    uint64_t token;     /* of a small one: KEPT_TOKEN, and the key is its own address */
    bool small;         /* it waits for a short message (small.c) */
    uint32_t length;    /* wanted, or waiting in BYTES */
    chunk_number bytes; /* 0: a reader */
};

struct waiter_list {
    struct waiter *first, **tail;
    uint32_t count;
};

struct pipe {
    uint32_t start, used; /* the bytes in the ring */
    bool has_reader, has_writer;
    struct waiter_list readers, writers;
    chunk_number ring[RING_CHUNKS];
};

static struct pool pipe_pool = {.object_size = (sizeof(struct pipe) + 7) & ~(size_t)7};
static struct pool waiter_pool = {.object_size = (sizeof(struct waiter) + 7) & ~(size_t)7};

static void pipe_free(struct pipe *pipe) {
    for (unsigned i = 0; i < RING_CHUNKS; i++) {
        chunk_give(pipe->ring[i]);
    }
    pool_give(&pipe_pool, pipe);
}

struct pipe *pipe_create(void) {
    struct pipe *pipe = pool_take(&pipe_pool);
    if (pipe == NULL) {
        return NULL;
    }
    pipe->has_reader = pipe->has_writer = true;
    pipe->readers.tail = &pipe->readers.first;
    pipe->writers.tail = &pipe->writers.first;
    for (unsigned i = 0; i < RING_CHUNKS; i++) {
        if ((pipe->ring[i] = chunk_take()) == 0) {
            pipe_free(pipe);
            return NULL;
        }
    }
    return pipe;
}

/* ---- The ring -------------------------------------------------------------------------------- */

/* The bytes from POSITION that lie in one chunk, at most LENGTH. */
static uint8_t *ring_part(const struct pipe *pipe, uint32_t position, uint32_t *length) {
    uint32_t within = position % CHUNK_SIZE;
    *length = *length < CHUNK_SIZE - within ? *length : CHUNK_SIZE - within;
    return (uint8_t *)chunk_address(pipe->ring[position / CHUNK_SIZE % RING_CHUNKS]) + within;
}

/* Copy the first LENGTH bytes out, leaving them in the ring. */
static void ring_peek(const struct pipe *pipe, uint8_t *to, uint32_t length) {
    for (uint32_t done = 0, part; done < length; done += part) {
        part = length - done;
        const uint8_t *from = ring_part(pipe, pipe->start + done, &part);
        memcpy(to + done, from, part);
    }
}

static void ring_drop(struct pipe *pipe, uint32_t length) {
    pipe->start = (pipe->start + length) % RING_SIZE;
    pipe->used -= length;
}

static void ring_put(struct pipe *pipe, const uint8_t *from, uint32_t length) {
    for (uint32_t done = 0, part; done < length; done += part) {
        part = length - done;
        uint8_t *to = ring_part(pipe, pipe->start + pipe->used + done, &part);
        memcpy(to, from + done, part);
    }
    pipe->used += length;
}

/* LENGTH bytes become the first; there is room. */
static void ring_put_back(struct pipe *pipe, const void *bytes, uint32_t length) {
    uint32_t used = pipe->used;
    pipe->start = (pipe->start + RING_SIZE - length) % RING_SIZE;
    pipe->used = 0;
    ring_put(pipe, bytes, length);
    pipe->used += used;
}

/* ---- Callers that wait ----------------------------------------------------------------------- */

static struct waiter *last_small; /* the one that has been added last */

#define TOKEN_SMALL 0u /* instead of a token: the caller will be kept */

static int waiter_add(struct waiter_list *list, uint64_t token, uint32_t length,
                      chunk_number bytes) {
    struct waiter *waiter = list->count < WAITER_LIMIT ? pool_take(&waiter_pool) : NULL;
    if (waiter == NULL) {
        return EAGAIN;
    }
    *waiter = (struct waiter){.token = token, .length = length, .bytes = bytes};
    if (token == TOKEN_SMALL) {
        waiter->token = KEPT_TOKEN((uintptr_t)waiter);
        waiter->small = true;
        last_small = waiter;
    }
    *list->tail = waiter;
    list->tail = &waiter->next;
    list->count++;
    return REPLY_LATER;
}

static void waiter_remove_first(struct waiter_list *list) {
    struct waiter *waiter = list->first;
    list->first = waiter->next;
    if (list->first == NULL) {
        list->tail = &list->first;
    }
    list->count--;
    chunk_give(waiter->bytes);
    pool_give(&waiter_pool, waiter);
}

/* BYTES: what has been read; null: COUNT bytes have been written, or none for ERROR. */
static bool waiter_reply(const struct waiter *waiter, int error, const void *bytes,
                         uint32_t count) {
    if (waiter->small) {
        return reply_small(waiter->token, error, bytes, count);
    }
    return bytes != NULL ? reply_send(waiter->token, error, 0, bytes, count)
                         : reply_send(waiter->token, error, count, NULL, 0);
}

static void waiters_answer(struct waiter_list *list, int error) {
    while (list->first != NULL) {
        waiter_reply(list->first, error, NULL, 0);
        waiter_remove_first(list);
    }
}

static bool reader_serve(struct pipe *pipe) {
    static uint8_t bytes[MESSAGE_BYTES];
    struct waiter *reader = pipe->readers.first;
    if (reader == NULL || pipe->used == 0) {
        return false;
    }
    uint32_t length = reader->length < pipe->used ? reader->length : pipe->used;
    ring_peek(pipe, bytes, length);
    if (waiter_reply(reader, 0, bytes, length)) {
        ring_drop(pipe, length);
    }
    waiter_remove_first(&pipe->readers);
    return true;
}

static bool writer_serve(struct pipe *pipe) {
    struct waiter *writer = pipe->writers.first;
    if (writer == NULL || writer->length > RING_SIZE - pipe->used) {
        return false;
    }
    /* A writer that was killed while it waited has not written. */
    if (waiter_reply(writer, 0, NULL, writer->length)) {
        ring_put(pipe, chunk_address(writer->bytes), writer->length);
    }
    waiter_remove_first(&pipe->writers);
    return true;
}

static void pipe_serve(struct pipe *pipe) {
    while (reader_serve(pipe) || writer_serve(pipe)) {
    }
}

/* ---- Who polls ------------------------------------------------------------------------------- */

/* The POLL* that hold for one end. */
static uint32_t pipe_events(const struct pipe *pipe, bool writer) {
    if (!writer) {
        return (pipe->used > 0 ? POLLIN | POLLRDNORM : 0) | (pipe->has_writer ? 0 : POLLHUP);
    }
    if (!pipe->has_reader) {
        return POLLERR;
    }
    bool room = pipe->writers.first == NULL && RING_SIZE - pipe->used >= PIPE_BUF;
    return room ? POLLOUT | POLLWRNORM : 0;
}

/* The ends are known by their lists of waiters. */
static const void *pipe_end(const struct pipe *pipe, bool writer) {
    return writer ? &pipe->writers : &pipe->readers;
}

static void pipe_tell(const struct pipe *pipe) {
    if (watch_count == 0) {
        return;
    }
    watch_wake(pipe_end(pipe, false), pipe_events(pipe, false));
    watch_wake(pipe_end(pipe, true), pipe_events(pipe, true));
}

void pipe_poll(struct pipe *pipe, bool writer, struct request *request) {
    bool kept;
    request->reply.word[0] = watch_ask(pipe_end(pipe, writer), pipe_events(pipe, writer),
                                       &request->message, request->given, &kept);
    request->given = kept ? QUARTET_NONE : request->given;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

int pipe_read(struct pipe *pipe, struct request *request, bool now) {
    uint64_t wanted = request->message.word[0];
    uint32_t length = wanted < MESSAGE_BYTES ? (uint32_t)wanted : MESSAGE_BYTES;
    if (length == 0 || (pipe->used == 0 && !pipe->has_writer)) {
        return 0;
    }
    if (now && (pipe->used == 0 || pipe->readers.first != NULL)) {
        return EAGAIN;
    }
    int result = waiter_add(&pipe->readers, request->message.token, length, 0);
    if (result == REPLY_LATER) {
        pipe_serve(pipe);
        pipe_tell(pipe);
    }
    return result;
}

int pipe_write(struct pipe *pipe, struct request *request, bool now) {
    uint32_t length = request->message.receive_length;
    if (!pipe->has_reader) {
        return EPIPE;
    }
    if (pipe->writers.first == NULL && length <= RING_SIZE - pipe->used) {
        ring_put(pipe, request->data, length);
        request->reply.word[0] = length;
        pipe_serve(pipe);
        pipe_tell(pipe);
        return 0;
    }
    if (now) {
        return EAGAIN;
    }
    chunk_number bytes = chunk_take();
    if (bytes == 0) {
        return ENOMEM;
    }
    memcpy(chunk_address(bytes), request->data, length);
    int result = waiter_add(&pipe->writers, request->message.token, length, bytes);
    if (result != REPLY_LATER) {
        chunk_give(bytes);
    }
    return result;
}

/* The last handle to one end is gone; a call that used it keeps it open, so only the other end
 * waits. */
void pipe_close(struct pipe *pipe, bool writer) {
    if (writer) {
        pipe->has_writer = false;
        waiters_answer(&pipe->readers, 0);
        waiters_answer(&pipe->writers, EBADF); /* all dead, else the end would not be closed */
    } else {
        pipe->has_reader = false;
        waiters_answer(&pipe->writers, EPIPE);
        waiters_answer(&pipe->readers, EBADF);
    }
    watch_wake(pipe_end(pipe, writer), WATCH_ANY);
    pipe_tell(pipe);
    if (!pipe->has_reader && !pipe->has_writer) {
        pipe_free(pipe);
    }
}

/* ---- Calls by short messages ----------------------------------------------------------------- */

/* The bytes on their way to a reader in the reply that is made next. */
struct pipe *pipe_replying;
static uint8_t reply_bytes[SMALL_BYTES];
static uint32_t reply_length;

static void reply_remember(struct pipe *pipe, const struct short_message *words, uint32_t length) {
    pipe_replying = pipe;
    reply_length = length;
    memcpy(reply_bytes, words->word, SMALL_BYTES);
}

void pipe_reply_lost(void) {
    struct pipe *pipe = pipe_replying;
    if (pipe != NULL) {
        ring_put_back(pipe, reply_bytes, reply_length);
        pipe_serve(pipe);
        pipe_tell(pipe);
    }
}

uintptr_t pipe_waiter_key(void) { return (uintptr_t)last_small; }

static long wait_small(struct waiter_list *list, uint32_t length, chunk_number bytes) {
    return waiter_add(list, TOKEN_SMALL, length, bytes) == REPLY_LATER ? SMALL_LATER
                                                                       : SMALL_ERROR(EAGAIN);
}

/* Nobody waits to read while there are bytes. But writers may, for the room of those that go now: they
 * are served when it is sure that these have gone. */
static long ring_read_small(struct pipe *pipe, struct short_message *words, uint32_t length) {
    length = length < pipe->used ? length : pipe->used;
    memset(words->word, 0, SMALL_BYTES);
    ring_peek(pipe, (uint8_t *)words->word, length);
    if (pipe->writers.first != NULL) {
        if (ipc_reply_short(HANDLE_SERVICE, length, words) >= 0) {
            ring_drop(pipe, length);
            pipe_serve(pipe);
            pipe_tell(pipe);
        }
        return SMALL_REPLIED;
    }
    reply_remember(pipe, words, length);
    ring_drop(pipe, length);
    pipe_tell(pipe);
    return length;
}

long pipe_read_small(struct pipe *pipe, struct short_message *words, uint32_t length, bool now) {
    if (length == 0 || (pipe->used == 0 && !pipe->has_writer)) {
        return 0;
    }
    if (pipe->used > 0) {
        return ring_read_small(pipe, words, length);
    }
    return now ? SMALL_ERROR(EAGAIN) : wait_small(&pipe->readers, length, 0);
}

/* Let the first reader have what is written before it stands in the ring, if it asks by a short message
 * too, and takes it all. Then the writer has its reply, and the reader is to get the next one. */
static bool reader_turn_to(struct pipe *pipe, uint32_t length) {
    const struct waiter *reader = pipe->readers.first;
    while (reader != NULL && reader->small && length <= reader->length && length != 0) {
        long result = ipc_reply_turn_short(HANDLE_SERVICE, length, (uintptr_t)reader);
        waiter_remove_first(&pipe->readers);
        if (result >= 0) {
            return true;
        }
        reader = pipe->readers.first; /* that one was killed */
    }
    return false;
}

static long write_wait_small(struct pipe *pipe, const struct short_message *words,
                             uint32_t length) {
    chunk_number bytes = chunk_take();
    if (bytes == 0) {
        return SMALL_ERROR(ENOMEM);
    }
    memcpy(chunk_address(bytes), words->word, length);
    long result = wait_small(&pipe->writers, length, bytes);
    if (result != SMALL_LATER) {
        chunk_give(bytes);
    }
    return result;
}

long pipe_write_small(struct pipe *pipe, struct short_message *words, uint32_t length, bool now) {
    if (!pipe->has_reader) {
        return SMALL_ERROR(EPIPE);
    }
    if (pipe->writers.first != NULL || length > RING_SIZE - pipe->used) {
        return now ? SMALL_ERROR(EAGAIN) : write_wait_small(pipe, words, length);
    }
    if (reader_turn_to(pipe, length)) {
        reply_remember(pipe, words, length);
        return length;
    }
    ring_put(pipe, (const uint8_t *)words->word, length);
    pipe_serve(pipe);
    pipe_tell(pipe);
    return length;
}
