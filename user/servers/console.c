/* SPDX-License-Identifier: MIT */
/*
 * The console server: the endpoint at HANDLE_SERVICE, and the driver of the serial line, the
 * keyboard and the screen, whose handles init gives it (console/handles.h). Three threads: one waits
 * for interrupts, one for keys, one for messages. One mutex guards all state but the ring of keys
 * (console/console.h); nobody waits for anything while it is held but for the transmitter. Reads
 * are answered later, so that writers never wait for readers. Messages: user/lib/protocol.h; how a
 * driver is a process: docs/devices.md.
 */
#include "user/servers/console/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "user/servers/touch.h"

static struct quartet_mutex mutex;

void console_lock(void) { quartet_mutex_lock(&mutex); }
void console_unlock(void) { quartet_mutex_unlock(&mutex); }

/* ---- Messages -------------------------------------------------------------------------------- */

static void reply_stat(uint64_t token) {
    struct file_stat stat = {.inode = 1, .mode = S_IFCHR | 0666, .links = 1};
    reply_send(token, 0, 0, &stat, sizeof stat);
}

static void reply_mode(const struct message *message) {
    uint32_t before = line_mode();
    if (message->word[0] != CONSOLE_ASK) {
        line_set_mode((uint32_t)message->word[0]);
    }
    reply_send(message->token, 0, before, NULL, 0);
}

/* Reads and writes that are short messages (enum small_label). */
static void serve_small(const struct message *message) {
    uintptr_t word[SHORT_WORDS];
    uint32_t length = message->label & SMALL_LENGTH;
    if (length > SMALL_BYTES) {
        reply_small(message->token, EINVAL, NULL, 0);
    } else if ((message->label & ~SMALL_LENGTH) == SMALL_READ) {
        line_read(message->token, length, true);
    } else {
        for (uint32_t i = 0; i < SHORT_WORDS; i++) {
            word[i] = (uintptr_t)message->word[i];
        }
        console_write((const char *)word, length);
        reply_small(message->token, 0, NULL, length);
    }
}

static void serve(const struct message *message, const char *bytes) {
    uint64_t token = message->token;
    if (message->label >= SMALL_READ && message->label <= (SMALL_WRITE | SMALL_LENGTH)) {
        serve_small(message);
        return;
    }
    switch (message->label) {
    case FILE_READ:
        line_read(token, message->word[0], false);
        break;
    case FILE_WRITE:
        console_write(bytes, message->receive_length);
        reply_send(token, 0, message->receive_length, NULL, 0);
        break;
    case FILE_STAT:
        reply_stat(token);
        break;
    case CONSOLE_MODE:
        reply_mode(message);
        break;
    case CONSOLE_SET_FOREGROUND:
        reply_send(token,
                   foreground_set(message->handle, message->handle_count, message->word[0] == 1), 0,
                   NULL, 0);
        break;
    case FILE_FLAGS: /* one open file for all, so none of them may stop waiting for all */
        reply_send(token,
                   message->word[0] != FILE_ASK && (message->word[0] & O_NONBLOCK) ? EINVAL : 0,
                   O_RDWR, NULL, 0);
        break;
    case FILE_POLL:
        line_poll(message);
        break;
    case CONSOLE_SCREEN:
        surface_lend(token);
        break;
    case FILE_SEEK:
        reply_send(token, ESPIPE, 0, NULL, 0);
        break;
    case FILE_READ_DIRECTORY:
        reply_send(token, ENOTDIR, 0, NULL, 0);
        break;
    case FILE_TRUNCATE:
        reply_send(token, EINVAL, 0, NULL, 0);
        break;
    default:
        reply_send(token, ENOSYS, 0, NULL, 0);
    }
}

/* Close the handles that came with MESSAGE, but for those that its label knows. */
static void handles_close(const struct message *message) {
    uint32_t known = message->label == CONSOLE_SET_FOREGROUND ? MESSAGE_HANDLES
                     : message->label == FILE_POLL            ? 1
                                                              : 0;
    for (uint32_t i = known; i < message->handle_count; i++) {
        handle_close(message->handle[i]);
    }
}

static int serve_messages(void) {
    static char bytes[MESSAGE_BYTES];
    for (;;) {
        struct message message = {.receive_size = sizeof bytes, .receive_buffer = (uintptr_t)bytes};
        long result = ipc_receive(HANDLE_SERVICE, &message);
        if (result < 0 && result != -E_FAULT && result != -E_LIMIT) {
            return 1;
        }
        if (result < 0) {
            continue;
        }
        console_lock();
        if (message.kind != MESSAGE_CALL) {
            surface_returned(message.badge);
            console_unlock();
            continue;
        }
        handles_close(&message);
        serve(&message, bytes);
        console_unlock();
    }
}

/* ---- Start ----------------------------------------------------------------------------------- */

static void fail(const char *what) {
    char line[80];
    int length = snprintf(line, sizeof line, "console: cannot %s\r\n", what);
    debug_write(HANDLE_SYSTEM, line, (uint32_t)length);
    exit(1);
}

int main(int argc, char **argv) {
    touch_own_memory();
    surface_start(argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0);
    console_events = (int)notification_create();
    if (console_events < 0) {
        fail("create a notification");
    }
    foreground_start();
    output_start();
    keyboard_start();
    if (quartet_thread_start(interrupts_serve, NULL) == NULL ||
        quartet_thread_start(keys_serve, NULL) == NULL) {
        fail("start its threads: no memory");
    }
    notification_signal(console_events, EVENT_SERIAL | EVENT_KEYBOARD | EVENT_KERNEL);
    return serve_messages();
}
