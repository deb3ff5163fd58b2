/* SPDX-License-Identifier: MIT */
/*
 * Services by name, from the name server. Labels: protocol.h; how servers come and go:
 * docs/servers.md.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "protocol.h"

#define SERVICE_RIGHTS (RIGHT_WRITE | RIGHT_DUPLICATE | RIGHT_TRANSFER)

int quartet_service(const char *name) {
    struct message message = {.word = {SERVICE_RIGHTS},
                              .send_buffer = (uintptr_t)name,
                              .send_length = (uint32_t)strlen(name)};
    if (file_call(HANDLE_NAMES, NAMES_LOOK_UP, &message) == 0)
        return message.handle[0];
    if (errno == E2BIG)
        errno = ENOENT; /* longer than any name */
    return -1;
}

int quartet_service_state(uint32_t index, struct service_state *state) {
    struct message message = {
        .word = {index}, .receive_buffer = (uintptr_t)state, .receive_size = sizeof(*state)};
    if (file_call(HANDLE_NAMES, NAMES_LIST, &message) < 0)
        return -1;
    return message.receive_length == sizeof(*state);
}
