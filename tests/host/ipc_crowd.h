/* SPDX-License-Identifier: MIT */
/*
 * A crowd of workers: threads in a few processes that do random operations on handles, endpoints,
 * sessions and messages, and a plain model of what each may answer. A message carries the number of
 * its call or reply, and everything else in it is made from that number; so whoever gets one knows
 * what it must say, who sent it, and whether it may come to him.
 *
 *     call  ──> received: once, by a right to receive from where it was sent
 *     reply ──> the call's result: of somebody who had received it, once
 *
 * Workers know of each other only by these records, which change when a call begins or ends; the
 * driver compares all counts with ipc_audit whenever everybody waits. (ipc_model.c judges;
 * test_ipc_random.c has the operations)
 */
#ifndef TESTS_IPC_CROWD_H
#define TESTS_IPC_CROWD_H

#include "tests/host/ipc_audit.h"
#include "tests/host/ipc_world.h"

#define CROWD_PROCESSES 6u
#define CROWD_THREADS 3u /* of a process, at most */
#define CROWD_WORKERS (CROWD_PROCESSES * CROWD_THREADS)
#define CROWD_RECORDS 512u /* calls and replies of a worker that are remembered */
#define CROWD_TOKENS 8u    /* of a process */
#define CROWD_BADGES 0x100000u

#define ANSWER_UNSEEN UINT64_MAX

enum outcome { OUTCOME_NONE, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_UNKNOWN };

/* A call or a reply, from its begin until it is forgotten. */
struct record {
    u64 number;               /* 0: none */
    bool reply, unsure, open; /* open: its system call has not returned */
    bool is_short, fits_short;
    const struct endpoint *endpoint; /* null: unknown. It may be gone: */
    u64 serial;                      /* of the object that it was */
    u64 badge;
    u64 call; /* reply: what it answers; 0: unknown */
    u32 length, room, handle_count;
    struct handle handle[MESSAGE_HANDLES];
    u64 lent[SLOT_COUNT]; /* call: sub-IDs of the quarters that it lends; 0: none */
    bool lends;
    u64 began, deadline; /* 0: none */
    u32 ends, blind;     /* crowd's when it began */
    bool somebody_ends;  /* one that was ending then may have received it since */
    bool received, early; /* early: answered blindly, before its receiver could say so */
    u64 answer;           /* call: the reply that it got; 0: none */
    u32 replies, replied; /* call: begun; known to have been done */
#define ANSWER_UNSEEN UINT64_MAX

    enum outcome outcome; /* reply */
    long result;
};

struct token {
    u64 token, call;
    const struct endpoint *endpoint; /* it may be gone: */
    u64 serial;
};

struct worker {
    struct thread *thread; /* null: none */
    u32 process, index;    /* index: among its process's threads */
    u64 serial;            /* of the last record */
    struct record record[CROWD_RECORDS];
    u64 last_call;    /* what it has received last; 0: nothing */
    bool last_unsure; /* another message may have come since, and gone */
    const struct endpoint *serving;
    u64 calling;               /* number of the call under way, or 0 */
    u64 before[CROWD_WORKERS]; /* of it: calls that were queued when it began */
    const void *holds;         /* what its system call has a reference to */
    struct message message;
    u8 bytes[MESSAGE_BYTES];
    bool readable; /* what came could be read */
};

struct member {
    struct process *process; /* null: none */
    bool ending;             /* somebody has begun to end it */
    struct token token[CROWD_TOKENS];
};

struct configuration {
    u32 cpus, processes, threads; /* threads: of a process */
    bool fast, vanish, scarce, timeouts, kills, lending;
    bool siblings; /* threads close what others of their process use */
};

struct crowd {
    struct configuration is;
    struct worker worker[CROWD_WORKERS];
    struct member member[CROWD_PROCESSES];
    u64 left;  /* operations of this round */
    u32 ends;  /* processes whose end has begun */
    u32 blind; /* replies begun to a call that the model does not know: an old token's */
    u32 badge; /* the last one given */
    struct {
        u64 serial; /* of the endpoint */
        bool told;  /* that it was closed */
    } session[CROWD_BADGES];
    u64 operations, calls, received, replied, notices, dead, timed_out, refused;
};

extern struct crowd crowd;

/* ---- ipc_model.c ----------------------------------------------------------------------------- */

struct record *record_new(struct worker *worker, bool reply);
struct record *record_find(u64 number); /* null: none, or forgotten */
struct worker *record_owner(const struct record *record);

/* The words, the label and the bytes that RECORD's message has. */
void record_fill(const struct record *record, struct message *message, u8 *bytes);

/* What has come: a message that WORKER has received from ENDPOINT, in worker->message and bytes. */
void judge_received(struct worker *worker, const struct endpoint *endpoint, u32 room,
                    bool is_short);
void judge_closed(const struct endpoint *endpoint, u64 badge);
/* The call, or the reply, has returned RESULT; what came stands in worker->message and bytes. */
void judge_call(struct worker *worker, struct record *call, long result);
void judge_reply(struct worker *worker, struct record *reply, long result);
/* WORKER's thread has ended, whatever it was doing. */
void judge_end(struct worker *worker);

#endif
