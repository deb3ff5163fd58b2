/* SPDX-License-Identifier: MIT */
/*
 * The trace of system calls: one line for each call of a traced process, when it returns, such as
 *
 *     [7 sh] quarter_map(slot 1, 0x100000, 0x4000, rw-) = 0
 *
 * with errors by name. Types and names come from the generated table. No locks but the console's.
 */
#include <string.h>

#include "kernel/base/print.h"
#include "kernel/device/console.h"
#include "kernel/process/process.h"
#include "kernel/syscall/syscall.h"

#define LINE_SIZE 192

/* How an argument is shown. */
enum syscall_argument {
    ARGUMENT_HANDLE = 1,
    ARGUMENT_WORD,
    ARGUMENT_HEX,
    ARGUMENT_RIGHTS,
    ARGUMENT_PLAN,
    ARGUMENT_ADDRESS,
    ARGUMENT_POINTER,
};

static const struct syscall_shape {
    const char *name;
    u8 count;
    u8 type[SYSCALL_ARGUMENTS];
} shapes[SYSCALL_COUNT] = SYSCALL_SHAPES;

/* A line under construction: what does not fit is cut off. */
struct line {
    char text[LINE_SIZE];
    size_t length;
};

#define LINE_ADD(line, ...) \
    line_advance(line, format_text(LINE_END(line), LINE_SIZE - (line)->length, __VA_ARGS__))
#define LINE_END(line) ((line)->text + (line)->length)

static void line_advance(struct line *line, int added) {
    size_t left = LINE_SIZE - 1 - line->length;
    line->length += (size_t)added < left ? (size_t)added : left;
}

static void add_handle(struct line *line, int handle) {
    static const char *const names[] = {"none", "any", "self", "keep"};
    u32 pseudo = (u32)(QUARTET_NONE - handle);
    u32 slot = (u32)(QUARTET_SLOT(0) - handle);
    if (handle < 0 && pseudo < ARRAY_LENGTH(names)) {
        LINE_ADD(line, "%s", names[pseudo]);
    } else if (handle < 0 && slot < SLOT_COUNT) {
        LINE_ADD(line, "slot %u", slot);
    } else if (handle <= QUARTET_FROM(0)) {
        LINE_ADD(line, "from %d", QUARTET_FROM(0) - handle);
    } else {
        LINE_ADD(line, "%d", handle);
    }
}

/* rwx as ls shows them, then the rights that only handles have. */
static void add_rights(struct line *line, u32 rights) {
    static const char letters[] = "rwxmdt";
    char text[sizeof(letters)] = {0};
    u32 length = 0;
    if (rights > RIGHTS_ALL) {
        LINE_ADD(line, "0x%x", rights);
        return;
    }
    for (u32 i = 0; letters[i] != 0; i++) {
        if (rights & 1u << i) {
            text[length++] = letters[i];
        } else if (i < 3) {
            text[length++] = '-';
        }
    }
    LINE_ADD(line, "%s", text);
}

static void add_plan(struct line *line, u32 plan) {
    static const char *const names[] = {"share", "copy", "fresh", "none"};
    for (u32 slot = 0; slot < SLOT_COUNT; slot++) {
        LINE_ADD(line, "%s%s", slot == 0 ? "" : "-", names[PLAN_FOR_SLOT(plan, slot)]);
    }
    LINE_ADD(line, "%s%s%s%s", plan & CLONE_STOPPED ? " stopped" : "",
             plan & CLONE_QUIET ? " quiet" : "", plan & CLONE_BARE ? " bare" : "",
             plan & ~(0xFFu | CLONE_FLAGS) ? " ?" : "");
}

static void add_argument(struct line *line, enum syscall_argument type, uword value) {
    switch (type) {
    case ARGUMENT_HANDLE:
        add_handle(line, (int)value);
        break;
    case ARGUMENT_WORD:
        LINE_ADD(line, "%u", (u32)value);
        break;
    case ARGUMENT_HEX:
        LINE_ADD(line, "0x%x", (u32)value);
        break;
    case ARGUMENT_RIGHTS:
        add_rights(line, (u32)value);
        break;
    case ARGUMENT_PLAN:
        add_plan(line, (u32)value);
        break;
    case ARGUMENT_ADDRESS:
    case ARGUMENT_POINTER:
        LINE_ADD(line, "0x%lx", (unsigned long)value);
        break;
    }
}

static void add_result(struct line *line, long result) {
    static const char *const names[] = ERROR_NAMES;
    if (result < 0 && (unsigned long)-result < ARRAY_LENGTH(names) && names[-result] != NULL) {
        LINE_ADD(line, " = %s", names[-result]);
    } else {
        LINE_ADD(line, " = %d", (int)result);
    }
}

void syscall_trace(u32 number, const uword arguments[SYSCALL_ARGUMENTS], const long *result) {
    const struct syscall_shape *shape = &shapes[number];
    struct process *process = process_current();
    struct line line = {.length = 0};
    LINE_ADD(&line, "[%u %s] %s(", process->pid, process->name, shape->name);
    for (u32 i = 0; i < shape->count; i++) {
        LINE_ADD(&line, "%s", i == 0 ? "" : ", ");
        add_argument(&line, shape->type[i], arguments[i]);
    }
    LINE_ADD(&line, ")");
    if (result != NULL) {
        add_result(&line, *result);
    }
    console_wait_for_room();
    print("%s\n", line.text);
}
