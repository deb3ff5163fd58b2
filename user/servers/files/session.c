/* SPDX-License-Identifier: MIT */
/*
 * Sessions: what a client has open. The kernel tells which session a message came through by the
 * badge that the server chose: its number in the table, and which instance of the server this is.
 * For a client may still have a session of a predecessor that was killed, and must not come to a
 * file that another one has opened since.
 */
#include "user/servers/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pool session_pool = {.object_size = (sizeof(struct session) + 7) & ~(size_t)7};

/* The kernel lets an endpoint have 4096 sessions. */
#define TABLE_BITS 12u
#define TABLE_SIZE (1u << TABLE_BITS)

static struct session *table[TABLE_SIZE];
static uint32_t instance;
static uint32_t lowest_free; /* no free place in the table below this */

/* Number 0 is none, so that no session has a badge that init gives (protocol.h). */
void session_initialize(uint32_t restarts) { instance = restarts + 1; }

struct session *session_find(uint64_t badge) {
    return badge >> TABLE_BITS == instance ? table[badge % TABLE_SIZE] : NULL;
}

/* A badge for SESSION; 0: there are too many. */
static uint32_t table_enter(struct session *session) {
    while (lowest_free < TABLE_SIZE && table[lowest_free] != NULL) {
        lowest_free++;
    }
    if (lowest_free == TABLE_SIZE) {
        return 0;
    }
    table[lowest_free] = session;
    return instance << TABLE_BITS | lowest_free++;
}

static void table_leave(uint64_t badge) {
    uint32_t place = badge % TABLE_SIZE;
    table[place] = NULL;
    lowest_free = place < lowest_free ? place : lowest_free;
}

int session_create(struct session **result, int *handle) {
    struct session *session = pool_take(&session_pool);
    if (session == NULL) {
        return ENFILE;
    }
    session->badge = table_enter(session);
    long created =
        session->badge != 0 ? endpoint_session(HANDLE_SERVICE, (uint32_t)session->badge) : -E_LIMIT;
    if (created < 0) {
        if (session->badge != 0) {
            table_leave(session->badge);
        }
        pool_give(&session_pool, session);
        return ENFILE;
    }
    *result = session;
    *handle = (int)created;
    return 0;
}

static bool is_write_end(const struct session *session) {
    return (session->flags & O_ACCMODE) == O_WRONLY;
}

/* No handle to it is left anywhere. */
void session_close(uint64_t badge) {
    maps_close((uint32_t)badge); /* if it was a pager's, perhaps made by a predecessor */
    struct session *session = session_find(badge);
    if (session == NULL) {
        return;
    }
    if (session->node != NULL) {
        node_close(session->node);
    }
    if (session->pipe != NULL) {
        pipe_close(session->pipe, is_write_end(session));
    }
    table_leave(badge);
    pool_give(&session_pool, session);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int open_node(struct path path, uint32_t flags, uint32_t mode, struct node **node) {
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    int error = tree_find(path, node);
    if (error == ENOENT && (flags & O_CREAT)) {
        return tree_create(path, NODE_FILE, mode, node);
    }
    if (error != 0) {
        return error;
    }
    if ((flags & O_CREAT) && (flags & O_EXCL)) {
        return EEXIST;
    }
    if ((*node)->type == NODE_DIRECTORY) {
        return writes || (flags & O_TRUNC) ? EISDIR : 0;
    }
    if (flags & O_DIRECTORY) {
        return ENOTDIR;
    }
    if ((flags & O_TRUNC) && writes && (*node)->type == NODE_FILE) {
        node_touch(*node);
        return content_resize(&(*node)->content, 0);
    }
    return 0;
}

int session_open(struct request *request) {
    struct path path = {(char *)request->data, request->message.receive_length};
    uint32_t flags = (uint32_t)request->message.word[0];
    if ((flags & O_ACCMODE) == O_ACCMODE) {
        return EINVAL;
    }
    /* The session first: no file is created or cut for a caller that then gets none. */
    struct session *session;
    struct node *node;
    int handle, error = session_create(&session, &handle);
    if (error != 0) {
        return error;
    }
    error = open_node(path, flags, (uint32_t)request->message.word[1], &node);
    if (error != 0) {
        handle_close(handle); /* the notice of its end frees the session */
        return error;
    }
    session->flags = flags;
    session->node = node;
    node_open(node);
    request->reply.handle[0] = handle;
    request->reply.handle_count = 1;
    return 0;
}

int session_pipe(struct request *request) {
    struct pipe *pipe = pipe_create();
    struct session *end[2];
    for (int i = 0; i < 2 && pipe != NULL; i++) {
        int error = session_create(&end[i], &request->reply.handle[i]);
        if (error != 0) {
            if (i == 1) {
                handle_close(request->reply.handle[0]);
            } else {
                pipe_close(pipe, false);
            }
            pipe_close(pipe, true);
            return error;
        }
        end[i]->flags =
            (i == 0 ? O_RDONLY : O_WRONLY) | ((uint32_t)request->message.word[0] & O_NONBLOCK);
        end[i]->pipe = pipe;
    }
    request->reply.handle_count = pipe != NULL ? 2 : 0;
    return pipe != NULL ? 0 : ENFILE;
}

/* ---- Using ----------------------------------------------------------------------------------- */

static bool may_read(const struct session *session) {
    return (session->flags & O_ACCMODE) != O_WRONLY;
}

static bool may_write(const struct session *session) {
    return (session->flags & O_ACCMODE) != O_RDONLY;
}

/* The offset that a call names, or the session's. False if no file can have it. */
static bool call_offset(const struct session *session, uint64_t word, uint32_t *offset) {
    *offset = word == FILE_HERE ? session->offset : (uint32_t)word;
    return word == FILE_HERE || word <= INT_MAX;
}

static void read_file(struct session *session, struct request *request, uint32_t offset,
                      uint32_t length) {
    const struct content *content = &session->node->content;
    uint32_t left = offset < content->size ? content->size - offset : 0;
    length = length < left ? length : left;
    content_read(content, offset, request->reply_data, length);
    request->reply.send_length = length;
    request->reply.word[0] = FILE_MORE;
    if (request->message.word[1] == FILE_HERE) {
        session->offset = offset + length;
    }
}

int session_read(struct session *session, struct request *request) {
    uint64_t wanted = request->message.word[0];
    uint32_t offset, length = wanted < MESSAGE_BYTES ? (uint32_t)wanted : MESSAGE_BYTES;
    if (!may_read(session)) {
        return EBADF;
    }
    if (session->pipe != NULL) {
        return pipe_read(session->pipe, request, (session->flags & O_NONBLOCK) != 0);
    }
    if (!call_offset(session, request->message.word[1], &offset)) {
        return EINVAL;
    }
    switch (session->node->type) {
    case NODE_DIRECTORY:
        return EISDIR;
    case NODE_ZERO:
        memset(request->reply_data, 0, length);
        request->reply.send_length = length;
        request->reply.word[0] = FILE_MORE;
        return 0;
    case NODE_NULL:
        return 0;
    default:
        read_file(session, request, offset, length);
        return 0;
    }
}

static int write_file(struct session *session, struct request *request, uint32_t offset) {
    struct node *node = session->node;
    uint32_t written;
    bool here = request->message.word[0] == FILE_HERE;
    if (here && (session->flags & O_APPEND)) {
        offset = node->content.size;
    }
    int error = content_write(&node->content, offset, request->data,
                              request->message.receive_length, &written);
    if (error == 0) {
        node_touch(node);
        request->reply.word[0] = written;
        session->offset = here ? offset + written : session->offset;
    }
    return error;
}

int session_write(struct session *session, struct request *request) {
    uint32_t offset;
    if (!may_write(session)) {
        return EBADF;
    }
    if (session->pipe != NULL) {
        return pipe_write(session->pipe, request, (session->flags & O_NONBLOCK) != 0);
    }
    if (!call_offset(session, request->message.word[0], &offset)) {
        return EINVAL;
    }
    if (session->node->type != NODE_FILE) {
        request->reply.word[0] = request->message.receive_length;
        return 0;
    }
    return write_file(session, request, offset);
}

int session_seek(struct session *session, struct request *request) {
    int64_t distance = (int64_t)request->message.word[0];
    if (session->pipe != NULL) {
        return ESPIPE;
    }
    int64_t base;
    switch (request->message.word[1]) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = session->offset;
        break;
    case SEEK_END:
        base = session->node->content.size;
        break;
    default:
        return EINVAL;
    }
    if (distance < -base || distance > INT_MAX - base) {
        return distance < 0 ? EINVAL : EOVERFLOW;
    }
    session->offset = (uint32_t)(base + distance);
    request->reply.word[0] = session->offset;
    return 0;
}

int session_stat(struct session *session, struct request *request) {
    struct file_stat stat = {.mode = S_IFIFO | 0600, .links = 1};
    if (session->node != NULL) {
        tree_stat(session->node, &stat);
    }
    memcpy(request->reply_data, &stat, sizeof stat);
    request->reply.send_length = sizeof stat;
    return 0;
}

int session_read_directory(struct session *session, struct request *request) {
    if (session->node == NULL || session->node->type != NODE_DIRECTORY) {
        return ENOTDIR;
    }
    uint32_t index;
    if (!call_offset(session, request->message.word[0], &index)) {
        return EINVAL;
    }
    struct node *node = session->node->children;
    for (uint32_t i = 0; i < index && node != NULL; i++) {
        node = node->next;
    }
    if (node == NULL) {
        return 0;
    }
    struct file_stat stat;
    tree_stat(node, &stat);
    request->reply.word[0] = stat.inode;
    request->reply.word[1] = stat.mode;
    request->reply.send_length = (uint32_t)strlen(node->name);
    memcpy(request->reply_data, node->name, request->reply.send_length);
    if (request->message.word[0] == FILE_HERE) {
        session->offset = index + 1;
    }
    return 0;
}

int session_truncate(struct session *session, struct request *request) {
    uint64_t size = request->message.word[0];
    if (session->node == NULL || session->node->type != NODE_FILE || !may_write(session)) {
        return EINVAL;
    }
    if (size > CONTENT_LIMIT) {
        return EFBIG;
    }
    node_touch(session->node);
    return content_resize(&session->node->content, (uint32_t)size);
}

/* Nobody ever waits for a file. */
int session_poll(struct session *session, struct request *request) {
    if (session->pipe != NULL) {
        pipe_poll(session->pipe, is_write_end(session), request);
    } else {
        request->reply.word[0] =
            request->message.word[0] & (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
    }
    return 0;
}

int session_flags(struct session *session, struct request *request) {
    uint32_t changeable = O_APPEND | O_NONBLOCK;
    request->reply.word[0] = session->flags & (O_ACCMODE | changeable);
    if (request->message.word[0] != FILE_ASK) {
        session->flags =
            (session->flags & ~changeable) | ((uint32_t)request->message.word[0] & changeable);
    }
    return 0;
}
