/* SPDX-License-Identifier: MIT */
/*
 * Console input: the architecture's interrupt puts bytes into a ring, debug_read takes them out.
 * Ring and waiting readers are guarded by input.lock. A full ring drops what comes, as a terminal
 * does.
 */
#include "arch/arch.h"
#include "kernel/base/list.h"
#include "kernel/base/spinlock.h"
#include "kernel/boot/boot.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"

#define RING_SIZE 1024u /* a power of two */

static struct {
    struct spinlock lock;
    /* lock: */
    struct list readers; /* thread->queue */
    u32 first, end;      /* count for ever; end - first bytes are in the ring */
    char ring[RING_SIZE];
} input = {.lock = SPINLOCK(LOCK_CONSOLE_INPUT, "console input")};

void console_input_initialise(void) { list_init(&input.readers); }

/* One that was killed meanwhile does not count. Lock held. */
static void reader_wake(void) {
    bool woken = false;
    while (!woken && !list_empty(&input.readers)) {
        woken = sched_wake(LIST_FIRST(&input.readers, struct thread, queue), E_OK);
    }
}

void kernel_console_input(char byte) {
    spinlock_acquire(&input.lock);
    if (input.end - input.first < RING_SIZE) {
        input.ring[input.end++ % RING_SIZE] = byte;
    }
    reader_wake();
    spinlock_release(&input.lock);
}

/* Lock held. */
static u32 ring_take(char *bytes, u32 size) {
    u32 taken = 0;
    while (taken < size && input.first != input.end) {
        bytes[taken++] = input.ring[input.first++ % RING_SIZE];
    }
    return taken;
}

int console_read(char *bytes, u32 size) {
    for (;;) {
        spinlock_acquire(&input.lock);
        u32 taken = ring_take(bytes, size);
        if (taken > 0) {
            if (input.first != input.end) {
                reader_wake(); /* what is left is for another */
            }
            spinlock_release(&input.lock);
            return (int)taken;
        }
        int result = sched_wait(&input.readers, &input.lock, WAIT_FOREVER, true);
        if (result != E_OK) {
            return -result;
        }
    }
}
