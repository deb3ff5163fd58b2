/* SPDX-License-Identifier: MIT */
/*
 * The file server's parts. One thread, no locks.
 *   memory.c   chunks of 4 KiB and small objects, from memory that is committed before use, so that
 *              a machine without memory means an errno for a client and never a fault of the server
 *   tree.c     names: directories and files, from the initrd and made later
 *   content.c  the bytes of a file: chunks over the image that the initrd has
 *   pipe.c     pipes, whose callers may wait
 *   session.c  what a client has open
 *   small.c    reads and writes that are short messages
 *   map.c      files mapped into clients' quarters
 * ../files.c owns the loop that receives, and the table of labels. Results of functions: 0 or an
 * errno.
 */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <quartet.h>

#include "user/lib/protocol.h"
#include "user/servers/reply.h"

/* ---- memory.c -------------------------------------------------------------------------------- */

#define CHUNK_SIZE 4096u
typedef uint32_t chunk_number; /* 0: none */

bool memory_limit(
    uint32_t chunks);          /* that can be in use at a time; none before; false: no memory */
bool memory_is_scarce(void);   /* too little to cache what can be had without */
chunk_number chunk_take(void); /* filled with zeros; 0: no memory */
void chunk_give(chunk_number chunk);
void *chunk_address(chunk_number chunk);
uint32_t chunk_offset(chunk_number chunk); /* in slot 1 */
/* Pages of clients may be copies of this chunk from now on: writing to it may need memory. */
void chunk_lend(chunk_number chunk);
/* False: no memory; the chunk is as it was. */
bool chunk_write(chunk_number chunk, uint32_t offset, const void *bytes, uint32_t length);

struct pool {
    size_t object_size; /* at most CHUNK_SIZE, a multiple of 8 */
    void *free;
};

void *pool_take(struct pool *pool); /* zeroed; null: no memory */
void pool_give(struct pool *pool, void *object);

/* ---- content.c ------------------------------------------------------------------------------- */

#define CONTENT_DIRECT 8u
#define CONTENT_FANOUT (CHUNK_SIZE / sizeof(chunk_number))
#define CONTENT_LIMIT 0x30000000u /* the largest file */

/*
 *  offset / 4 KiB:   0..7           8 .. 8+1023      each next 1024
 *                    direct[]       table[0] ->      table[1] -> ...
 * A chunk that is not there is what the image has in that place, or zeros.
 */
#define CONTENT_TABLES (CONTENT_LIMIT / CHUNK_SIZE / CONTENT_FANOUT + 1)

struct content {
    const uint8_t *image; /* in the initrd, read-only */
    uint32_t image_length;
    uint32_t size;
    chunk_number direct[CONTENT_DIRECT];
    chunk_number tables; /* of CONTENT_TABLES chunk numbers */
};

void content_read(const struct content *content, uint32_t offset, void *buffer, uint32_t length);
/* Stores how many bytes it could write in *WRITTEN; an error only if that is none. */
int content_write(struct content *content, uint32_t offset, const void *buffer, uint32_t length,
                  uint32_t *written);
/* EFBIG; ENOSPC, and nothing has changed. */
bool content_forget(struct content *content); /* all chunks; false: there was none */
int content_resize(struct content *content, uint32_t size);
/* The chunk that has page INDEX, which begins in the file; 0: no memory. */
chunk_number content_page(struct content *content, uint32_t index);

/* ---- tree.c ---------------------------------------------------------------------------------- */

#define NAME_SIZE 256u

enum node_type { NODE_FILE, NODE_DIRECTORY, NODE_NULL, NODE_ZERO };

struct node {
    enum node_type type;
    uint32_t mode;
    uint32_t inode;
    uint32_t opens; /* sessions and mappings; a removed node goes with the last */
    bool changed;   /* a file: it is not as in the initrd any more */
    bool mapped;    /* map.c wants to hear of the first change */
    uint64_t modified;
    struct node *parent; /* null: the root, or removed */
    struct node *next;   /* in the parent, ascending by name */
    struct node *children;
    struct content content;
    char name[NAME_SIZE];
};

struct path {
    const char *text; /* not terminated */
    uint32_t length;
};

extern struct node *tree_root;

int tree_initialize(const void *archive, size_t length);
int tree_find(struct path path, struct node **node);
int tree_create(struct path path, enum node_type type, uint32_t mode, struct node **node);
int tree_remove(struct path path, bool directory);
int tree_rename(struct path from, struct path to);
struct node *tree_of_initrd(uint32_t inode); /* a file; null: there is none */
/* Give up what is cached of files that nobody has open or mapped; false: there is none. */
bool tree_shrink(struct node *node);
void tree_stat(const struct node *node, struct file_stat *stat);
void node_touch(struct node *node); /* it has been modified now */
void node_open(struct node *node);
void node_close(struct node *node);

/* ---- The request that is being served (files.c) ---------------------------------------------- */

struct request {
    struct message message;
    struct message reply;
    uint8_t data[MESSAGE_BYTES];       /* received */
    uint8_t reply_data[MESSAGE_BYTES]; /* to send: reply.send_length bytes */
    int given; /* handle that came along, or QUARTET_NONE: closed, unless somebody takes it */
};

#define REPLY_LATER (-1) /* instead of an errno: the caller waits */

/* ---- small.c --------------------------------------------------------------------------------- */

/* Serve the short message of LABEL and WORDS: the label of the reply, whose words are then in WORDS. It
 * goes to the caller whose message came last, or to whom pipe_write_small has turned; if it does not
 * reach that, pipe_reply_lost wants to know. Or one of these: */
long small_serve(uint32_t label, struct short_message *words, struct request *request);

#define SMALL_LATER (-1)   /* the caller waits under pipe_waiter_key() */
#define SMALL_REPLIED (-2) /* there is nothing left to do */

/* ---- pipe.c ---------------------------------------------------------------------------------- */

struct pipe;

struct pipe *pipe_create(void); /* null: no memory */
/* NOW: EAGAIN instead of waiting. */
int pipe_read(struct pipe *pipe, struct request *request, bool now);
int pipe_write(struct pipe *pipe, struct request *request, bool now);
/* The same for who asks by a short message: a result of small_serve. */
long pipe_read_small(struct pipe *pipe, struct short_message *words, uint32_t length, bool now);
long pipe_write_small(struct pipe *pipe, struct short_message *words, uint32_t length, bool now);
uintptr_t pipe_waiter_key(void);
extern struct pipe *pipe_replying; /* a reader is on the way to get bytes of it; small_serve clears it */
void pipe_reply_lost(void); /* and it did not get them: they stay in the pipe */
void pipe_poll(struct pipe *pipe, bool writer, struct request *request);
void pipe_close(struct pipe *pipe, bool writer);

/* ---- session.c ------------------------------------------------------------------------------- */

struct session {
    uint64_t badge;
    uint32_t flags; /* O_* */
    uint32_t offset;
    struct node *node; /* or */
    struct pipe *pipe;
};

void session_initialize(uint32_t restarts);
struct session *session_find(uint64_t badge); /* null: of none, or of a predecessor's client */
/* A session and the handle of it that the caller sends off and closes. */
int session_create(struct session **session, int *handle);
void session_close(uint64_t badge);
int session_open(struct request *request);
int session_pipe(struct request *request);
int session_read(struct session *session, struct request *request);
int session_write(struct session *session, struct request *request);
int session_seek(struct session *session, struct request *request);
int session_stat(struct session *session, struct request *request);
int session_read_directory(struct session *session, struct request *request);
int session_truncate(struct session *session, struct request *request);
int session_flags(struct session *session, struct request *request);
int session_poll(struct session *session, struct request *request);

/* ---- map.c ----------------------------------------------------------------------------------- */

/* First of all: slot 1 gets a quarter that this process can supply pages from. */
int memory_own(void);
int maps_initialize(void); /* when the tree is there */
int session_map(struct session *session, struct request *request);
int maps_forget(struct request *request);
void maps_fault(const struct message *fault);
void maps_changed(const struct node *node);
void maps_close(uint32_t badge); /* no quarter with this pager is left */

#endif
