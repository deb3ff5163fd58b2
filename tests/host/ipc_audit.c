/* SPDX-License-Identifier: MIT */
/*
 * The audit of messages and handles: see ipc_audit.h.
 */
#include "tests/host/ipc_audit.h"

#include "kernel/ipc/ipc.h"
#include "kernel/ipc/notification.h"
#include "kernel/process/process.h"
#include "tests/host/harness.h"

/* ---- All objects there are ------------------------------------------------------------------- */

#define PLACES 16384u /* a power of two */
#define GONE ((void *)1)

struct known {
    void *object; /* null: never used; GONE: free again */
    const struct cache *cache;
    u64 serial;
    u32 references, counted; /* found by this audit; counted: handles that an endpoint or
                                notification counts by their rights */
    u32 sessions, listed;
};

static struct known known[PLACES];
static u64 last_serial;

static u32 place_of(const void *object) {
    return (u32)(((uword)object >> 3) * 0x9E3779B1u) % PLACES;
}

static struct known *known_find(const void *object) {
    u32 place = place_of(object);
    for (u32 i = 0; i < PLACES && known[place].object != NULL; i++) {
        if (known[place].object == object) {
            return &known[place];
        }
        place = (place + 1) % PLACES;
    }
    return NULL;
}

static void taken(const struct cache *cache, void *object) {
    u32 place = place_of(object);
    while (known[place].object != NULL && known[place].object != GONE) {
        place = (place + 1) % PLACES;
    }
    known[place] = (struct known){.object = object, .cache = cache, .serial = ++last_serial};
}

static void freed(const struct cache *cache, void *object) {
    struct known *entry = known_find(object);
    CHECK(entry != NULL && entry->cache == cache, "cache %s: %p is freed, which is none of it",
          cache->name, object);
    entry->object = GONE;
}

void objects_watch(void) {
    object_taken = taken;
    object_freed = freed;
}

u64 object_serial(const void *object) {
    const struct known *entry = object != NULL ? known_find(object) : NULL;
    return entry != NULL ? entry->serial : 0;
}

static bool is_of(const struct known *entry, const char *cache) {
    return entry->object != NULL && entry->object != GONE && strcmp(entry->cache->name, cache) == 0;
}

void objects_each(const char *cache, void (*visit)(void *object)) {
    for (u32 i = 0; i < PLACES; i++) {
        if (is_of(&known[i], cache)) {
            visit(known[i].object);
        }
    }
}

u32 objects_count(const char *cache) {
    u32 count = 0;
    for (u32 i = 0; i < PLACES; i++) {
        count += is_of(&known[i], cache);
    }
    return count;
}

/* ---- Counting -------------------------------------------------------------------------------- */

static const char *audit_after;
static bool audit_exact;

static struct known *known_must(const void *object, const char *cache, const char *what) {
    struct known *entry = known_find(object);
    CHECK(entry != NULL && is_of(entry, cache), "after %s: %s is no %s (any more): %p", audit_after,
          what, cache, object);
    return entry;
}

static void tally(const void *object, u32 type, u32 rights) {
    struct known *entry;
    switch (type) {
    case OBJECT_ENDPOINT:
        entry = known_must(object, "endpoint", "what a handle names");
        entry->counted += (rights & RIGHT_READ) != 0;
        break;
    case OBJECT_NOTIFICATION:
        entry = known_must(object, "notification", "what a handle names");
        entry->counted += (rights & RIGHT_WRITE) != 0;
        break;
    case OBJECT_SESSION:
        entry = known_must(object, "session", "what a handle names");
        break;
    default:
        return;
    }
    entry->references++;
}

static void tally_table(void *object) {
    const struct process *process = object;
    u32 count = 0;
    for (u32 i = 0; i < process->handles.end; i++) {
        const struct handle *handle = &process->handles.handles[i];
        if (handle->object != NULL) {
            tally(handle->object, handle->type, handle->rights);
            count++;
        }
    }
    CHECK(count == process->handles.count, "after %s: a table has %u handles and counts %u",
          audit_after, count, process->handles.count);
}

static void tally_state(void *object) {
    const struct ipc_state *state = object;
    const struct ipc_content *content = &state->content;
    CHECK(state->phase == IPC_QUEUED || content->handle_count == 0,
          "after %s: %u handles are under way in phase %u", audit_after, content->handle_count,
          state->phase);
    CHECK(state->phase == IPC_QUEUED || content->quarters == 0,
          "after %s: quarters %x are under way in phase %u", audit_after, content->quarters,
          state->phase);
    CHECK(state->phase == IPC_AWAITING || state->borrower == NULL,
          "after %s: a thread in phase %u has a borrower", audit_after, state->phase);
    for (u32 i = 0; i < content->handle_count; i++) {
        tally(content->handle[i].object, content->handle[i].type, content->handle[i].rights);
    }
    if (state->serving != NULL) {
        known_must(state->serving, "endpoint", "what a thread serves")->references++;
    }
}

static void tally_session(void *object) {
    const struct session *session = object;
    struct known *entry = known_must(session->endpoint, "endpoint", "that of a session");
    entry->references++;
    entry->sessions++;
}

static void check_count(const char *what, u32 has, u32 found) {
    CHECK(has == found || (!audit_exact && has > found), "after %s: %s %u, found %u", audit_after,
          what, has, found);
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static void check_listed(const struct list *list, u32 phase) {
    LIST_FOR_EACH(link, list) {
        const struct ipc_state *state = LIST_ENTRY(link, struct ipc_state, link);
        struct known *entry = known_must(state, "ipc state", "what stands in an endpoint's list");
        CHECK(state->phase == phase, "after %s: a state of phase %u in the list of phase %u",
              audit_after, state->phase, phase);
        CHECK(state->thread->state == THREAD_WAITING,
              "after %s: thread %u stands in the list of phase %u, and does not wait", audit_after,
              state->thread->tid, phase);
        CHECK(entry->listed++ == 0, "after %s: a state stands in two lists", audit_after);
    }
}

/* A queued caller waits for no thread of a lower priority that it could help. */
static void check_lent(const struct endpoint *endpoint) {
    u32 highest = endpoint->queued ? 31 - (u32)__builtin_clz(endpoint->queued) : 0;
    LIST_FOR_EACH(link, &endpoint->servers) {
        const struct ipc_state *server = LIST_ENTRY(link, struct ipc_state, server_link);
        const struct thread *thread = server->thread;
        CHECK(server->serving == endpoint, "after %s: thread %u is a server of another endpoint",
              audit_after, thread->tid);
        CHECK(thread->priority >= highest,
              "after %s: a caller of priority %u waits for thread %u, which has %u", audit_after,
              highest, thread->tid, thread->priority);
        CHECK(thread->priority ==
                  (thread->lent > thread->base_priority ? thread->lent : thread->base_priority),
              "after %s: thread %u has priority %u, its own is %u, it is lent %u", audit_after,
              thread->tid, thread->priority, thread->base_priority, thread->lent);
    }
    LIST_FOR_EACH(link, &endpoint->receivers) {
        const struct thread *thread = LIST_ENTRY(link, struct ipc_state, link)->thread;
        CHECK(thread->lent == 0, "after %s: thread %u waits for a message and is lent %u",
              audit_after, thread->tid, thread->lent);
    }
}

static void check_closed(const struct endpoint *endpoint) {
    LIST_FOR_EACH(link, &endpoint->closed) {
        const struct session *session = LIST_ENTRY(link, struct session, link);
        known_must(session, "session", "a notice");
        CHECK(session->endpoint == endpoint && session->references == 0,
              "after %s: a notice of a session with %u references", audit_after,
              session->references);
    }
}

static void check_endpoint(void *object) {
    const struct endpoint *endpoint = object;
    const struct known *entry = known_find(endpoint);
    bool empty = endpoint->queued == 0 && list_empty(&endpoint->closed);
    trace("endpoint %llu: references %u, readers %u, sessions %u, queued %x; found %u, %u, %u",
          (unsigned long long)entry->serial, endpoint->references, endpoint->readers,
          endpoint->sessions, endpoint->queued, entry->references, entry->counted, entry->sessions);
    check_count("an endpoint's references:", endpoint->references, entry->references);
    CHECK(endpoint->readers == entry->counted, "after %s: an endpoint has %u readers, found %u",
          audit_after, endpoint->readers, entry->counted);
    CHECK(endpoint->sessions == entry->sessions, "after %s: an endpoint has %u sessions, found %u",
          audit_after, endpoint->sessions, entry->sessions);
    CHECK(endpoint->dead == (endpoint->readers == 0), "after %s: an endpoint with %u readers is %s",
          audit_after, endpoint->readers, endpoint->dead ? "dead" : "alive");
    for (u32 i = 0; i < PRIORITY_LEVELS; i++) {
        check_listed(&endpoint->callers[i], IPC_QUEUED);
        CHECK(list_empty(&endpoint->callers[i]) == !(endpoint->queued & 1u << i),
              "after %s: bit %u of an endpoint's queues is wrong", audit_after, i);
    }
    check_listed(&endpoint->awaiting, IPC_AWAITING);
    check_listed(&endpoint->receivers, IPC_RECEIVING);
    CHECK(empty || list_empty(&endpoint->receivers),
          "after %s: callers or notices wait, and so do receivers", audit_after);
    CHECK(!endpoint->dead ||
              (empty && list_empty(&endpoint->receivers) && list_empty(&endpoint->awaiting)),
          "after %s: somebody waits for a dead endpoint", audit_after);
    check_closed(endpoint);
    check_lent(endpoint);
}

static void check_session(void *object) {
    const struct session *session = object;
    check_count("a session's references:", session->references, known_find(session)->references);
    CHECK(session->references > 0 || !list_empty(&session->link),
          "after %s: a session without references is no notice", audit_after);
}

static void check_state(void *object) {
    const struct ipc_state *state = object;
    CHECK(known_find(state)->listed == (state->phase != IPC_IDLE),
          "after %s: thread %u, in phase %u, stands in %u lists: nobody will wake it", audit_after,
          state->thread->tid, state->phase, known_find(state)->listed);
    if (state->caller != NULL) {
        CHECK(state->caller->server == state && state->caller->phase == IPC_AWAITING,
              "after %s: thread %u has a last caller that knows nothing of it", audit_after,
              state->thread->tid);
    }
}

static void check_notification(void *object) {
    const struct notification *notification = object;
    const struct known *entry = known_find(notification);
    check_count("a notification's references:", notification->references, entry->references);
    u32 signallers = entry->counted + notification->timer_count;
    CHECK(notification->signallers == signallers,
          "after %s: a notification has %u signallers, found %u", audit_after,
          notification->signallers, signallers);
    LIST_FOR_EACH(link, &notification->waiters) {
        const struct thread *thread = LIST_ENTRY(link, struct thread, queue);
        CHECK((thread->notification_bits & notification->bits) == 0 &&
                  notification->signallers != 0,
              "after %s: thread %u waits for bits %x, and %x are set, with %u signallers",
              audit_after, thread->tid, thread->notification_bits, notification->bits,
              notification->signallers);
    }
}

/* ---- Loans ----------------------------------------------------------------------------------- */

static const struct process *borrower;
static const struct loan *loan_sought;
static bool loan_found;

static void find_lender(void *object) {
    const struct ipc_state *state = object;
    loan_found |= state->borrower == borrower && state->phase == IPC_AWAITING &&
                  state->content.token == loan_sought->token;
}

/* A loan is somebody's who waits for its end. */
static void check_loans(void *object) {
    borrower = object;
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        loan_sought = &borrower->loan[slot];
        loan_found = false;
        if ((borrower->loans & 1u << slot) && !loan_sought->revoked) {
            objects_each("ipc state", find_lender);
            CHECK(loan_found, "after %s: process %u keeps what was lent to it in slot %u",
                  audit_after, borrower->pid, slot);
        }
    }
}

void ipc_audit(const char *after, const struct hold *holds, u32 count, bool exact) {
    audit_after = after;
    audit_exact = exact;
    for (u32 i = 0; i < PLACES; i++) {
        known[i].references = known[i].counted = known[i].sessions = known[i].listed = 0;
    }
    objects_each("process", tally_table);
    objects_each("ipc state", tally_state);
    objects_each("session", tally_session);
    for (u32 i = 0; i < count; i++) {
        struct known *entry = known_find(holds[i].object);
        if (entry != NULL) {
            entry->references++;
        }
    }
    objects_each("endpoint", check_endpoint);
    objects_each("session", check_session);
    objects_each("ipc state", check_state);
    objects_each("notification", check_notification);
    objects_each("process", check_loans);
}
