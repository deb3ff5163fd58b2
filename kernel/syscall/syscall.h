/* SPDX-License-Identifier: MIT */
/*
 * What the files of system-call handlers share. A handler is a function call_NAME of four words,
 * declared in the generated syscall_table.h; it decodes first and commits then: whatever is wrong
 * with its arguments is found before the first side effect. Handlers run with interrupts off, no
 * lock held.
 *
 * A 32-bit argument arrives in a register that may be wider, with anything in its upper half:
 * handlers cut it to u32 or int. Addresses and pointers are taken whole, so that one beyond 32 bits
 * is refused.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "generated/syscall_table.h"
#include "kernel/object/object.h"

struct device_memory;
struct interrupt;
struct notification;
struct ports;
struct process;
struct quarter;

/* For arguments that a call does not have. */
#define UNUSED __attribute__((unused))

/* ---- lookup.c: handles and pseudo-handles of the caller --------------------------------------
 *
 * Each finds the object behind HANDLE and returns it with a plain reference: 0, E_HANDLE, E_TYPE,
 * E_RIGHTS, or E_NOTFOUND (QUARTET_SLOT of an empty slot). QUARTET_SLOT(n) has the rights of the
 * view in slot n, with MAP and DUPLICATE; so a program that sees a quarter read-only can neither
 * write to it nor change its regions, which takes MAP and WRITE. On a slot that is on loan it has
 * READ only (ipc/lend.c). QUARTET_SELF has all rights. */

struct object_found {
    void *object;
    enum object_type type;
    u32 rights;
};

int object_lookup(int handle, u32 rights, struct object_found *found);
int quarter_lookup(int handle, u32 rights, struct quarter **quarter, u32 *rights_out); /* or null */
/* QUARTER may stand in SLOT with the rights VIEW: it needs map and those, and its home there. Else
 * E_INVALID, E_SLOT, E_RIGHTS, besides the above. */
struct space_slot;
int attachment_lookup(int handle, u32 slot, u32 view, struct space_slot *result);
int process_lookup(int handle, u32 rights, struct process **process);
int interrupt_lookup(int handle, u32 rights, struct interrupt **interrupt);
int device_lookup(int handle, u32 rights, struct device_memory **device);
int ports_lookup(int handle, u32 rights, struct ports **ports);
/* If BITS are some that a notification can have; else E_INVALID, besides the above. */
int notification_lookup(int handle, u32 bits, u32 rights, struct notification **notification);
int console_check(int handle, u32 rights); /* the driver's console; nothing to release */
int system_check(int handle, u32 rights); /* the system object; nothing to release */

void quarter_put(struct quarter *quarter); /* drop what quarter_lookup returned */
void process_put(struct process *process);

/* Install OBJECT; its reference goes to the handle or, on an error, is dropped. Index or -E_*. */
long object_install(void *object, enum object_type type, u32 rights);

/* The one object behind every handle of OBJECT_SYSTEM: its address is all there is to it. */
extern u8 system_object;

/* ---- trace.c --------------------------------------------------------------------------------- */

/* How the trace shows an argument. */
enum syscall_argument {
    ARGUMENT_HANDLE = 1,
    ARGUMENT_WORD,
    ARGUMENT_HEX,
    ARGUMENT_RIGHTS,
    ARGUMENT_PLAN,
    ARGUMENT_ADDRESS,
    ARGUMENT_POINTER,
};

#define SYSCALL_ARGUMENTS 4u

struct syscall_entry {
    long (*handler)(uword, uword, uword, uword);
    const char *name;
    u8 count;
    u8 type[SYSCALL_ARGUMENTS];
};

/* Print one line for a call. RESULT null: it does not return. */
void syscall_trace(const struct syscall_entry *entry, const uword arguments[SYSCALL_ARGUMENTS],
                   const long *result);

#endif
