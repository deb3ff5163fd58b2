/* SPDX-License-Identifier: MIT */
/* The console between the kernel and its driver: see console.h. */
#include "kernel/device/console.h"

#include "arch/arch.h"
#include "kernel/base/atomic.h"
#include "kernel/base/cpu.h"
#include "kernel/base/panic.h"
#include "kernel/base/spinlock.h"
#include "kernel/ipc/notification.h"
#include "kernel/process/process.h"
#include "kernel/sched/sched.h"

#define RING_SIZE 8192u /* a power of two */
#define ROOM_ENOUGH (RING_SIZE / 2)
#define WAIT_STEP 10000000u /* 10 ms, in nanoseconds */
#define WAIT_STEPS 50u

u8 console_object;

static bool seized; /* written while no other CPU runs */

static struct {
    struct spinlock lock;
    /* lock: */
    u32 references;                    /* of the driver's handles; 0: the kernel has the console */
    const void *driver;                /* its process; compared only */
    struct notification *notification; /* counted */
    u32 bits;
    u32 first, given,
        end;          /* count for ever: kept from FIRST on, of that the driver has up to GIVEN */
    bool unsignalled; /* read without the lock too: a tick more or less does not matter */
    char ring[RING_SIZE];
} console = {.lock = SPINLOCK(LOCK_CONSOLE, "console output")};

/* ---- Output ---------------------------------------------------------------------------------- */

/* The kernel writes to the devices again: first what it has kept. Lock held, or a panic. */
static void devices_resume(void) {
    arch_console_resume();
    console.references = 0;
    while (console.first != console.end) {
        u32 at = console.first % RING_SIZE, length = console.end - console.first;
        length = length < RING_SIZE - at ? length : RING_SIZE - at;
        arch_console_write(&console.ring[at], length);
        console.first += length;
    }
    console.given = console.first;
}

void console_put(const char *text, size_t length) {
    if (seized) {
        arch_serial_write(text, length);
        return;
    }
    if (console.references != 0 && panic_started()) {
        devices_resume();
    }
    if (console.references == 0) {
        arch_console_write(text, length);
        return;
    }
    for (size_t i = 0; i < length && console.end - console.first < RING_SIZE; i++) {
        console.ring[console.end++ % RING_SIZE] = text[i];
    }
    console.unsignalled = true;
}

bool console_lock(void) {
    bool locked = !panic_started() && !seized;
    if (locked) {
        spinlock_acquire(&console.lock);
    }
    return locked;
}

void console_seize(bool on) { seized = on; }

/* What is to be signalled, with a reference, if that may be done here; else null. Lock held. */
static struct notification *signal_due(void) {
    if (!console.unsignalled || arch_cpu()->lock_count != 1) {
        return NULL;
    }
    console.unsignalled = false;
    if (console.references == 0) {
        return NULL;
    }
    notification_reference(console.notification);
    return console.notification;
}

void console_unlock(bool locked) {
    if (!locked) {
        return;
    }
    struct notification *due = signal_due();
    u32 bits = console.bits;
    spinlock_release(&console.lock);
    if (due != NULL) {
        notification_signal(due, bits);
        notification_release(due);
    }
}

void console_tick(void) {
    if (console.unsignalled) {
        console_unlock(console_lock());
    }
}

/* ---- The driver ------------------------------------------------------------------------------ */

int console_take(struct notification *notification, u32 bits) {
    spinlock_acquire(&console.lock);
    bool free = console.references == 0;
    if (free) {
        console.references = 1;
        console.driver = process_current();
        console.notification = notification;
        console.bits = bits;
        notification_reference(notification);
    }
    spinlock_release(&console.lock);
    return free ? E_OK : E_BUSY;
}

void console_reference(void) {
    spinlock_acquire(&console.lock);
    console.references += console.references != 0;
    spinlock_release(&console.lock);
}

void console_release(void) {
    struct notification *old = NULL;
    spinlock_acquire(&console.lock);
    if (console.references == 1) {
        old = console.notification;
        devices_resume();
    } else if (console.references != 0) {
        console.references--;
    }
    spinlock_release(&console.lock);
    if (old != NULL) {
        notification_release(old);
    }
}

u32 console_read(char *bytes, u32 size) {
    spinlock_acquire(&console.lock);
    console.first = console.given;
    u32 length = console.end - console.first;
    length = length < size ? length : size;
    for (u32 i = 0; i < length; i++) {
        bytes[i] = console.ring[(console.first + i) % RING_SIZE];
    }
    console.given += length;
    spinlock_release(&console.lock);
    return length;
}

/* ---- Waiting for the driver ------------------------------------------------------------------ */

/* Whether more than LIMIT bytes are kept that the driver has still to write. */
static bool driver_behind(u32 limit) {
    spinlock_acquire(&console.lock);
    bool behind = console.references != 0 && console.end - console.first > limit;
    spinlock_release(&console.lock);
    return behind;
}

static void driver_wait(u32 limit) {
    for (u32 i = 0; i < WAIT_STEPS && driver_behind(limit); i++) {
        if (sched_wait(NULL, NULL, arch_clock() + WAIT_STEP, true) != E_TIMEOUT) {
            return;
        }
    }
}

void console_wait_for_room(void) {
    if (console.driver != process_current()) {
        driver_wait(ROOM_ENOUGH);
    }
}

void console_settle(void) {
    driver_wait(0);
    bool locked = console_lock();
    if (console.references != 0) {
        devices_resume();
    }
    console_unlock(locked);
}
