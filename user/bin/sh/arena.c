/* SPDX-License-Identifier: MIT */
/*
 * The memory of one line: trees, fields and names, all dropped at once when the line has run.
 * It is static, and written to once at the start, so that a machine without free memory still takes
 * commands. Read parse.c next, which fills it.
 */
#include "sh.h"

#include <stdint.h>
#include <string.h>

#define ARENA_SIZE (96u * 1024)
#define ARENA_ALIGN 8u

static _Alignas(ARENA_ALIGN) char arena[ARENA_SIZE];
static size_t arena_used;

void *arena_take(size_t size) {
    if (size > ARENA_SIZE - arena_used) {
        shell_abandon_line("the line needs more memory than the shell sets aside");
    }
    void *memory = &arena[arena_used];
    arena_used += (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (arena_used > ARENA_SIZE) {
        arena_used = ARENA_SIZE;
    }
    return memset(memory, 0, size);
}

char *arena_text(const char *text, size_t length) {
    char *copy = arena_take(length + 1);
    memcpy(copy, text, length);
    return copy;
}

void arena_reset(void) { arena_used = 0; }

size_t arena_mark(void) { return arena_used; }

void arena_release(size_t mark) { arena_used = mark; }
