/* SPDX-License-Identifier: MIT */
/*
 * Who waits in poll() for something of a server to become ready (FILE_POLL): for each request the
 * notification that it gave. One file of a server includes this, and has one table for all its
 * objects. A request ends when it is signalled: because of what it waits for, because its place is
 * needed (the client asks again), or because the object goes. So clients that die or lose interest
 * cost a place for a while, and no more.
 */
#ifndef USER_WATCH_H
#define USER_WATCH_H

#include <poll.h>
#include <quartet.h>
#include <stdbool.h>

#define WATCH_LIMIT 64u     /* in all: each is a handle in the server's table */
#define WATCH_LIMIT_EACH 8u /* of one object */
#define WATCH_ALWAYS (POLLERR | POLLHUP)
#define WATCH_ANY 0xFFFFu

static struct watch {
    const void *object;
    uint64_t who;
    uint32_t events, bits;
    int notification;
} watches[WATCH_LIMIT]; /* oldest first */
static uint32_t watch_count;

/* Signal request INDEX and forget it. If it has been given something else than a notification, that
 * is its maker's loss. */
static inline void watch_end(uint32_t index) {
    notification_signal(watches[index].notification, watches[index].bits);
    handle_close(watches[index].notification);
    watch_count--;
    for (uint32_t i = index; i < watch_count; i++) {
        watches[i] = watches[i + 1];
    }
}

/* EVENTS hold for OBJECT now. */
static inline void watch_wake(const void *object, uint32_t events) {
    for (uint32_t i = watch_count; i-- > 0;) {
        if (watches[i].object == object && (watches[i].events & events) != 0) {
            watch_end(i);
        }
    }
}

/* Make room for a request of WHO for OBJECT: its earlier one goes, or the oldest. */
static inline void watch_make_room(const void *object, uint64_t who) {
    uint32_t count = 0, oldest = 0;
    for (uint32_t i = watch_count; i-- > 0;) {
        if (watches[i].object == object) {
            if (watches[i].who == who) {
                watch_end(i);
                return;
            }
            count++;
            oldest = i;
        }
    }
    if (count >= WATCH_LIMIT_EACH) {
        watch_end(oldest);
    } else if (watch_count == WATCH_LIMIT) {
        watch_end(0);
    }
}

/* Answer a FILE_POLL for OBJECT, of which EVENTS hold now: what goes into the reply's word[0]. If
 * that is nothing, NOTIFICATION (or QUARTET_NONE) is kept, and *KEPT is true. */
static inline uint32_t watch_ask(const void *object, uint32_t events, const struct message *message,
                                 int notification, bool *kept) {
    uint32_t wanted = (uint32_t)message->word[0] | WATCH_ALWAYS;
    *kept = (wanted & events) == 0 && notification >= 0;
    if (*kept) {
        watch_make_room(object, message->word[2]);
        watches[watch_count++] = (struct watch){.object = object,
                                                .who = message->word[2],
                                                .events = wanted,
                                                .bits = (uint32_t)message->word[1],
                                                .notification = notification};
    }
    return wanted & events;
}

#endif
