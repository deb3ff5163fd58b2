/* SPDX-License-Identifier: MIT */
/*
 * Waiting for several descriptors at once. Each server is asked whether its descriptor is ready
 * (FILE_POLL). If none is, they are asked once more with a notification, of which each descriptor
 * has one bit; whose bit comes is asked again. A server forgets the request when it has signalled,
 * and may signal without a reason, so nothing but an answer counts.
 *
 * A server that dies forgets requests too: so all are asked again now and then.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>

#include "internal.h"
#include "protocol.h"

#define BITS 31u             /* of a notification; descriptor I has bit I modulo this */
#define ALL_BITS 0x7FFFFFFFu /* */
#define ASK_AGAIN 1000000u   /* microseconds */
#define ASK_WITHOUT_SIGNAL \
    10000u /* the same where no notification can be had, or no server takes it */
#define NANOSECONDS 1000000000u

struct waiting {
    struct pollfd *descriptors;
    nfds_t count;
    int notification; /* or QUARTET_NONE: only look */
    bool refused;     /* a server has no room for another handle */
};

/* What became of descriptor INDEX, into its revents. */
static void ask(struct waiting *waiting, nfds_t index) {
    struct pollfd *descriptor = &waiting->descriptors[index];
    struct message message = {.word = {(uint16_t)descriptor->events, 1u << index % BITS,
                                       (uint64_t)quartet_thread_self() << 32 | index}};
    descriptor->revents = 0;
    if (descriptor->fd < 0)
        return;
    if (waiting->notification >= 0) {
        message.handle[0] = waiting->notification;
        message.handle_count = 1;
    }
    if (file_call(descriptor->fd, FILE_POLL, &message) == 0)
        descriptor->revents = (short)message.word[0];
    else if (errno == EAGAIN)
        waiting->refused = true;
    else
        descriptor->revents = errno == EIO ? POLLERR : POLLNVAL;
}

/* Ask those whose bit is in MASK; how many are ready. */
static int ask_all(struct waiting *waiting, uint32_t mask) {
    int ready = 0;
    for (nfds_t index = 0; index < waiting->count; index++) {
        if (mask & 1u << index % BITS)
            ask(waiting, index);
        ready += waiting->descriptors[index].revents != 0;
    }
    return ready;
}

/* Wait for some bits, at most until DEADLINE; the bits of whom to ask now, or 0: it is over. */
static uint32_t wait_for_bits(struct waiting *waiting, uint64_t deadline) {
    uint64_t now = 0, left = UINT64_MAX;
    clock_now(&now);
    if (deadline != DEADLINE_NEVER) {
        if (now >= deadline)
            return 0;
        left = (deadline - now + 999) / 1000;
    }
    bool blind = waiting->notification < 0 || waiting->refused;
    uint32_t most = blind ? ASK_WITHOUT_SIGNAL : ASK_AGAIN,
             part = left < most ? (uint32_t)left : most;
    waiting->refused = false;
    if (waiting->notification < 0) {
        thread_sleep(part);
        return ALL_BITS;
    }
    long bits = notification_wait(waiting->notification, ALL_BITS, part);
    return bits > 0 ? (uint32_t)bits : ALL_BITS;
}

static int poll_until(struct pollfd *descriptors, nfds_t count, uint64_t deadline) {
    struct waiting waiting = {descriptors, count, QUARTET_NONE, false};
    if (count > (nfds_t)HANDLE_LIMIT) {
        errno = EINVAL;
        return -1;
    }
    int ready = ask_all(&waiting, ALL_BITS);
    if (ready > 0 || deadline == 0)
        return ready;
    waiting.notification = (int)notification_create();
    for (uint32_t mask = ALL_BITS; mask != 0; mask = wait_for_bits(&waiting, deadline))
        if ((ready = ask_all(&waiting, mask)) > 0)
            break;
    if (waiting.notification >= 0)
        handle_close(waiting.notification);
    return ready;
}

static uint64_t deadline_in(uint64_t nanoseconds) {
    uint64_t now = 0;
    clock_now(&now);
    return nanoseconds == 0 ? 0 : now + nanoseconds;
}

int poll(struct pollfd *descriptors, nfds_t count, int milliseconds) {
    uint64_t deadline =
        milliseconds < 0 ? DEADLINE_NEVER : deadline_in((uint64_t)milliseconds * 1000000);
    return poll_until(descriptors, count, deadline);
}

/* ---- select ---------------------------------------------------------------------------------- */

static bool set_has(const fd_set *set, int file) { return set != NULL && FD_ISSET(file, set); }

/* The descriptors of the sets, as poll() wants them; how many. */
static nfds_t sets_read(int limit, const fd_set *read, const fd_set *write, const fd_set *except,
                        struct pollfd *descriptors) {
    nfds_t count = 0;
    for (int file = 0; file < limit; file++) {
        short events =
            (short)((set_has(read, file) ? POLLIN : 0) | (set_has(write, file) ? POLLOUT : 0));
        if (events != 0 || set_has(except, file))
            descriptors[count++] = (struct pollfd){.fd = file, .events = events};
    }
    return count;
}

/* Leave in SET only those on which any of EVENTS has happened; how many. */
static int set_write(fd_set *set, const struct pollfd *descriptors, nfds_t count, int events) {
    int ready = 0;
    for (nfds_t i = 0; i < count && set != NULL; i++) {
        if (!FD_ISSET(descriptors[i].fd, set))
            continue;
        if (descriptors[i].revents & events)
            ready++;
        else
            FD_CLR(descriptors[i].fd, set);
    }
    return ready;
}

static int select_until(int limit, fd_set *read, fd_set *write, fd_set *except, uint64_t deadline) {
    struct pollfd descriptors[HANDLE_LIMIT];
    if (limit < 0 || limit > FD_SETSIZE || limit > HANDLE_LIMIT) {
        errno = EINVAL;
        return -1;
    }
    nfds_t count = sets_read(limit, read, write, except, descriptors);
    if (poll_until(descriptors, count, deadline) < 0)
        return -1;
    for (nfds_t i = 0; i < count; i++) {
        if (descriptors[i].revents & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
    }
    return set_write(read, descriptors, count, POLLIN | POLLHUP | POLLERR) +
           set_write(write, descriptors, count, POLLOUT | POLLERR) +
           set_write(except, descriptors, count, POLLPRI);
}

/* A time of UNITS to the second as a deadline from now on. */
static int timeout_make(bool none, int64_t seconds, int64_t parts, uint32_t units,
                        uint64_t *deadline) {
    if (!none && (seconds < 0 || parts < 0 || parts >= units)) {
        errno = EINVAL;
        return -1;
    }
    bool never = none || (uint64_t)seconds > UINT64_MAX / NANOSECONDS / 2;
    *deadline = never ? DEADLINE_NEVER
                      : deadline_in((uint64_t)seconds * NANOSECONDS +
                                    (uint64_t)parts * (NANOSECONDS / units));
    return 0;
}

int select(int limit, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout) {
    uint64_t deadline;
    bool none = timeout == NULL;
    if (timeout_make(none, none ? 0 : timeout->tv_sec, none ? 0 : timeout->tv_usec, 1000000,
                     &deadline) < 0)
        return -1;
    return select_until(limit, read, write, except, deadline);
}

int pselect(int limit, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout,
            const sigset_t *mask) {
    uint64_t deadline;
    bool none = timeout == NULL;
    (void)mask; /* nothing comes from outside that it could let through */
    if (timeout_make(none, none ? 0 : timeout->tv_sec, none ? 0 : timeout->tv_nsec, NANOSECONDS,
                     &deadline) < 0)
        return -1;
    return select_until(limit, read, write, except, deadline);
}
