/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and keys. One thread waits for interrupts and for nothing else, not even for a lock
 * that somebody may hold who waits for the transmitter; it puts what was typed into a ring. Another
 * one takes the keys from there, under the console's lock, and hears of the kernel's own lines.
 *
 *     line 4, line 1 ──> interrupts_serve ──> ring ──EVENT_KEYS──> keys_serve ──> line_type
 *                               └──EVENT_DRAINED──> serial_write
 */
#include "user/servers/console/console.h"

#define RING_SIZE 1024u

int console_events;

static struct quartet_mutex ring_lock; /* held for moments only */
static char ring[RING_SIZE];
static uint32_t ring_first, ring_end; /* count for ever */

/* A full ring drops what comes, as a terminal does. */
void keys_add(char key) {
    quartet_mutex_lock(&ring_lock);
    if (ring_end - ring_first < RING_SIZE) {
        ring[ring_end++ % RING_SIZE] = key;
    }
    quartet_mutex_unlock(&ring_lock);
    notification_signal(console_events, EVENT_KEYS);
}

static uint32_t keys_take(char *keys, uint32_t size) {
    uint32_t count = 0;
    quartet_mutex_lock(&ring_lock);
    while (count < size && ring_first != ring_end) {
        keys[count++] = ring[ring_first++ % RING_SIZE];
    }
    quartet_mutex_unlock(&ring_lock);
    return count;
}

int interrupts_serve(void *unused) {
    (void)unused;
    for (;;) {
        long events =
            notification_wait(console_events, EVENT_SERIAL | EVENT_KEYBOARD, FUTEX_FOREVER);
        if (events > 0 && (events & EVENT_SERIAL)) {
            serial_interrupt();
        }
        if (events > 0 && (events & EVENT_KEYBOARD)) {
            keyboard_interrupt();
        }
    }
}

int keys_serve(void *unused) {
    static char keys[64];
    uint32_t count;
    (void)unused;
    for (;;) {
        notification_wait(console_events, EVENT_KEYS | EVENT_KERNEL, FUTEX_FOREVER);
        console_lock();
        output_kernel();
        while ((count = keys_take(keys, sizeof keys)) > 0) {
            line_type(keys, count);
        }
        console_unlock();
    }
}
