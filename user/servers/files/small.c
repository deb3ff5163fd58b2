/* SPDX-License-Identifier: MIT */
/*
 * Small reads and writes, which come as short messages (user/lib/protocol.h). Those of pipes have
 * their own way (pipe.c); those of files are served as the long ones are.
 */
#include "user/servers/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Of all that session_read and session_write look at nothing else is of a request before. */
static long file_read(struct session *session, struct request *request, uint32_t length,
                      struct short_message *words) {
    request->message.word[0] = length;
    request->message.word[1] = FILE_HERE;
    request->reply.send_length = 0;
    int error = session_read(session, request);
    memset(words->word, 0, SMALL_BYTES);
    if (error != 0) {
        return SMALL_ERROR(error);
    }
    memcpy(words->word, request->reply_data, request->reply.send_length);
    return (long)request->reply.send_length;
}

static long file_write(struct session *session, struct request *request, uint32_t length,
                       const struct short_message *words) {
    request->message.word[0] = FILE_HERE;
    request->message.receive_length = length;
    request->reply.word[0] = 0;
    memcpy(request->data, words->word, SMALL_BYTES);
    int error = session_write(session, request);
    return error != 0 ? SMALL_ERROR(error) : (long)request->reply.word[0];
}

static long pipe_call(struct session *session, bool write, uint32_t length,
                      struct short_message *words) {
    bool now = (session->flags & O_NONBLOCK) != 0;
    bool is_write_end = (session->flags & O_ACCMODE) == O_WRONLY;
    if (write != is_write_end) {
        return SMALL_ERROR(EBADF);
    }
    return write ? pipe_write_small(session->pipe, words, length, now)
                 : pipe_read_small(session->pipe, words, length, now);
}

long small_serve(uint32_t label, struct short_message *words, struct request *request) {
    pipe_replying = NULL;
    uint32_t operation = label & ~SMALL_LENGTH, length = label & SMALL_LENGTH;
    bool write = operation == SMALL_WRITE;
    if ((!write && operation != SMALL_READ) || words->badge == BADGE_FILES) {
        return ENOSYS;
    }
    struct session *session = session_find(words->badge);
    if (session == NULL || length > SMALL_BYTES) {
        return SMALL_ERROR(session == NULL ? EIO : EINVAL);
    }
    if (session->pipe != NULL) {
        return pipe_call(session, write, length, words);
    }
    return write ? file_write(session, request, length, words)
                 : file_read(session, request, length, words);
}
