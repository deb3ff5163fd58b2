/* SPDX-License-Identifier: MIT */
/*
 * What the files of system-call handlers share. A handler is a function do_NAME, declared in the
 * generated syscall_table.h. It gets the objects that the caller's handles name, checked for type and
 * rights as abi/syscalls.def says, with a reference that the entry holds for it (dispatch.c); of other
 * arguments numbers are cut to 32 bits, and addresses and pointers are whole, so that one beyond 32 bits is
 * refused. It decodes first and commits then: whatever is wrong with its arguments is found before
 * the first side effect. Handlers run with interrupts off, no lock held. They return a result, or -E_*.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include "generated/syscall_table.h"
#include "kernel/object/object.h"

/* For arguments that a call does not have. */
#define UNUSED __attribute__((unused))

/* ---- lookup.c: handles and pseudo-handles of the caller --------------------------------------
 *
 * QUARTET_SLOT(n) has the rights of the view in slot n, with MAP and DUPLICATE; so a program that sees
 * a quarter read-only can neither write to it nor change its regions, which takes MAP and WRITE. On a
 * slot that is on loan it has READ only (ipc/lend.c). QUARTET_SELF has all rights. */

/* What HANDLE is, if it has TYPE (0: any) and RIGHTS, with a plain reference: 0, E_HANDLE, E_TYPE,
 * E_RIGHTS, or E_NOTFOUND (QUARTET_SLOT of an empty slot). A program that mixes up handles learns of
 * the type before rights. */
int object_lookup(int handle, enum object_type type, u32 rights, struct handle *found);

/* The same for what a call goes to: an endpoint, or a session, which has a badge. */
struct endpoint;
int target_lookup(int handle, struct handle *found, struct endpoint **endpoint, u64 *badge);

/* The same for a quarter that is to stand in SLOT with the rights VIEW: it needs map and those, and
 * its home there. Else E_INVALID, E_SLOT, E_RIGHTS, besides the above. */
struct space_slot;
int attachment_lookup(int handle, u32 slot, u32 view, struct space_slot *result);

/* Install OBJECT; its reference goes to the handle or, on an error, is dropped. Index or -E_*. */
long object_install(void *object, enum object_type type, u32 rights);

/* The one object behind every handle of OBJECT_SYSTEM: its address is all there is to it. */
extern u8 system_object;

/* ---- syscall_trace.c ------------------------------------------------------------------------- */

#define SYSCALL_ARGUMENTS 4u

/* Print one line for the call NUMBER. RESULT null: it does not return. */
void syscall_trace(u32 number, const uword arguments[SYSCALL_ARGUMENTS], const long *result);

#endif
