/* SPDX-License-Identifier: MIT */
/*
 * Messages: synchronous call and reply through endpoints.
 *
 *      caller                        endpoint                       receiver
 *      ipc_call ──> callers (queued) ──ipc_receive──> awaiting ──ipc_reply──> caller goes on
 *                                       ^
 *      session (endpoint, badge) ───────┴─ closed: sessions whose last reference went
 *
 * A message is *short*, label and three words that travel in registers (short.c), or *long*, with
 * bytes, handles and quarters (message.c). They mix: either side chooses its form. A thread's
 * message stands in its own struct ipc_state; its bytes in one kernel frame that it has from its
 * first use on. A message changes hands under the endpoint's lock, and bytes move by swapping the
 * frames of the two threads: no thread ever reads memory that another thread may free.
 *
 * Locks: everything in an endpoint, and the links and phase of every ipc_state that stands in one
 * of its lists, is guarded by the endpoint's lock (LOCK_ENDPOINT). User memory and handle tables
 * are touched with no lock held. Read next: endpoint.c (queues and deaths), exchange.c, message.c and short.c
 * (what is in a message), fast.c (the common case, at once).
 */
#ifndef KERNEL_IPC_H
#define KERNEL_IPC_H

#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/object/object.h"
#include "kernel/process/process.h"
#include "kernel/vm/space.h"

struct process;
struct quarter;
struct thread;

struct endpoint {
    u32 references; /* atomic: handles, sessions, calls under way, its servers */
    u32 sessions;   /* atomic: open, or closed and not yet received as a notice */
    struct spinlock lock;
    /* lock: */
    u32 readers;                          /* handles with RIGHT_READ, in tables and in messages */
    bool dead;                            /* there are no readers any more, and never will be */
    u64 next_token;                       /* 64 bits: never reused */
    u32 queued;                           /* bit p: callers[p] is not empty */
    struct list callers[PRIORITY_LEVELS]; /* ipc_state.link, oldest first: not received yet */
    struct list awaiting;                 /* ipc_state.link: received, not replied to */
    struct list receivers;                /* ipc_state.link: threads that wait for a message */
    struct list servers; /* ipc_state.server_link: threads that received from here last */
    struct list closed;  /* session.link: to be told */
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
    u8 quarters;    /* bit s: state->quarter[s] comes with it, referenced; */
    u8 given;       /* for good */
    bool long_call; /* its sender waits for a long reply */
    struct ipc_handle handle[MESSAGE_HANDLES];
};

enum ipc_phase { IPC_IDLE, IPC_QUEUED, IPC_AWAITING, IPC_RECEIVING };

struct ipc_state {
    struct thread *thread; /* immutable */
    u8 *page;              /* one low frame; owner only, swapped under the lock while it waits */
    /* lock of the endpoint that it calls or receives from: */
    struct list link; /* in the list that phase names */
    u8 phase;         /* enum ipc_phase; atomic: IDLE is stored last, see endpoint.c */
    u8 priority;      /* QUEUED: in which list */
    bool is_short;    /* what it waits for must be a short message */
    u8 accept;        /* slots in which what it waits for may bring a quarter */
    u32 receive_size; /* the room that what it waits for may fill */
    const struct process *receiver; /* AWAITING: whose thread received it; only compared */
    struct ipc_state *server;       /* AWAITING: who received it, until that receives another */
    /* lock of `serving`: */
    struct list server_link;  /* in serving->servers */
    struct ipc_state *caller; /* whose message it received last, until that caller leaves */
    /* owner only: */
    struct endpoint *serving;              /* where it received last, counted; or null */
    u64 received_token;                    /* of the message that it received last */
    struct process *borrower;              /* who received what it lends, counted; or null */
    u64 lent_token;                        /* of the message with which it lends, if it does */
    u64 given[SLOT_COUNT];                 /* sub-IDs of what its message gives */
    struct space_slot quarter[SLOT_COUNT]; /* content.quarters: under way */
    struct session *session; /* of the call in which it is parked, referenced; or null: fast.c */
    bool in_registers; /* the short message that it was given stands in them, but for the label */
    struct ipc_content content;
    /* Where a long message goes that comes while it waits for a short one (or 0), and its bytes: */
    uword room, room_buffer;
    u32 room_size;
    /* While it waits, of a page fault (process/pager.c); else null: where the page is wanted. */
    struct quarter *fault_quarter;
    u32 fault_offset;
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
/* A second state for the calling thread, for the calls that the kernel makes when it faults: perhaps
 * while it is copying a message of its own. Made at the first use. Null: no memory. */
struct ipc_state *ipc_fault_state_obtain(void);
/* THREAD has ended: free what the three above made. */
void ipc_thread_release(struct thread *thread);
/* The four calls with long messages, for the calling thread; MESSAGE is a user address. 0 or E_*.
 * All but ipc_reply sleep, at most for the message's time-out. ipc_reply_receive returns at once if
 * the reply fails. */
int ipc_call(struct endpoint *endpoint, u64 badge, uword message);
int ipc_receive(struct endpoint *endpoint, uword message);
int ipc_reply(struct endpoint *endpoint, uword message);
int ipc_reply_receive(struct endpoint *endpoint, uword message);

/* The same with short ones, which stand in the calling thread's registers. The label of what has
 * come, or -E_*. A reply goes to the caller whose message the thread received last: -E_NOTFOUND if
 * that has been replied to, or is gone. (short.c) */
long ipc_call_short(struct endpoint *endpoint, u64 badge, u32 label);
long ipc_receive_short(struct endpoint *endpoint);
long ipc_reply_short(struct endpoint *endpoint, uword label);
long ipc_reply_receive_short(struct endpoint *endpoint, uword label);

/* What they do for a server that answers some callers later (abi/syscalls.def). */
int ipc_room(uword message);
long ipc_keep_receive_short(struct endpoint *endpoint, uword key);
int ipc_reply_turn_short(struct endpoint *endpoint, u32 label, uword key);
/* The long message in STATE goes where ipc_room says. SHORT_LONG, or -E_*: its sender has that, too. */
long ipc_room_deliver(struct ipc_state *state);
/* The calling thread runs another program from now on. */
void ipc_program_replaced(void);

/* What a wait of STATE's thread for a short message returns, RESULT being how it ended. */
long ipc_short_return(struct ipc_state *state, int result);

/* The reply in STATE goes to the caller of TOKEN, which may be TOKEN_LAST only if STATE's thread serves
 * ENDPOINT; first what that caller lent goes back, also if it does not wait any more. (message.c) */
int ipc_reply_send(struct endpoint *endpoint, struct ipc_state *state, u64 token, bool receives);

/* Drop the handles of STATE's content from number FIRST on. (message.c) */
void ipc_handles_drop(struct ipc_state *state, u32 first);

/* exchange.c, for message.c, short.c and the kernel's own calls: STATE's content and page are
 * ready, and with it receive_size and is_short; no lock held. DEADLINE: nanoseconds of arch_clock,
 * or WAIT_FOREVER. */
/* Queue, wait for the reply; it then stands in STATE. 0, E_DEAD, E_TOOBIG, E_TIMEOUT, E_KILLED. */
int endpoint_call(struct endpoint *endpoint, struct ipc_state *state, u64 deadline);
/* Wait for a caller or a closed session; it then stands in STATE. */
int endpoint_receive(struct endpoint *endpoint, struct ipc_state *state, u64 deadline);
/* Hand STATE's content to the caller that TOKEN names: E_NOTFOUND, or E_TOOBIG if it lacks room.
 * RECEIVES: the replier is about to wait for the next message. */
#define TOKEN_LAST 0u /* the caller that the thread received last; no caller's token */
int endpoint_reply(struct endpoint *endpoint, struct ipc_state *state, u64 token, bool receives);
/* Nobody can receive, and nobody ever will. */
static inline bool endpoint_gone(const struct endpoint *endpoint) {
    return __atomic_load_n(&endpoint->dead, __ATOMIC_ACQUIRE);
}
/* The quarter in which the caller that TOKEN names has a page fault, with a reference, and the page's
 * *OFFSET; null: it is no fault, or not there. */
struct quarter *endpoint_fault_quarter(struct endpoint *endpoint, const struct ipc_state *state,
                                       u64 token, u32 *offset);
/* endpoint_reply, then endpoint_receive without a deadline, in one step from this thread to the
 * caller's, where that can be: both are of this CPU, and nobody else waits. E_AGAIN: nothing has
 * happened. Else as endpoint_receive. */
int endpoint_reply_receive(struct endpoint *endpoint, struct ipc_state *state, u64 token);
/* The caller whose short message STATE's thread has received last, if there is one, can be found by
 * KEY from now on. */
void endpoint_keep(struct endpoint *endpoint, struct ipc_state *state, uword key);
/* STATE's content goes to that caller, and the one kept under KEY becomes the last: E_NOTFOUND or
 * E_INVALID, and nothing has happened. */
int endpoint_reply_turn(struct endpoint *endpoint, struct ipc_state *state, uword key);
/* What endpoint_reply would return, apart from a caller that goes away. */
int endpoint_reply_check(struct endpoint *endpoint, const struct ipc_state *state, u64 token);
/* Does the caller of TOKEN still await the reply? */
bool endpoint_awaits(struct endpoint *endpoint, u64 token);
/* The caller that TOKEN names gets ERROR instead of a reply, if it is still there. */
void endpoint_refuse(struct endpoint *endpoint, u64 token, int error);
/* SESSION has lost its last reference: queue it as a notice, or free it if ENDPOINT is dead. */
void endpoint_closed(struct endpoint *endpoint, struct session *session);
/* STATE's thread has ended. */
void endpoint_server_leave(struct ipc_state *state);

/* After its thread has woken: take STATE out of its list if nobody else has done so. */
void endpoint_settle(struct endpoint *endpoint, struct ipc_state *state);

#endif
