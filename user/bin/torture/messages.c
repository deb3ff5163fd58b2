/* SPDX-License-Identifier: MIT */
/*
 * Messages: sessions and endpoints that end in odd orders, malformed messages to the servers, pipes with dead ends.
 */
#include "torture.h"

#include "user/lib/protocol.h"
#include <fcntl.h>
#include <sys/stat.h>

/* Sessions that close while nobody receives are kernel memory that no handle stands for. */
void attack_sessions(void) {
    long own = demo_must("endpoint_create", endpoint_create()), result = 0;
    uint32_t count = 0;
    for (; count < 100000 && result >= 0; count++) {
        result = endpoint_session((int)own, count);
        handle_close((int)result);
    }
    claim(result == -E_LIMIT, "notices that nobody receives have an end", result);
    struct message message = {0};
    for (uint32_t i = 0; i + 1 < count; i++) {
        long received = ipc_receive((int)own, &message);
        claim(received == 0 && message.kind == MESSAGE_CLOSED && message.badge == i,
              "each notice comes once", received);
    }
    claim(endpoint_session((int)own, 1) >= 0, "a session once they are received", 0);
}

/* Endpoints whose last reader is in a message to themselves, or with callers in the queue. */
void attack_endpoints(void) {
    for (int i = 0; i < 50; i++) {
        endpoint = (int)demo_must("endpoint_create", endpoint_create());
        session = (int)demo_must("endpoint_session", endpoint_session(endpoint, 7));
        struct message message = {.handle = {endpoint}, .handle_count = 1};
        long caller = start(PLAN_FORK, call_for_ever, 0);
        long sender = process_clone(PLAN_FORK, 0, 0, 0);
        if (sender == 0) {
            process_exit((uint32_t)-ipc_call(session, &message));
        }
        nap(1);
        handle_close(endpoint);
        process_kill((int)sender,
                     CODE_KILL); /* with it goes the handle under way, but the caller has one */
        claim(end(sender) == (STATUS_KILLED | CODE_KILL), "the sender waits", i);
        process_kill((int)caller, CODE_KILL);
        end(caller);
        claim(ipc_call(session, &message) == -E_HANDLE, "the handle is closed", i);
        message.handle_count = 0;
        EXPECT(E_DEAD, ipc_call(session, &message));
        handle_close(session);
    }
}

/* A path of up to six odd parts below /tmp/torture/in. */
static uint32_t path_make(char *path) {
    static const char *const parts[] = {"/a",  "/b", "/",    "//",        "/.",
                                        "/..", "a",  "/a/b", "/\x01\xff", "/ "};
    uint32_t length = (uint32_t)sprintf(path, "%s", random_below(9) ? "/tmp/torture/in" : "");
    for (uint32_t i = random_below(6); i > 0; i--) {
        length += (uint32_t)sprintf(path + length, "%s", parts[random_below(10)]);
    }
    if (random_below(10) == 0) {
        uint32_t more = random_below(600);
        memset(path + length, random_below(2) ? 'x' : 0, more);
        length += more;
    }
    return length;
}

static void server_attack(int to, const uint32_t *labels, uint32_t label_count) {
    static char bytes[MESSAGE_BYTES], room[MESSAGE_BYTES];
    static const uint64_t words[] = {0,
                                     1,
                                     2,
                                     3,
                                     4095,
                                     4096,
                                     4097,
                                     O_CREAT | O_RDWR,
                                     O_CREAT | O_RDWR | O_TRUNC,
                                     INT32_MAX,
                                     UINT32_MAX,
                                     1ull << 32,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     UINT64_MAX - 1};
    struct message message = {.label = random_below(8) ? labels[random_below(label_count)]
                                                       : random_below(70),
                              .send_buffer = (uintptr_t)bytes,
                              .receive_buffer = (uintptr_t)room,
                              .receive_size = random_below(3) ? sizeof(room) : random_below(64)};
    if (message.label == FILE_READ && label_count < 5) {
        return; /* a pipe or the console: it would wait */
    }
    for (int i = 0; i < 4; i++) {
        message.word[i] = words[random_below(sizeof(words) / sizeof(words[0]))];
    }
    message.send_length = to == HANDLE_CONSOLE ? 0
                          : random_below(4)    ? path_make(bytes)
                                               : random_below(sizeof(bytes));
    if (message.label == FILE_MAKE_DIRECTORY || message.label == FILE_RENAME ||
        message.label == FILE_OPEN) {
        message.send_length = path_make(bytes); /* its leftovers are where they can be found */
        if (message.label == FILE_RENAME) {
            message.word[0] = message.send_length + (random_below(9) ? 0 : random_below(9));
            message.send_length += path_make(bytes + message.send_length);
        }
        if (strncmp(bytes, "/tmp/torture/in", 15) != 0) {
            return;
        }
    }
    message.handle_count = random_below(3);
    message.handle[0] = message.handle[1] = session;
    if (ipc_call(to, &message) == 0) {
        for (uint32_t i = 0; i < message.handle_count; i++) {
            handle_close(message.handle[i]);
        }
    }
}

void attack_servers(void) {
    static const uint32_t path_labels[] = {FILE_OPEN,   FILE_STAT,   FILE_MAKE_DIRECTORY,
                                           FILE_REMOVE, FILE_RENAME, FILE_PIPE};
    static const uint32_t file_labels[] = {FILE_READ, FILE_WRITE,          FILE_SEEK,
                                           FILE_STAT, FILE_READ_DIRECTORY, FILE_TRUNCATE};
    static const uint32_t waiting_labels[] = {FILE_WRITE, FILE_SEEK, FILE_STAT, FILE_TRUNCATE};
    struct message mode = {.label = CONSOLE_MODE, .word = {CONSOLE_ASK}};
    ipc_call(HANDLE_CONSOLE, &mode);
    mkdir("/tmp/torture", 0777);
    mkdir("/tmp/torture/in", 0777);
    endpoint = (int)endpoint_create();
    session = (int)endpoint_session(endpoint, 1);
    int file = open("/tmp/torture/file", O_CREAT | O_RDWR, 0666),
        directory = open("/tmp/torture", O_RDONLY);
    for (uint32_t i = 0; i < 6000; i++) {
        server_attack(HANDLE_FILES, path_labels, 6);
        server_attack(random_below(3) ? file : directory, file_labels, 6);
        server_attack(HANDLE_CONSOLE, waiting_labels, 4);
    }
    mode.label = CONSOLE_MODE;
    ipc_call(HANDLE_CONSOLE, &mode);
    claim(ftruncate(file, 0) == 0 && write(file, "alive", 5) == 5, "the file server works", errno);
    close(file);
    claim(system("rm -r /tmp/torture") == 0, "what was left can be removed", errno);
}

static void pipe_write_forever(uint32_t end_of_pipe) {
    static char bytes[4096];
    while (write((int)end_of_pipe, bytes, sizeof(bytes)) > 0) {
    }
    claim(errno == EPIPE, "the writer hears that nobody reads", errno);
}

static void pipe_read_forever(uint32_t end_of_pipe) {
    char byte;
    while (read((int)end_of_pipe, &byte, 1) > 0) {
    }
}

void attack_pipes(void) {
    for (int i = 0; i < 40; i++) {
        int ends[2], other[2];
        claim(pipe(ends) == 0 && pipe(other) == 0, "pipes", errno);
        long writer = process_clone(PLAN_FORK, 0, 0, 0);
        if (writer == 0) {
            close(ends[0]);
            pipe_write_forever((uint32_t)ends[1]);
            process_exit(broken != 0);
        }
        long readers[3];
        for (int j = 0; j < 3; j++) {
            readers[j] = start(PLAN_FORK, pipe_read_forever, (uint32_t)other[0]);
        }
        nap(random_below(3));
        process_kill((int)readers[0], CODE_KILL); /* what it waited for goes to another */
        claim(write(other[1], "ab", 2) == 2, "a write to a pipe whose first reader is dead", errno);
        for (int j = 0; j < 3; j++) {
            process_kill((int)readers[j], CODE_KILL);
            end(readers[j]);
        }
        close(ends[1]);
        close(ends[0]); /* the last reader: the writer waits for room */
        claim(end_within(writer, 5000) == 0, "a writer without readers ends", i);
        close(other[0]);
        claim(write(other[1], "a", 1) < 0 && errno == EPIPE, "a pipe without reader", errno);
        close(other[1]);
    }
}
