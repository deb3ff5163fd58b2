/* SPDX-License-Identifier: MIT */
/*
 * The console server: the endpoint at HANDLE_SERVICE, the debug console behind HANDLE_SYSTEM. Two
 * threads: one waits for keys, one for messages. One mutex guards all state (console/console.h);
 * nobody waits for anything while it is held but for the debug console to take bytes. Reads are
 * answered later, so that writers never wait for readers. Messages: user/lib/protocol.h.
 */
#include "user/servers/console/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "user/servers/touch.h"

static struct quartet_mutex console_lock;

/* ---- Output ---------------------------------------------------------------------------------- */

static void output_flush(const char *text, uint32_t length) {
    while (length > 0) {
        long written = debug_write(HANDLE_SYSTEM, text, length);
        if (written <= 0) {
            return;
        }
        text += written;
        length -= (uint32_t)written;
    }
}

void console_write(const char *text, uint32_t length) {
    static char output[512];
    uint32_t used = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (used > sizeof output - 2) {
            output_flush(output, used);
            used = 0;
        }
        if (text[i] == '\n') {
            output[used++] = '\r';
        }
        output[used++] = text[i];
    }
    output_flush(output, used);
}

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

static void serve(const struct message *message, const char *bytes) {
    uint64_t token = message->token;
    switch (message->label) {
    case FILE_READ:
        line_read(token, message->word[0]);
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
        reply_send(token, 0, 0, NULL, 0);
        break;
    case FILE_FLAGS: /* one open file for all, so none of them may stop waiting for all */
        reply_send(token,
                   message->word[0] != FILE_ASK && (message->word[0] & O_NONBLOCK) ? EINVAL : 0,
                   O_RDWR, NULL, 0);
        break;
    case FILE_POLL:
        line_poll(message);
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

static void handles_take(const struct message *message) {
    if (message->label == CONSOLE_SET_FOREGROUND) {
        foreground_set(message->handle, message->handle_count, message->word[0] == 1);
        return;
    }
    for (uint32_t i = message->label == FILE_POLL; i < message->handle_count; i++) {
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
        if (result < 0 || message.kind != MESSAGE_CALL) {
            continue;
        }
        quartet_mutex_lock(&console_lock);
        handles_take(&message);
        serve(&message, bytes);
        quartet_mutex_unlock(&console_lock);
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static int serve_keys(void *argument) {
    static char keys[64];
    (void)argument;
    for (;;) {
        long count = debug_read(HANDLE_SYSTEM, keys, sizeof keys);
        if (count < 0) {
            return 1;
        }
        quartet_mutex_lock(&console_lock);
        line_type(keys, (uint32_t)count);
        quartet_mutex_unlock(&console_lock);
    }
}

int main(void) {
    touch_own_memory();
    if (quartet_thread_start(serve_keys, NULL) == NULL) {
        static const char text[] = "console: no memory for the thread that reads keys\r\n";
        output_flush(text, sizeof text - 1);
        return 1;
    }
    return serve_messages();
}
