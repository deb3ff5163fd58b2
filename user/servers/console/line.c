/* SPDX-License-Identifier: MIT */
/*
 * The line discipline. Cooked: keys go into a line that can be edited, and become readable with the
 * end of the line or ^D. Raw: each byte is readable as it comes. Readers that find nothing wait
 * here; bytes leave the ring only when the reply has reached a reader, so what a killed reader
 * waited for is not lost. Guarded by the console's lock.
 */
#include "user/servers/console/console.h"

#include <errno.h>

#include "user/servers/watch.h"

#define CONTROL(letter) ((letter)&0x1F)
#define LINE_LIMIT 1024u
#define READY_LIMIT 4096u
#define READER_LIMIT 64u
#define END_OF_INPUT 0x100u /* in the ring: a read that comes to it first returns nothing */

static uint32_t mode = CONSOLE_NORMAL;

static char line[LINE_LIMIT];
static uint32_t line_length;

static uint16_t ready[READY_LIMIT]; /* a ring */
static uint32_t ready_start, ready_count;

static struct reader {
    uint64_t token;
    uint32_t wanted;
    bool small; /* it waits for a short message */
} readers[READER_LIMIT]; /* oldest first */
static uint32_t reader_count;

/* ---- Readers --------------------------------------------------------------------------------- */

static bool reader_reply(const struct reader *reader, int error, const char *bytes,
                         uint32_t length) {
    return reader->small ? reply_small(reader->token, error, bytes, length)
                         : reply_send(reader->token, error, 0, bytes, length);
}

static void reader_remove_first(void) {
    reader_count--;
    for (uint32_t i = 0; i < reader_count; i++) {
        readers[i] = readers[i + 1];
    }
}

/* Copy what one read may have into BYTES; *USED counts the end mark too. */
static uint32_t ready_peek(uint32_t wanted, char *bytes, uint32_t *used) {
    uint32_t length = 0;
    for (*used = 0; *used < ready_count && length < wanted;) {
        uint16_t next = ready[(ready_start + *used) % READY_LIMIT];
        if (next == END_OF_INPUT) {
            *used += length == 0;
            break;
        }
        bytes[length++] = (char)next;
        ++*used;
        if (next == '\n' && (mode & CONSOLE_COOKED)) {
            break;
        }
    }
    return length;
}

/* The POLL* that hold. Output never waits. */
static uint32_t line_events(void) {
    return POLLOUT | POLLWRNORM | (ready_count > 0 ? POLLIN | POLLRDNORM : 0);
}

static void readers_serve(void) {
    static char bytes[MESSAGE_BYTES];
    while (reader_count > 0 && ready_count > 0) {
        uint32_t used, length = ready_peek(readers[0].wanted, bytes, &used);
        if (reader_reply(&readers[0], 0, bytes, length)) {
            ready_start = (ready_start + used) % READY_LIMIT;
            ready_count -= used;
        }
        reader_remove_first();
    }
    watch_wake(readers, line_events());
}

void line_poll(const struct message *message) {
    bool kept;
    int notification = message->handle_count > 0 ? message->handle[0] : QUARTET_NONE;
    uint32_t events = watch_ask(readers, line_events(), message, notification, &kept);
    if (notification >= 0 && !kept) {
        handle_close(notification);
    }
    reply_send(message->token, 0, events, NULL, 0);
}

void line_read(uint64_t token, uint64_t wanted, bool small) {
    uint32_t most = wanted < MESSAGE_BYTES ? (uint32_t)wanted : MESSAGE_BYTES;
    struct reader reader = {.token = token, .wanted = most, .small = small};
    if (wanted == 0) {
        reader_reply(&reader, 0, NULL, 0);
        return;
    }
    if (reader_count == READER_LIMIT) {
        reader_reply(&readers[0], EAGAIN, NULL, 0);
        reader_remove_first();
    }
    readers[reader_count++] = reader;
    readers_serve();
}

static void ready_add(uint16_t value) {
    if (ready_count < READY_LIMIT) {
        ready[(ready_start + ready_count++) % READY_LIMIT] = value;
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void echo(const char *text, uint32_t length) {
    if (mode & CONSOLE_ECHO) {
        console_write(text, length);
    }
}

static void line_commit(void) {
    for (uint32_t i = 0; i < line_length; i++) {
        ready_add((uint8_t)line[i]);
    }
    line_length = 0;
}

static void line_erase(uint32_t count) {
    while (count-- > 0 && line_length > 0) {
        char erased = line[--line_length];
        bool wide = (uint8_t)erased < ' ' && erased != '\t';
        echo("\b \b\b \b", wide ? 6 : 3);
    }
}

static void line_erase_word(void) {
    uint32_t start = line_length;
    while (start > 0 && line[start - 1] == ' ') {
        start--;
    }
    while (start > 0 && line[start - 1] != ' ') {
        start--;
    }
    line_erase(line_length - start);
}

static void line_insert(char key) {
    if (line_length >= LINE_LIMIT - 1) {
        echo("\a", 1);
        return;
    }
    line[line_length++] = key;
    if ((uint8_t)key < ' ' && key != '\t') {
        echo((char[]){'^', (char)(key + '@')}, 2);
    } else {
        echo(&key, 1);
    }
}

static void type_interrupt(void) {
    line_length = 0;
    ready_start = ready_count = 0;
    echo("^C\n", 3);
    foreground_kill();
}

static void type_cooked(char key) {
    switch (key) {
    case '\r':
    case '\n':
        echo("\n", 1);
        line[line_length++] = '\n';
        line_commit();
        break;
    case CONTROL('D'):
        if (line_length == 0) {
            ready_add(END_OF_INPUT);
        }
        line_commit();
        break;
    case CONTROL('H'):
    case 127:
        line_erase(1);
        break;
    case CONTROL('U'):
        line_erase(line_length);
        break;
    case CONTROL('W'):
        line_erase_word();
        break;
    default:
        line_insert(key);
    }
}

void line_type(const char *bytes, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        if (bytes[i] == CONTROL('C') && (mode & CONSOLE_KILL)) {
            type_interrupt();
        } else if (mode & CONSOLE_COOKED) {
            type_cooked(bytes[i]);
        } else {
            ready_add((uint8_t)bytes[i]);
            echo(&bytes[i], 1);
        }
    }
    readers_serve();
}

uint32_t line_mode(void) { return mode; }

/* The bytes that wait for a reader, typed once more: as lines. */
static void ready_retype(void) {
    static uint16_t keys[READY_LIMIT];
    uint32_t count = ready_count;
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = ready[(ready_start + i) % READY_LIMIT];
    }
    ready_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        type_cooked(keys[i] == END_OF_INPUT ? CONTROL('D') : (char)keys[i]);
    }
}

/* What was typed ahead stays, and counts as typed in the new mode: keys become lines when there are
 * lines, and a line that is begun becomes readable when there are no lines any more. */
void line_set_mode(uint32_t bits) {
    uint32_t before = mode;
    mode = bits & CONSOLE_NORMAL;
    if (!(mode & CONSOLE_COOKED)) {
        line_commit();
    } else if (!(before & CONSOLE_COOKED)) {
        ready_retype();
    }
    readers_serve();
}
