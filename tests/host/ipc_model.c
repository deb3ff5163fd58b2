/* SPDX-License-Identifier: MIT */
/*
 * What a message may say and what a call may answer: see ipc_crowd.h. Where two things happen at the
 * same time both orders are right, so each judgment asks only whether there is one that explains it.
 */
#include "tests/host/ipc_crowd.h"

#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"

struct crowd crowd;

/* ---- Records --------------------------------------------------------------------------------- */

/* Is a process on its way out: killed or exiting, and not all of its threads are gone? */
static bool somebody_ends(void) {
    for (u32 i = 0; i < CROWD_WORKERS; i++) {
        const struct worker *worker = &crowd.worker[i];
        if (worker->thread != NULL && crowd.member[worker->process].ending) {
            return true;
        }
    }
    return false;
}

/* number: serial << 8 | worker << 1 | reply */
struct record *record_new(struct worker *worker, bool reply) {
    u64 serial = ++worker->serial;
    struct record *record = &worker->record[serial % CROWD_RECORDS];
    *record = (struct record){.number = serial << 8 | (u64)(worker - crowd.worker) << 1 | reply,
                              .reply = reply,
                              .open = true,
                              .began = arch_clock(),
                              .ends = crowd.ends,
                              .somebody_ends = somebody_ends(),
                              .blind = crowd.blind};
    return record;
}

struct record *record_find(u64 number) {
    u32 owner = (u32)(number & 0xFF) >> 1;
    if (number == 0 || owner >= CROWD_WORKERS) {
        return NULL;
    }
    struct record *record = &crowd.worker[owner].record[(number >> 8) % CROWD_RECORDS];
    return record->number == number ? record : NULL;
}

/* Whoever gets it has slept for long. */
static bool record_forgotten(u64 number) {
    u32 owner = (u32)(number & 0xFF) >> 1;
    u64 serial = number >> 8;
    return owner < CROWD_WORKERS && serial != 0 &&
           serial + CROWD_RECORDS <= crowd.worker[owner].serial;
}

struct worker *record_owner(const struct record *record) {
    return &crowd.worker[(record->number & 0xFF) >> 1];
}

static u8 byte_of(u64 number, u32 at) { return (u8)((number >> 8) * 31 + number * 5 + at * 7); }

void record_fill(const struct record *record, struct message *message, u8 *bytes) {
    u64 number = record->number;
    message->label = (u32)(number * 2654435761u) & 0x0FFFFFFF;
    for (u32 i = 0; i < 4; i++) {
        message->word[i] = i == 3 && record->fits_short ? 0 : number * (2 * i + 1);
    }
    for (u32 i = 0; i < record->length; i++) {
        bytes[i] = byte_of(number, i);
    }
}

/* WORKER has got what RECORD has sent. */
static void content_check(const struct worker *worker, const struct record *record, bool is_short) {
    static u8 bytes[MESSAGE_BYTES];
    const struct message *got = &worker->message;
    struct message sent;
    record_fill(record, &sent, bytes);
    CHECK(got->label == sent.label, "message %#llx has label %#x, not %#x",
          (unsigned long long)record->number, got->label, sent.label);
    for (u32 i = 0; i < (is_short ? SHORT_WORDS : 4); i++) {
        CHECK(got->word[i] == sent.word[i], "word %u of message %#llx is %#llx", i,
              (unsigned long long)record->number, (unsigned long long)got->word[i]);
    }
    CHECK(!is_short || record->fits_short, "message %#llx is too long for a short one",
          (unsigned long long)record->number);
    if (is_short) {
        return;
    }
    CHECK(got->receive_length == record->length && got->handle_count == record->handle_count,
          "message %#llx has %u bytes and %u handles, not %u and %u",
          (unsigned long long)record->number, got->receive_length, got->handle_count,
          record->length, record->handle_count);
    CHECK(memcmp(worker->bytes, bytes, record->length) == 0, "the bytes of message %#llx are wrong",
          (unsigned long long)record->number);
}

static void handles_check(const struct worker *worker, const struct record *record) {
    struct process *process = crowd.member[worker->process].process;
    for (u32 i = 0; i < record->handle_count && !crowd.is.siblings; i++) {
        struct handle got = handle_peek(process, worker->message.handle[i]);
        const struct handle *sent = &record->handle[i];
        CHECK(got.object == sent->object && got.type == sent->type && got.rights == sent->rights,
              "handle %u of message %#llx: type %u, rights %x; sent were type %u, rights %x", i,
              (unsigned long long)record->number, got.type, got.rights, sent->type, sent->rights);
    }
}

/* ---- What can be the reason of something ----------------------------------------------------- */

static bool endpoint_is_dead(const struct record *record) {
    return record->endpoint == NULL || object_serial(record->endpoint) != record->serial ||
           record->endpoint->dead;
}

/* A process that had received it, or that had the last right to receive, may have gone. */
static bool somebody_ended(const struct record *record) {
    return record->somebody_ends || crowd.ends != record->ends;
}

static bool time_is_up(const struct record *record) {
    return record->deadline != 0 && arch_clock() >= record->deadline;
}

static bool owner_ends(const struct record *record) {
    return crowd.member[record_owner(record)->process].ending;
}

static void allow(bool allowed, const struct record *record, const char *what, long result) {
    CHECK(allowed, "%s %#llx answers %ld, for which there is no reason", what,
          (unsigned long long)record->number, result);
}

/* Errors that need no other side. */
static bool reason_here(const struct record *record, int error) {
    switch (error) {
    case E_KILLED:
        return owner_ends(record);
    case E_NOMEM:
        return crowd.is.scarce;
    case E_FAULT:
        return crowd.is.vanish || crowd.is.scarce;
    case E_RIGHTS:
        if (record->lends) {
            return true;
        }
        /* fall through */
    case E_HANDLE:
    case E_TYPE:
        return crowd.is.siblings || record->endpoint == NULL;
    default:
        return false;
    }
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* No call that was queued before CALL began, of no lower priority, still is. CALL's own can only
 * have grown meanwhile. */
static void order_check(const struct record *call) {
    const struct worker *owner = record_owner(call);
    if (!call->open || owner->thread == NULL) {
        return;
    }
    for (u32 i = 0; i < CROWD_WORKERS; i++) {
        const struct worker *other = &crowd.worker[i];
        bool same = owner->before[i] != 0 && owner->before[i] == other->calling;
        if (!same || other->thread == NULL || other->thread->ipc == NULL) {
            continue;
        }
        const struct ipc_state *state = other->thread->ipc;
        CHECK(state->phase != IPC_QUEUED || state->priority < owner->thread->priority,
              "call %#llx is received before %#llx, which has waited longer",
              (unsigned long long)call->number, (unsigned long long)other->calling);
    }
}

/* What CALL lends stands in WORKER's slots, as long as nobody has had a reason to take it back. */
static void loans_check(const struct worker *worker, const struct record *call) {
    const struct space *space = crowd.member[worker->process].process->space;
    bool sure = call->open && !crowd.is.siblings && !time_is_up(call) && !owner_ends(call) &&
                !crowd.member[worker->process].ending && space != NULL && !endpoint_is_dead(call);
    for (u32 slot = 0; slot < SLOT_COUNT && sure; slot++) {
        const struct quarter *quarter = space->slot[slot].quarter;
        CHECK(call->lent[slot] == 0 || (quarter != NULL && quarter->sub_id == call->lent[slot]),
              "call %#llx lends quarter %llu, and quarter %llu stands in slot %u",
              (unsigned long long)call->number, (unsigned long long)call->lent[slot],
              (unsigned long long)(quarter != NULL ? quarter->sub_id : 0), slot);
    }
}

static void token_keep(const struct worker *worker, const struct record *call) {
    struct token *place = &crowd.member[worker->process].token[sim_random_below(CROWD_TOKENS)];
    *place = (struct token){worker->message.token, call->number, call->endpoint, call->serial};
}

void judge_received(struct worker *worker, const struct endpoint *endpoint, u32 room,
                    bool is_short) {
    struct record *call = record_find(worker->message.word[0]);
    if (call == NULL && record_forgotten(worker->message.word[0])) {
        worker->last_unsure = true;
        return;
    }
    CHECK(call != NULL && !call->reply, "a message is received that nobody has sent: %#llx",
          (unsigned long long)worker->message.word[0]);
    CHECK(call->endpoint == endpoint || crowd.is.siblings, "call %#llx comes to another endpoint",
          (unsigned long long)call->number);
    CHECK(worker->message.badge == call->badge || crowd.is.siblings,
          "call %#llx has badge %llu, not %llu", (unsigned long long)call->number,
          (unsigned long long)worker->message.badge, (unsigned long long)call->badge);
    CHECK(!call->received, "call %#llx is received twice", (unsigned long long)call->number);
    CHECK(is_short || call->length <= room, "call %#llx has more bytes than there is room for",
          (unsigned long long)call->number);
    int error = (int)-call->result;
    allow(call->open || call->early || error == E_TIMEOUT || error == E_DEAD || error == E_KILLED,
          call, "call", call->result);
    call->received = true;
    content_check(worker, call, is_short);
    if (!is_short) {
        handles_check(worker, call);
        loans_check(worker, call);
        token_keep(worker, call);
    }
    order_check(call);
    worker->last_call = call->number;
    worker->last_unsure = false;
    worker->serving = endpoint;
    crowd.received++;
}

static u64 closed_badge;
static void check_no_session(void *object) {
    CHECK(((struct session *)object)->badge != closed_badge,
          "session %llu is told to be closed, and is there", (unsigned long long)closed_badge);
}

void judge_closed(const struct endpoint *endpoint, u64 badge) {
    CHECK(badge != 0 && badge <= crowd.badge, "a session with badge %llu has been closed",
          (unsigned long long)badge);
    CHECK(crowd.session[badge].serial == object_serial(endpoint),
          "session %llu was another endpoint's", (unsigned long long)badge);
    CHECK(!crowd.session[badge].told, "session %llu is told to be closed twice",
          (unsigned long long)badge);
    crowd.session[badge].told = true;
    closed_badge = badge;
    objects_each("session", check_no_session);
    crowd.notices++;
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* CALL has succeeded: with the reply of somebody who had received it. */
static void answer_judge(struct worker *worker, struct record *call) {
    struct record *reply = record_find(worker->message.word[0]);
    if (reply == NULL && record_forgotten(worker->message.word[0])) {
        return;
    }
    CHECK(reply != NULL && reply->reply, "call %#llx gets a reply that nobody has sent: %#llx",
          (unsigned long long)call->number, (unsigned long long)worker->message.word[0]);
    /* A blind reply may hit a message that has come to a thread which has not run since. */
    CHECK(call->received || reply->call == 0, "call %#llx is answered, and nobody has received it",
          (unsigned long long)call->number);
    call->early = !call->received;
    CHECK(reply->call == 0 || reply->call == call->number,
          "call %#llx gets the reply %#llx, which is another's", (unsigned long long)call->number,
          (unsigned long long)reply->number);
    CHECK(reply->open || reply->outcome != OUTCOME_FAILED,
          "call %#llx gets the reply %#llx, which has failed", (unsigned long long)call->number,
          (unsigned long long)reply->number);
    CHECK(call->is_short || reply->length <= call->room, "a reply has more bytes than room");
    CHECK(call->replied == 0 || reply->outcome == OUTCOME_DONE, "call %#llx had another answer",
          (unsigned long long)call->number);
    call->answer = reply->number;
    content_check(worker, reply, call->is_short);
    if (!call->is_short) {
        handles_check(worker, reply);
    }
    crowd.replied++;
}

static bool call_error_allowed(const struct record *call, int error) {
    switch (error) {
    case E_DEAD:
        crowd.dead++;
        return endpoint_is_dead(call) || somebody_ended(call) || crowd.is.siblings;
    case E_TIMEOUT:
        crowd.timed_out++;
        return time_is_up(call);
    case E_TOOBIG:
        crowd.refused++;
        return !call->fits_short;
    case E_REFUSED:
    case E_BUSY:
    case E_NOTFOUND:
        return call->lends;
    case E_LIMIT:
        return call->handle_count != 0 || call->replies != 0;
    default:
        return reason_here(call, error);
    }
}

void judge_call(struct worker *worker, struct record *call, long result) {
    crowd.calls++;
    if (call->is_short ? result >= 0 : result == 0) {
        call->answer = ANSWER_UNSEEN;
        if (worker->readable) {
            answer_judge(worker, call);
        }
        call->result = 0;
    } else {
        call->result = result;
        allow(call_error_allowed(call, (int)-result), call, "call", result);
        bool lost = result == -E_LIMIT || result == -E_FAULT || result == -E_NOMEM;
        CHECK(call->replied == 0 || lost || result == -E_KILLED,
              "call %#llx answers %ld, and has been answered", (unsigned long long)call->number,
              result);
    }
    call->open = false;
}

/* ---- Replies --------------------------------------------------------------------------------- */

static void reply_done(const struct record *reply, struct record *call) {
    CHECK(call->endpoint == reply->endpoint || crowd.is.siblings,
          "call %#llx is answered through another endpoint", (unsigned long long)call->number);
    CHECK(++call->replied == 1, "call %#llx is answered twice", (unsigned long long)call->number);
    int error = (int)-call->result;
    bool lost = error == E_LIMIT || error == E_FAULT || error == E_NOMEM || error == E_KILLED;
    CHECK(call->open || lost || call->answer == reply->number || call->answer == ANSWER_UNSEEN,
          "reply %#llx is done; call %#llx has returned %ld, with the reply %#llx",
          (unsigned long long)reply->number, (unsigned long long)call->number, call->result,
          (unsigned long long)call->answer);
}

/* With siblings the call may have gone elsewhere: one has put another endpoint at its handle. */
static bool call_is_away(const struct record *reply, const struct record *call) {
    return call == NULL || reply->unsure || crowd.is.siblings || !call->open || call->replies > 1 ||
           owner_ends(call) || time_is_up(call) || call->blind != crowd.blind ||
           call->endpoint != reply->endpoint || endpoint_is_dead(call) || somebody_ended(call);
}

static bool reply_too_big(const struct record *reply, const struct record *call) {
    return call == NULL || (call->is_short ? !reply->fits_short : reply->length > call->room);
}

/* A reply with which its thread went on to receive: RESULT may be of either half. */
void judge_reply(struct worker *worker, struct record *reply, long result) {
    (void)worker;
    struct record *call = record_find(reply->call);
    reply->result = result;
    if (result == -E_NOTFOUND) {
        reply->outcome = OUTCOME_FAILED;
        allow(call_is_away(reply, call), reply, "reply", result);
    } else if (result == -E_TOOBIG) {
        reply->outcome = OUTCOME_FAILED;
        allow(reply_too_big(reply, call), reply, "reply", result);
    } else if (result >= 0) {
        reply->outcome = OUTCOME_DONE;
        if (call != NULL) {
            reply_done(reply, call);
        }
    } else {
        reply->outcome = OUTCOME_UNKNOWN;
    }
    reply->open = false;
}

void judge_end(struct worker *worker) {
    for (u32 i = 0; i < CROWD_RECORDS; i++) {
        struct record *record = &worker->record[i];
        if (record->open) {
            record->open = false;
            record->result = -E_KILLED;
            record->outcome = OUTCOME_UNKNOWN;
        }
    }
    worker->thread = NULL;
    worker->calling = 0;
    worker->holds = NULL;
}
