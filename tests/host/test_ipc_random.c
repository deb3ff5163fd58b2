/* SPDX-License-Identifier: MIT */
/*
 * Proves, by very many random interleavings, that threads of several processes may do everything to
 * endpoints, sessions, messages and handles at once: calls and replies, short and long, with handles
 * of all types, time-outs, priorities, closes, duplicates, memory that vanishes or runs out, and the
 * ends of threads and processes at any moment. Each message and each result is judged by the model
 * (ipc_crowd.h); when all wait, every count and list is audited, and nobody may wait who should have
 * been woken (ipc_audit.h); and in the end nothing is left.
 *
 * Each seed is one interleaving. SEED= and OPERATIONS= as for test_random.
 */
#include "tests/host/ipc_crowd.h"

#include "kernel/object/budget.h"
#include "kernel/sched/sched.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/frame.h"
#include "kernel/vm/quarter.h"
#include "kernel/vm/space.h"

#define ROUND 24u /* operations of each worker between two audits */
#define AREA_PAGES 4u
#define MICROSECOND 1000u

static struct spinlock rest_lock = SPINLOCK(LOCK_FUTEX, "crowd");
static struct list resting = {&resting, &resting};

/* ---- Memory ---------------------------------------------------------------------------------- */

static u32 area(const struct worker *worker, u32 page) {
    return MEMORY_BASE + (worker->index * AREA_PAGES + page) * PAGE_SIZE;
}

/* What has vanished comes back before the next message is made, so that most of them are. */
static void memory_ensure(const struct worker *worker) {
    for (u32 page = 0; page < AREA_PAGES; page++) {
        u8 byte;
        if (arch_copy_in(&byte, area(worker, page), 1) != 0) {
            system_call(call_quarter_map, (uword)QUARTET_SLOT(1), SLOT_OFFSET(area(worker, page)),
                        PAGE_SIZE, RIGHT_READ | RIGHT_WRITE);
        }
    }
}

/* HANDLER with the message of WORKER, which is then what came. */
static long message_call(struct worker *worker, system_call_entry *handler, int handle) {
    struct message *message = &worker->message;
    if (crowd.is.vanish) {
        memory_ensure(worker);
    }
    message->send_buffer = area(worker, 1);
    message->receive_buffer = area(worker, 2);
    worker->readable = false;
    if (arch_copy_out(area(worker, 1), worker->bytes, message->send_length) != 0 ||
        arch_copy_out(area(worker, 0), message, sizeof(*message)) != 0) {
        return -E_FAULT; /* there is not even memory for the question */
    }
    long result = system_call(handler, (uword)handle, area(worker, 0), 0, 0);
    worker->readable = arch_copy_in(message, area(worker, 0), sizeof(*message)) == 0 &&
                       message->receive_length <= MESSAGE_BYTES &&
                       arch_copy_in(worker->bytes, area(worker, 2), message->receive_length) == 0;
    return result;
}

/* The same with what fits into registers. */
static long short_call(struct worker *worker, system_call_entry *handler, int handle) {
    struct message *message = &worker->message;
    struct arch_message *registers = arch_message(worker->thread->kernel_stack);
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        registers->word[i] = (uword)message->word[i];
    }
    long result = system_call(handler, (uword)handle, message->label, 0, 0);
    for (u32 i = 0; i < SHORT_WORDS; i++) {
        message->word[i] = registers->word[i];
    }
    message->label = (u32)result;
    message->badge = registers->badge;
    worker->readable = true;
    return result;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static struct member *member_of(const struct worker *worker) {
    return &crowd.member[worker->process];
}

static struct handle peek(const struct worker *worker, int handle) {
    return handle_peek(member_of(worker)->process, handle);
}

/* A handle of WORKER's process for an object of TYPE (0: any), with RIGHTS; none: any number. */
static int handle_pick(const struct worker *worker, u32 type, u32 rights) {
    u32 end = member_of(worker)->process->handles.end;
    u32 first = sim_random_below(end);
    for (u32 i = 0; i < end; i++) {
        int index = (int)((first + i) % end);
        struct handle handle = peek(worker, index);
        if (handle.object != NULL && handle.object != &system_object &&
            (type == 0 || handle.type == type) && (handle.rights & rights) == rights) {
            return index;
        }
    }
    return (int)sim_random_below(40) - 2;
}

static bool one_in(u32 n) { return sim_random_below(n) == 0; }

static u32 random_length(void) {
    static const u32 limits[] = {1, 16, 16, 300, MESSAGE_BYTES + 1};
    return sim_random_below(limits[sim_random_below(ARRAY_LENGTH(limits))]);
}

static u32 random_room(void) { return one_in(4) ? sim_random_below(64) : MESSAGE_BYTES; }

/* What RECORD lends with the message, or what it accepts, into WORKER's memory; slots 2 and 3. */
static void lend_make(struct worker *worker, struct message *message, struct record *record) {
    struct message_lend lend = {.quarter = {QUARTET_NONE, QUARTET_NONE, QUARTET_NONE, QUARTET_NONE},
                                .accept = one_in(8) ? sim_random_below(16) : 15};
    const struct space *space = member_of(worker)->process->space;
    if (crowd.is.vanish) {
        memory_ensure(worker);
    }
    for (u32 slot = 2; slot < SLOT_COUNT && record != NULL && space != NULL; slot++) {
        const struct quarter *quarter = space->slot[slot].quarter;
        if (one_in(2) && quarter != NULL) {
            lend.quarter[slot] = QUARTET_SLOT(slot);
            lend.rights[slot] = RIGHT_READ | (one_in(2) ? RIGHT_WRITE : 0);
            lend.give |= one_in(16) ? 1u << slot : 0;
            record->lent[slot] = quarter->sub_id;
            record->lends = true;
        }
    }
    message->lend = area(worker, 3);
    arch_copy_out(area(worker, 3), &lend, sizeof(lend));
}

/* Fill RECORD, and the message of WORKER, with something to send. */
static void send_make(struct worker *worker, struct record *record) {
    struct message *message = &worker->message;
    *message = (struct message){.kind = 0xBAD};
    record->fits_short = record->is_short || one_in(2);
    if (!record->fits_short) {
        record->length = random_length();
        record->handle_count = one_in(2) ? sim_random_below(MESSAGE_HANDLES + 1) : 0;
    }
    for (u32 i = 0; i < record->handle_count; i++) {
        message->handle[i] = handle_pick(worker, 0, RIGHT_TRANSFER);
        record->handle[i] = peek(worker, message->handle[i]);
        if (record->handle[i].object == NULL || !(record->handle[i].rights & RIGHT_TRANSFER)) {
            record->handle_count = i;
        }
    }
    message->handle_count = record->handle_count;
    message->send_length = record->length;
    record->room = message->receive_size = random_room();
    record_fill(record, message, worker->bytes);
    if (crowd.is.lending && !record->is_short) {
        bool may = !record->reply && !record->fits_short;
        lend_make(worker, message, may ? record : NULL);
    }
    if (crowd.is.timeouts && !record->is_short && one_in(2)) {
        message->timeout = 50 + sim_random_below(2000);
        record->deadline = arch_clock() + message->timeout * MICROSECOND;
    }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* Who is queued where CALL goes: it has waited longer. */
static void before_note(struct worker *worker, const struct record *call) {
    for (u32 i = 0; i < CROWD_WORKERS; i++) {
        const struct worker *other = &crowd.worker[i];
        const struct record *record = record_find(other->calling);
        bool queued = record != NULL && record->endpoint == call->endpoint &&
                      other->thread != NULL && other->thread->ipc != NULL &&
                      other->thread->state == THREAD_WAITING &&
                      other->thread->ipc->phase == IPC_QUEUED;
        worker->before[i] = queued ? other->calling : 0;
    }
}

static void target_note(struct record *call, struct handle target) {
    if (target.object == NULL || !(target.rights & RIGHT_WRITE)) {
        return;
    }
    if (target.type == OBJECT_SESSION) {
        const struct session *session = target.object;
        call->endpoint = session->endpoint;
        call->badge = session->badge;
    } else if (target.type == OBJECT_ENDPOINT) {
        call->endpoint = target.object;
    }
    call->serial = object_serial(call->endpoint);
}

/* What to call: seldom an endpoint that is dead. */
static int calling_pick(const struct worker *worker) {
    int handle = -1;
    for (u32 i = 0; i < 4; i++) {
        struct record target = {.number = 0};
        handle = handle_pick(worker, one_in(4) ? OBJECT_ENDPOINT : OBJECT_SESSION, RIGHT_WRITE);
        target_note(&target, peek(worker, handle));
        if (target.endpoint != NULL && !target.endpoint->dead) {
            break;
        }
    }
    return handle;
}

static void do_call(struct worker *worker) {
    struct record *call = record_new(worker, false);
    int handle = calling_pick(worker);
    struct handle target = peek(worker, handle);
    call->is_short = one_in(2);
    target_note(call, target);
    send_make(worker, call);
    before_note(worker, call);
    worker->calling = call->number;
    worker->holds = call->endpoint != NULL ? target.object : NULL;
    trace("worker %u calls %d: %#llx, %u bytes, %u handles%s", (u32)(worker - crowd.worker), handle,
          (unsigned long long)call->number, call->length, call->handle_count,
          call->is_short ? ", short" : "");
    long result = call->is_short ? short_call(worker, call_ipc_call_short, handle)
                                 : message_call(worker, call_ipc_call, handle);
    trace("worker %u: call %#llx: %ld", (u32)(worker - crowd.worker),
          (unsigned long long)call->number, result);
    worker->holds = NULL;
    judge_call(worker, call, result);
    worker->calling = 0;
}

/* ---- Receiving and replying ------------------------------------------------------------------ */

static void receive_errors(struct worker *worker, const struct endpoint *endpoint, long result,
                           bool is_short) {
    if (!is_short) {
        worker->last_unsure = true; /* one whose handles had no room */
    }
    bool reason = crowd.is.siblings || endpoint == NULL || member_of(worker)->ending;
    switch (-result) {
    case E_TIMEOUT:
        CHECK(crowd.is.timeouts && !is_short, "a receive without a limit times out");
        return;
    case E_NOMEM:
        CHECK(crowd.is.scarce, "no memory, though there is some");
        return;
    case E_FAULT:
        CHECK(crowd.is.vanish || crowd.is.scarce, "a fault, though the memory is there");
        return;
    default:
        CHECK(reason, "a receive by the own right answers %ld", result);
    }
}

static void receive_judge(struct worker *worker, const struct endpoint *endpoint, u32 room,
                          long result, bool is_short) {
    if (is_short ? result < 0 : result != 0) {
        receive_errors(worker, endpoint, result, is_short);
        return;
    }
    if (!worker->readable) {
        worker->last_unsure = true;
        return;
    }
    bool closed = is_short ? result == SHORT_CLOSED : worker->message.kind == MESSAGE_CLOSED;
    if (closed) {
        judge_closed(endpoint, worker->message.badge);
    } else {
        judge_received(worker, endpoint, room, is_short);
    }
}

static void receive_make(struct worker *worker, struct message *message) {
    *message = (struct message){.kind = 0xBAD, .receive_size = random_room()};
    if (crowd.is.timeouts && one_in(2)) {
        message->timeout = 50 + sim_random_below(2000);
    }
    if (crowd.is.lending) {
        lend_make(worker, message, NULL);
    }
}

/* WORKER has received from ENDPOINT, or has tried to: elsewhere it has received nothing then. */
static void serving_note(struct worker *worker, const struct endpoint *endpoint, long result) {
    bool unsure = result == -E_FAULT || result == -E_NOMEM || result == -E_LIMIT;
    if (endpoint == NULL || endpoint == worker->serving) {
        return;
    }
    if (unsure) {
        worker->last_unsure = true;
    } else {
        worker->last_call = 0;
        worker->serving = endpoint;
    }
}

/* A handle to receive by: most often from where somebody waits. */
static int receiving_pick(const struct worker *worker) {
    u32 end = member_of(worker)->process->handles.end;
    for (u32 i = 0; i < end && !one_in(8); i++) {
        struct handle handle = peek(worker, (int)i);
        if (handle.type == OBJECT_ENDPOINT && handle.object != NULL &&
            (handle.rights & RIGHT_READ) && ((struct endpoint *)handle.object)->queued != 0) {
            return (int)i;
        }
    }
    return handle_pick(worker, OBJECT_ENDPOINT, RIGHT_READ);
}

static void do_receive(struct worker *worker) {
    int handle = receiving_pick(worker);
    struct handle from = peek(worker, handle);
    bool usable = from.type == OBJECT_ENDPOINT && (from.rights & RIGHT_READ);
    const struct endpoint *endpoint = usable ? from.object : NULL;
    bool is_short = one_in(2);
    worker->holds = endpoint;
    receive_make(worker, &worker->message);
    u32 room = worker->message.receive_size;
    trace("worker %u receives from %d, room %u%s", (u32)(worker - crowd.worker), handle, room,
          is_short ? ", short" : "");
    long result = is_short ? short_call(worker, call_ipc_receive_short, handle)
                           : message_call(worker, call_ipc_receive, handle);
    trace("worker %u: receives %#llx: %ld", (u32)(worker - crowd.worker),
          (unsigned long long)worker->message.word[0], result);
    worker->holds = NULL;
    serving_note(worker, endpoint, result);
    receive_judge(worker, endpoint, room, result, is_short);
}

/* A handle to receive from ENDPOINT, or another one. */
static int handle_for(const struct worker *worker, const struct endpoint *endpoint) {
    u32 end = member_of(worker)->process->handles.end;
    for (u32 i = 0; i < end && endpoint != NULL && !one_in(64); i++) {
        struct handle handle = peek(worker, (int)i);
        if (handle.object == endpoint && (handle.rights & RIGHT_READ)) {
            return (int)i;
        }
    }
    return handle_pick(worker, OBJECT_ENDPOINT, RIGHT_READ);
}

static struct worker *worker_now(void) {
    for (u32 i = 0; i < CROWD_WORKERS; i++) {
        if (crowd.worker[i].thread == thread_current()) {
            return &crowd.worker[i];
        }
    }
    return NULL;
}

/* The fast path takes no reference of its own, the general one does. */
static const void *holds_later[CROWD_WORKERS];

static void declined(void) {
    struct worker *worker = worker_now();
    if (worker != NULL && holds_later[worker - crowd.worker] != NULL) {
        worker->holds = holds_later[worker - crowd.worker];
    }
}

/* What the reply is to: by a token that the process has, or the last one. */
static u64 reply_target(struct worker *worker, struct record *reply, int *handle) {
    struct token *token = &member_of(worker)->token[sim_random_below(CROWD_TOKENS)];
    for (u32 i = 0; i < CROWD_TOKENS && !one_in(8); i++) {
        struct token *other = &member_of(worker)->token[i];
        token = other->call != 0 && other->call == worker->last_call ? other : token;
    }
    const struct endpoint *endpoint = reply->is_short ? worker->serving : token->endpoint;
    *handle = handle_for(worker, endpoint);
    struct handle by = peek(worker, *handle);
    bool usable = by.type == OBJECT_ENDPOINT && (by.rights & RIGHT_READ);
    reply->endpoint = usable ? by.object : NULL;
    reply->serial = object_serial(reply->endpoint);
    u64 value = token->token;
    if (!reply->is_short) {
        reply->call = value != 0 && token->serial == reply->serial ? token->call : 0;
    } else if (worker->serving == reply->endpoint) {
        reply->call = worker->last_call;
        reply->unsure = worker->last_unsure;
    }
    if (!reply->is_short && !one_in(16)) {
        *token = (struct token){.token = 0};
    }
    struct record *call = record_find(reply->call);
    if (call != NULL) {
        call->replies++;
    } else if (!reply->is_short && value != 0) {
        crowd.blind++;
    }
    return value;
}

static long reply_send(struct worker *worker, const struct record *reply, int handle,
                       bool receives) {
    static system_call_entry *const handlers[2][2] = {
        {call_ipc_reply, call_ipc_reply_receive},
        {call_ipc_reply_short, call_ipc_reply_receive_short}};
    system_call_entry *handler = handlers[reply->is_short][receives];
    return reply->is_short ? short_call(worker, handler, handle)
                           : message_call(worker, handler, handle);
}

static void do_reply(struct worker *worker) {
    bool receives = one_in(2);
    int handle;
    struct record *reply = record_new(worker, true);
    reply->is_short = one_in(2);
    u64 token = reply_target(worker, reply, &handle);
    send_make(worker, reply);
    worker->message.token = token;
    u32 room = worker->message.receive_size;
    const struct endpoint *endpoint = reply->endpoint;
    if (receives && reply->is_short) {
        holds_later[worker - crowd.worker] = endpoint;
        worker->holds = fast_path_off ? endpoint : NULL;
    } else {
        worker->holds = endpoint;
    }
    trace("worker %u replies%s by %d: %#llx to %#llx, %u bytes, %u handles%s",
          (u32)(worker - crowd.worker), receives ? " and receives" : "", handle,
          (unsigned long long)reply->number, (unsigned long long)reply->call, reply->length,
          reply->handle_count, reply->is_short ? ", short" : "");
    long result = reply_send(worker, reply, handle, receives);
    trace("worker %u: reply %#llx: %ld", (u32)(worker - crowd.worker),
          (unsigned long long)reply->number, result);
    worker->holds = holds_later[worker - crowd.worker] = NULL;
    bool is_short = reply->is_short;
    judge_reply(worker, reply, result);
    if (is_short && result >= 0) {
        worker->last_call = 0;
    }
    if (receives && result != -E_NOTFOUND && result != -E_TOOBIG && result != -E_HANDLE &&
        result != -E_TYPE && result != -E_RIGHTS && result != -E_LIMIT) {
        serving_note(worker, endpoint, result);
        receive_judge(worker, endpoint, room, result, is_short);
    }
}

/* ---- Handles and objects --------------------------------------------------------------------- */

static void do_close(struct worker *worker) {
    int handle = handle_pick(worker, 0, 0);
    long result = system_call(call_handle_close, (uword)handle, 0, 0, 0);
    trace("worker %u closes %d: %ld", (u32)(worker - crowd.worker), handle, result);
}

static void do_dup(struct worker *worker) {
    int handle = handle_pick(worker, 0, RIGHT_DUPLICATE);
    int target = one_in(4) ? handle_pick(worker, 0, 0) : QUARTET_NONE;
    u32 rights = one_in(2) ? RIGHTS_ALL : sim_random_below(RIGHTS_ALL + 1);
    long result = system_call(call_handle_dup, (uword)handle, rights, (uword)target, 0);
    trace("worker %u duplicates %d with %x to %d: %ld", (u32)(worker - crowd.worker), handle,
          rights, target, result);
}

static void do_create(struct worker *worker) {
    if (one_in(4)) {
        system_call(call_quarter_create, sim_random_below(4), 0, 0, 0);
    } else if (one_in(4)) {
        system_call(call_notification_create, 0, 0, 0, 0);
    } else {
        long result = system_call(call_endpoint_create, 0, 0, 0, 0);
        trace("worker %u creates an endpoint: %ld", (u32)(worker - crowd.worker), result);
    }
}

static void do_session(struct worker *worker) {
    int handle = handle_pick(worker, OBJECT_ENDPOINT, RIGHT_READ);
    const struct endpoint *endpoint = peek(worker, handle).object;
    u32 badge = ++crowd.badge;
    CHECK(badge < CROWD_BADGES, "more sessions than the model has room for");
    crowd.session[badge].serial = object_serial(endpoint);
    long result = system_call(call_endpoint_session, (uword)handle, badge, 0, 0);
    trace("worker %u makes session %u of %d: %ld", (u32)(worker - crowd.worker), badge, handle,
          result);
}

static void do_signal(struct worker *worker) {
    u32 bits = 1u << sim_random_below(4);
    int handle = handle_pick(worker, OBJECT_NOTIFICATION, 0);
    if (one_in(2)) {
        system_call(call_notification_signal, (uword)handle, bits, 0, 0);
    } else if (one_in(4)) {
        system_call(call_notification_timer, (uword)handle, bits, sim_random_below(3000), 0);
    } else {
        u32 limit = crowd.is.timeouts ? sim_random_below(2000) : 0;
        worker->holds = peek(worker, handle).object;
        system_call(call_notification_wait, (uword)handle, bits, limit, 0);
        worker->holds = NULL;
    }
}

/* Only upwards: one who goes below what it was not lent, because it had it, is not lent it then. */
static void do_priority(struct worker *worker) {
    u32 own = worker->thread->base_priority;
    system_call(call_thread_priority, own + sim_random_below(PRIORITY_LEVELS - own), 0, 0, 0);
}

/* A page of the message of any thread of the process. */
static void do_vanish(struct worker *worker) {
    if (crowd.is.vanish) {
        u32 page = sim_random_below(crowd.is.threads * AREA_PAGES);
        system_call(call_quarter_unmap, (uword)QUARTET_SLOT(1), page * PAGE_SIZE, PAGE_SIZE, 0);
    }
    (void)worker;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void ending(struct member *member) {
    member->ending = true;
    crowd.ends++;
}

static void do_kill(struct worker *worker) {
    if (!crowd.is.kills || !one_in(4)) {
        return;
    }
    int handle = handle_pick(worker, OBJECT_PROCESS, RIGHT_WRITE);
    struct handle target = peek(worker, handle);
    for (u32 i = 0; i < CROWD_PROCESSES && target.type == OBJECT_PROCESS; i++) {
        if (crowd.member[i].process == target.object) {
            ending(&crowd.member[i]);
        }
    }
    trace("worker %u kills %d", (u32)(worker - crowd.worker), handle);
    system_call(call_process_kill, (uword)handle, 9, 0, 0);
}

static void do_exit(struct worker *worker) {
    if (!crowd.is.kills || !one_in(8)) {
        return;
    }
    ending(member_of(worker)); /* a thread may be the last one */
    trace("worker %u ends", (u32)(worker - crowd.worker));
    system_call(one_in(2) ? call_process_exit : call_thread_exit, 0, 0, 0, 0);
}

/* ---- Workers --------------------------------------------------------------------------------- */

/* Every second worker is rather a client, the others are rather servers. */
static const struct {
    void (*operation)(struct worker *worker);
    u32 weight[2];
} operations[] = {
    {do_call, {60, 4}},  {do_receive, {2, 40}}, {do_reply, {2, 60}},  {do_close, {4, 4}},
    {do_dup, {3, 3}},    {do_create, {2, 2}},   {do_session, {1, 4}}, {do_priority, {2, 1}},
    {do_vanish, {1, 1}}, {do_kill, {1, 1}},     {do_exit, {1, 1}},    {do_signal, {2, 2}},
};

static void operation_random(struct worker *worker) {
    u32 role = (u32)(worker - crowd.worker) / CROWD_THREADS % 2 ^ worker->index % 2;
    u32 sum = 0, i = 0;
    for (u32 k = 0; k < ARRAY_LENGTH(operations); k++) {
        sum += operations[k].weight[role];
    }
    u32 left = sim_random_below(sum);
    while (left >= operations[i].weight[role]) {
        left -= operations[i++].weight[role];
    }
    crowd.operations++;
    const struct record *last = record_find(worker->last_call);
    bool answers = last != NULL && last->open && last->replies == 0;
    if (role == 1 && !one_in(4)) { /* what a server would do */
        answers ? do_reply(worker) : do_receive(worker);
    } else {
        operations[i].operation(worker);
    }
}

static void worker_rest(void) {
    spinlock_acquire(&rest_lock);
    sched_wait(&resting, &rest_lock, WAIT_FOREVER, true);
    user_point();
}

static void worker_main(u32 number) {
    struct worker *worker = &crowd.worker[number];
    worker->thread = thread_current(); /* it may be here before its maker knows of it */
    for (;;) {
        if (crowd.left == 0) {
            worker_rest();
            continue;
        }
        crowd.left--;
        operation_random(worker);
    }
}

static void worker_freed(struct thread *thread) {
    for (u32 i = 0; i < CROWD_WORKERS; i++) {
        if (crowd.worker[i].thread == thread) {
            holds_later[i] = NULL;
            judge_end(&crowd.worker[i]);
        }
    }
}

/* ---- The driver ------------------------------------------------------------------------------ */

static void crowd_audit(const char *after) {
    struct hold holds[CROWD_WORKERS];
    u32 count = 0;
    for (u32 i = 0; i < CROWD_WORKERS; i++) {
        if (crowd.worker[i].holds != NULL) {
            holds[count++].object = crowd.worker[i].holds;
        }
    }
    ipc_audit(after, holds, crowd.is.siblings ? 0 : count, !crowd.is.siblings);
}

/* A handle of a random member for an object of TYPE, with RIGHTS, and its process; null: none. */
static struct process *any_handle(u32 type, u32 rights, int *handle) {
    static struct worker dummy;
    dummy.process = sim_random_below(crowd.is.processes);
    struct process *process = member_of(&dummy)->process;
    if (process == NULL) {
        return NULL;
    }
    *handle = handle_pick(&dummy, type, rights);
    struct handle found = handle_peek(process, *handle);
    bool right = found.object != NULL && (type == 0 || found.type == type) &&
                 (found.rights & rights) == rights;
    return right ? process : NULL;
}

static bool has_room(struct process *process) {
    return process->handles.count < HANDLE_LIMIT - HANDLE_FIRST - 8;
}

/* A session of a random endpoint for PROCESS. */
static void session_give(struct process *process) {
    int handle;
    struct process *from = any_handle(OBJECT_ENDPOINT, RIGHT_READ, &handle);
    struct session *session;
    if (from == NULL) {
        return;
    }
    struct endpoint *endpoint = handle_peek(from, handle).object;
    u32 badge = ++crowd.badge;
    crowd.session[badge].serial = object_serial(endpoint);
    CHECK_EQUAL(session_create(endpoint, badge, &session), 0);
    CHECK(handle_install(&process->handles, session, OBJECT_SESSION,
                         RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER) >= 0,
          "no room for a handle");
}

static u32 count_of(struct process *process, u32 type, u32 rights) {
    u32 count = 0;
    for (int i = 0; i < HANDLE_LIMIT; i++) {
        struct handle handle = handle_peek(process, i);
        count += handle.object != NULL && handle.type == type && (handle.rights & rights) == rights;
    }
    return count;
}

static void endpoint_give(struct process *process) {
    struct endpoint *endpoint;
    CHECK_EQUAL(endpoint_create(&endpoint), 0);
    CHECK(handle_install(&process->handles, endpoint, OBJECT_ENDPOINT, RIGHTS_ALL) >= 0,
          "no room for a handle");
}

/* Who would have nobody to talk to gets handles; now and then one to what another has. */
static void handles_spread(struct process *process) {
    if (!has_room(process)) {
        return;
    }
    if (count_of(process, OBJECT_ENDPOINT, RIGHT_READ) == 0) {
        endpoint_give(process);
    }
    for (u32 i = count_of(process, OBJECT_SESSION, RIGHT_WRITE); i < 3; i++) {
        session_give(process);
    }
    int handle;
    struct process *from = any_handle(one_in(2) ? OBJECT_ENDPOINT : 0, 0, &handle);
    if (from != NULL && from != process && one_in(4)) {
        handle_pass(from, handle, process, one_in(2) ? RIGHTS_ALL : sim_random_below(64));
    }
    struct process *victim = crowd.member[sim_random_below(crowd.is.processes)].process;
    if (crowd.is.kills && victim != NULL && one_in(4)) {
        process_reference(victim);
        CHECK(handle_install(&process->handles, victim, OBJECT_PROCESS, RIGHTS_ALL) >= 0,
              "no room for a handle");
    }
}

static void member_begin(u32 number) {
    struct member *member = &crowd.member[number];
    struct process *parent = crowd.member[sim_random_below(crowd.is.processes)].process;
    *member = (struct member){.process = program_new(one_in(3) ? parent : NULL)};
    for (u32 slot = 2; slot < SLOT_COUNT; slot++) {
        CHECK_EQUAL(quarter_map(member->process->space->slot[slot].quarter, 0, MEMORY_SIZE,
                                RIGHT_READ | RIGHT_WRITE),
                    0);
    }
    if (one_in(4) && member->process->handles.count < 100) {
        table_fill(member->process, 20);
    }
}

/* Whatever has ended is replaced, threads too. */
static void members_renew(void) {
    for (u32 i = 0; i < crowd.is.processes; i++) {
        struct member *member = &crowd.member[i];
        if (member->process != NULL && member->process->ended) {
            program_end(member->process);
            member->process = NULL;
        }
    }
    for (u32 i = 0; i < crowd.is.processes; i++) {
        if (crowd.member[i].process == NULL) {
            member_begin(i);
        }
        crowd.member[i].ending = false;
        handles_spread(crowd.member[i].process);
        for (u32 k = 0; k < crowd.is.threads; k++) {
            u32 number = i * CROWD_THREADS + k;
            struct worker *worker = &crowd.worker[number];
            if (worker->thread == NULL) {
                worker->process = i;
                worker->index = k;
                worker->last_call = 0;
                worker->serving = NULL;
                thread_spawn(crowd.member[i].process, worker_main, number,
                             1 + sim_random_below(PRIORITY_LEVELS - 1));
            }
        }
    }
}

static void round_run(void) {
    crowd.left = ROUND * crowd.is.processes * crowd.is.threads;
    allocation_fail_randomly(crowd.is.scarce ? 40 : 0);
    spinlock_acquire(&rest_lock);
    while (!list_empty(&resting)) {
        sched_wake(LIST_FIRST(&resting, struct thread, queue), 0);
    }
    spinlock_release(&rest_lock);
    settle();
    crowd.left = 0; /* who wakes by what the driver does rests */
    allocation_fail_randomly(0);
    crowd_audit("a round");
}

/* So that some of those who wait for each other go on. */
static void member_end_random(void) {
    struct member *member = &crowd.member[sim_random_below(crowd.is.processes)];
    if (member->process != NULL && !member->process->ended) {
        ending(member);
        die(member->process);
        crowd_audit("the end of a process");
    }
}

static void members_end(void) {
    for (u32 i = 0; i < crowd.is.processes; i++) {
        if (crowd.member[i].process != NULL) {
            ending(&crowd.member[i]);
            program_end(crowd.member[i].process);
            crowd.member[i].process = NULL;
            settle();
            crowd_audit("the end of all processes");
        }
    }
    CHECK_EQUAL(objects_count("endpoint"), 0);
    CHECK_EQUAL(objects_count("session"), 0);
    CHECK_EQUAL(objects_count("notification"), 0);
    CHECK_EQUAL(objects_count("ipc state"), 0);
}

static u64 wanted(void) {
    const char *text = getenv("OPERATIONS");
    return (text ? strtoull(text, NULL, 0) : 100000) / 4;
}

static void crowd_driver(void) {
    u64 rounds = 0, count = wanted();
    fast_path_off = !crowd.is.fast;
    fast_path_declined = declined;
    thread_freed = worker_freed;
    threads_ticks(crowd.is.timeouts ? 200 : 0);
    while (crowd.operations < count) {
        members_renew();
        round_run();
        for (u32 i = 0; i < 2; i++) {
            member_end_random();
        }
        rounds++;
        if (rounds % 64 == 0) {
            members_end();
        }
    }
    members_end();
    printf("    %llu operations in %llu rounds: %llu calls, %llu received, %llu answered, %llu by "
           "the fast path; %llu dead, %llu timed out, %llu refused; %llu notices; %u ends; %llu "
           "steps\n",
           (unsigned long long)crowd.operations, (unsigned long long)rounds,
           (unsigned long long)crowd.calls, (unsigned long long)crowd.received,
           (unsigned long long)crowd.replied, (unsigned long long)fast_path_taken,
           (unsigned long long)crowd.dead, (unsigned long long)crowd.timed_out,
           (unsigned long long)crowd.refused, (unsigned long long)crowd.notices, crowd.ends,
           (unsigned long long)sim_steps());
}

static void run(struct configuration configuration) {
    crowd.is = configuration;
    printf("    SEED=%llu, %u CPUs, %u processes of %u threads\n",
           (unsigned long long)test_seed(5000 + configuration.cpus), configuration.cpus,
           configuration.processes, configuration.threads);
    objects_watch();
    threads_run(configuration.cpus, crowd_driver);
}

TEST(on_one_cpu) {
    run((struct configuration){.cpus = 1, .processes = 5, .threads = 1, .fast = true});
}
TEST(on_three_cpus) {
    run((struct configuration){.cpus = 3, .processes = 6, .threads = 1, .fast = true});
}
TEST(by_the_general_path) { run((struct configuration){.cpus = 3, .processes = 6, .threads = 1}); }
TEST(with_ends) {
    run((struct configuration){
        .cpus = 4, .processes = 6, .threads = 1, .fast = true, .kills = true});
}
TEST(with_timeouts) {
    run((struct configuration){
        .cpus = 3, .processes = 6, .threads = 1, .fast = true, .timeouts = true});
}
TEST(with_lending) {
    run((struct configuration){.cpus = 3,
                               .processes = 6,
                               .threads = 1,
                               .fast = true,
                               .timeouts = true,
                               .kills = true,
                               .lending = true});
}
TEST(with_several_threads) {
    run((struct configuration){.cpus = 4,
                               .processes = 4,
                               .threads = 3,
                               .fast = true,
                               .timeouts = true,
                               .kills = true,
                               .siblings = true,
                               .lending = true,
                               .vanish = true});
}
TEST(with_scarce_memory) {
    run((struct configuration){.cpus = 3,
                               .processes = 5,
                               .threads = 2,
                               .fast = true,
                               .timeouts = true,
                               .kills = true,
                               .siblings = true,
                               .lending = true,
                               .scarce = true});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_one_cpu),           cmocka_unit_test(on_three_cpus),
        cmocka_unit_test(by_the_general_path),  cmocka_unit_test(with_ends),
        cmocka_unit_test(with_timeouts),        cmocka_unit_test(with_lending),
        cmocka_unit_test(with_several_threads), cmocka_unit_test(with_scarce_memory),
    };
    return cmocka_run_group_tests_name("ipc_random", tests, NULL, NULL);
}
