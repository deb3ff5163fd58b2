/* SPDX-License-Identifier: MIT */
/*
 * Messages: synchronous call and reply through endpoints.
 *
 *      caller                        endpoint                       receiver
 *      ipc_call ──> callers (queued) ──ipc_receive──> awaiting ──ipc_reply──> caller goes on
 *                                       ^
 *      session (endpoint, badge) ───────┴─ closed: sessions whose last reference went
 *
 * A thread's message stands in its own struct ipc_state; its bytes in one kernel frame that it has
 * from its first use on. A message changes hands under the endpoint's lock, and bytes move by
 * swapping the frames of the two threads: no thread ever reads memory that another thread may free.
 *
 * Locks: everything in an endpoint, and the links and phase of every ipc_state that stands in one
 * of its lists, is guarded by the endpoint's lock (LOCK_ENDPOINT). User memory and handle tables
 * are touched with no lock held. Read next: endpoint.c (queues and deaths), message.c (what is in a
 * message).
 */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/object/object.h"

struct thread;

struct endpoint {
    u32 references; /* atomic: handles, sessions, calls under way */
    u32 sessions;   /* atomic: open, or closed and not yet received as a notice */
    struct spinlock lock;
    /* lock: */
    u32 readers;           /* handles with RIGHT_READ, in tables and in messages */
    bool dead;             /* there are no readers any more, and never will be */
    u64 next_token;        /* 64 bits: never reused */
    struct list callers;   /* ipc_state.link, oldest first: nobody has received them */
    struct list awaiting;  /* ipc_state.link: received, not replied to */
    struct list receivers; /* ipc_state.link: threads that wait for a message */
    struct list closed;    /* session.link: to be told */
};

/* A caller's identity towards a server. What a server's client holds. */
struct session {
    u32 references;            /* atomic: handles, calls under way */
    struct endpoint *endpoint; /* immutable; counted */
    u64 badge;                 /* immutable */
    struct list link;          /* endpoint->lock: in endpoint->closed once references is 0 */
};

/* A handle between two tables: it has its own reference. */
struct ipc_handle {
    void *object;
    u8 type, rights;
};

/* What is under way besides the bytes, which stand in ipc_state.page. */
struct ipc_content {
    u32 label, kind;
    u64 word[4];
    u64 badge, token;
    u32 length; /* of the bytes */
    u32 handle_count;
    struct ipc_handle handle[MESSAGE_HANDLES];
};

enum ipc_phase { IPC_IDLE, IPC_QUEUED, IPC_AWAITING, IPC_RECEIVING };

struct ipc_state {
    struct thread *thread; /* immutable */
    u8 *page;              /* one low frame; owner only, swapped under the lock while it waits */
    struct list link;      /* lock: in the list that phase names */
    u8 phase;              /* lock: enum ipc_phase */
    u32 receive_size;      /* lock: the room that the reply may fill */
    const struct process *receiver; /* lock: AWAITING: whose thread received it; only compared */
    struct ipc_content content;
};

/* Endpoints. A new one has one reference and no reader: its first handle makes it the first. */
int endpoint_create(struct endpoint **result);
void endpoint_reference(struct endpoint *endpoint);
void endpoint_release(struct endpoint *endpoint);

/* Whoever puts a handle with RIGHTS into a table, or takes one out, says so; the caller keeps its
 * reference meanwhile. When the last RIGHT_READ goes, every caller wakes with E_DEAD. May be called
 * under LOCK_HANDLES. */
void endpoint_handle_added(struct endpoint *endpoint, u32 rights);
void endpoint_handle_removed(struct endpoint *endpoint, u32 rights);

/* PROCESS, which is ending, receives from ENDPOINT: nobody will reply to the calls that it received.
 * They end with E_DEAD, also where others can still receive; calls that are queued stay so. A
 * supervisor that keeps the right to receive can so start the server again behind the same
 * endpoint, and no client hangs. */
void endpoint_server_ended(struct endpoint *endpoint, const struct process *process);

/* Of one endpoint: closed ones that nobody receives must not fill the kernel's memory. */
#define SESSION_LIMIT 4096u

/* Sessions. 0, E_NOMEM or E_LIMIT. The last release tells the endpoint, without allocating. */
int session_create(struct endpoint *endpoint, u64 badge, struct session **result);
void session_reference(struct session *session);
void session_release(struct session *session);
/* Free one that nobody else has, without telling. It stands in no list. */
void session_free(struct session *session);

/* The calling thread's state with its page: made at the first use. Null: no memory. */
struct ipc_state *ipc_state_obtain(void);
/* A kernel page for bytes on their way between user memory and elsewhere; valid until the next
 * ipc call of this thread. Null: no memory. */
void *ipc_page(void);
/* THREAD has ended: free what ipc_state_obtain made. */
void ipc_thread_release(struct thread *thread);

/* The four calls, for the calling thread; MESSAGE is a user address. 0 or E_*. All but ipc_reply
 * sleep. ipc_reply_receive returns at once if the reply fails. */
int ipc_call(struct endpoint *endpoint, u64 badge, uword message);
int ipc_receive(struct endpoint *endpoint, uword message);
int ipc_reply(struct endpoint *endpoint, uword message);
int ipc_reply_receive(struct endpoint *endpoint, uword message);

/* endpoint.c, for message.c: STATE's content and page are ready; no lock held. */
/* Queue, wait for the reply; it then stands in STATE. */
int endpoint_call(struct endpoint *endpoint, struct ipc_state *state);
/* Wait for a caller or a closed session; it then stands in STATE. SIZE: the room for bytes. */
int endpoint_receive(struct endpoint *endpoint, struct ipc_state *state, u32 size);
/* Hand STATE's content to the caller that TOKEN names: E_NOTFOUND, or E_TOOBIG if it lacks room.
 * RECEIVES: the replier is about to wait for the next message. */
int endpoint_reply(struct endpoint *endpoint, struct ipc_state *state, u64 token, bool receives);
/* The caller that TOKEN names gets ERROR instead of a reply, if it is still there. */
void endpoint_refuse(struct endpoint *endpoint, u64 token, int error);
/* SESSION has lost its last reference: queue it as a notice, or free it if ENDPOINT is dead. */
void endpoint_closed(struct endpoint *endpoint, struct session *session);

#endif
