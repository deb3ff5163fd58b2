/* SPDX-License-Identifier: MIT */
/*
 * The console server's parts. The mutex `console_lock` guards everything in all of them; both
 * threads of ../console.c take it before they call in here.
 *   line.c        what is typed: editing of a line, and the bytes that are ready to be read
 *   foreground.c  whom ^C ends
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include <quartet.h>

#include "user/lib/protocol.h"
#include "user/servers/reply.h"

/* ../console.c */
void console_write(const char *text, uint32_t length); /* \n becomes \r\n */

/* line.c */
void line_type(const char *bytes, uint32_t length);
void line_read(uint64_t token, uint64_t wanted);
void line_poll(const struct message *message); /* takes handle[0] */
uint32_t line_mode(void);
void line_set_mode(uint32_t bits);

/* foreground.c */
void foreground_set(const int *handles, uint32_t count, bool add); /* takes the handles */
void foreground_kill(void);

#endif
