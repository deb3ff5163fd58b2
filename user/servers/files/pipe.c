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
    uint64_t token;
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

/* ---- Callers that wait ----------------------------------------------------------------------- */

static int waiter_add(struct waiter_list *list, uint64_t token, uint32_t length,
                      chunk_number bytes) {
    struct waiter *waiter = list->count < WAITER_LIMIT ? pool_take(&waiter_pool) : NULL;
    if (waiter == NULL) {
        return EAGAIN;
    }
    *waiter = (struct waiter){.token = token, .length = length, .bytes = bytes};
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

static void waiters_answer(struct waiter_list *list, int error) {
    while (list->first != NULL) {
        reply_send(list->first->token, error, 0, NULL, 0);
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
    if (reply_send(reader->token, 0, 0, bytes, length)) {
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
    if (reply_send(writer->token, 0, writer->length, NULL, 0)) {
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
